/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What test programs in the guest share: the control line to the far end, and
 * looks at the kernel's files. 0 or a value >= 0 when well, -errno otherwise.
 */
#ifndef USERRING_TESTS_CTL_H
#define USERRING_TESTS_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Send the far end a command (see farend/main.c) and wait for its reply line, twenty
 * seconds at most.
 * Return: 0 if it begins with "ok" (@reply then holds the rest), -EREMOTEIO if it
 * begins with "err" (@reply holds the sentence), -ETIMEDOUT. @reply may be NULL.
 */
int far(char *reply, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Which far end all calls talk to from now on: 0, of NIC 0, as at first, or 1, of
 * NIC 2, which only some guests have (run.sh --nic2).
 */
void far_use(int wire);

/* The number after "@key=" in a reply, -ENOENT if there is none. */
int64_t far_value(const char *reply, const char *key);

/* Wait until the far end has sent everything; -ETIMEDOUT after @timeout_ms. */
int far_wait_sent(int timeout_ms);

/*
 * A limit of time: @ms, times ur.slow, which run.sh sets for a kernel that takes its time.
 * Not for what a test measures.
 */
int at_most_ms(int ms);

/* How often something is done in a given time, at least: @n, or its part of ur.slow. */
int at_least(int n);

/* The same for the harness, which the Makefile has call it in place of alarm(). */
unsigned int test_alarm(unsigned int seconds);

/*
 * The value of "ur.@name" on the kernel command line: nic (model), nic0 and nic1
 * (PCI addresses), nic2 and nic2_model, iommu (on or off), tcp_port. NULL if it is not there.
 * The string is overwritten by the next call.
 */
const char *boot_option(const char *name);

/* The one entry of a folder that does not begin with a dot. */
int only_entry(char *name, size_t room, const char *path);

/* The network interface of a PCI address; -ENODEV if there is none. */
int netdev_of_pci(const char *pci, char *name, size_t room);

/* The first line of a file, its line end cut. */
int read_line(char *text, size_t room, const char *path_fmt, ...)
	__attribute__((format(printf, 3, 4)));
int write_line(const char *text, const char *path_fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Interrupts so far, all CPUs, over all lines of /proc/interrupts that have @name. */
int64_t irq_count(const char *name);

/* A field of /proc/meminfo ("MemFree") in KiB. */
int64_t meminfo_kib(const char *field);

/* The counter @counter of `ethtool -S @netdev`. */
int64_t ethtool_stat(const char *netdev, const char *counter);

/*
 * Run a shell command; its output, stderr too, goes to @output (cut to fit) unless
 * that is NULL.
 * Return: its exit status.
 */
int run(char *output, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void sleep_ms(int ms);
int64_t now_ms(void);

#endif /* USERRING_TESTS_CTL_H */
