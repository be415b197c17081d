/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive and send in one call: from a queue to another one of the same pool,
 * or back out of the same queue.  The bytes stay where they are; the slot goes
 * from the RX ring of the one to the TX ring of the other, and from there to
 * the fill ring of the first.
 *
 *	n = ur_forward(in, out, 128, pass, &state);
 *	ur_sync(out);
 *	ur_sync(in);
 */
/* all headers, in the order that they need */
#include <libuserring.h>

#ifndef LIBUSERRING_FORWARD_H
#define LIBUSERRING_FORWARD_H

#include <libuserring/each.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A call of ur_forward(). */
struct __ur_forwarding {
	void *arg;
	struct ur_queue *to;
	struct ur_tx_entry *tx;	/* the next one to be written */
	struct ur_tx_entry *announced;	/* the first one not yet announced */
	uint32_t dropped;	/* fill entries written, after fill_prod */
	struct ur_queue *from;
	uint16_t rx_off;	/* of a received frame in its slot */
};

/* Was one of n finished entries overwritten?  Then it names no slot. */
static __attribute__((cold, unused)) bool
__ur_forward_corrupt(const struct ur_queue *to, uint32_t reaped, uint32_t n)
{
	while (n && to->tx[reaped++ & to->tx_mask].slot < to->pool->slot_count)
		n--;
	return n;
}

/*
 * Finished TX slots go directly to places of the RX ring that lack a slot, not
 * through the pool.
 */
static inline void __ur_forward_recycle(struct ur_queue *to,
					struct ur_queue *from)
{
	uint32_t done = __ur_load_acquire(&to->kernel->tx_done);	/* F */
	uint32_t reaped = to->user->tx_reaped;
	uint32_t prod = from->user->fill_prod;
	uint32_t want = __ur_rx_unfilled(from);
	const uint32_t n = done - reaped < want ? done - reaped : want;
	uint32_t i, k, run, left, any = 0;

	if (!n || __ur_queue_stale(to) || __ur_queue_stale(from))
		return;
	for (left = n; left; left -= run) {
		const struct ur_tx_entry *tx = &to->tx[reaped & to->tx_mask];
		uint32_t *fill = &from->fill[prod & from->rx_mask];

		run = __ur_tx_contiguous(to, reaped, left);
		run = __ur_rx_contiguous(from, prod, run);
		for (i = run; i >= __UR_TX_STRIDE; i -= __UR_TX_STRIDE) {
			__UR_TX_UNROLL
			for (k = 0; k < __UR_TX_STRIDE; k++, tx++)
				any |= *fill++ = tx->slot;
		}
		for (; i; i--, tx++)
			any |= *fill++ = tx->slot;
		reaped += run;
		prod += run;
	}
	/* no slot exceeds their OR; else nothing is announced, only reaped */
	if (__ur_unlikely(any >= to->pool->slot_count) &&
	    __ur_forward_corrupt(to, reaped - n, n)) {
		ur_tx_reap(to);
		return;
	}
	/* goes first: a successor must find no slot in two places */
	__ur_store_release(&to->user->tx_reaped, reaped);
	__ur_rx_fill_announce(from, n);
}

static inline __attribute__((always_inline)) void
__ur_forward_one(void *ctx, __ur_rx_fn *fn, const struct ur_pkt *received)
{
	struct __ur_forwarding *f = (struct __ur_forwarding *)ctx;
	struct ur_pkt pkt = *received;
	size_t offset;

	if (!((bool (*)(void *, struct ur_pkt *))fn)(f->arg, &pkt)) {
		f->from->fill[(f->from->user->fill_prod + f->dropped++) &
			      f->from->rx_mask] = received->slot;
		return;
	}
	offset = f->rx_off + (size_t)(pkt.data - received->data);
	__ur_tx_put(f->tx++, received->slot,
		    __ur_tx_16(offset), __ur_tx_16(pkt.len),
		    pkt.flags & UR_PKT_VLAN ? UR_TX_VLAN : 0,
		    pkt.flags & UR_PKT_VLAN ? pkt.vlan : 0);
}

static inline __attribute__((always_inline)) void
__ur_forward_after(void *ctx, struct ur_queue *q, uint32_t pos, uint32_t run)
{
	struct __ur_forwarding *f = (struct __ur_forwarding *)ctx;

	/* in this order, so that a successor finds no slot in two places */
	__ur_rx_move(q, pos + run);
	if (f->dropped)
		__ur_rx_fill_announce(q, f->dropped);
	f->dropped = 0;
	__ur_store_release(&f->to->user->tx_prod, f->to->user->tx_prod +
			   (uint32_t)(f->tx - f->announced));	/* A */
	f->announced = f->tx;
}

/* At most n packets, for which the TX entries are contiguous. */
static inline __attribute__((always_inline)) uint32_t
__ur_forward_run(struct __ur_forwarding *f, uint32_t n, __ur_rx_fn *pass, bool fetch)
{
	if (f->from->rx_format == UR_DESC_LEGACY)
		return __ur_rx_visit(f->from, n, __ur_forward_one, __ur_forward_after,
				     f, pass, fetch, true);
	return __ur_rx_visit(f->from, n, __ur_forward_one, __ur_forward_after, f, pass,
			     fetch, false);
}

static inline __attribute__((always_inline)) uint32_t
__ur_forward_packets(struct ur_queue *from, struct ur_queue *to, uint32_t n,
		     __ur_rx_fn *pass, void *arg, bool fetch)
{
	struct __ur_forwarding f;
	uint32_t seen = 0, run, pos;
	bool wraps;

	n = ur_tx_make_room(to, n);
	if (__ur_unlikely(__ur_queue_stale(to)))
		return 0;
	f.arg = arg;
	f.to = to;
	f.dropped = 0;
	f.from = from;
	f.rx_off = (uint16_t)(from->rx_data - from->pool->base);
	do {
		pos = from->user->rx_pos;
		run = __ur_tx_contiguous(to, to->user->tx_prod, n);
		wraps = run < n;
		f.tx = &to->tx[to->user->tx_prod & to->tx_mask];
		f.announced = f.tx;
		seen += __ur_forward_run(&f, run, pass, fetch);
		n -= from->user->rx_pos - pos;
	} while (wraps && from->user->rx_pos != pos);
	if (seen)
		__ur_forward_recycle(to, from);
	return seen;
}

/*
 * Takes at most n packets from queue from and calls pass(arg, pkt) for each, in
 * order.  When pass() returns true, the packet is queued on queue to; pass()
 * may have changed its bytes, .data within the slot, .len, and UR_PKT_VLAN and
 * .vlan.  When it returns false, the slot goes back to from.  to and from may
 * be the same queue: an answer leaves in the slot of its question.  Both queues
 * must be attached with the same handle of a pool.
 *
 * No more packets are taken than the TX ring of to has room for.
 *
 * Return: packets looked at.  ur_sync() of both queues sends them and hands slots
 * to the NIC.
 */
static inline __attribute__((always_inline)) uint32_t
ur_forward(struct ur_queue *from, struct ur_queue *to, uint32_t n,
	   bool (*pass)(void *arg, struct ur_pkt *pkt), void *arg)
{
	return __ur_forward_packets(from, to, n, (__ur_rx_fn *)pass, arg, true);
}

/*
 * The same for packets that ur_rx_ahead() has looked at: their bytes are in the
 * cache, and are not prefetched.
 */
static inline __attribute__((always_inline)) uint32_t
ur_forward_seen(struct ur_queue *from, struct ur_queue *to, uint32_t n,
		bool (*pass)(void *arg, struct ur_pkt *pkt), void *arg)
{
	return __ur_forward_packets(from, to, n, (__ur_rx_fn *)pass, arg, false);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_FORWARD_H */
