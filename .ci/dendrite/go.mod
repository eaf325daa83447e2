// The homeserver that tests talk to, in a module of its own: none of what it
// needs is a dependency of the product.
module tocsin/dendrite

go 1.26

require github.com/element-hq/dendrite v0.15.2
