# The commands of this repository; the work is done by the scripts they name.

.DEFAULT_GOAL := help
.PHONY: help demo playground docs test test-fast test-gitops soak bench generate check

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Ordain at work on doubles of the systems, beside a throw-away API server
	@scripts/demo

playground: ## the same, empty, for the tutorial; stays up until Ctrl-C
	@scripts/demo --playground

docs: ## the documentation as a site, in target/book; builds mdBook first
	@mdbook=$$(scripts/mdbook) && "$$mdbook/mdbook" build

test: ## everything the project tests; ends with `N passed, N failed`
	@scripts/test

test-fast: ## the tests that need no API server
	@scripts/test --fast

test-gitops: ## helm and the linters of charts, for real; builds them first
	@scripts/test --gitops

soak: ## the steady state under Argo CD and Flux for MINUTES (30), and what was seen of it
	@scripts/test --soak $(MINUTES)

bench: ## the benchmarks
	@command -v cargo >/dev/null || { echo 'cargo is missing: install Rust (https://rustup.rs)' >&2; exit 1; }
	@cargo bench --bench '*'

generate: ## writes the files generated from the code: CRDs
	@scripts/generate

check: ## formatting, lints, documentation, generated files unchanged
	@scripts/check
