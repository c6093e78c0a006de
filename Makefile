# make train   set up what is missing and run the main job on the built-in demo
# make test    set up what is missing and run the tests
# make test-anywhere   the same in the C locale, as another user, on a busy machine, with other fonts
# make test-lowest     with each dependency at its lower bound
# make lint    style, format and types
# make docs    the documentation as a site, build/site/index.html; a warning fails it
# make wheel   sdist and wheel, installed into an empty environment and used there
#
# Packages go to .venv, or to the virtual environment that is active. What is installed is re-used.
# make train ARGS="aug=style split=v3"   passes settings on.
# TORCH_INDEX=https://download.pytorch.org/whl/cpu   torch and torchvision without CUDA, from there.

PYTHON ?= python3
VENV := $(or $(VIRTUAL_ENV),.venv)
BIN := $(VENV)/bin
READY := $(VENV)/.drawsim-ready-$(shell cksum < pyproject.toml | cut -d ' ' -f 1)-$(shell pwd | cksum | cut -d ' ' -f 1)

.PHONY: setup train test test-anywhere test-lowest lint docs wheel clean

setup: $(READY)

train: $(READY)
	$(BIN)/python -m drawsim.train $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

test-anywhere: $(READY)
	PYTHON=$(BIN)/python scripts/any_machine.sh $(ARGS)

test-lowest:
	PYTHON=$(PYTHON) scripts/lowest.sh $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict $(ARGS)

wheel: $(READY)
	PYTHON=$(BIN)/python scripts/wheel.sh $(ARGS)

$(READY):
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -z "$(TORCH_INDEX)" || $(BIN)/python -m pip install --quiet --index-url "$(TORCH_INDEX)" torch torchvision
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@rm -f $(VENV)/.drawsim-ready-*
	@touch $@

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
