/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of QEMU's stable plugin interface what plugin.c calls; Debian packages no header. API
 * versions differ: QEMU 7.2 takes 1, from 9.1 on (Debian's backport is 10.0) 4 is taken.
 * The Makefile builds the plugin once for each (-DAPI=1, -DAPI=4).
 */
#ifndef USERRING_BENCH_PLUGIN_API_H
#define USERRING_BENCH_PLUGIN_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT	__attribute__((visibility("default")))

struct qemu_plugin_tb;		/* instructions that are translated together */
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
struct qemu_plugin_scoreboard;

enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_RW = 3 };

typedef void (*plugin_tb_cb)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*plugin_exec_cb)(unsigned int vcpu, void *arg);
typedef void (*plugin_mem_cb)(unsigned int vcpu, uint32_t info, uint64_t vaddr, void *arg);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, plugin_tb_cb cb);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, plugin_exec_cb cb,
					    enum qemu_plugin_cb_flags flags, void *arg);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, plugin_mem_cb cb,
				      enum qemu_plugin_cb_flags flags,
				      enum qemu_plugin_mem_rw rw, void *arg);

uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t info, uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *addr);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *addr);

/* What is counted, each a field that translated code adds to without a call. */
struct counts {
	uint64_t user;
	uint64_t kernel;
	uint64_t syscalls;
	uint64_t interrupts;	/* returns from them, and from faults */
	uint64_t mmio;
};

#if API == 1

void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
					      void *number, uint64_t add);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
						enum qemu_plugin_op op, void *number, uint64_t add);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);

static struct counts the_counts;

static inline void counts_init(void)
{
}

static inline struct counts *counts_now(void)
{
	return &the_counts;
}

static inline void count_tb(struct qemu_plugin_tb *tb, size_t field, uint64_t add)
{
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 (char *)&the_counts + field, add);
}

static inline void count_insn(struct qemu_plugin_insn *insn, size_t field)
{
	qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
						   (char *)&the_counts + field, 1);
}

static inline size_t insn_bytes(const struct qemu_plugin_insn *insn, uint8_t *bytes, size_t room)
{
	size_t n = qemu_plugin_insn_size(insn);

	n = n < room ? n : room;
	__builtin_memcpy(bytes, qemu_plugin_insn_data(insn), n);
	return n;
}

#else

typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t size);
void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *score, unsigned int vcpu);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb,
						       enum qemu_plugin_op op,
						       qemu_plugin_u64 entry, uint64_t add);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
							 enum qemu_plugin_op op,
							 qemu_plugin_u64 entry, uint64_t add);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *bytes, size_t room);

static struct qemu_plugin_scoreboard *the_counts;

static inline void counts_init(void)
{
	the_counts = qemu_plugin_scoreboard_new(sizeof(struct counts));
}

/* The guest has one CPU. */
static inline struct counts *counts_now(void)
{
	return qemu_plugin_scoreboard_find(the_counts, 0);
}

static inline void count_tb(struct qemu_plugin_tb *tb, size_t field, uint64_t add)
{
	const qemu_plugin_u64 entry = { the_counts, field };

	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, entry,
							  add);
}

static inline void count_insn(struct qemu_plugin_insn *insn, size_t field)
{
	const qemu_plugin_u64 entry = { the_counts, field };

	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
							    entry, 1);
}

static inline size_t insn_bytes(const struct qemu_plugin_insn *insn, uint8_t *bytes, size_t room)
{
	return qemu_plugin_insn_data(insn, bytes, room);
}

#endif

#endif /* USERRING_BENCH_PLUGIN_API_H */
