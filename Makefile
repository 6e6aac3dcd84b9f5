# Every target sets up what it needs in .venv and reuses it next time.
.PHONY: demo test soak soak-postgresql check bench docs format

demo:            ## the whole of shothub on this machine, with a simulated apparatus
	@tools/setup demo
	@.venv/bin/shothub demo --once

# What depends on the hub's database, to be tried on PostgreSQL as well.
ON_POSTGRESQL = tests/integration/server tests/integration/web \
  tests/integration/client tests/integration/access tests/scenario/test_tour.py

# Two at once, as most of them wait; many failures have one cause, which the first show.
TWO = -n 2 --dist loadscope --maxfail 20

# Threads of the tests end with their connections open, of which SQLite's say nothing.
LEFT_OPEN = -W "ignore:<psycopg.Connection:ResourceWarning"

test:            ## all tests, on SQLite; those of the hub first on PostgreSQL
	@tools/setup dev
	@.venv/bin/python tests/postgres.py .venv/bin/pytest $(TWO) $(LEFT_OPEN) $(ON_POSTGRESQL)
	@.venv/bin/pytest $(TWO)

# One hundred thousand shots and a thousand kills; SOAK_SHOTS=1000 SOAK_KILLS=20 for fewer.
SOAK = .venv/bin/python -m tests.scenario.kills.soak

soak:            ## kill everything at random for hours; ends with one JSON line
	@tools/setup dev
	@SHOTHUB_QUEUE_EXAMPLES=500 .venv/bin/pytest -q --timeout 7200 tests/integration/server/test_queue_machine.py
	@PYTHONPATH=. $(SOAK)

soak-postgresql: ## the same on PostgreSQL, whose processes are killed too
	@tools/setup dev
	@PYTHONPATH=. .venv/bin/python tests/postgres.py $(SOAK)

check:           ## format, lint, types, layers
	@tools/setup dev
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/lint-imports
	.venv/bin/mypy

bench:           ## every benchmark; each ends with one JSON line
	@tools/setup dev
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; .venv/bin/python $$file || exit 1; done

docs:            ## what is generated in docs/ (OpenAPI, commands)
	@tools/setup dev
	.venv/bin/python -m shothub.server.openapi
	.venv/bin/python tools/commands_page.py

format:          ## put the code into its form
	@tools/setup dev
	.venv/bin/ruff format
	.venv/bin/ruff check --fix
