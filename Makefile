# The verbs. `make demo` and `make test` work from a bare Python 3.11 or later; everything lands in .venv.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ASTRONAUT = $(shell $(BIN)/python -c "from importlib.util import find_spec; print(find_spec('skimage').submodule_search_locations[0])")/data/astronaut.png

.PHONY: help demo test check format bench clean

help:
	@echo "make demo    copy a portrait 101 times through a real model and write the page"
	@echo "make test    run the tests"
	@echo "make check   format, lint, types, import layers"
	@echo "make bench   measure every claim of speed, as JSON"

demo: .venv/.demo
	@$(BIN)/simulacra copy "$(ASTRONAUT)" --copier realesrgan --size 256 --times 101

test: .venv/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: .venv/.dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/.dev
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf .venv

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "simulacra needs Python 3.11 or later and $(PYTHON) is older or missing; type: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "$(PYTHON) has no venv module; on Debian and Ubuntu type: apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet --upgrade "pip>=25.1"  # the first with dependency groups
	@touch $@

# Torch goes first and pinned: without it a resolver takes a build of several GB.
.venv/.torch: .venv/.python constraints.txt
	@echo "installing torch"
	$(PIP) install --quiet --constraint constraints.txt torch
	@touch $@

.venv/.demo: .venv/.torch pyproject.toml
	@echo "installing simulacra"
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo]'
	$(BIN)/simulacra weights get realesrgan-x4plus face-detection face-mesh face-identity
	@touch $@

.venv/.dev: .venv/.demo
	@echo "installing what the tests and checks need"
	$(PIP) install --quiet --constraint constraints.txt --group test --group check
	$(BIN)/simulacra weights get --all
	@touch $@
