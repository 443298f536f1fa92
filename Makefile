# SPDX-License-Identifier: BSD-3-Clause
# Verbs over meson.  `make help` lists them.

BUILD ?= build
MESON_OPTIONS ?=
KEEP ?=
QUICK ?=
SECONDS ?= 30

.PHONY: all help deps run compare test test-nightly fuzz bench bench-hotplug lint format clean

all: $(BUILD)/build.ninja ## build everything
	@ninja -C $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

deps: ## install the Debian packages that are missing
	@tools/install-deps

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) $(MESON_OPTIONS)

run: all ## two guests on two VFs of the model, memory changing under traffic
	@tools/run-demo $(BUILD) $(if $(KEEP),--keep)

compare: all ## the same guest and changes with the stock driver and with mlx5x
	@tools/compare $(BUILD)

test: all ## everything CI runs
	@tools/install-deps witnesses
	@tools/run-tests $(BUILD)

test-nightly: all ## the long forms: more changes, more combinations
	@tools/install-deps witnesses
	@tools/run-tests $(BUILD) --suite nightly

fuzz: deps ## every fuzz target for SECONDS, under the sanitizers
	@tools/sanitized $(BUILD)-san fuzz-targets
	@tools/fuzz $(BUILD)-san --seconds $(SECONDS)

bench: all ## what an idle card costs and how fast it wakes: BUILD/bench/idle.json
	@mkdir -p $(BUILD)/bench
	@$(BUILD)/test/bench/idle --json $(BUILD)/bench/idle.json

bench-hotplug: all ## what a memory change costs, mlx5x and stock (QUICK=1: few rows)
	@tools/install-deps bench
	@tools/bench-hotplug $(BUILD) $(if $(QUICK),--quick)

lint: all ## format, layers, headers, banned calls, shell scripts
	@tools/lint $(BUILD)

format: ## rewrite the sources in the house style
	@git ls-files '*.c' '*.h' | xargs -r clang-format -i

clean: ## remove the build folder
	@rm -rf $(BUILD)
