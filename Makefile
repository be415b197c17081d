# SPDX-License-Identifier: GPL-2.0-only
# userring: everything is built into build/; each folder knows how.
O := $(abspath build)
export O

# The kernel that `make module` builds for, see qemu-tests/kernel.sh.
KERNEL ?= 6.1

all: module lib apps

module:
	qemu-tests/build-module.sh $(KERNEL)

lib:
	$(MAKE) -C libuserring

apps: lib
	$(MAKE) -C apps

tests: lib
	$(MAKE) -C qemu-tests

check:
	qemu-tests/check.sh

demo: all
	$(MAKE) -C apps demo

install: all
	$(MAKE) -C libuserring install
	$(MAKE) -C apps install

# Fetched kernels and their roots stay: rm -rf build takes these too.
clean:
	rm -rf build-clang build/lib build/apps build/obj build/module build/qemu-tests build/run

help:
	@echo 'make            the module (for KERNEL=6.1, 6.12 or 7), the library, the apps'
	@echo 'make module     only the kernel module: build/module/KERNEL/userring.ko'
	@echo 'make lib        only the library: build/lib'
	@echo 'make apps       the apps: build/apps'
	@echo 'make tests      the far end and the guest test programs'
	@echo 'make check      everything CI runs: builds, checkers, tests in QEMU'
	@echo 'make demo       a short demonstration'
	@echo 'make install    library, headers, man pages and apps (PREFIX, DESTDIR)'
	@echo 'make clean      removes what was built'

.PHONY: all module lib apps tests check demo install clean help
