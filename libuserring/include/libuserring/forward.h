/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive and send in one go: from a queue to another one of the same pool, or
 * back to where the packets came from.  The bytes stay where they are; the slot
 * goes from the RX ring of the one to the TX ring of the other, and from there to
 * the fill ring of the first.
 *
 *	n = ur_forward(in, out, 128, pass, &state);
 *	ur_sync(out);
 *	ur_sync(in);
 */
/* all of it, in its order */
#include <libuserring.h>

#ifndef LIBUSERRING_FORWARD_H
#define LIBUSERRING_FORWARD_H

#include <libuserring/rx.h>
#include <libuserring/tx.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A call of ur_forward(). */
struct ur_forwarding {
	void *arg;
	struct ur_queue *to;
	struct ur_tx_entry *tx;
	uint32_t tx_mask;
	uint32_t tx_prod;	/* entries written */
	uint32_t dropped;	/* fill entries written, behind fill_prod */
	struct ur_queue *from;
	uint16_t rx_off;	/* of a received frame in its slot */
};

/*
 * Finished TX slots go straight to places of the RX ring that are short of one,
 * without a stay in the pool.
 */
static inline void ur_forward_recycle(struct ur_queue *to,
				      struct ur_queue *from)
{
	uint32_t done = ur_load_acquire(&to->kernel->tx_done);	/* F */
	uint32_t reaped = to->user->tx_reaped;
	uint32_t prod = from->user->fill_prod;
	uint32_t want = ur_rx_short(from);
	const uint32_t slots = to->pool->slot_count;
	const uint32_t n = done - reaped < want ? done - reaped : want;
	uint32_t i, k, run, left, bad = 0;

	if (!n || ur_queue_stale(to) || ur_queue_stale(from))
		return;
	for (left = n; left; left -= run) {
		const struct ur_tx_entry *tx = &to->tx[reaped & to->tx_mask];
		uint32_t *fill = &from->fill[prod & from->rx_mask];

		run = ur_tx_side_by_side(to, reaped, left);
		run = ur_rx_side_by_side(from, prod, run);
		for (i = run; i >= UR_RX_STRIDE; i -= UR_RX_STRIDE) {
			UR_RX_UNROLL
			for (k = 0; k < UR_RX_STRIDE; k++, tx++) {
				*fill++ = tx->slot;
				bad += tx->slot >= slots;
			}
		}
		for (; i; i--, tx++) {
			*fill++ = tx->slot;
			bad += tx->slot >= slots;
		}
		reaped += run;
		prod += run;
	}
	/* somebody wrote over an entry: nothing is announced, the pool sorts */
	if (ur_unlikely(bad)) {
		ur_tx_reap(to);
		return;
	}
	/* first this, so that a successor finds no slot in two places */
	ur_store_release(&to->user->tx_reaped, reaped);
	ur_rx_fill_announce(from, n);
}

static inline __attribute__((always_inline)) void
ur_forward_one(void *ctx, ur_rx_fn *fn, const struct ur_pkt *received)
{
	struct ur_forwarding *f = (struct ur_forwarding *)ctx;
	struct ur_pkt pkt = *received;
	size_t offset;

	if (!((bool (*)(void *, struct ur_pkt *))fn)(f->arg, &pkt)) {
		f->from->fill[(f->from->user->fill_prod + f->dropped++) &
			      f->from->rx_mask] = pkt.slot;
		return;
	}
	offset = f->rx_off + (size_t)(pkt.data - received->data);
	ur_tx_put(&f->tx[f->tx_prod++ & f->tx_mask], pkt.slot,
		  ur_tx_16(offset), ur_tx_16(pkt.len),
		  pkt.flags & UR_PKT_VLAN ? UR_TX_VLAN : 0,
		  pkt.flags & UR_PKT_VLAN ? pkt.vlan : 0);
}

static inline __attribute__((always_inline)) void
ur_forward_after(void *ctx, struct ur_queue *q, uint32_t pos, uint32_t run)
{
	struct ur_forwarding *f = (struct ur_forwarding *)ctx;

	/* in this order, so that a successor finds no slot in two places */
	ur_store_release(&q->user->rx_pos, pos + run);	/* B */
	if (f->dropped)
		ur_rx_fill_announce(q, f->dropped);
	f->dropped = 0;
	q->pool->moves++;
	ur_store_release(&f->to->user->tx_prod, f->tx_prod);	/* A */
}

/*
 * Takes at most n packets of from and calls pass(arg, pkt) for each, in order.
 * When it returns true, the packet is queued on to; pass() may have changed its
 * bytes, .data within the slot, .len, and UR_PKT_VLAN and .vlan.  Else the slot
 * goes back to from.  to may be from: an answer leaves in the slot of its
 * question.  Both queues are attached with the same handle of a pool.
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
	struct ur_forwarding f;

	n = ur_tx_make_room(to, n);
	if (ur_unlikely(ur_queue_stale(to)))
		return 0;
	f.arg = arg;
	f.to = to;
	f.tx = to->tx;
	f.tx_mask = to->tx_mask;
	f.tx_prod = to->user->tx_prod;
	f.dropped = 0;
	f.from = from;
	f.rx_off = (uint16_t)(from->rx_data - from->pool->base);
	if (from->rx_format == UR_DESC_LEGACY)
		n = ur_rx_visit(from, n, ur_forward_one, ur_forward_after, &f,
				(ur_rx_fn *)pass, true);
	else
		n = ur_rx_visit(from, n, ur_forward_one, ur_forward_after, &f,
				(ur_rx_fn *)pass, false);
	if (n)
		ur_forward_recycle(to, from);
	return n;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBUSERRING_FORWARD_H */
