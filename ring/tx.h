/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Transmit: turns entries of the process into descriptors, reaps finished
 * batches.
 */
#ifndef URK_RING_TX_H
#define URK_RING_TX_H

#include "ring.h"

/*
 * The places are divided, so that neither the process nor the kernel can keep
 * the other from sending; one stays empty, as with RX.
 */
static inline u32 urk_tx_kernel_room(const struct urk_ring *r)
{
	return r->tx_kernel - (r->kernel_put - r->kernel_done);
}

static inline u32 urk_tx_room(const struct urk_ring *r)
{
	return r->tx_mask - (r->tx_tail - r->tx_clean) - urk_tx_kernel_room(r);
}

/* Writes one descriptor; there must be room. */
static inline void urk_tx_put(struct urk_ring *r, u64 addr, u32 len, u64 extra)
{
	union ur_tx_desc *desc = &r->tx[r->tx_tail & r->tx_mask];
	u64 cmd = r->tx_cmd | len * r->tx_len | extra;

	desc->word[0] = cpu_to_le64(addr);
	WRITE_ONCE(desc->word[1], cpu_to_le64(cmd));
	r->tx_tail++;
}

/* The descriptors since start are a batch: asks for DD on the last. */
static inline void urk_tx_close(struct urk_ring *r, u32 start)
{
	u32 last = (r->tx_tail - 1) & r->tx_mask;

	r->tx[last].word[1] |= cpu_to_le64(r->tx_cmd_rs);
	r->tx_place[start & r->tx_mask].batch_end = r->tx_tail;
	r->tx_place[last].entry = r->tx_cons;
	r->tx_place[last].kernel = r->kernel_put;
}

/* Collects finished batches. */
static inline void urk_tx_reap(struct urk_ring *r)
{
	while (r->tx_clean != r->tx_tail) {
		u32 end = r->tx_place[r->tx_clean & r->tx_mask].batch_end;
		u32 last = (end - 1) & r->tx_mask;
		u64 w = le64_to_cpu(READ_ONCE(r->tx[last].word[1]));

		/* LEGACY and ADVANCED have DD at the same bit */
		if (!((w >> 32) & UR_TXD_STAT_DD))
			return;
		r->tx_done = r->tx_place[last].entry;
		r->kernel_done = r->tx_place[last].kernel;
		r->tx_clean = end;
	}
	/* refused and HOST entries after the last packet finish with it */
	r->tx_done = r->tx_cons;
}

/* A copy of what the process wrote, each word read once. */
union urk_tx_copy {
	u64 word[2];
	struct ur_tx_entry e;
};

static inline union urk_tx_copy urk_tx_entry(const struct ur_tx_entry *entry)
{
	const u64 *shared = (const u64 *)entry;
	union urk_tx_copy copy;

	copy.word[0] = READ_ONCE(shared[0]);
	copy.word[1] = READ_ONCE(shared[1]);
	return copy;
}

static inline bool urk_tx_valid(const struct urk_ring *r,
				const struct ur_tx_entry *e)
{
	return e->slot < r->slots.count &&
	       e->len >= r->tx_len_min && e->len <= r->tx_len_max &&
	       (u32)e->offset + e->len <= 1U << r->slots.slot_shift &&
	       !(e->flags & ~(e->flags & UR_TX_HOST ? r->host_flags :
			      r->tx_flags)) &&
	       !e->csum_start && !e->csum_offset &&
	       (!e->vlan || e->flags & UR_TX_VLAN);
}

/*
 * Handles any entry: sends it, hands it to the stack, refuses it, or leaves it
 * and all after it for another visit.  The copy is passed in registers, because
 * urk_tx_run() would otherwise have to put each one into memory.  Return: bytes
 * sent.
 */
static noinline __maybe_unused u32 urk_tx_one(struct urk_ring *r, u64 word0,
					      u64 word1)
{
	const union urk_tx_copy copy = { .word = { word0, word1 } };
	const struct ur_tx_entry *e = &copy.e;
	u64 extra = 0;
	u32 slot;

	if (unlikely(e->flags & UR_TX_HOST && !r->host_room))
		r->tx_held = true;
	if (unlikely(r->tx_held))
		return 0;
	r->tx_cons++;
	if (!urk_tx_valid(r, e)) {
		r->count->tx_refused++;
		return 0;
	}
	slot = array_index_nospec(e->slot, r->slots.count);
	if (e->flags & UR_TX_HOST) {
		r->host_room--;
		r->host(r, slot, e);
		return 0;
	}
	if (e->flags & UR_TX_VLAN)
		extra = (u64)UR_TXL_CMD_VLE << 24 | (u64)e->vlan << 48;
	urk_tx_put(r, r->slots.addr[slot] + e->offset, e->len, extra);
	return e->len;
}

/*
 * Takes n contiguous entries for which there is room: those that need no more
 * than a descriptor, up to the first that needs more or is invalid, and that
 * one.  Each word of an entry is read once.  Return: bytes.
 *
 * Not inline, like urk_tx_take(), so that this loop has all registers.
 */
static noinline __maybe_unused u64 urk_tx_run(struct urk_ring *r, u32 n)
{
	const struct ur_tx_entry *entry = &r->tx_entry[r->tx_cons & r->tx_mask];
	union ur_tx_desc *desc = &r->tx[r->tx_tail & r->tx_mask];
	const struct ur_tx_entry *const first = entry;
	const struct ur_tx_entry *const end = entry + n;
	const u32 len_min = r->tx_len_min;
	const u32 len_span = r->tx_len_max - len_min;
	const u64 cmd = r->tx_cmd, per_len = r->tx_len;
	const struct urk_slots slots = r->slots;
	union urk_tx_copy copy;
	u64 bytes = 0;

	for (; entry != end; entry++, desc++) {
		copy = urk_tx_entry(entry);
		/* flags, VLAN and checksum are the whole second word */
		if (unlikely(copy.word[1] || copy.e.offset ||
			     copy.e.slot >= slots.count ||
			     copy.e.len - len_min > len_span))
			break;
		desc->word[0] = cpu_to_le64(slots.addr[copy.e.slot & slots.mask]);
		WRITE_ONCE(desc->word[1],
			   cpu_to_le64(cmd | copy.e.len * per_len));
		bytes += copy.e.len;
	}
	r->tx_cons += entry - first;
	r->tx_tail += entry - first;
	if (entry != end)
		bytes += urk_tx_one(r, copy.word[0], copy.word[1]);
	return bytes;
}

/*
 * Takes TX entries up to prod while there are free places.  Not inline: a queue
 * that only receives does not come here, and its code has the registers for
 * itself.
 */
static noinline __maybe_unused int urk_tx_take(struct urk_ring *r, u32 prod)
{
	u32 room = urk_tx_room(r);
	u32 first = r->tx_tail;
	u32 start = first;
	bool cut = false;
	u64 bytes = 0;
	u32 n;

	if (prod - r->tx_done > r->tx_mask + 1 ||
	    prod - r->tx_cons > r->tx_mask + 1)
		return -ERANGE;
	if (unlikely(prod - r->tx_cons > r->tx_most)) {
		prod = r->tx_cons + r->tx_most;
		cut = true;
	}
	while (r->tx_cons != prod && r->tx_tail - first != room &&
	       !r->tx_held) {
		n = min(prod - r->tx_cons, room - (r->tx_tail - first));
		/* a long batch is cut, so that its slots come back earlier */
		n = min(n, start + r->tx_mask / 4 + 1 - r->tx_tail);
		n = urk_run(r->tx_cons, urk_run(r->tx_tail, n, r->tx_mask),
			    r->tx_mask);
		bytes += urk_tx_run(r, n);
		if (r->tx_tail - start > r->tx_mask / 4) {
			urk_tx_close(r, start);
			start = r->tx_tail;
		}
	}
	if (r->tx_tail != start)
		urk_tx_close(r, start);
	r->tx_held |= cut;
	r->count->tx_packets += r->tx_tail - first;
	r->count->tx_bytes += bytes;
	if (r->tx_clean == r->tx_tail)
		r->tx_done = r->tx_cons;
	return 0;
}

static inline int urk_tx_submit(struct urk_ring *r)
{
	u32 prod = smp_load_acquire(&r->u->tx_prod);	/* A */

	return prod == r->tx_cons ? 0 : urk_tx_take(r, prod);
}

#endif /* URK_RING_TX_H */
