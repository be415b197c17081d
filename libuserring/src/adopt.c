// SPDX-License-Identifier: BSD-2-Clause
/*
 * Adoption: the half of a queue that a process keeps to itself, made anew from
 * the shared pages.
 *
 * Who had the queue before may have been killed between any two of its stores.
 * That does no harm, because of the order in which rx.h and tx.h store: a slot
 * is announced in one ring (fill_prod, tx_prod) only after the index that says
 * that it left the other (rx_pos; tx_done, which is the module's) has moved. So
 * at every moment a slot is in at most one of
 *
 *	RX places	[rx_pos, rx_tail)
 *	fill entries	[fill_cons, fill_prod)
 *	TX entries	[tx_done, tx_prod)
 *
 * and the dead process had in hand, or free, exactly those that are in none.
 * tx_reaped does not count: what lies below tx_done is finished, and had the
 * dead process collected it, it would have been free or in hand, which is the
 * same now.
 *
 * The module's indices are those of ADOPT, all of one moment at which the former
 * owner wrote no more, and not those of the kernel page, which go on where there
 * is a sync period. What is read after that moment with their help stands still:
 *
 *  - the page of the process, because only its owner writes there;
 *  - rx_slot of the places [rx_pos, rx_tail), because a place is not posted again
 *    before rx_pos has moved past it;
 *  - rx_slot of the places that KEEP entries promise, because these entries are
 *    the only ones that post them, with the slots that lie there.
 *
 * A slot that moves on meanwhile (fill entry to place, TX entry to the NIC to
 * finished) was counted as taken, and comes back by rx_pos or tx_done like any
 * other: nothing of this process has moved past it.
 *
 * The page may also be full of nonsense: what stock.c finds wrong with it ends the
 * adoption.
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
 * How the packet ended that was taken last.  One place of the ring is always
 * empty, and until rx_pos moves it is the one in front of it, so that descriptor
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

/* Goes on where the other stopped. */
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
	/* the former owner may have been in the middle of one that it dropped */
	q->rx_dropping = !(status & UR_RXD_STAT_EOP);
	__ur_store_release(&q->user->tx_reaped, from->tx_done);
	return 0;
}

/* Nothing that is in the page counts any more. */
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

/* Nothing is taken: the rings wait for a SYNC, or it was one for nothing. */
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
 *	the rings'	nothing		go on; what the kernel page says may be of
 *					the time before, so as after a reset
 *	another		nothing		the rings were reset, and the other may have
 *					died while it took stock: begin anew
 *	another		something	it answered the epoch, and took that back
 *					because SYNC failed; a timer was faster: the
 *					indices are of this epoch, go on
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
		/* recover() does the rest: it knows a page of before */
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
	/*
	 * Places may lie in front of the next packet whose slots the other had
	 * in hand: in place only when a burst finds the ring full.
	 */
	pool->moves = q->moves + 1;
	ret = ur_queue_sync(q, true);
	/* what the next ur_sync() says as well, and of which there is more to tell then */
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
