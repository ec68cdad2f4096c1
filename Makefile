# Two commands set everything up: `make demo` and `make test`. `make help` lists the rest; .ci/run is the gate.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

LOAD ?= all
DEMO_SECONDS ?= 2
REPEATS ?= 200
FILTER ?=

LEDGER_TOKENS ?= 2000000

WORKLOAD ?=
QUICK ?=

FUZZ_SECONDS ?= 600

PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help setup demo demo-decorated test tsan stress ledger lint format examples consumers bench counts c-api c-sanitized fuzz install uninstall clean

help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do \
		printf '  make %-10s %s\n' "$$name" "$$what"; done

setup: ## Install libxxhash-dev and pkg-config where they are missing; check the toolchain
	@.ci/setup

demo: setup ## Build in release and run the demo; LOAD=all DEMO_SECONDS=2
	@swift build -c release --product tokengate
	@"$$(swift build -c release --show-bin-path)/tokengate" demo --load $(LOAD) --seconds $(DEMO_SECONDS)

demo-decorated: setup ## Build the demo's load of decorated functions in debug, with swift-syntax, and run it; DEMO_SECONDS=2
	@swift build --product tokengate-decorated
	@"$$(swift build --show-bin-path)/tokengate-decorated" --seconds $(DEMO_SECONDS)

test: setup ## Run all tests, then say how many were skipped and why; FILTER=regex for some
	@.ci/test

tsan: setup ## Run all tests under thread sanitizer
	@.ci/test --tsan

stress: setup ## Run the contract's tests REPEATS=200 times: thread sanitizer on 2 CPUs, then plain on one
	@.ci/stress $(REPEATS)

ledger: setup ## Run the ledger test with LEDGER_TOKENS=2000000 tokens from 8 threads under random control
	@TOKENGATE_LEDGER_TOKENS=$(LEDGER_TOKENS) FILTER=LedgerTests .ci/test

lint: setup ## Check format, documentation rules, licence headers, leftovers
	@.ci/lint

format: ## Format the sources in place
	@swift format format --in-place --parallel --recursive Sources Tests Examples Package.swift Benchmarks/{Harness,Workloads,Count,Package.swift}

examples: setup ## Run the examples and compare what they print
	@.ci/examples

consumers: setup ## Build and run a small program against each product alone
	@.ci/consumers

bench: setup ## Measure against the peers; WORKLOAD="w1 w2" for some, REPEATS=7, QUICK=1 for a short look
	@REPEATS="$(if $(filter file,$(origin REPEATS)),,$(REPEATS))" WORKLOAD="$(WORKLOAD)" QUICK="$(QUICK)" .ci/bench

counts: setup ## Count instructions, allocations and memory a token; fails above Benchmarks/thresholds.txt
	@.ci/counts

c-api: setup ## Install the C API below a scratch prefix; test it, its examples and its binary interface there
	@.ci/c-api

c-sanitized: setup ## The tests in C with the library under thread sanitizer; 20 seconds of libFuzzer under address sanitizer
	@.ci/c-sanitized thread
	@.ci/c-sanitized fuzz 20

fuzz: setup ## Random sequences of calls of the C API for FUZZ_SECONDS=600
	@.ci/c-sanitized fuzz $(FUZZ_SECONDS)

install: setup ## Install the C API: PREFIX=/usr/local, DESTDIR= for packagers
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" .ci/c-install

uninstall: ## Take it away again; the same PREFIX and DESTDIR
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" .ci/c-install --uninstall

clean: ## Remove everything that was built
	@rm -rf .build .build-tsan .build-consumers .build-bench .build-c .build-c-address .build-c-thread
