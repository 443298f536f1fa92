# SPDX-License-Identifier: BSD-3-Clause
# Verbs over meson.  `make help` lists them.

BUILD ?= build
MESON_OPTIONS ?=
NINJA = ninja -C $(BUILD)

.PHONY: all help deps run compare test lint format bench clean

all: $(BUILD)/build.ninja  ## build everything
	@$(NINJA)

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

deps:  ## install the Debian packages that are missing
	@tools/install-deps

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) $(MESON_OPTIONS)

test: all  ## everything CI runs
	@tools/run-tests $(BUILD)

clean:  ## remove the build folder
	@rm -rf $(BUILD)
