# Doorstep: two commands to begin with: make up, make down.
# All that is needed is Python 3.11 or newer and make; everything else is fetched into this folder.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help environment up down test long chaos soak check simulate bench bench-large level

PYTHON ?= python3
TOOLS := .doorstep-tools
UV_VERSION := 0.13.9
SEEDS ?= 2000
MINUTES ?= 30
# Stacks, schedules and everything else beside each other, on two processors: each waits for most of its time.
AT_ONCE := --numprocesses 3 --dist loadscope --no-loadscope-reorder
UV := $(shell command -v uv 2>/dev/null || echo $(TOOLS)/bin/uv)
RUN := env -u PYTHONDONTWRITEBYTECODE .venv/bin

help: ## Show what can be made.
	@echo 'make …'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'The doorstep command does the rest: bin/doorstep --help'

up: environment ## Start the whole stack in the background, wait until it is ready, show where it is.
	@bin/doorstep up

down: environment ## Stop the stack; its data stays.
	@bin/doorstep down

test: environment ## Run all tests, on a real PostgreSQL and a real Kafka of their own.
	@$(RUN)/python -m pytest $(AT_ONCE) $(ARGS)

long: environment ## What make test leaves out: 8,000 more schedules, 29 more real faults, every route fuzzed, every walk; half an hour.
	@$(RUN)/python -m pytest $(AT_ONCE) -m long $(ARGS)

chaos: environment ## Break real processes, ways, disks, clocks and data under load, on stacks of their own; an hour.
	@$(RUN)/python -m pytest tests/chaos -m 'chaos or long or not long' $(ARGS)

soak: environment ## Real faults by seed for MINUTES=30, from where the ledger ends; the sums in docs/reliability.md.
	@$(RUN)/python -m tests.soak --minutes $(MINUTES) --write $(ARGS)

check: environment ## The gate: format, lint, types, who imports whom, translated texts, compatible events.
	@echo '── format';  $(RUN)/ruff format --check --quiet .
	@echo '── lint';    $(RUN)/ruff check --quiet .
	@echo '── types';   $(RUN)/basedpyright
	@echo '── imports'; $(RUN)/lint-imports
	@echo '── texts';   $(RUN)/python -m deploy.translations check
	@echo '── schemas'; $(RUN)/python -m deploy.schema --check
	@echo '── rights';  $(RUN)/python -m deploy.rights --check
	@echo '── compose'; $(RUN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml

simulate: environment ## Schedules over a simulated world: SEEDS=10000 many, SEEDS==7 one told step by step.
	@$(RUN)/python -W ignore -m tests.simulation $(SEEDS) $(ARGS)

bench: environment ## Measure speed, each row against a baseline of the same run.
	@$(RUN)/python -m tests.bench $(ARGS)

bench-large: environment ## B8 and B10 at a million cases; hours.
	@$(RUN)/python -m tests.bench.large $(ARGS)

level: environment ## The memory of every process through an hour of work: ARGS="--minutes 60 --rate 10".
	@$(RUN)/python -m tests.bench.level $(ARGS)

environment: .venv/.synced

# Instant when neither the lock nor the project has changed since.
.venv/.synced: uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'Doorstep needs Python 3.11 or newer as python3; or name yours: make up PYTHON=python3.12' >&2; exit 1; }
	@test -x '$(UV)' || $(MAKE) --no-print-directory $(TOOLS)/bin/uv
	@echo 'preparing the environment in .venv (a minute or two the first time)'
	@$(UV) sync --frozen --compile-bytecode --python '$(PYTHON)'
	@touch $@

$(TOOLS)/bin/uv:
	@echo 'fetching uv $(UV_VERSION) into $(TOOLS)'
	@$(PYTHON) -m venv $(TOOLS) || { rm -rf $(TOOLS); \
	  echo 'Python came without venv: install it (Debian, Ubuntu: apt-get install python3-venv), or install uv itself.' >&2; \
	  exit 1; }
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
