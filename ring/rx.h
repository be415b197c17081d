/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Receive: counts packets that the process took, posts slots that it gave.
 */
#ifndef URK_RING_RX_H
#define URK_RING_RX_H

#include "ring.h"

/* Has the NIC filled the place with this index? */
static inline bool urk_rx_dd(const struct urk_ring *r, u32 index)
{
	u64 w = le64_to_cpu(READ_ONCE(r->rx[index & r->rx_mask].word[1]));

	return (w >> r->rx_dd_shift) & UR_RXD_STAT_DD;
}

/* 32 bit words of a descriptor. */
#define URK_DESC_WORDS	(sizeof(union ur_rx_desc) / sizeof(__le32))

/* The word in whose low half the NIC writes the length of the frame. */
static inline const __le32 *urk_rx_len_at(const struct urk_ring *r, u32 index)
{
	const union ur_rx_desc *desc = &r->rx[index & r->rx_mask];

	return (const __le32 *)desc + r->rx_len_word;
}

/* The NIC is done with the word, so a plain read is enough. */
static inline u32 urk_rx_len_word(const __le32 *word)
{
	return le32_to_cpu(*word) & 0xffff;
}

/* Bytes of the frames in n contiguous places. */
static inline u32 urk_rx_bytes(const __le32 *len, u32 n)
{
	u32 bytes = 0;
	u32 i;

	for (; n >= URK_STRIDE; n -= URK_STRIDE) {
		URK_UNROLL
		for (i = 0; i < URK_STRIDE; i++, len += URK_DESC_WORDS)
			bytes += urk_rx_len_word(len);
	}
	for (; n; n--, len += URK_DESC_WORDS)
		bytes += urk_rx_len_word(len);
	return bytes;
}

/* Bytes of the frame there; after urk_rx_dd() and dma_rmb(). */
static inline u32 urk_rx_len(const struct urk_ring *r, u32 index)
{
	return urk_rx_len_word(urk_rx_len_at(r, index));
}

/*
 * Is the place the rest of a frame that begins in an earlier one, because one
 * slot did not hold it?  For a place that is not posted again.  The place before
 * it is as the NIC left it then, because one place of the ring is always empty.
 */
static inline bool urk_rx_continues(const struct urk_ring *r, u32 index)
{
	u64 w = le64_to_cpu(r->rx[(index - 1) & r->rx_mask].word[1]);

	w >>= r->rx_dd_shift;
	return (w & (UR_RXD_STAT_DD | UR_RXD_STAT_EOP)) == UR_RXD_STAT_DD;
}

/* Packets that wait from pos on. */
static inline u32 urk_rx_waiting(const struct urk_ring *r, u32 pos)
{
	u32 n = 0;

	while (pos + n != r->rx_tail && urk_rx_dd(r, pos + n))
		n++;
	return n;
}

static inline u32 urk_rx_room(const struct urk_ring *r)
{
	/* one place stays empty: head == tail means "no descriptors" */
	return r->rx_mask - (r->rx_tail - r->rx_done);
}

/* Gives a buffer to the NIC; the second store clears DD. */
static inline void urk_rx_post(union ur_rx_desc *desc, u64 addr)
{
	desc->word[0] = cpu_to_le64(addr);
	WRITE_ONCE(desc->word[1], 0);
}

/* Posts n places with the slots that lie in them; there must be room. */
static inline void urk_rx_repost(struct urk_ring *r, u32 n)
{
	while (n) {
		u32 run = urk_run(r->rx_tail, n, r->rx_mask);
		union ur_rx_desc *desc = &r->rx[r->rx_tail & r->rx_mask];
		const u64 *addr = &r->rx_addr[r->rx_tail & r->rx_mask];
		u32 i;

		r->rx_tail += run;
		n -= run;
		for (; run >= URK_STRIDE; run -= URK_STRIDE) {
			URK_UNROLL
			for (i = 0; i < URK_STRIDE; i++)
				urk_rx_post(desc++, *addr++);
		}
		while (run--)
			urk_rx_post(desc++, *addr++);
	}
}

/* rx_pos of the process; rx_done if its value is impossible. */
static inline u32 urk_rx_pos(const struct urk_ring *r)
{
	u32 pos = smp_load_acquire(&r->u->rx_pos);	/* B */

	return pos - r->rx_done <= r->rx_tail - r->rx_done ? pos : r->rx_done;
}

/*
 * The consumer has taken the packets below pos.  Whether the NIC is done with
 * those places is read from the descriptors; the consumer is not trusted.  A
 * queue completes in order, so a look at the last one is enough.
 */
static inline int urk_rx_take(struct urk_ring *r, u32 pos)
{
	u32 n = pos - r->rx_done;
	u32 bytes = 0;

	if (!n)
		return 0;
	if (n > r->rx_tail - r->rx_done || !urk_rx_dd(r, pos - 1))
		return -ERANGE;
	dma_rmb();	/* E: DD before length */
	r->count->rx_packets += n;
	while (n) {
		u32 run = urk_run(r->rx_done, n, r->rx_mask);

		bytes += urk_rx_bytes(urk_rx_len_at(r, r->rx_done), run);
		r->rx_done += run;
		n -= run;
	}
	r->count->rx_bytes += bytes;
	return 0;
}

/* May a KEEP entry of want places be served? */
static inline bool urk_rx_may_keep(struct urk_ring *r, u32 want)
{
	/* places get slots in order: after a full lap all have one */
	if (likely(want && want <= r->rx_mask + 1 && r->rx_bound > r->rx_mask &&
		   want >= r->fill_kept))
		return true;
	r->count->rx_refused++;
	return false;
}

/* Entries that urk_rx_fill_slots() looks at together. */
#define URK_RX_TURN	4

/* Posts a valid slot in a place; desc, rx_addr and rx_slot are of the place. */
static inline void urk_rx_bind(union ur_rx_desc *desc, u64 *rx_addr,
			       u32 *rx_slot, const struct urk_slots *slots,
			       u32 slot)
{
	u64 addr = slots->addr[slot & slots->mask];

	*rx_addr = addr;
	WRITE_ONCE(*rx_slot, slot);
	urk_rx_post(desc, addr);
}

/*
 * Posts the places of the KEEP entry that was read at fill_cons, and of the
 * KEEP entries after it: at most n, and as far as there is room.  Usually these
 * are the rest of an entry that found no room, and the entry of the last burst:
 * both are posted together.  Return: entries done.
 */
static inline u32 urk_rx_keep(struct urk_ring *r, u32 entry, u32 n)
{
	u32 room = urk_rx_room(r);
	u32 left = room;
	u32 i = 0;

	do {
		u32 want = entry & UR_FILL_KEEP_MASK;

		if (likely(urk_rx_may_keep(r, want)))
			want -= r->fill_kept;
		else
			want = 0;
		if (want > left) {
			r->fill_kept += left;
			left = 0;
			break;
		}
		left -= want;
		r->fill_kept = 0;
		if (++i == n)
			break;
		entry = READ_ONCE(r->fill[(r->fill_cons + i) & r->rx_mask]);
	} while (entry & UR_FILL_KEEP);
	urk_rx_repost(r, room - left);
	return i;
}

/*
 * Posts the valid slot that was read at fill_cons, and those after it: at most
 * n, for which there is room, and only up to an entry that names no slot.
 * Return: entries.
 *
 * Not inline, so that this loop has all registers.
 */
static noinline __maybe_unused u32 urk_rx_fill_slots(struct urk_ring *r,
						     u32 slot, u32 n)
{
	const u32 *entry = &r->fill[r->fill_cons & r->rx_mask];
	u32 place = r->rx_tail & r->rx_mask;
	union ur_rx_desc *desc = &r->rx[place];
	const struct urk_slots slots = r->slots;
	u64 *rx_addr = &r->rx_addr[place];
	u32 *rx_slot = &r->rx_slot[place];
	unsigned long i, k, end;

	end = urk_run(r->rx_tail, urk_run(r->fill_cons, n, r->rx_mask),
		      r->rx_mask);
	urk_rx_bind(desc, rx_addr, rx_slot, &slots, slot);
	for (i = 1; end - i >= URK_RX_TURN; i += URK_RX_TURN) {
		u32 turn[URK_RX_TURN], any = 0;

		URK_UNROLL
		for (k = 0; k < URK_RX_TURN; k++)
			any |= turn[k] = READ_ONCE(entry[i + k]);
		/* no slot exceeds their OR; else each is read by itself */
		if (unlikely(any >= slots.count))
			break;
		URK_UNROLL
		for (k = 0; k < URK_RX_TURN; k++)
			urk_rx_bind(&desc[i + k], &rx_addr[i + k],
				    &rx_slot[i + k], &slots, turn[k]);
	}
	for (; i != end; i++) {
		slot = READ_ONCE(entry[i]);
		if (unlikely(slot >= slots.count))
			break;
		urk_rx_bind(&desc[i], &rx_addr[i], &rx_slot[i], &slots, slot);
	}
	r->rx_tail += i;
	if (r->rx_bound < place + i)
		r->rx_bound = place + i;
	return i;
}

/* Takes fill entries while there are free places. */
static inline int urk_rx_fill(struct urk_ring *r)
{
	u32 prod = smp_load_acquire(&r->u->fill_prod);	/* A */
	u32 ready = prod - r->fill_cons;
	u32 n, room, entry;

	if (ready > r->rx_mask + 1)
		return -ERANGE;
	for (; ready && (room = urk_rx_room(r)); ready -= n) {
		entry = READ_ONCE(r->fill[r->fill_cons & r->rx_mask]);
		if (entry & UR_FILL_KEEP) {
			n = urk_rx_keep(r, entry, ready);
			r->fill_cons += n;
			continue;
		}
		n = 1;
		if (likely(entry < r->slots.count))
			n = urk_rx_fill_slots(r, entry, min(ready, room));
		else
			r->count->rx_refused++;
		/* also if a KEEP entry that was begun was overwritten */
		r->fill_kept = 0;
		r->fill_cons += n;
	}
	return 0;
}

#endif /* URK_RING_RX_H */
