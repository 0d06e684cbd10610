# Everything a checkout needs, with Python 3.11 to 3.13 and nothing else. `make help` lists it.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
UV_VENV := $(VENV)-lock

# A stamp bears the checksum of what was installed: a changed lock installs again, an unchanged one does nothing.
checksum = $(shell cat $(1) | cksum | tr ' ' '-')
RUN_STAMP := $(VENV)/.run-$(call checksum,requirements.lock pyproject.toml)
LOCAL_STAMP := $(VENV)/.local-model-$(call checksum,requirements-local-model.lock pyproject.toml)
DEV_STAMP := $(VENV)/.dev-$(call checksum,requirements.lock requirements-dev.lock pyproject.toml)

PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
COMPILE := $(UV_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run run-local-model test bench bench-checks load soak screenshots lint lock sbom audit wheel clean setup setup-dev setup-local-model python venv

help: ## list the targets
	@awk -F ':[^#]*## ' '/^[a-z-]+:[^#]*## / { printf "%-16s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'ARGS goes to the command behind a target:  make run ARGS="--port 8000"   make test ARGS="-k pinpoint"'
	@echo 'PYTHON names another interpreter:          make run PYTHON=python3.12'

run: setup ## install what is missing, read the law, and serve the chat on http://127.0.0.1:7860
	@$(BIN)/visavis serve $(ARGS)

run-local-model: setup-local-model ## the same with a language model on this machine; MODEL=/path/to.gguf names its weights
	@$(BIN)/python -m assistant.local_model run $(if $(MODEL),--gguf "$(MODEL)") serve $(ARGS)

test: setup-dev ## install what is missing and run the tests
	@$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

bench: setup-dev ## install what is missing and measure index, search, embedding and ingest (some minutes)
	@$(BIN)/python tests/benchmarks/bench_index.py $(ARGS)

bench-checks: setup-dev ## measure what the check of a model's sentences catches, and what it wrongly drops
	@$(BIN)/python tests/benchmarks/bench_checks.py $(ARGS)

load: setup-dev ## fifty users for five minutes, then three times as many, on this machine; ARGS="--seconds 60" for less
	@$(BIN)/python -m tests.load.run $(ARGS)

soak: setup-dev ## two hours of questions while the index changes; ARGS="--seconds 600 --ingest-every 60" for less
	@$(BIN)/python -m tests.load.soak $(ARGS)

screenshots: setup-dev ## install what is missing and take the pictures in docs/images anew, with Chromium
	@$(BIN)/pytest tests/ui/take_screenshots.py $(ARGS)

lint: setup-dev ## ruff, mypy --strict and the contracts between the rooms
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lock: python ## resolve pyproject.toml into the three locks; `make lock ARGS=--upgrade` takes newer versions
	@test -x $(UV_VENV)/bin/uv || { $(PYTHON) -m venv $(UV_VENV) && $(UV_VENV)/bin/pip install --quiet uv; }
	@$(COMPILE) pyproject.toml --group lock --output-file requirements.lock $(ARGS)
	@$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock $(ARGS)
	@$(COMPILE) pyproject.toml --group lock --extra local-model --constraint requirements.lock \
		--constraint requirements-dev.lock --output-file requirements-local-model.lock $(ARGS)

sbom: setup-dev ## write the bill of materials of the locked packages, dist/visavis.cdx.json (CycloneDX 1.6)
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --sv 1.6 --of JSON \
		--output-reproducible --validate --output-file dist/visavis.cdx.json $(ARGS)

audit: setup-dev ## look the locked packages up in the database of known vulnerabilities, and our own code over
	@$(BIN)/bandit --quiet --recursive --severity-level medium ingest assistant ui eval visavis.py
	@$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip $(ARGS)

wheel: setup ## build the wheel into dist/
	@$(BIN)/python -m hatchling build --target wheel

clean: ## remove the virtual environments, the caches and the built wheel; the index stays
	@rm -rf $(VENV) $(UV_VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo 'Visavis needs Python 3.11, 3.12 or 3.13; "$(PYTHON)" is' \
			"$$($(PYTHON) --version 2>&1 | tail -n 1). Name another one: make PYTHON=python3.12 ..." >&2; exit 2; }

venv:
	@$(BIN)/python -c '' 2>/dev/null || $(MAKE) --no-print-directory python
	@$(BIN)/python -c '' 2>/dev/null || { \
		echo 'Making the virtual environment $(VENV)'; $(PYTHON) -m venv --clear $(VENV); }

setup: venv
	@test -e $(RUN_STAMP) || { $(call install,-r requirements.lock) && touch $(RUN_STAMP); }

setup-dev: venv
	@test -e $(DEV_STAMP) || { \
		$(call install,-r requirements.lock -r requirements-dev.lock) && touch $(RUN_STAMP) $(DEV_STAMP); }

setup-local-model: venv
	@test -e $(LOCAL_STAMP) || { $(call install,-r requirements-local-model.lock) && touch $(RUN_STAMP) $(LOCAL_STAMP); }

define install
echo 'Installing the locked packages (a few minutes the first time)' && \
{ $(PIP) install --no-deps --require-hashes --only-binary :all: $(1) && \
  $(PIP) install --no-deps --no-build-isolation --editable . || { \
	echo 'The installation did not finish: the reason is in the lines of pip above. `make` again takes it up.' >&2; \
	exit 1; }; }
endef
