# jobcontrol, from a clean clone. Everything lives in .venv; nothing else on the machine is touched.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CLIENT_READY := .venv/client-tools/.ready

# Every process of the tests has services of its own; a test starts up to a dozen processes besides.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist worksteal

# Neither packages of the user's home nor a PYTHONPATH of the shell may stand in for what is locked.
export PYTHONNOUSERSITE := 1
unexport PYTHONPATH PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Build the sample learning path with live progress, and survive a killed worker
	@$(BIN)/python scripts/demo.py

dev: $(READY) ## Run server, workers and an embedded Valkey here, keeping everything in .jobcontrol/
	@$(BIN)/jobctl dev

test: $(READY) ## Run every test, and end with the list of what was skipped
	$(BIN)/pytest $(SIDE_BY_SIDE)

check: $(READY) ## Everything that must pass: static, then test; tells all that fails, not the first only
	@$(MAKE) --no-print-directory --keep-going static test

static: style types imports contract sizes ## Everything of check but the tests

style: $(READY) ## Format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY) ## Types, strictly
	$(BIN)/mypy

imports: $(READY) ## Which room may import which
	$(BIN)/lint-imports --no-cache

contract: $(READY) ## Lint of proto/, compatibility with the released contract, drift of the generated code
	$(BIN)/python scripts/proto.py check

sizes: $(READY) ## Lengths of files and functions
	$(BIN)/pytest -q tests/house/test_sizes.py

chaos: $(READY) ## Break everything at random while builds run, then check every promise
	PYTHONPATH=tests $(BIN)/python -m chaos $(if $(database),--database $(database)) $(if $(redis),--redis $(redis)) $(if $(seconds),--seconds $(seconds)) $(if $(seed),--seed $(seed))

coverage: $(READY) ## Run every test and report branch coverage; the core must reach 95 %
	$(BIN)/pytest --cov --cov-report= $(SIDE_BY_SIDE)
	$(BIN)/coverage report
	$(BIN)/coverage report --include='core/*' --fail-under=95

format: $(READY) ## Format the code and apply the lint's safe corrections
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: $(READY) ## Generate sdk/jobcontrol/v1, and the comments of the REST document, from proto/
	$(BIN)/python scripts/proto.py generate

proto-release: $(READY) ## Record proto/ as the released contract that later changes are compared with
	$(BIN)/python scripts/proto.py release

reference: $(READY) ## Write docs/cli.md and docs/reference/sdk.md from the commands and the SDK
	@$(BIN)/python scripts/cli_reference.py
	@$(BIN)/python scripts/sdk_reference.py

picture: $(READY) ## Record the demo in tmux and draw docs/images/watch.svg of it
	@$(BIN)/python scripts/picture.py

migration: $(READY) ## Write a migration from what changed in the tables: make migration message="add labels"
	@$(BIN)/python -m jobcontrol_migrations "$(message)"

client-tools: $(CLIENT_READY) ## Set up what generates a REST client of openapi.json, for the test that does

lock: ## Choose the versions of every dependency anew and write requirements*.lock
	$(PYTHON) scripts/lock.py

clean: ## Remove the environment and every cache; .jobcontrol/ stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up happens once for each change of the lock or of the packaging. uv is used where it is on PATH, pip otherwise.
$(READY): requirements-dev.lock pyproject.toml scripts/preflight.py
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing; install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) scripts/preflight.py
	@echo "Setting .venv up (once)"
	@$(PYTHON) scripts/environment.py .venv requirements-dev.lock
	@touch $@

$(CLIENT_READY): requirements-client.lock | $(READY)
	@$(PYTHON) scripts/environment.py .venv/client-tools requirements-client.lock
	@touch $@

.PHONY: help demo dev test check static style types imports contract sizes chaos coverage format proto proto-release reference picture migration client-tools lock clean
