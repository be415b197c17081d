# SPDX-License-Identifier: GPL-2.0-only
# userring: everything is built into build/; each folder knows how.
O := $(abspath build)
export O
export LONG
# each line says of itself what it is of
MAKEFLAGS += --no-print-directory

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

# All programs on a kernel that looks for faults: hours. NICS='e1000e igb', CPUS=2 for less.
check-debug: apps tests
	qemu-tests/check-debug.sh

# The kernel's own selftests of network drivers, beside the stock driver; by hand.
check-upstream:
	qemu-tests/upstream.sh

# Whole Debian machines, with systemd, packages, reboots, Secure Boot; by hand.
SCENARIO ?= all
SUITE ?= all
check-system:
	qemu-tests/system/run.sh $(SCENARIO) $(SUITE)

# Cycles a packet on this CPU; QUICK=1: some seconds.
bench-native:
	qemu-tests/need.sh bench
	$(MAKE) -s -C libuserring bench

# Cycles an answer of urdns.
bench-dns: lib
	$(MAKE) -C apps bench-dns

demo:
	qemu-tests/demo.sh --build

# What a packet costs, side by side with what else there is: docs/performance.md.
bench:
	qemu-tests/bench/all.sh $(if $(QUICK),quick)

bench-docs:
	qemu-tests/bench/docs.sh $(O)/bench/results.json docs/performance.md
	cp $(O)/bench/performance.svg docs/performance.svg

# The pictures of the documents, by Graphviz.
pictures:
	docs/pictures/make.sh

install: lib apps
	$(MAKE) -C libuserring install
	$(MAKE) -C apps install

uninstall:
	$(MAKE) -C libuserring uninstall
	$(MAKE) -C apps uninstall

# Who may open ports: docs/packages.md.
install-rules uninstall-rules:
	$(MAKE) -C apps $@

MODULE = $(O)/module/$(KERNEL)/userring.ko
# of the kernel that it was built for
MODULE_DIR = $(DESTDIR)/lib/modules/$(firstword $(shell modinfo -F vermagic $(MODULE)))/updates

# Where modprobe finds it; nothing loads it by itself. Debug information is most of its
# size, and stays in build/.
install-module: module
	install -d $(MODULE_DIR)
	strip --strip-debug -o $(MODULE_DIR)/userring.ko $(MODULE)
	chmod 644 $(MODULE_DIR)/userring.ko
	[ -n "$(DESTDIR)" ] || depmod $(firstword $(shell modinfo -F vermagic $(MODULE)))

# For all kernels; DKMS has a folder of its own there, which this leaves alone.
uninstall-module:
	for file in $(DESTDIR)/lib/modules/*/updates/userring.ko; do \
		[ -e "$$file" ] || continue; \
		rm "$$file"; \
		rmdir --ignore-fail-on-non-empty "$${file%/*}"; \
		[ -n "$(DESTDIR)" ] || { v=$${file#/lib/modules/}; depmod "$${v%%/*}"; }; \
	done

# Debian packages: build/deb.
deb:
	qemu-tests/need.sh deb
	qemu-tests/deb.sh

# Fetched kernels and their roots stay: rm -rf build takes these too.
clean:
	rm -rf build-clang build/lib build/apps build/obj build/module build/qemu-tests build/bench build/run build/deb

help:
	@echo 'make            the module, the library, the apps'
	@echo 'make module     only the kernel module: build/module/KERNEL/userring.ko'
	@echo '                (KERNEL=running, or 6.1, 6.12, 7, own: fetched from Debian; dbg: built)'
	@echo 'make lib        only the library: build/lib'
	@echo 'make apps       the apps: build/apps'
	@echo 'make tests      the link partner and the guest test programs'
	@echo 'make check      everything CI runs: builds, checkers, tests in QEMU'
	@echo '                (LONG=1: the long tests in their long form, over an hour)'
	@echo 'make check-debug   all guest programs under KASAN, lockdep and their like: hours'
	@echo '                (NICS="e1000e igb", CPUS=2 for less)'
	@echo 'make check-upstream   the selftests of Linux 7 for drivers, beside the stock driver'
	@echo 'make check-system   whole Debian 12 and 13 machines in QEMU: packages, reboots, Secure Boot'
	@echo '                (SCENARIO=quickstart SUITE=trixie for one)'
	@echo 'make bench      instructions a packet; sockets, AF_XDP, DPDK beside it (QUICK=1)'
	@echo 'make bench-native   cycles a packet on this CPU, DPDK beside it (QUICK=1)'
	@echo 'make bench-dns  cycles an answer of urdns, for a zone of 100,000 records'
	@echo 'make demo       urdns in a guest answers DNS queries of this machine'
	@echo 'make pictures   the pictures of the documents, from docs/pictures/*.dot, by Graphviz'
	@echo 'make install    library, headers, man pages, apps and units (PREFIX, DESTDIR)'
	@echo 'make install-rules    the group userring, and what its members may do'
	@echo 'make install-module   the module for the running kernel, for modprobe'
	@echo 'make uninstall, uninstall-rules, uninstall-module   take the same away'
	@echo 'make deb        Debian packages, the module by DKMS: build/deb'
	@echo 'make clean      removes what was built'

.PHONY: all module lib apps tests check check-debug check-upstream check-system \
	bench-native bench-dns demo bench bench-docs pictures \
	install uninstall install-rules uninstall-rules install-module uninstall-module deb clean help
