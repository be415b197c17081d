# SPDX-License-Identifier: GPL-2.0-only
# userring: everything is built into build/; each folder knows how.
O := $(abspath build)
export O
export LONG

# The kernel that `make module` builds for: this machine's own, or one of those
# that qemu-tests/kernel.sh fetches.
KERNEL ?= running

all: module lib apps

module:
	qemu-tests/build-module.sh $(KERNEL)

lib:
	$(MAKE) -C libuserring

apps: lib
	$(MAKE) -C apps

tests: lib
	$(MAKE) -C qemu-tests
	$(MAKE) -C apps same

check:
	qemu-tests/check.sh

# Cycles a packet on this CPU; QUICK=1: some seconds.
bench-native:
	qemu-tests/need.sh bench
	$(MAKE) -s -C libuserring bench

# Cycles an answer of urdns.
bench-dns: lib
	$(MAKE) -C apps bench-dns

demo:
	qemu-tests/need.sh demo
	$(MAKE) -s all KERNEL=6.1
	qemu-tests/demo.sh

# What a packet costs, side by side with what else there is: docs/performance.md.
bench:
	qemu-tests/bench/all.sh $(if $(QUICK),quick)

bench-docs:
	qemu-tests/bench/docs.sh $(O)/bench/results.json docs/performance.md
	cp $(O)/bench/performance.svg docs/performance.svg

install: all
	$(MAKE) -C libuserring install
	$(MAKE) -C apps install

# Where modprobe finds it; nothing loads it by itself.
install-module: module
	install -D -m 644 $(O)/module/$(KERNEL)/userring.ko \
		$(DESTDIR)/lib/modules/$(shell uname -r)/updates/userring.ko
	[ -n "$(DESTDIR)" ] || depmod

# Fetched kernels and their roots stay: rm -rf build takes these too.
clean:
	rm -rf build-clang build/lib build/apps build/obj build/module build/qemu-tests build/bench build/run

help:
	@echo 'make            the module, the library, the apps'
	@echo 'make module     only the kernel module: build/module/KERNEL/userring.ko'
	@echo '                (KERNEL=running, or 6.1, 6.12, 7: fetched from Debian)'
	@echo 'make lib        only the library: build/lib'
	@echo 'make apps       the apps: build/apps'
	@echo 'make tests      the far end and the guest test programs'
	@echo 'make check      everything CI runs: builds, checkers, tests in QEMU'
	@echo '                (LONG=1: the long tests in their long form, over an hour)'
	@echo 'make bench      instructions a packet; sockets, AF_XDP, DPDK beside it (QUICK=1)'
	@echo 'make bench-native   cycles a packet on this CPU, DPDK beside it (QUICK=1)'
	@echo 'make bench-dns  cycles an answer of urdns, for a zone of 100,000 records'
	@echo 'make demo       urdns in a guest answers DNS queries of this machine'
	@echo 'make install    library, headers, man pages and apps (PREFIX, DESTDIR)'
	@echo 'make install-module   the module for the running kernel, for modprobe'
	@echo 'make clean      removes what was built'

.PHONY: all module lib apps tests check bench-native bench-dns demo bench bench-docs install install-module clean help
