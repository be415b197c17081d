/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A visit to the rings of a process: both directions, and the indices that it
 * sees.
 */
#ifndef URK_RING_SYNC_H
#define URK_RING_SYNC_H

#include "rx.h"
#include "tx.h"

/* The hardware was given the TX ring, empty, at place 0. */
static inline void urk_tx_restart(struct urk_ring *r)
{
	r->tx_tail = 0;
	r->tx_clean = 0;
	r->kernel_put = 0;
	r->kernel_done = 0;
}

/*
 * All indices that the process knows restart from 0.  The kernel may have
 * packets in the TX ring already: they complete no entry of the process.
 */
static inline void urk_ring_restart(struct urk_ring *r)
{
	u32 end;

	for (u32 i = r->tx_clean; i != r->tx_tail; i = end) {
		end = r->tx_place[i & r->tx_mask].batch_end;
		r->tx_place[(end - 1) & r->tx_mask].entry = 0;
	}
	/* nothing comes before place 0: urk_rx_continues() */
	r->rx[r->rx_mask].word[1] = 0;
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

	WRITE_ONCE(k->fill_kept, r->fill_kept);
	WRITE_ONCE(k->tx_cons, r->tx_cons);
	smp_store_release(&k->tx_done, r->tx_done);	/* F */
	smp_store_release(&k->rx_tail, r->rx_tail);	/* D */
	smp_store_release(&k->rx_limit, urk_rx_limit(r));	/* D */
	smp_store_release(&k->fill_cons, r->fill_cons);	/* I */
}

/*
 * The hardware forgot the rings.  The indices stay, so that the process can
 * reclaim its slots; it answers with the new epoch.
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

/* Limits of the next visit: TX entries, and HOST entries among them. */
static inline void urk_ring_budget(struct urk_ring *r, u32 most, u32 host)
{
	r->tx_most = most;
	r->host_room = host;
	r->tx_held = false;
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

#endif /* URK_RING_SYNC_H */
