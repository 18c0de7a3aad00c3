# make run, make test: both build .venv on the first call and start at once on later ones.

PORT ?= 8501
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
TESTS ?= tests
JOBS ?= 2
HEADLESS ?=
DATA ?=

PY := .venv/bin/python
VERSION_CHECK := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PORT_CHECK := import socket, sys; s = socket.socket(); \
	s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", int(sys.argv[1])))

# The environment is rebuilt when its Python is gone (an upgraded system, a half-made folder).
RUNS := $(shell $(PY) -c 'print("yes")' 2>/dev/null)
REBUILD := $(if $(RUNS),,rebuild)

# With ":" between them, as in PATH.
FOLDERS := $(subst $(eval) ,:,$(strip $(DATA)))

.PHONY: help run test lint style types format bench clean rebuild
.NOTPARALLEL:

help:
	@echo "make run      the dashboard on http://localhost:$(PORT)   (PORT=8600, HEADLESS=1: open no browser)"
	@echo "              DATA='DIR DIR': folders with pictures of your own, which its pages offer"
	@echo "make test     lint and all tests   (TESTS=fast: the quick ones, TESTS=tests/runs: only those)"
	@echo "make lint     only the lint (style and types);  make format: let ruff rewrite the files"
	@echo "make bench    the benchmarks"
	@echo "make clean    remove .venv and the caches; runs under checkpoints/ stay"

run: .venv/.ready
	@$(PY) -c '$(PORT_CHECK)' '$(PORT)' 2>/dev/null || { \
		echo "Port $(PORT) is in use or is not a port; choose another: make run PORT=8600" >&2; exit 1; }
	@$(if $(FOLDERS),DETECTOR_DEBUGGER_DATA='$(FOLDERS)') exec $(PY) -m streamlit run dashboard/app.py --server.port '$(PORT)' \
		$(if $(HEADLESS),--server.headless true)

# The quick tests are to answer at once, so they go without the type checker.
test: $(if $(filter fast,$(TESTS)),style,lint)
	$(PY) -m pytest -n $(JOBS) $(if $(filter fast,$(TESTS)),-m "not slow",$(TESTS))

lint: style types

style: .venv/.ready-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: .venv/.ready-dev
	$(PY) -m basedpyright

format: .venv/.ready-dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: .venv/.ready-dev
	$(PY) -m benchmarks.losses
	$(PY) -m benchmarks.store
	$(PY) -m benchmarks.step

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is there only while the environment is whole: an interrupted installation leaves none,
# and the next call starts from an empty folder. Where it is only older than the requirements, pip
# brings the environment up to date. A candidate is tried by running it: a shim may exist that
# does not run.
.venv/.ready: requirements.txt $(REBUILD)
	@if [ -z "$(RUNS)" ] || [ ! -f $@ ]; then \
		chosen= unfit=; \
		for python in $(PYTHONS); do \
			"$$python" -c '$(VERSION_CHECK)' >/dev/null 2>&1 || continue; \
			"$$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || { unfit=$$python; continue; }; \
			chosen=$$python; break; \
		done; \
		if [ -z "$$chosen" ] && [ -n "$$unfit" ]; then \
			echo "$$unfit cannot make virtual environments; install its venv module (Debian, Ubuntu: python3-venv)." >&2; exit 1; \
		elif [ -z "$$chosen" ]; then \
			echo "Python 3.11, 3.12 or 3.13 is needed, and none of these is one: $(PYTHONS); name yours: make run PYTHON=/path/to/python3" >&2; exit 1; \
		fi; \
		echo "Installing the requirements into .venv: once, some minutes."; \
		rm -rf .venv && "$$chosen" -m venv .venv || exit 1; \
	fi
	@rm -f $@
	$(PY) -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.ready-dev: requirements-dev.txt .venv/.ready
	@rm -f .venv/.ready
	$(PY) -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch .venv/.ready $@
