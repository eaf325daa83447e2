module tocsin

go 1.26

require (
	github.com/google/go-cmp v0.7.0
	github.com/lrstanley/girc v1.1.1
	github.com/mattn/go-sqlite3 v1.14.53
	github.com/pandatix/go-cvss v0.6.4
	github.com/pelletier/go-toml/v2 v2.4.3
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)
