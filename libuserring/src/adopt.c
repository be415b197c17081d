// SPDX-License-Identifier: BSD-2-Clause
/*
 * Adoption: rebuilds the half of a queue that a process keeps to itself from the
 * shared pages.
 *
 * The former owner may have been killed between any two of its stores.  That does
 * no harm, because of the order in which rx.h and tx.h store: a slot is announced
 * in one ring (fill_prod, tx_prod) only after the index that says that it left the
 * other (rx_pos; tx_done, which is the module's) has moved.  So at every moment a
 * slot is in at most one of
 *
 *	RX places	[rx_pos, rx_tail)
 *	fill entries	[fill_cons, fill_prod)
 *	TX entries	[tx_done, tx_prod)
 *
 * and exactly the slots that are in none of these were held by the dead process, or
 * free.  tx_reaped does not matter: entries below tx_done are finished.  If the
 * dead process had collected their slots, they would be free or held, which is the
 * same now.
 *
 * The module's indices are those of ADOPT, all of one moment at which the former
 * owner no longer wrote.  They are not those of the kernel page, which go on if
 * there is a sync period.  What is read by these indices after that moment does not
 * change:
 *
 *  - the page of the process, because only its owner writes there;
 *  - rx_slot of the places [rx_pos, rx_tail), because a place is not posted again
 *    before rx_pos has moved past it;
 *  - rx_slot of the places that KEEP entries promise, because these entries are
 *    the only ones that post them, with the slots that lie there.
 *
 * A slot that moves on meanwhile (fill entry to place, TX entry to the NIC to
 * finished) was counted as in a ring, and comes back by rx_pos or tx_done like any
 * other: no index of this process has moved past it.
 *
 * The page may also contain garbage: if stock.c finds anything wrong with it, the
 * adoption fails.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* What the former owner left, each word read once. */
struct left {
	uint32_t rx_pos;
	uint32_t fill_prod;
	uint32_t tx_prod;
	uint32_t epoch;
};

static int nonsense(struct ur_error *err, const char *what)
{
	return ur_fail(err, -ERANGE,
		       "the shared page of the queue says that %s: something wrote over it; detach it by closing all its descriptors",
		       what);
}

/* ------------------------------------------------------------------------
 * Rings
 */

/*
 * The status of the packet that was taken last.  One place of the ring is always
 * empty, and until rx_pos moves it is the place before rx_pos.  So that descriptor
 * is as the NIC left it.
 */
static uint32_t last_status(const struct ur_queue *q, uint32_t rx_pos)
{
	if (!rx_pos)		/* nothing was taken in this epoch */
		return UR_RXD_STAT_DD | UR_RXD_STAT_EOP;
	return __ur_rx_word_status(
		__ur_desc_word(&q->rx_desc[(rx_pos - 1) & q->rx_mask], 1),
		q->rx_format == UR_DESC_LEGACY);
}

/* Continues where the former owner stopped. */
static int take_over(struct ur_queue *q, const struct ur_adopt *from,
		     const struct left *u, struct ur_error *err)
{
	const struct ur_indices at = {
		.rx_tail = from->rx_tail,
		.fill_cons = from->fill_cons,
		.fill_kept = from->fill_kept,
		.tx_cons = from->tx_cons,
		.rx_pos = u->rx_pos,
		.fill_prod = u->fill_prod,
		.tx_first = from->tx_done,
		.tx_prod = u->tx_prod,
	};
	uint32_t status = last_status(q, u->rx_pos);
	unsigned int wrong;
	uint32_t place;

	wrong = ur_stock_count(q, &at, &place);
	if (wrong & UR_STOCK_RX || !(status & UR_RXD_STAT_DD))
		return nonsense(err, "more packets were taken than came");
	if (wrong & UR_STOCK_FILL)
		return nonsense(err, "the fill ring has more entries than places");
	if (wrong & UR_STOCK_TX)
		return nonsense(err, "the TX ring has more entries than places");
	if (wrong & UR_STOCK_ENTRY)
		return nonsense(err, "slots were given back that are none, or more than the RX ring has places");
	if (wrong & UR_STOCK_TWICE)
		return nonsense(err, "a slot is in two places");
	q->fill_place = place;
	/*
	 * the former owner may have stopped in the middle of a frame that it
	 * dropped
	 */
	q->rx_dropping = !(status & UR_RXD_STAT_EOP);
	__ur_store_release(&q->user->tx_reaped, from->tx_done);
	return 0;
}

/* Nothing in the page is valid any more. */
static void begin_anew(struct ur_queue *q)
{
	__ur_rx_move(q, 0);
	/* the module may look at them meanwhile */
	__ur_store_release(&q->user->fill_prod, 0);
	__ur_store_release(&q->user->tx_prod, 0);
	__ur_store_release(&q->user->tx_reaped, 0);
}

/* ------------------------------------------------------------------------
 * All of it
 */

/* Nothing was taken: the rings wait for a SYNC, or it had nothing to take. */
static bool untouched(const struct ur_adopt *from)
{
	return !(from->rx_tail | from->fill_cons | from->fill_kept |
		 from->tx_cons | from->tx_done);
}

/*
 *	epoch of	module has
 *	the page	taken
 *	--------	----------
 *	the rings'	something	go on
 *	the rings'	nothing		go on as after a reset, because the kernel
 *					page may still have the previous indices
 *	another		nothing		the rings were reset, and the former owner may
 *					have died while it reclaimed: start again
 *	another		something	the former owner answered the epoch, and took
 *					that back because SYNC failed, but a timer was
 *					faster: the indices are of this epoch, go on
 */
static int take_stock(struct ur_queue *q, const struct ur_adopt *from,
		      struct ur_error *err)
{
	const struct left u = {
		.rx_pos = ur_read_once(&q->user->rx_pos),
		.fill_prod = ur_read_once(&q->user->fill_prod),
		.tx_prod = ur_read_once(&q->user->tx_prod),
		.epoch = ur_read_once(&q->user->epoch),
	};
	int ret = 0;

	if (untouched(from) && u.epoch != from->epoch)
		begin_anew(q);
	else
		ret = take_over(q, from, &u, err);
	if (ret)
		return ret;
	if (untouched(from)) {
		/*
		 * recover() does the rest: it can handle a page of the previous
		 * epoch
		 */
		q->stocked = 1;
		__ur_store_release(&q->user->epoch, from->epoch - 1);
	} else {
		__ur_store_release(&q->user->epoch, from->epoch);	/* H */
	}
	return 0;
}

int ur_adopt_rings(struct ur_queue *q, struct ur_pool *pool,
		   const struct ur_adopt *from, struct ur_error *err)
{
	uint32_t i;
	int ret;

	if (ur_stock_init(q, pool->slot_count))
		return ur_fail(err, -ENOMEM, "no memory");
	ret = take_stock(q, from, err);
	if (ret)
		return ret;
	for (i = pool->slot_count; i--;)
		if (!ur_stock_has(q, i))
			__ur_slot_push(pool, i);
	ret = ur_queue_sync(q, true);
	/* the next ur_sync() says these as well, when there is more to tell */
	if (ret == -ENETDOWN || ret == -ESTALE || ret == -ENODATA)
		ret = 0;
	if (ret)
		ur_fail(err, ret, "the queue cannot be adopted: %s",
			ur_strerror(ret));
	return ret;
}

int ur_queue_adopt(struct ur_queue **queue_ret, struct ur_pool **pool_ret,
		   int fd, const struct ur_queue_opts *user_opts,
		   struct ur_error *err)
{
	struct ur_adopt adopt = { .argsz = sizeof(adopt) };
	struct ur_queue_opts opts;
	struct ur_pool *pool;
	struct ur_queue *q;
	int ret;

	*queue_ret = NULL;
	*pool_ret = NULL;
	ret = ur_queue_new(&q, &ur_module, user_opts, &opts, err);
	if (ret)
		return ret;
	ret = ur_module_adopt(q, &pool, fd, &adopt, err);
	if (ret)
		goto err_free;
	ret = ur_queue_lay_out(q, pool, &adopt.attach, err);
	if (!ret)
		ret = ur_adopt_rings(q, pool, &adopt, err);
	if (ret)
		goto err_unmap;
	*queue_ret = q;
	*pool_ret = pool;
	return 0;

err_unmap:
	ur_module_unadopt(q);
	ur_pool_destroy(pool);
err_free:
	ur_queue_free(q);
	return ret;
}
