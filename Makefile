# make demo and make test each do everything from a fresh checkout: they need make and Python 3.11, 3.12 or 3.13.
.PHONY: demo test test-full stress lint generate types format bench capabilities lock clean
.DEFAULT_GOAL := demo

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null \
	&& { echo $$python; break; }; done)
BIN := .venv/bin
INSTALLED := .venv/.installed

$(INSTALLED): requirements.lock pyproject.toml registry/pyproject.toml
	@test -n "$(PYTHON)" || { echo "lstm-zoo needs Python 3.11, 3.12 or 3.13 with venv and ensurepip (Debian: apt install \
	python3-venv); install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--editable registry --editable .
	@touch $@

# Train on the embedded example, export, verify, and show how to call the bundle.
demo: $(INSTALLED)
	$(BIN)/zoo list
	$(BIN)/zoo train basic --export --name co2
	$(BIN)/zoo verify exported/co2 --runtime all
	$(BIN)/zoo predict exported/co2 --data example:co2
	@echo
	@echo "The bundle is $$(ls -d exported/co2/[0-9]* | sort -V | tail -n 1). Three lines of Python call it:"
	@echo
	@echo "    import zoo"
	@echo "    bundle = zoo.load_bundle(\"exported/co2\")"
	@echo "    print(bundle.predict(\"example:co2\"))"

# Lint and a covering sample of tests: at most ten minutes on two cores after installation.
test: lint
	$(BIN)/python -m pytest --numprocesses 2 -m "not full"

# The marked tests too: installations of their own, whole trainings, every combination.
test-full: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 2 -m "full"

# Kill a training with SIGKILL at 20 random moments, go on with it, and compare the weights bit for bit: ten minutes.
# Publishings: 200 killed, 5 whole exports killed, 50 onto a full disk, 4 processes at once: five minutes.
# Folders: 200 damages of runs and 100 of studies, each right or one sentence, and nothing lost: ten minutes.
stress: $(INSTALLED)
	$(BIN)/python tests/stress/dropout.py
	$(BIN)/python tests/stress/kills.py --kills 20
	$(BIN)/python tests/stress/mutations.py --count 10000 --control 1000
	$(BIN)/python tests/stress/publishing.py
	$(BIN)/python tests/stress/folders.py --runs 200 --studies 100

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m zoo.settings.generate --check

# Write what is made of the settings: typed keywords, the estimators' parameters, docs/settings.md.
generate: $(INSTALLED)
	$(BIN)/python -m zoo.settings.generate

# mypy, which lint runs for the Python of .venv, for each other Python that pyproject.toml names, against what the lock
# gives that one (NumPy's stubs differ). Needs none of them; their wheels go to build/types. Less than a minute.
types: $(INSTALLED)
	$(BIN)/python tests/lint/pythons.py

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Measure windows, training beside Keras, PyTorch and neuralforecast (installed into environments of their own), what
# serving costs, and what two jobs gain a search: two hours, 22 GB of disk. Writes benchmarks/results/.
bench: $(INSTALLED)
	$(BIN)/python benchmarks/windows.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/tuning.py

# Ask the conformance kit what each built-in architecture can do, on every runtime (installed beside, not into .venv):
# a quarter of an hour. Writes zoo/capabilities.json and docs/capabilities.md.
capabilities: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target build/runtimes \
		"openvino>=2025.4" openvino-telemetry "ai-edge-litert>=2.0"
	PYTHONPATH=build/runtimes $(BIN)/python -m zoo.testing.capability_table

# Lock anew what developers and the demo install; no index address goes into the file. Needs uv.
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-package lstm-zoo-registry --no-emit-index-url --no-emit-find-links --no-header \
		--output-file requirements.lock

clean:
	rm -rf .venv runs exported/*/ exported/.*.json dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
