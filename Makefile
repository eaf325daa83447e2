# What this project can do, by name. The build tag goolm is mautrix's encryption
# in Go; a build without it says so.
TAGS  := -tags goolm
TOOL  := go tool -modfile=.ci/tools.mod
FUZZ  ?= 20s

.PHONY: run build test race check generate bench fuzz servers

run: ## rehearse on the console; state in rehearsal.db
	go run $(TAGS) ./cmd/bot

build: ## the binary, bin/bot
	go build $(TAGS) -o bin/bot ./cmd/bot

servers: ## the IRC server and services, the mail server, GnuPG, the Matrix homeserver and the second Matrix client that tests talk to
	@sh .ci/servers

test: servers ## all tests, with the real servers
	$(TOOL) gotestsum --format pkgname --format-hide-empty-pkg -- $(TAGS) -timeout 40m ./...

race: servers ## the same with the race detector
	$(TOOL) gotestsum --format pkgname --format-hide-empty-pkg -- $(TAGS) -race -short -timeout 40m ./...

check: ## formatting, vet, staticcheck, and that what is generated is what is committed
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt: say gofmt -w on these"; exit 1; }
	@out=$$($(TOOL) gofumpt -l .); test -z "$$out" || { echo "$$out"; echo "gofumpt: say $(TOOL) gofumpt -w on these"; exit 1; }
	go vet $(TAGS) ./...
	$(TOOL) staticcheck $(TAGS) ./...
	go mod verify
	go mod tidy -diff

generate: ## write anew what is made from the code: README's tables, config.example.toml, golden files
	go test $(TAGS) ./cmd/bot -run Transcripts -update
	go test $(TAGS) ./cmd/bot/... ./templates -run 'Generated|Golden|Example' -update

bench: ## the figures of BENCHMARKS.md
	go test $(TAGS) -run '^$$' -bench . -benchtime 2s ./cmd/bot

fuzz: ## every fuzz target for FUZZ each
	@set -e; for pkg in $$(go list $(TAGS) ./...); do \
	  for f in $$(go test $(TAGS) -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; go test $(TAGS) -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZ) -fuzzminimizetime 50x $$pkg; \
	  done; done
