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

static inline u32 urk_tx_next(struct urk_ring *r)
{
	union urk_tx_copy copy =
		urk_tx_entry(&r->tx_entry[r->tx_cons & r->tx_mask]);

	return urk_tx_one(r, copy.word[0], copy.word[1]);
}

/* Entries that urk_tx_run() looks at together. */
#define URK_TX_TURN	4

/* The first word of an entry as slot | offset << 32 | length << 48. */
static inline u64 urk_tx_word(u64 w)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = w >> 32 | (w & 0xffff0000) << 16 | w << 48;
#endif
	return w;
}

/*
 * Terms to be added to that word.  A field whose top bit is set in either sum
 * is out of bounds.  Adding .low makes a length that is too short huge, and
 * lets other lengths count from 0.  Adding .high as well carries every field
 * that is too large, and every offset but 0, into its top bit.  If a field then
 * overflows into the next one, its own top bit was set in the first sum
 * already.  Nothing follows the length.
 */
struct urk_tx_bounds {
	u64 low;
	u64 high;
};

#define URK_TX_OUT_OF_BOUNDS	(1ULL << 63 | 1ULL << 47 | 1ULL << 31)

static inline struct urk_tx_bounds urk_tx_bounds(const struct urk_ring *r)
{
	u64 len = 0x7fff - (r->tx_len_max - r->tx_len_min);

	return (struct urk_tx_bounds) {
		.low = -((u64)r->tx_len_min << 48),
		.high = len << 48 | 0x7fffULL << 32 |
			((1U << 31) - r->slots.count),
	};
}

/*
 * Copies an entry.  Return: if no field of it has its top bit set, the entry is
 * in bounds.
 */
static inline u64 urk_tx_look(const union urk_tx_copy *entry, u64 *word,
			      u64 *more, const struct urk_tx_bounds *bounds)
{
	u64 low;

	*word = READ_ONCE(entry->word[0]);
	*more = READ_ONCE(entry->word[1]);
	low = urk_tx_word(*word) + bounds->low;
	return low | (low + bounds->high);
}

/* Writes the descriptor of an entry that is in bounds.  Return: bytes. */
static inline u64 urk_tx_plain(const struct urk_ring *r,
			       const struct urk_slots *slots,
			       union ur_tx_desc *desc, u64 word)
{
	u64 w = urk_tx_word(word);

	desc->word[0] = cpu_to_le64(slots->addr[w & slots->mask]);
	w >>= 48;
	WRITE_ONCE(desc->word[1], cpu_to_le64(r->tx_cmd | w * r->tx_len));
	return w;
}

/* n entries became descriptors. */
static inline void urk_tx_step(struct urk_ring *r, u32 n)
{
	r->tx_cons += n;
	r->tx_tail += n;
}

/*
 * Takes contiguous entries, at most n, n >= URK_TX_TURN, for which there is
 * room.  Whole turns become one descriptor per entry, until an entry has flags
 * or an offset, or is out of bounds.  The entries of that turn are handled one
 * by one, and it ends.  Return: bytes.
 *
 * Not inline, like urk_tx_take(), so that this loop has all registers.
 */
static noinline __maybe_unused u64 urk_tx_run(struct urk_ring *r, u32 n)
{
	const union urk_tx_copy *entry = (const void *)
		&r->tx_entry[r->tx_cons & r->tx_mask];
	union ur_tx_desc *desc = &r->tx[r->tx_tail & r->tx_mask];
	struct urk_tx_bounds bounds = urk_tx_bounds(r);
	const struct urk_slots slots = r->slots;
	const union urk_tx_copy *const first = entry;
	const union urk_tx_copy *const end = entry + (n & ~(URK_TX_TURN - 1));
	u64 bytes = 0;
	u32 k;

	/* keeps an addition of one instruction; a subtraction takes two */
	OPTIMIZER_HIDE_VAR(bounds.low);
	for (; entry != end; entry += URK_TX_TURN) {
		u64 word[URK_TX_TURN], more[URK_TX_TURN];
		u64 fields = 0, flags = 0;

		URK_UNROLL
		for (k = 0; k < URK_TX_TURN; k++)
			fields |= urk_tx_look(&entry[k], &word[k], &more[k],
					      &bounds);
		URK_UNROLL
		for (k = 0; k < URK_TX_TURN; k++)
			flags |= more[k];
		if (unlikely(flags || fields & URK_TX_OUT_OF_BOUNDS)) {
			urk_tx_step(r, entry - first);
			URK_UNROLL
			for (k = 0; k < URK_TX_TURN; k++)
				bytes += urk_tx_one(r, word[k], more[k]);
			return bytes;
		}
		URK_UNROLL
		for (k = 0; k < URK_TX_TURN; k++)
			bytes += urk_tx_plain(r, &slots, &desc[k], word[k]);
		desc += URK_TX_TURN;
	}
	urk_tx_step(r, entry - first);
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
		bytes += n < URK_TX_TURN ? urk_tx_next(r) : urk_tx_run(r, n);
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
