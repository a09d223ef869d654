# `make` lists the targets. `make run` and `make test` need Python 3.11 and nothing else.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
DATA   ?= ../shared/data/text
SETS   ?= ../public-sets
MODELS := var/models
RUN    ?= build/transformer
JOBS   ?= 1000
KILLS  ?= 100
SCREENSHOTS ?= build/screenshots

# ONNX Runtime would report its use to its maker.
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help run models test e2e manifests test-llm test-kill check gen check-gen format lint types breaking locks train train-linear train-transformer train-leave-out train-lexicon scoreboard bench clean hooks

help: ## List the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Set-up: one virtual environment, made from hash-pinned locks. Each stamp stands for one lock.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

define install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e gen -e .
	@touch $@
endef

$(VENV)/.server: requirements/server.lock pyproject.toml gen/pyproject.toml | $(BIN)/python
	$(install)
$(VENV)/.dev: requirements/dev.lock pyproject.toml gen/pyproject.toml | $(BIN)/python
	$(install)
	@touch $(VENV)/.server
$(VENV)/.train: requirements/train.lock pyproject.toml gen/pyproject.toml | $(BIN)/python
	$(install)

$(VENV)/.transformer: requirements/transformer.lock pyproject.toml gen/pyproject.toml | $(BIN)/python
	$(install)

# Models that are not shipped come through npm, which the lock brings, and are converted.
$(MODELS)/.installed: requirements/models.lock src/gaveld/adapters/image/nsfw_model/installation.py | $(VENV)/.server
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 1 --require-hashes -r $<
	package=$$($(BIN)/gavel models fetch $(MODELS)) && $(BIN)/gavel models install --package "$$package"
	@touch $@

models: $(MODELS)/.installed ## Get the models that are not shipped

run: $(VENV)/.server ## Set up and serve: REST :8080, gRPC :50051, metrics and probes :9090, on loopback
	@$(MAKE) --no-print-directory models || echo "Serving without the models that could not be had: what they look for counts as not checked."
	$(BIN)/gavel serve

test: $(VENV)/.dev $(MODELS)/.installed ## Set up and run every test
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-llm: $(VENV)/.dev ## Test a live chat server: URL=… MODEL=… [FORM=…] [KEY_FILE=…]
	@test -n "$(URL)" && test -n "$(MODEL)" || { echo "name a server: make test-llm URL=http://127.0.0.1:8000/v1 MODEL=name"; exit 2; }
	LLM_URL="$(URL)" LLM_MODEL="$(MODEL)" LLM_FORM="$(FORM)" LLM_KEY_FILE="$(KEY_FILE)" $(BIN)/python -m pytest -p no:xdist tests/live/chat_model.py $(ARGS)

test-kill: $(VENV)/.dev ## Kill servers, workers, NATS and PostgreSQL at work: [JOBS=1000] [KILLS=100] [SEED=…]
	GRPC_VERBOSITY=ERROR $(BIN)/python -m tests.kill --jobs $(JOBS) --kills $(KILLS) $(if $(SEED),--seed $(SEED)) $(ARGS)

$(VENV)/.e2e: requirements/e2e.lock $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

e2e: $(VENV)/.e2e ## Test the pages in chromium; SCREENSHOTS=docs/images renews the pictures there
	./tests/browser/chromium.sh
	SCREENSHOTS="$(SCREENSHOTS)" $(BIN)/python -m pytest -p no:xdist tests/browser $(ARGS)

MANIFESTS := build/manifests
$(MANIFESTS)/.installed: requirements/manifests.lock
	$(PYTHON) -m venv $(MANIFESTS)/venv
	$(MANIFESTS)/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

manifests: $(VENV)/.dev $(MANIFESTS)/.installed ## Check what k8s/ renders to, and when the alerts fire
	./tests/manifests/promtool.sh $(MANIFESTS)/bin
	$(BIN)/python -m tests.manifests $(MANIFESTS)/rendered
	$(MANIFESTS)/venv/bin/python tests/manifests/custom_kinds.py $(MANIFESTS)/rendered/k8s/*.yaml
	$(MANIFESTS)/venv/bin/checkov --config-file tests/manifests/checkov.yaml --directory $(MANIFESTS)/rendered/k8s
	$(MANIFESTS)/bin/promtool check rules $(MANIFESTS)/rendered/gavel.rules.yaml
	$(MANIFESTS)/bin/promtool test rules $(MANIFESTS)/rendered/alerts.yaml

check: check-gen format-check lint types breaking ## Everything that reads the code without running it

gen: $(VENV)/.dev ## Generate gen/ from protos/
	$(BIN)/python protos/generate.py generate

check-gen: $(VENV)/.dev ## Fail if gen/ is not what protos/ gives
	$(BIN)/python protos/generate.py check

format: $(VENV)/.dev ## Format Python and protos in place
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/python protos/generate.py format

.PHONY: format-check
format-check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/python protos/generate.py format --check

lint: $(VENV)/.dev ## ruff, import-linter (the arrows), buf lint, hadolint
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/python protos/generate.py lint
	$(BIN)/hadolint Dockerfile

types: $(VENV)/.dev ## mypy --strict
	$(BIN)/mypy

breaking: $(VENV)/.dev ## Fail if the contract breaks callers of the main branch
	$(BIN)/python protos/generate.py breaking

locks: $(VENV)/.dev ## Resolve requirements/*.in again into hash-pinned locks
	./requirements/lock.sh $(CURDIR)/$(BIN)/uv

train-linear: $(VENV)/.train ## Train the linear text model from DATA (minutes)
	$(BIN)/python -m training.linear --data $(DATA)

train-transformer: $(VENV)/.transformer ## Train and finish the text transformer from DATA (an hour or more; resumes)
	$(BIN)/python -m training.transformer --data $(DATA) --out $(RUN) --resume
	$(BIN)/python -m training.transformer.topics --data $(DATA) --run $(RUN)/round-2 --out $(RUN)/topics
	$(BIN)/python -m training.transformer.finish --data $(DATA) --run $(RUN)/round-2 --topics $(RUN)/topics --out $(RUN)/final
	$(BIN)/python -m training.transformer.ship --run $(RUN)

train: train-linear train-transformer ## Train everything that is shipped for text, in the order that it needs

train-leave-out: $(VENV)/.transformer ## Measure training without a source, BESIDE a finished model (an hour; resumes)
	$(BIN)/python -m training.transformer.leave_out --data $(DATA) --out build/leave-out --resume $(if $(BESIDE),--beside $(BESIDE))

train-lexicon: $(VENV)/.train ## Build the lexicon from DATA
	$(BIN)/python -m training.lexicon --data $(DATA)

scoreboard: $(VENV)/.server ## Measure public sets under SETS, beside published figures
	$(BIN)/python -m training.scoreboard --sets $(SETS) $(if $(LIMIT),--limit $(LIMIT))

bench: $(VENV)/.dev ## Run every benchmark; each prints ratios measured in the same run
	$(BIN)/python -m bench

hooks: $(VENV)/.dev ## Install the pre-commit hooks
	$(BIN)/pre-commit install

clean: ## Remove what set-up, builds and runs made
	rm -rf $(VENV) build var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
