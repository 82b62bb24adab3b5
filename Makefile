# The only entry, for people and for CI. Needs Python 3.11 or newer and make; `make` alone says what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
ROOT_APT := $(shell [ "$$(id -u)" = 0 ] && command -v apt-get)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

# The requirement files name everything, so nothing is resolved (--no-deps): pip trips over extras when a newer release is out.
# What is installed is named after what asked for it: a changed requirement is noticed, a changed date is not.
digest = $(shell cat pyproject.toml requirements/build.txt requirements/$(1).txt | sha256sum | cut -c1-16)
RUNTIME := .venv/.runtime-$(call digest,runtime)
DEV := .venv/.dev-$(call digest,dev)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:[^#]*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

.PHONY: run
run: $(RUNTIME) ## a demo university on http://localhost:8000; options: make run ARGS="--port 8001"
	@$(BIN)/adsum demo $(ARGS)

.PHONY: test
test: $(DEV) engines ## every test: on SQLite, on PostgreSQL, in a browser
	@$(BIN)/python -m tests

.PHONY: check check-types check-rest
check: $(DEV) ## style, types, walls, missing migrations, generated documents
	@$(MAKE) --no-print-directory --jobs=2 --keep-going check-types check-rest

check-types check-rest: export ADSUM_DATABASE_URL :=
check-types: export ADSUM_DATA := .venv/check-types
check-types:
	$(BIN)/mypy

check-rest: export ADSUM_DATA := .venv/check
check-rest:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python scripts/docs.py --check
	$(BIN)/python scripts/letters.py --check
	$(BIN)/python scripts/translate.py --check

.PHONY: fix
fix: $(DEV) ## put right what a machine can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(DEV) engines ## benchmarks; figures go to bench/RESULTS.md
	$(BIN)/python -m bench $(ARGS)

.PHONY: year
year: $(DEV) ## a made-up university through a whole year, whose truths are known; figures go to docs/fairness.md (half an hour and more)
	$(BIN)/python -m bench.year --write $(ARGS)

.PHONY: duties
duties: $(DEV) ## a made-up year of sponsored students, in which every duty has to open on its day and no other; about an hour
	$(BIN)/python -m bench.duties $(ARGS)

.PHONY: mutants
mutants: $(DEV) ## small lies in the pure rules, and whether their own tests notice; one file with ARGS=adsum.checkin.codes
	$(BIN)/python -m scripts.mutants $(ARGS)

.PHONY: docs
docs: $(DEV) ## write docs/data.md and .env.example from the code
	$(BIN)/python scripts/docs.py

.PHONY: letters
letters: $(DEV) ## build the HTML of letters from their MJML
	$(BIN)/python scripts/letters.py

.PHONY: pictures
pictures: $(DEV) engines ## take the pictures of docs/pictures again, from a demo university of its own
	$(BIN)/python -m scripts.pictures

.PHONY: words
words: $(DEV) ## collect the sentences of the pages, compile their Welsh, say what is not translated yet
	$(BIN)/python scripts/translate.py

.PHONY: coverage
coverage: $(DEV) ## which lines and branches the fast suite runs
	$(BIN)/python -m pytest tests -n auto -q --cov --cov-report=term

.PHONY: vendor
vendor: $(DEV) ## fetch the front-end files again, at the versions in package-lock.json (needs npm)
	$(BIN)/python scripts/vendor.py

# For every Python we support at once, with hashes, and without the address of any registry.
PIN = $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links $(ARGS)

.PHONY: requirements
requirements: $(DEV) ## pin requirements/*.txt again; newer versions too with ARGS=--upgrade
	$(PIN) requirements/build.in -o requirements/build.txt
	$(PIN) pyproject.toml -o requirements/runtime.txt
	$(PIN) pyproject.toml --extra postgres -c requirements/runtime.txt -o requirements/postgres.txt
	$(PIN) pyproject.toml --extra postgres --group dev -c requirements/postgres.txt -o requirements/dev.txt

$(RUNTIME) $(DEV): | $(BIN)/pip
	@echo "Installing what Adsum needs into .venv …"
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/build.txt \
	  -r requirements/$(patsubst .venv/.%,%,$(firstword $(subst -, ,$@))).txt
	@$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Adsum needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  if [ -n "$(ROOT_APT)" ]; then apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv </dev/null; \
	  else echo "Python's venv is missing here. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; fi
	@$(PYTHON) -m venv .venv

# PostgreSQL, Chromium, xmlsec1 (for the SAML provider), libzbar (the second reader of QR codes), nginx and Caddy for the tests, when we may install them. Without them the tests say what they left out.
.PHONY: engines
engines:
	@wanted=""; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || wanted="$$wanted postgresql"; \
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || wanted="$$wanted chromium fonts-dejavu-core"; \
	command -v xmlsec1 >/dev/null || wanted="$$wanted xmlsec1"; \
	[ -x /usr/sbin/nginx ] || command -v nginx >/dev/null || wanted="$$wanted nginx-light"; \
	command -v caddy >/dev/null || wanted="$$wanted caddy"; \
	ls /usr/lib/*/libzbar.so.0 /usr/lib*/libzbar.so.0 >/dev/null 2>&1 || wanted="$$wanted libzbar0"; \
	if [ -n "$$wanted" ] && [ -n "$(ROOT_APT)" ]; then echo "Installing$$wanted …"; export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq </dev/null && apt-get install -qq -y --no-install-recommends $$wanted </dev/null >/dev/null; fi; true
