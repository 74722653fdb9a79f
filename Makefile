# Everything a newcomer needs, and what CI runs. `make` alone lists it.

SHELL := bash
CARGO := $(shell command -v cargo || echo $${CARGO_HOME:-$$HOME/.cargo}/bin/cargo)
TARGET := $(or $(CARGO_TARGET_DIR),target)
CARGO_DENY := 0.19.0


.PHONY: help demo build test test-runtimes screenshots lighthouse test-install test-docker bench lint audit prerequisites runtime test-prerequisites clean-demo
.DEFAULT_GOAL := help

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make demo SCENE=path/to/any.blend FRAMES=1-8 OUT=dir renders a scene of your own."

demo: ## Render a sample scene on this machine, from nothing to finished frames
	@install/demo/demo.sh

build: ## Build coordinator, worker and client for use
	$(CARGO) build --release --workspace --bins

# Not nextest: its process for every test would ask Blender the same questions again and again.
test: test-prerequisites runtime ## Run every test, with real Blender 4.5
	$(CARGO) test --workspace --no-fail-fast

test-runtimes: test-prerequisites ## Run the tests that need Blender 4.2, 4.5, 5.0 and Debian's
	$(CARGO) build -p pictor-worker
	for series in 4.2 4.5 5.0; do $(TARGET)/debug/pictor-worker runtime install $$series || exit 1; done
	install/prerequisites.sh blender
	$(CARGO) test --workspace -- --ignored runtimes_

screenshots: test-prerequisites runtime ## Write pictures of every page to target/screenshots, with real frames
	$(CARGO) build --workspace --bins
	$(CARGO) test -p pictor-coordinator --test it -- --ignored screenshots_of_every_page

lighthouse: test-prerequisites ## Let Lighthouse judge landing, job and leaderboard of an optimised build
	$(CARGO) test --release -p pictor-coordinator --test it -- --ignored --nocapture lighthouse_is_content

test-install: ## Test the installers, on stand-ins of what they install
	@install/tests/run.sh

test-docker: ## Test images, compose file, installer and launcher on a real Docker engine
	@CARGO=$(CARGO) images/tests/run.sh

bench: test-prerequisites ## Measure what the README states, on this machine
	@install/bench/bench.sh
	$(CARGO) test --release -p pictor-coordinator --test it -- --ignored --nocapture --test-threads 1 \
		a_million_people postings_a_second pages_within_their_bounds a_picture_is_seen_within_a_second

lint: ## Check format and lints as CI does
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

audit: ## Check the licences and known weaknesses of our dependencies
	$(CARGO) install cargo-deny --locked --quiet --version $(CARGO_DENY) --root $(TARGET)/tools
	$(TARGET)/tools/bin/cargo-deny check

clean-demo: ## Remove the demo's frames
	rm -rf -- "$${OUT:-demo-output}"

prerequisites:
	@install/prerequisites.sh

# People sign in with what there is for Node only: an OpenID provider and the SDK of Aptos wallets. Pages are looked
# at with Chromium.
test-prerequisites:
	@install/prerequisites.sh nodejs npm openssl chromium fonts-dejavu-core

runtime: prerequisites
	$(CARGO) build -p pictor-worker
	$(TARGET)/debug/pictor-worker runtime install 4.5
