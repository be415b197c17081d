/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The module's half of the contract in uapi/userring.h: it takes what a
 * process left in the shared pages, checks it, and writes descriptors.
 *
 * Nothing here calls the kernel, so the same lines also run in user space,
 * behind the software NIC of the library, under its sanitizers.
 *
 * Every value that the process can write is read once, into a local, and
 * checked there.  Letters name the barrier pairs of uapi/userring.h.
 *
 * A process and the kernel post through the same functions; they differ in
 * where slots and packets come from.
 */
#ifndef URK_RING_H
#define URK_RING_H

/*
 * A pool as one device sees it.  The table has a place for every index up to a
 * power of two, so that the mask alone keeps a mispredicted index within it.
 */
struct urk_slots {
	const u64 *addr;	/* DMA address of each slot */
	u32 mask;		/* places of the table, less one */
	u32 count;		/* slots */
	u32 slot_shift;		/* log2 of the bytes in a slot */
};

/*
 * Loops that do little at each place do it for URK_STRIDE places a turn, without
 * a branch between them.
 */
#define URK_STRIDE	8
#ifdef __clang__
#define URK_UNROLL	_Pragma("clang loop unroll(full)")
#else
#define URK_UNROLL	_Pragma("GCC unroll 8")
#endif

/*
 * A TX descriptor's place.  DD is asked for once a batch, at its last
 * descriptor, and tells that all before it are done as well.
 */
struct urk_tx_place {
	u32 batch_end;		/* first of a batch: index behind its last */
	u32 entry;		/* last of a batch: TX entries taken by then */
	u32 kernel;		/* and packets of the kernel */
};

/* The rings of a queue as one consumer left them. */
struct urk_ring {
	/* hot: receive */
	union ur_rx_desc *rx;
	u64 *rx_addr;		/* by place: where the NIC writes */
	u32 *rx_slot;		/* by place; shared, read-only for the process */
	const u32 *fill;	/* by the process */
	u32 rx_mask;
	u32 rx_tail;		/* places posted */
	u32 rx_done;		/* places filled by the NIC and taken */
	u32 rx_bound;		/* places that have a slot: grows to all */
	u32 fill_cons;
	u32 fill_kept;		/* of the KEEP entry at fill_cons: posted */
	u32 rx_shown;		/* while tapped: places that listeners saw */
	bool tapped;
	u8 rx_dd_shift;		/* in the second word of a descriptor */
	u8 rx_len_word;		/* of its eight 16 bit words */

	/* hot: transmit */
	union ur_tx_desc *tx;
	struct urk_tx_place *tx_place;
	const struct ur_tx_entry *tx_entry;	/* by the process */
	u64 tx_cmd;		/* second word without length and RS */
	u64 tx_cmd_rs;
	u64 tx_len;		/* times a length: in its place, or places */
	u32 tx_mask;
	u32 tx_tail;		/* descriptors written */
	u32 tx_clean;		/* descriptors known to be done */
	u32 tx_cons;
	u32 tx_done;
	u32 tx_kernel;		/* places that are the kernel's */
	u32 kernel_put;		/* packets of the kernel: written */
	u32 kernel_done;
	u32 tx_len_min;
	u32 tx_len_max;
	u16 tx_flags;		/* UR_TX_* that the port honours now */
	u16 host_flags;		/* the same, with UR_TX_HOST */

	/* a HOST entry that was checked; the slot can be read */
	void (*host)(struct urk_ring *r, u32 slot, const struct ur_tx_entry *e);

	u32 epoch;
	bool live;		/* the indices belong to this epoch */
	struct urk_slots slots;
	struct ur_kernel_page *k;
	struct ur_user_page *u;
	struct ur_counters *count;
};

/* What a sync changed: tail registers to write. */
#define URK_RX_MOVED	0x1
#define URK_TX_MOVED	0x2

static inline void urk_ring_format(struct urk_ring *r, u32 rx, u32 tx)
{
	r->rx_dd_shift = rx == UR_DESC_LEGACY ? 32 : 0;
	r->rx_len_word = (rx == UR_DESC_LEGACY ?
			  offsetof(struct ur_rx_legacy, length) :
			  offsetof(struct ur_rx_wb, length)) / sizeof(__le16);
	r->tx_len = 1;
	if (tx == UR_DESC_ADVANCED) {
		r->tx_len |= 1ULL << (32 + UR_TXA_PAYLEN_SHIFT);
		r->tx_cmd = UR_TXA_DTYP_DATA | UR_TXA_DEXT | UR_TXA_EOP |
			    UR_TXA_IFCS;
		r->tx_cmd_rs = UR_TXA_RS;
	} else {
		r->tx_cmd = (u64)(UR_TXL_CMD_EOP | UR_TXL_CMD_IFCS) << 24;
		r->tx_cmd_rs = (u64)UR_TXL_CMD_RS << 24;
	}
}

/* Of n places from index on: those that lie side by side. */
static inline u32 urk_run(u32 index, u32 n, u32 mask)
{
	u32 left = mask + 1 - (index & mask);

	return n < left ? n : left;
}

/* ------------------------------------------------------------------------
 * Receive
 */

/* Has the NIC filled the place with this index? */
static inline bool urk_rx_dd(const struct urk_ring *r, u32 index)
{
	u64 w = le64_to_cpu(READ_ONCE(r->rx[index & r->rx_mask].word[1]));

	return (w >> r->rx_dd_shift) & UR_RXD_STAT_DD;
}

/* 16 bit words of a descriptor. */
#define URK_DESC_WORDS	(sizeof(union ur_rx_desc) / sizeof(__le16))

/* Where the NIC writes the length of the frame there. */
static inline const __le16 *urk_rx_len_at(const struct urk_ring *r, u32 index)
{
	const union ur_rx_desc *desc = &r->rx[index & r->rx_mask];

	return (const __le16 *)desc + r->rx_len_word;
}

/* Bytes of the frames in n places that lie side by side. */
static inline u32 urk_rx_bytes(const __le16 *len, u32 n)
{
	u32 bytes = 0;
	u32 i;

	for (; n >= URK_STRIDE; n -= URK_STRIDE) {
		URK_UNROLL
		for (i = 0; i < URK_STRIDE; i++, len += URK_DESC_WORDS)
			bytes += le16_to_cpu(READ_ONCE(*len));
	}
	for (; n; n--, len += URK_DESC_WORDS)
		bytes += le16_to_cpu(READ_ONCE(*len));
	return bytes;
}

/* Bytes of the frame there; after urk_rx_dd() and dma_rmb(). */
static inline u32 urk_rx_len(const struct urk_ring *r, u32 index)
{
	return le16_to_cpu(READ_ONCE(*urk_rx_len_at(r, index)));
}

/* Packets that lie there from pos on. */
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

/* The NIC is to write there: DD goes with the second store. */
static inline void urk_rx_post(union ur_rx_desc *desc, u64 addr)
{
	desc->word[0] = cpu_to_le64(addr);
	WRITE_ONCE(desc->word[1], 0);
}

/* Posts n places, in which there is room, with the slots that lie in them. */
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

/* Where the process stands, if it says something that can be. */
static inline u32 urk_rx_pos(const struct urk_ring *r)
{
	u32 pos = smp_load_acquire(&r->u->rx_pos);	/* B */

	return pos - r->rx_done <= r->rx_tail - r->rx_done ? pos : r->rx_done;
}

/*
 * The consumer has taken the packets below pos.  That the NIC is done with
 * those places is the NIC's word, not the consumer's: a queue completes in
 * order, so one look at the last one does for all.
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

/* One KEEP entry.  False: it waits for more room. */
static inline bool urk_rx_keep(struct urk_ring *r, u32 want, u32 room)
{
	u32 left;

	/* places are bound in order, so only a full lap has no gap ahead */
	if (!want || want > r->rx_mask + 1 || r->rx_bound <= r->rx_mask ||
	    want < r->fill_kept) {
		r->count->rx_refused++;
		return true;
	}
	left = want - r->fill_kept;
	urk_rx_repost(r, min(left, room));
	if (left <= room)
		return true;
	r->fill_kept += room;
	return false;
}

/*
 * Posts a slot, which was read at fill_cons and exists, and those behind it, up to
 * n for which there is room, or to an entry that names none.  Return: entries.
 *
 * Not inline: so the registers are all for this loop.
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
	unsigned long i = 0, end;

	end = urk_run(r->rx_tail, urk_run(r->fill_cons, n, r->rx_mask),
		      r->rx_mask);
	do {
		u64 addr = slots.addr[slot & slots.mask];

		rx_addr[i] = addr;
		WRITE_ONCE(rx_slot[i], slot);
		urk_rx_post(desc++, addr);
		if (++i == end)
			break;
		slot = READ_ONCE(entry[i]);
	} while (likely(slot < slots.count));
	r->rx_tail += i;
	if (r->rx_bound < place + i)
		r->rx_bound = place + i;
	return i;
}

/* An entry that names no slot.  False: it waits for more room. */
static inline bool urk_rx_fill_odd(struct urk_ring *r, u32 entry, u32 room)
{
	if (entry & UR_FILL_KEEP)
		return urk_rx_keep(r, entry & UR_FILL_KEEP_MASK, room);
	r->count->rx_refused++;
	return true;
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
		if (likely(entry < r->slots.count)) {
			n = urk_rx_fill_slots(r, entry, min(ready, room));
		} else {
			if (!urk_rx_fill_odd(r, entry, room))
				break;
			n = 1;
		}
		/* also of an entry that was another one when it was begun */
		r->fill_kept = 0;
		r->fill_cons += n;
	}
	return 0;
}

/* ------------------------------------------------------------------------
 * Transmit
 */

/*
 * The places are shared out, so that neither the process nor the kernel keeps
 * the other from the wire; one stays empty, as with RX.
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

		/* LEGACY and ADVANCED have it at the same bit */
		if (!((w >> 32) & UR_TXD_STAT_DD))
			return;
		r->tx_done = r->tx_place[last].entry;
		r->kernel_done = r->tx_place[last].kernel;
		r->tx_clean = end;
	}
	/* refused and HOST entries behind the last packet end with it */
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
 * Writes descriptors for n entries, for which there is room, and adds up their
 * bytes.  Return: entries taken; less than n: the next one, which is in *odd,
 * has flags or is refused.
 *
 * Not inline, like urk_tx_take(): so the registers are all for this loop.
 */
static noinline __maybe_unused u32 urk_tx_run(struct urk_ring *r, u32 n,
					      u64 *bytes,
					      union urk_tx_copy *odd)
{
	const struct ur_tx_entry *entry = &r->tx_entry[r->tx_cons & r->tx_mask];
	union ur_tx_desc *desc = &r->tx[r->tx_tail & r->tx_mask];
	const struct urk_slots slots = r->slots;
	const u32 len_min = r->tx_len_min;
	const u32 len_span = r->tx_len_max - len_min;
	/* where word[0] has the offset */
	union urk_tx_copy offset = { .e.offset = 0xffff };
	u32 sum = 0;
	u32 i;

	/* in a register, not built anew for each entry */
	OPTIMIZER_HIDE_VAR(offset.word[0]);
	n = urk_run(r->tx_cons, urk_run(r->tx_tail, n, r->tx_mask), r->tx_mask);
	for (i = n; i; i--, entry++, desc++) {
		union urk_tx_copy copy = urk_tx_entry(entry);
		u32 slot = copy.e.slot, len = copy.e.len;
		u64 addr;

		if (unlikely(copy.word[1] || slot >= slots.count ||
			     len - len_min > len_span)) {
			*odd = copy;
			break;
		}
		addr = slots.addr[slot & slots.mask];
		/* without one the frame ends within its slot */
		if (copy.word[0] & offset.word[0]) {
			if (copy.e.offset + len > 1U << slots.slot_shift) {
				*odd = copy;
				break;
			}
			addr += copy.e.offset;
		}
		sum += len;
		desc->word[0] = cpu_to_le64(addr);
		WRITE_ONCE(desc->word[1],
			   cpu_to_le64(r->tx_cmd | len * r->tx_len));
	}
	n -= i;
	r->tx_cons += n;
	r->tx_tail += n;
	*bytes += sum;
	return n;
}

/* An entry with flags, or one to be refused. */
static noinline __maybe_unused u32
urk_tx_odd(struct urk_ring *r, const struct ur_tx_entry *e)
{
	u64 extra = 0;
	u32 slot;

	r->tx_cons++;
	if (!urk_tx_valid(r, e)) {
		r->count->tx_refused++;
		return 0;
	}
	slot = array_index_nospec(e->slot, r->slots.count);
	if (e->flags & UR_TX_HOST) {
		r->host(r, slot, e);
		return 0;
	}
	if (e->flags & UR_TX_VLAN)
		extra = (u64)UR_TXL_CMD_VLE << 24 | (u64)e->vlan << 48;
	urk_tx_put(r, r->slots.addr[slot] + e->offset, e->len, extra);
	return e->len;
}

/*
 * Takes TX entries up to prod while there are free places.  Not inline: what
 * receives only does not come here, and its code has the registers for itself.
 */
static noinline __maybe_unused int urk_tx_take(struct urk_ring *r, u32 prod)
{
	u32 room = urk_tx_room(r);
	u32 first = r->tx_tail;
	u32 start = first;
	union urk_tx_copy odd = {};
	u64 bytes = 0;
	u32 n;

	if (prod - r->tx_done > r->tx_mask + 1 ||
	    prod - r->tx_cons > r->tx_mask + 1)
		return -ERANGE;
	while (r->tx_cons != prod && r->tx_tail - first != room) {
		n = min(prod - r->tx_cons, room - (r->tx_tail - first));
		/* a long batch is cut, so that its slots come back earlier */
		n = min(n, start + r->tx_mask / 4 + 1 - r->tx_tail);
		n = urk_tx_run(r, n, &bytes, &odd);
		if (!n)
			bytes += urk_tx_odd(r, &odd.e);
		if (r->tx_tail - start > r->tx_mask / 4) {
			urk_tx_close(r, start);
			start = r->tx_tail;
		}
	}
	if (r->tx_tail != start)
		urk_tx_close(r, start);
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

/* ------------------------------------------------------------------------
 * Both
 */

/* The hardware was shown the TX ring, empty, at place 0. */
static inline void urk_tx_restart(struct urk_ring *r)
{
	r->tx_tail = 0;
	r->tx_clean = 0;
	r->kernel_put = 0;
	r->kernel_done = 0;
}

/*
 * All indices that the process knows begin anew.  The kernel may have packets
 * in the TX ring already: they end no entry of the process.
 */
static inline void urk_ring_restart(struct urk_ring *r)
{
	u32 end;

	for (u32 i = r->tx_clean; i != r->tx_tail; i = end) {
		end = r->tx_place[i & r->tx_mask].batch_end;
		r->tx_place[(end - 1) & r->tx_mask].entry = 0;
	}
	r->rx_tail = 0;
	r->rx_done = 0;
	r->rx_bound = 0;
	r->fill_cons = 0;
	r->fill_kept = 0;
	r->tx_cons = 0;
	r->tx_done = 0;
	r->rx_shown = 0;
	r->live = true;
}

/* Places that the process may look at. */
static inline u32 urk_rx_limit(const struct urk_ring *r)
{
	return r->tapped ? r->rx_shown : r->rx_tail;
}

static inline void urk_ring_publish(struct urk_ring *r)
{
	struct ur_kernel_page *k = r->k;

	WRITE_ONCE(k->fill_cons, r->fill_cons);
	WRITE_ONCE(k->fill_kept, r->fill_kept);
	WRITE_ONCE(k->tx_cons, r->tx_cons);
	smp_store_release(&k->tx_done, r->tx_done);	/* F */
	smp_store_release(&k->rx_tail, r->rx_tail);	/* D */
	smp_store_release(&k->rx_limit, urk_rx_limit(r));	/* D */
}

/*
 * The hardware forgot the rings.  The indices stay for the process to take
 * stock; it answers with the new epoch.
 */
static inline void urk_ring_stop(struct urk_ring *r, u32 state)
{
	r->live = false;
	r->tapped = false;
	r->epoch++;
	r->count->resets++;
	WRITE_ONCE(r->k->state, state);
	smp_store_release(&r->k->epoch, r->epoch);	/* G */
}

/*
 * Serves the process once.  *moved says which tail registers are to be
 * written, also when an error is returned: one bad index does not hold up the
 * other rings.
 */
static inline int urk_ring_sync(struct urk_ring *r, unsigned int *moved)
{
	u32 rx_pos, rx_tail, tx_tail;
	int err, ret = 0;

	*moved = 0;
	if (smp_load_acquire(&r->u->epoch) != r->epoch)	/* H */
		return -ESTALE;
	if (!r->live)
		urk_ring_restart(r);
	rx_tail = r->rx_tail;
	tx_tail = r->tx_tail;

	urk_tx_reap(r);
	err = urk_tx_submit(r);
	if (err)
		ret = err;

	rx_pos = smp_load_acquire(&r->u->rx_pos);	/* B */
	err = urk_rx_take(r, rx_pos);
	if (err)
		ret = err;
	err = urk_rx_fill(r);
	if (err)
		ret = err;

	if (ret)
		r->count->index_refused++;
	urk_ring_publish(r);
	if (r->rx_tail != rx_tail)
		*moved |= URK_RX_MOVED;
	if (r->tx_tail != tx_tail)
		*moved |= URK_TX_MOVED;
	if (*moved)
		dma_wmb();	/* C: descriptors before the tail register */
	return ret;
}

/* Is there a packet, or a reason to call sync? */
static inline bool urk_rx_ready(const struct urk_ring *r)
{
	u32 pos = READ_ONCE(r->u->rx_pos);

	if (!r->live || READ_ONCE(r->u->epoch) != r->epoch)
		return true;
	return urk_rx_limit(r) - pos - 1 < r->rx_mask && urk_rx_dd(r, pos);
}

static inline bool urk_tx_ready(const struct urk_ring *r)
{
	return READ_ONCE(r->u->tx_prod) - r->tx_done <= r->tx_mask;
}

#endif /* URK_RING_H */
