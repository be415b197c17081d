/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the guest's program tells the plugin when to count: a NOP with a number in its
 * displacement. Branches around it make it a translation block of its own, so that a
 * block is counted wholly before it or wholly after it.
 */
#ifndef USERRING_BENCH_MARK_H
#define USERRING_BENCH_MARK_H

#define MARK_BEGIN	0x75720001	/* of a row */
#define MARK_END	0x75720002
#define MARK_PAUSE	0x75720003	/* what the process does is the bench's own; what the */
#define MARK_RESUME	0x75720004	/* kernel does in interrupts meanwhile counts */
#define MARK_OFF	0x75720005	/* nothing counts */
#define MARK_ON		0x75720006
#define MARK_FIRST	MARK_BEGIN
#define MARK_LAST	MARK_ON

/* Instructions of one that are counted before its number is seen. */
#define MARK_COST	3

#define mark(number)							\
	__asm__ volatile("jmp 1f\n1: nopl %c0(%%rax)\njmp 2f\n2:"	\
			 : : "i"(number) : "memory")

#endif /* USERRING_BENCH_MARK_H */
