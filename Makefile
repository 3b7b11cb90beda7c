# make            fmt lint test
# make test       everything that must hold: vet, Go tests with -race, JavaScript tests and types, browser tests
# make bench      BENCH=regexp COUNT=n PKG=packages
# make fuzz       every fuzz target for FUZZTIME (60s) each
# make golden     rewrites the golden files that the tests compare with
# make pictures   takes the pictures of the READMEs anew
# make proof      the property tests with ROUNDS (100000) rounds each
# make clean      removes what the targets above left behind

FUZZTIME ?= 60s
BENCH    ?= .
COUNT    ?= 10
PKG      ?= ./...
ROUNDS   ?= 100000

# The linter is a Go module: built once, from an exact version.
LINT_VERSION := v2.15.0
LINT         := $(CURDIR)/.tools/golangci-lint-$(LINT_VERSION)

# Every directory with a go.mod; the browser tests are a module of their own and run last.
MODULES := $(sort $(patsubst %/go.mod,%,$(shell find . -name go.mod -not -path '*/node_modules/*' -not -path './.tools/*')))
TESTED  := $(filter-out ./browsertest,$(MODULES))

each = @set -e; for m in $(1); do echo "== $(2) ($$m)"; (cd $$m && $(2)); done

.DEFAULT_GOAL := all
.PHONY: all fmt lint test setup vet test-go test-js test-types test-browser bench fuzz golden pictures proof clean

all: fmt lint test

fmt: $(LINT)
	$(call each,$(MODULES),$(LINT) fmt)

lint: $(LINT)
	$(call each,$(MODULES),$(LINT) run)

$(LINT):
	@mkdir -p $(dir $@)
	GOBIN=$(dir $@) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(dir $@)golangci-lint $@

# One after the other, so that the output of a failure is the last thing on the screen.
test:
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory vet
	@$(MAKE) --no-print-directory test-go
	@$(MAKE) --no-print-directory test-js
	@$(MAKE) --no-print-directory test-types
	@$(MAKE) --no-print-directory test-browser
	@echo "all tests passed"

setup:
	@tools/setup.sh

vet:
	$(call each,$(MODULES),go vet ./...)

test-go:
	$(call each,$(TESTED),go test -race ./...)

test-js:
	@echo "== node --test"
	@tools/test-js.sh

test-types:
	@echo "== tsc"
	@cd js && ./node_modules/.bin/tsc --project . && echo "types ok"

# -count=1: Go's test cache does not know about the pages and programs that these tests use.
test-browser:
	$(call each,./browsertest,go test -race -count=1 ./...)

bench:
	go test -run '^$$' -bench '$(BENCH)' -skip Parked -benchmem -count $(COUNT) $(PKG)
	go test -run '^$$' -bench Parked -benchtime 1x .

fuzz:
	@FUZZTIME=$(FUZZTIME) tools/fuzz.sh $(MODULES)

golden:
	@tools/golden.sh

pictures:
	@tools/setup.sh
	@dir=$$(mktemp -d) && (cd browsertest && go test -count=1 -run TestPong/stream -screenshots $$dir .) && \
		cp $$dir/TestPong-stream-pong-0.png examples/pong/pong.png && rm -r $$dir

proof:
	HTTPMP_ROUNDS=$(ROUNDS) go test -count=1 -timeout 24h ./...

clean:
	rm -rf .tools js/node_modules browsertest/screenshots
