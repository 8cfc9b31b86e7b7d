# Everything a person does here. Needs make and Python 3.11+; the rest comes by itself.
.DEFAULT_GOAL := help
.PHONY: help setup environment browser demo test lint shell lock screenshots bench prove

PY := .venv/bin/python
# `make lock` writes this into the heads of the lock files, so that no machine's options do.
export CUSTOM_COMPILE_COMMAND := make lock
COMPILE := $(PY) -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

setup: ## everything the other commands need, into .venv and node_modules (PYTHON=… chooses one)
	@PYTHON="$(PYTHON)" sh tools/setup.sh

# What running needs; tests and screenshots also want a browser.
environment:
	@PYTHON="$(PYTHON)" sh tools/setup.sh packages frontend catalogues

browser: ## look for a browser again, or install one
	@rm -f .venv/stamp-browser
	@PYTHON="$(PYTHON)" sh tools/setup.sh packages browser

demo: environment ## a believable clinic with web, worker, beat and sandbox (RESET=1 starts over)
	@$(PY) manage.py demo $(if $(filter-out 0,$(RESET)),--reset)

test: setup ## all tests on real servers (ARGS="-k word" for some; PEYGIR_THOROUGH=1)
	@rm -f .pytest_cache/v/cache/lastfailed
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS) || $(PY) -m tools.second_look

lint: environment ## style, types, import order, migrations, nothing of this machine in the tree
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	$(PY) -c 'import sys; from importlinter.cli import lint_imports_command as it; sys.exit(it())' --no-logo
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PY) tools/check_tree.py

bench: environment ## what the engine does in a second, and how it grows (BENCH_SCALE=1: the full table)
	@$(PY) -m bench

prove: environment ## no text lost, none twice, none wrong: real processes, killed (PARTS=matrix …)
	@$(PY) -W ignore -m prove $(PARTS)

shell: environment ## Django's shell
	@$(PY) manage.py shell

lock: environment ## write the lock files anew (UPGRADE=1 takes newer versions)
	$(COMPILE) $(if $(UPGRADE),--upgrade) -o requirements/base.txt requirements/base.in
	$(COMPILE) $(if $(UPGRADE),--upgrade) -o requirements/dev.txt requirements/dev.in
	$(PY) tools/setup.py lock

screenshots: setup ## pictures of the panel, made by a real browser
	$(PY) -m tools.screenshots
