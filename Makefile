# The commands of the house. `make help` lists them. They work from any folder: make -C path/to/inkwell run
HERE := $(shell dirname "$$(echo '$(MAKEFILE_LIST)' | sed 's/^ *//')")
PY := .venv/bin/python
CODE := src tests alembic benchmarks clients scripts/reference-pages scripts/api-document
.DEFAULT_GOAL := help
.PHONY: help run test check lint types layers format docs client conformance lock bench faults profile clean environment \
	environment-dev

help: ## What can be done here
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' "$(HERE)/Makefile" | expand -t 20

run: environment ## Serve on 127.0.0.1:8000 with an embedded PostgreSQL; settings are environment variables
	@cd "$(HERE)" && exec $(PY) -m inkwell serve

test: environment-dev ## The whole test suite, on a PostgreSQL of its own (or on TEST_DATABASE_URL)
	@cd "$(HERE)" && $(PY) -m pytest -n auto --dist loadfile --cov --cov-report=term $(ARGS)

faults: environment-dev ## What happens when things go wrong, at full size, with a table of figures (SERVER=uvicorn for the other server)
	@cd "$(HERE)" && INKWELL_FAULTS=full exec $(PY) -m pytest -q tests/faults $(ARGS)

check: lint types layers test ## All that has to hold before a change lands

lint: environment-dev ## Style, common mistakes and format
	@cd "$(HERE)" && $(PY) -m ruff check $(CODE) && $(PY) -m ruff format --check $(CODE)

types: environment-dev ## mypy, strictly
	@cd "$(HERE)" && $(PY) -m mypy

layers: environment-dev ## Which room may import which
	@cd "$(HERE)" && $(PY) -c 'from importlinter.cli import lint_imports_command as run; run()'

format: environment-dev ## Format the code and sort its imports
	@cd "$(HERE)" && $(PY) -m ruff check --fix $(CODE) && $(PY) -m ruff format $(CODE)

docs: environment-dev ## Write what the code says of itself into .env.example and the reference in docs/
	@cd "$(HERE)" && $(PY) scripts/reference-pages
	@cd "$(HERE)" && INKWELL_WRITE_EXAMPLES=1 $(PY) -m pytest -q tests/packaging/test_examples.py -k what_is_answered
	@cd "$(HERE)" && $(PY) scripts/api-document

client: ## Build the typed TypeScript client, clients/typescript/inkwell-client-*.tgz, with Node 18 or newer and npm
	@cd "$(HERE)/clients/typescript" && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci; } && \
		npm run --silent build && npm pack --silent

conformance: environment-dev ## Try the server for some minutes with what its OpenAPI document allows, and does not
	@cd "$(HERE)" && INKWELL_CONFORMANCE=1 $(PY) -m pytest -q -s tests/conformance

lock: environment-dev ## Renew the pinned dependencies (UPGRADE=1 takes newer versions)
	@cd "$(HERE)" && PATH="$$PWD/.venv/bin:$$PATH" sh scripts/lock

bench: environment-dev ## Measure Inkwell beside others (benchmarks/README.md; ARGS=--quick to see that it runs)
	@cd "$(HERE)" && sh benchmarks/environment && exec benchmarks/.venv/bin/python -m benchmarks $(ARGS)

profile: environment-dev ## Where a request's time goes, by room and library (ARGS=W3 for another workload than W1)
	@cd "$(HERE)" && exec $(PY) -m benchmarks.profile $(ARGS)

clean: ## Remove what was installed and built; the data stay
	@cd "$(HERE)" && rm -rf .venv benchmarks/.venv build dist .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache \
		clients/typescript/node_modules clients/typescript/dist clients/typescript/src/schema.ts clients/typescript/*.tgz

environment:
	@cd "$(HERE)" && sh scripts/environment run

environment-dev:
	@cd "$(HERE)" && sh scripts/environment dev
