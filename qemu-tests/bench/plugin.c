// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU that counts what the guest executes between marks (mark.h), process
 * and kernel apart.  Arguments: out=FILE, a line a row; mmio=on counts accesses to device
 * registers as well, which makes the guest some three times slower.
 */
#include <stdio.h>
#include <string.h>

#include "mark.h"
#include "plugin_api.h"

#define APIC_BASE	0xfec00000ULL	/* of interrupt controllers; devices lie below */

EXPORT int qemu_plugin_version = API;
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

static struct counts begin;	/* as counted when the row began */
static struct counts skip;	/* to be left out of it */
static struct counts off;	/* as counted when nothing counted any more */
static uint64_t pause;	/* .user, when it was the bench's turn */
static bool is_paused, is_off;
static bool with_mmio;
static FILE *out;

static void resume(const struct counts *now)
{
	if (is_paused)
		skip.user += now->user - pause;
	is_paused = false;
}

static void skip_all(const struct counts *now)
{
	skip.user += now->user - off.user;
	skip.kernel += now->kernel - off.kernel;
	skip.syscalls += now->syscalls - off.syscalls;
	skip.interrupts += now->interrupts - off.interrupts;
	skip.mmio += now->mmio - off.mmio;
}

static void end_row(const struct counts *now)
{
	fprintf(out, "%ju %ju %ju %ju %ju\n", (uintmax_t)(now->user - begin.user - skip.user),
		(uintmax_t)(now->kernel - begin.kernel - skip.kernel),
		(uintmax_t)(now->syscalls - begin.syscalls - skip.syscalls),
		(uintmax_t)(now->interrupts - begin.interrupts - skip.interrupts),
		(uintmax_t)(now->mmio - begin.mmio - skip.mmio));
	fflush(out);
}

static void on_mark(unsigned int vcpu, void *number)
{
	const struct counts *now = counts_now();

	(void)vcpu;
	switch ((uintptr_t)number) {
	case MARK_BEGIN:
		begin = *now;
		skip = (struct counts){ 0 };
		is_paused = is_off = false;
		break;
	case MARK_END:
		skip.user += MARK_COST;
		end_row(now);
		break;
	case MARK_PAUSE:
		skip.user += MARK_COST;
		pause = now->user;
		is_paused = true;
		break;
	case MARK_RESUME:
		resume(now);
		break;
	case MARK_OFF:
		resume(now);
		skip.user += MARK_COST;
		off = *now;
		is_off = true;
		break;
	case MARK_ON:
		if (is_off)
			skip_all(now);
		is_off = false;
		break;
	}
}

static void on_access(unsigned int vcpu, uint32_t info, uint64_t vaddr, void *kernel)
{
	struct qemu_plugin_hwaddr *addr = qemu_plugin_get_hwaddr(info, vaddr);

	(void)vcpu;
	/* the bench drives NICs of its own */
	if (is_paused && !kernel)
		return;
	if (addr && qemu_plugin_hwaddr_is_io(addr) && qemu_plugin_hwaddr_phys_addr(addr) < APIC_BASE)
		counts_now()->mmio++;
}

/* The number in a NOP of mark.h, or 0. */
static uint32_t mark_number(const uint8_t *bytes, size_t n)
{
	static const uint8_t nopl[] = { 0x0f, 0x1f, 0x80 };
	uint32_t number;

	if (n != sizeof(nopl) + sizeof(number) || memcmp(bytes, nopl, sizeof(nopl)))
		return 0;
	memcpy(&number, bytes + sizeof(nopl), sizeof(number));
	return number >= MARK_FIRST && number <= MARK_LAST ? number : 0;
}

static void on_insn(struct qemu_plugin_insn *insn, bool kernel)
{
	uint8_t bytes[16];
	size_t n = insn_bytes(insn, bytes, sizeof(bytes));
	uint32_t number = kernel ? 0 : mark_number(bytes, n);

	if (number)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS,
						       (void *)(uintptr_t)number);
	else if (!kernel && n == 2 && bytes[0] == 0x0f && bytes[1] == 0x05)	/* SYSCALL */
		count_insn(insn, offsetof(struct counts, syscalls));
	else if (kernel && n == 2 && bytes[0] == 0x48 && bytes[1] == 0xcf)	/* IRETQ */
		count_insn(insn, offsetof(struct counts, interrupts));
	if (with_mmio)
		qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, (void *)(uintptr_t)kernel);
}

static void on_block(uint64_t id, struct qemu_plugin_tb *tb)
{
	const bool kernel = qemu_plugin_tb_vaddr(tb) >> 63;
	const size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	count_tb(tb, kernel ? offsetof(struct counts, kernel) : offsetof(struct counts, user), n);
	for (size_t i = 0; i < n; i++)
		on_insn(qemu_plugin_tb_get_insn(tb, i), kernel);
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
		else if (!strcmp(argv[i], "mmio=on"))
			with_mmio = true;
	}
	if (!out) {
		fputs("the plugin of the bench wants out=FILE, a file that it can write\n", stderr);
		return 1;
	}
	counts_init();
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
	return 0;
}
