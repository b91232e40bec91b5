# `make` alone says what there is. Needs Python >= 3.11 (PYTHON=... names one) and, for speed, a C and C++ compiler.
PYTHON ?=
ARGS ?=
JOBS ?= 3
AUDIT ?= --vulnerability-service osv
PARTS ?= core stream peers shapes latency attacks quality

BIN := .venv/bin
KERNEL := $(wildcard perceptron_core/kernel/*.py perceptron_core/kernel/*.pxd) perceptron_core/metrics.py $(wildcard service/*.pyx)
BUILT = perceptron_core/kernel/*.so perceptron_core/*.so service/*.so
UV := $(shell command -v uv)
PIP = $(if $(UV),$(UV) pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check audit faults bench bench-core bench-stream bench-peers bench-shapes bench-latency bench-attacks bench-quality screenshots lock clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/installed ## the whole job on a real data set (ARGS="--stream kafka://localhost:9092")
	@$(BIN)/perceptron demo $(ARGS)

# Without columns in tracebacks: Python 3.11 parses to show them, and two threads that parse at once break each other.
test: .venv/installed ## the whole test suite (ARGS="-k contracts", JOBS=1)
	@PYTHONNODEBUGRANGES=1 $(BIN)/pytest -n $(JOBS) --dist loadfile $(ARGS)

check: .venv/installed ## lint, format, types, insecure habits, instructions a message; and audit
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict
	@$(BIN)/bandit -q -r service perceptron_core -c pyproject.toml
	@$(BIN)/python -m benchmarks.instructions
	@$(MAKE) --no-print-directory audit

# pip-audit asks a data base of holes, not the registry. A report is there only where it was answered.
audit: .venv/installed ## known holes in what is locked, and its bill of materials (sbom.json)
	@$(BIN)/python -W ignore -m cyclonedx_py requirements constraints.txt --pyproject pyproject.toml \
	  --output-reproducible -o sbom.json
	@rm -f .audit; $(BIN)/pip-audit -r constraints.txt --disable-pip --no-deps --progress-spinner off \
	  $(AUDIT) -f json -o .audit 2>.audit.err; status=$$?; \
	if [ -s .audit ]; then tail -n 1 .audit.err; [ $$status -eq 0 ] || cat .audit; \
	elif grep -q '^requests\.exceptions\|ServiceError\|ConnectionError' .audit.err; then \
	  echo "not audited: the data base of holes does not answer (.audit.err)"; status=0; \
	else cat .audit.err; fi; exit $$status

faults: .venv/installed ## break the service on purpose (ARGS="kills --size 5"; ARGS=--help)
	@$(BIN)/python -m tests.faults $(ARGS)

bench: .venv/installed ## all of these, in full, into docs/benchmarks.md (PARTS="stream latency" takes some)
	@for part in $(PARTS); do $(BIN)/python -m benchmarks.report $$part $(ARGS) || exit; done

bench-core: .venv/installed ## microseconds a sample of the core, beside river's
	@$(BIN)/python -m benchmarks.core $(ARGS)

bench-stream: .venv/installed ## samples a second on each stream, beside its bare loop (ARGS="--rounds 1")
	@$(BIN)/python -m benchmarks.stream $(ARGS)

bench-peers: .venv/installed ## samples a second beside what others would take (ARGS="--samples 1000000 --only ours")
	@$(BIN)/python -m benchmarks.peers $(ARGS)

bench-shapes: .venv/installed ## the same with 30 numbers, with texts, and with sparse words
	@$(BIN)/python -m benchmarks.shapes $(ARGS)

bench-latency: .venv/installed ## latency, start, restore, memory, bytes written (ARGS="--only starts bytes")
	@$(BIN)/python -m benchmarks.latency $(ARGS)

bench-attacks: .venv/installed ## latency while the HTTP port is attacked, beside left alone
	@$(BIN)/python -m benchmarks.attacks $(ARGS)

bench-quality: .venv/installed ## how well the defaults learn, beside other libraries' (ARGS="--markdown")
	@$(BIN)/python -m benchmarks.quality $(ARGS)

screenshots: .venv/installed ## the dashboard's pictures in docs/images, from a real run (needs Chromium)
	@$(BIN)/python -m tests.service.http_page.screenshots

lock: $(if $(UV),,$(BIN)/uv) ## choose newer versions: writes constraints.txt
	@$(or $(UV),$(BIN)/uv) pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras \
	  --generate-hashes --no-annotate --custom-compile-command "make lock" -o constraints.txt pyproject.toml

clean: ## remove everything that was built
	@rm -rf .venv build dist *.egg-info $(BUILT)
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis sbom.json .audit .audit.err
	@find . -name __pycache__ -prune -exec rm -rf {} +

# A kernel.py with an older compiled kernel beside it would be ignored in silence: hence the `rm`.
.venv/installed: .venv/locked pyproject.toml setup.py $(KERNEL)
	@echo "installing the project ..."
	@rm -f $(BUILT)
	@$(PIP) --force-reinstall --no-deps --no-build-isolation --editable .
	@ls perceptron_core/kernel/*.so >/dev/null 2>&1 || echo "not compiled (no C compiler?): the kernel runs interpreted"
	@ls service/*.so >/dev/null 2>&1 || echo "not compiled (no C++ compiler?): records are read and written the longer way"
	@touch $@

.venv/locked: constraints.txt | .venv/bin/python
	@echo "installing the dependencies ..."
	@$(PIP) --require-hashes -r constraints.txt
	@touch $@

$(BIN)/python:
	@python=$$(for p in $(or $(PYTHON),python3 python3.12 python3.11 python3.13); do \
	    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done); \
	  test -n "$$python" || { echo "Python >= 3.11 not found: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	  $(if $(UV),$(UV) venv --quiet --seed --python "$$python",$$python -m venv) .venv

$(BIN)/uv: | .venv/locked
	@$(PIP) uv
