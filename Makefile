# GNU make, a POSIX shell, and Python 3.11 or newer with venv: nothing else is asked of the machine.
PYTHON ?= python3
VENV ?= .venv
# The SAM command line wants its own boto3, so it gets an environment of its own.
SAM_VENV ?= .venv-sam
# What else pytest is told: make test ARGS='-k bounce -x'
ARGS ?=
# The tests that need no real part; to watch which branches they take makes them half as long again.
CORE_TESTS = tests/unit/test_*.py tests/properties

BIN = $(VENV)/bin
PYTEST = $(BIN)/pytest --numprocesses auto --dist loadfile
LOCK = uv pip compile pyproject.toml --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-header --quiet \
	--no-emit-index-url --no-emit-find-links
# `sam validate` wants a region, and no other setting of the account's.
SAM = SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-eu-west-1} $(SAM_VENV)/bin/sam
LAYER = layers/core/requirements.txt
# The Lambda runtimes bring the AWS SDK and what it needs; a second copy would weigh more than all the rest together.
LAMBDA_HAS = boto3 botocore jmespath python-dateutil s3transfer six urllib3

.DEFAULT_GOAL = help
.PHONY: help setup run check format test coverage parts bench build deploy lock clean

help: ## this list
	@echo "Postroad: what happened to the mail for this person?"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1#\2/p' Makefile | awk -F'#' '{ printf "%-17s %s\n", $$1, $$2 }'

setup: $(VENV)/.ready ## install Postroad and its tools into .venv (only when something changed)

run: setup ## run it here, on the sample mail of events/
	$(BIN)/postroad run --sample events

check: setup $(SAM_VENV)/.ready ## style, types, import order, template
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/cfn-lint template.yaml
	$(SAM) validate --lint

format: setup ## let the formatter have its way
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

ifeq ($(ARGS),)
test: check coverage parts ## all that must hold: check, then every test
else
test: check
	$(PYTEST) $(ARGS)
endif

coverage: setup ## of the tests those of the core, with each of its branches taken
	$(PYTEST) $(CORE_TESTS) --cov

parts: setup ## the other tests: stores, handlers, commands, with the real Postfix, DynamoDB Local and Chromium
	$(PYTEST) $(CORE_TESTS:%=--ignore-glob='$(CURDIR)/%')

bench: setup ## measure against the peers, into bench/RESULTS.md (half an hour; a glimpse: make bench ARGS=--quick)
	$(BIN)/python -m bench.run $(ARGS)

build: $(SAM_VENV)/.ready ## what `sam deploy` puts on AWS, without Docker and for arm64, into .aws-sam
	$(SAM) build $(ARGS)

deploy: build ## deploy it with the account's credentials; the first time: make deploy ARGS=--guided
	$(SAM_VENV)/bin/sam deploy $(ARGS)

lock: ## write the requirements files anew from pyproject.toml (needs uv)
	$(LOCK) --all-extras --group dev --output-file requirements.txt $(ARGS)
	$(LOCK) --extra aws --constraint requirements.txt --no-annotate $(LAMBDA_HAS:%=--no-emit-package %) --output-file $(LAYER)
	@echo "# Left out, as the Lambda runtime has them: $(LAMBDA_HAS). So install with --no-deps." | cat - $(LAYER) > $(LAYER).new
	@mv $(LAYER).new $(LAYER)
	echo aws-sam-cli | $(LOCK:pyproject.toml=-) --no-annotate --output-file requirements-sam.txt $(ARGS)

clean: ## remove what was built
	rm -rf $(VENV) $(SAM_VENV) build dist .aws-sam .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .cache

# A new lock gets a new environment; a changed pyproject.toml only the (quick) editable install.
$(VENV)/.locked: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Postroad needs Python 3.11 or newer; name one with: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv is missing; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.ready: $(VENV)/.locked pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(SAM_VENV)/.ready: requirements-sam.txt
	$(PYTHON) -m venv --clear $(SAM_VENV)
	$(SAM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-sam.txt
	@touch $@
