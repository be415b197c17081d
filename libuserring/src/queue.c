// SPDX-License-Identifier: BSD-2-Clause
/*
 * Queues: attach, detach, sync, and recovery after a reset.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define RING_SIZE	1024

/* ------------------------------------------------------------------------
 * Stock
 */

/*
 * Gives slots from the pool to RX places that lack one.  If the last release was in
 * place and left none out, the process holds the slots of these places, and the next
 * release brings them back: so they wait for it, once, and at most half of the ring.
 */
static void top_up(struct ur_queue *q)
{
	uint32_t cons = q->stocked ? 0 : ur_read_once(&q->kernel->fill_cons);
	uint32_t want = __ur_rx_unfilled(q), n;
	struct ur_pool *pool = q->pool;

	if (!want || q->flags & UR_QUEUE_NO_FILL)
		return;
	/* each waiting entry has a place; if not, SYNC says what is wrong */
	if (__ur_unlikely(want > q->rx_mask + 1 - (q->user->fill_prod - cons)))
		return;
	if (q->keeping && want <= q->rx_mask / 2) {
		q->keeping = 0;
		return;
	}
	for (; want && (pool->free_count || __ur_pool_fetch(pool)); want -= n) {
		n = want < pool->free_count ? want : pool->free_count;
		pool->free_count -= n;
		__ur_rx_fill(q, pool->free_slot + pool->free_count,
			     sizeof(*pool->free_slot), n);
	}
}

/*
 * The rings stopped: reclaims the slots that the module and the NIC had.  Then the
 * indices restart from 0.
 */
static void take_stock(struct ur_queue *q)
{
	const struct ur_kernel_page *k = q->kernel;
	struct ur_user_page *u = q->user;
	struct ur_indices at = {
		.fill_prod = u->fill_prod,
		.tx_first = u->tx_reaped,
		.tx_prod = u->tx_prod,
	};
	uint32_t place;

	/*
	 * until SYNC has succeeded, the module's indices are of the previous epoch
	 */
	if (!q->stocked) {
		at.rx_tail = __ur_load_acquire(&k->rx_tail);	/* D */
		at.fill_cons = k->fill_cons;
		at.fill_kept = k->fill_kept;
		at.tx_cons = k->tx_cons;
	}
	/* rx_next, unlike rx_pos, cannot be overwritten from outside */
	at.rx_pos = at.rx_tail - ((at.rx_tail - __ur_rx_place(q)) & q->rx_mask);
	ur_stock_count(q, &at, &place);
	ur_stock_free(q);
	__ur_rx_move(q, 0);
	/* the module may look at them meanwhile */
	__ur_store_release(&u->fill_prod, 0);
	__ur_store_release(&u->tx_prod, 0);
	__ur_store_release(&u->tx_reaped, 0);
	q->fill_place = 0;
	q->keeping = 0;
	q->rx_dropping = 0;
}

/*
 * Answers a new epoch.  The (k) indices are valid again when SYNC has returned 0.
 * Until then the page has another epoch, so that no code uses them, and what is
 * written into the rings stays there for the next attempt.
 */
static int recover(struct ur_queue *q)
{
	uint32_t epoch = __ur_load_acquire(&q->kernel->epoch);	/* G */
	int ret;

	if (!q->stocked) {
		take_stock(q);
		q->stocked = 1;
	}
	top_up(q);
	__ur_store_release(&q->user->epoch, epoch);	/* H */
	q->stats.syncs++;
	ret = q->backend->sync(q, 0);
	if (ret) {
		__ur_store_release(&q->user->epoch, epoch - 1);
		return ret;
	}
	q->stocked = 0;
	q->stats.recovered++;
	return 0;
}

/* ------------------------------------------------------------------------
 * Sync
 */

/*
 * Counts places again from what the module did, in case an entry was refused.  With
 * nothing in the fill ring rx_tail does not move, even if there is a timer.
 */
static void check_places(struct ur_queue *q)
{
	if (__ur_load_acquire(&q->kernel->fill_cons) == q->user->fill_prod) /* I */
		q->fill_place = __ur_load_acquire(&q->kernel->rx_tail);	/* D */
}

int ur_queue_error(struct ur_queue *q)
{
	switch (ur_queue_state(q)) {
	case UR_STATE_DOWN:
		return -ENETDOWN;
	case UR_STATE_GONE:
		return -ENODEV;
	case UR_STATE_TAKEN:
		return -ETIMEDOUT;
	case UR_STATE_OVER:
		/* what was written since is handed over before the end */
		return q->backend->sync(q, 0);
	default:
		return 0;
	}
}

/*
 * Not inline: so that a SYNC with nothing to collect has few registers to save.
 * Return: 0; -ERANGE something wrote over tx_reaped, which the module does not read.
 */
static __attribute__((noinline)) int collect(struct ur_queue *q, uint32_t done)
{
	if (done - q->user->tx_reaped > q->tx_mask + 1)
		return -ERANGE;
	ur_tx_reap(q);
	return 0;
}

/*
 * Can finished slots stay in the TX ring?  ur_tx_each() and ur_forward() take them
 * from there at lower cost.  As long as the pool has more free slots than this ring
 * could ever take, code that takes them from the pool does not run short.  But if
 * the pool is shared, another handle may wait for them; and if the ring is full or
 * has sent all, a caller of ur_tx_room() may.
 */
static bool may_stay(const struct ur_queue *q, uint32_t done)
{
	return q->pool->free_count > q->tx_mask + 1 && !q->pool->share &&
	       done != q->user->tx_prod && ur_tx_room(q);
}

int ur_queue_sync(struct ur_queue *q, bool call)
{
	uint32_t done;
	int ret;

	if (__ur_unlikely(__ur_queue_stale(q))) {
		ret = recover(q);
	} else {
		done = __ur_load_acquire(&q->kernel->tx_done);	/* F */
		if (done != q->user->tx_reaped &&
		    (call || !may_stay(q, done)) && collect(q, done))
			return -ERANGE;
		if (!call)
			check_places(q);
		if (__ur_rx_unfilled(q))
			top_up(q);
		if (!call)
			return ur_queue_error(q);
		q->stats.syncs++;
		ret = q->backend->sync(q, 0);
		if (__ur_unlikely(ret == -ESTALE))
			ret = recover(q);
		else
			check_places(q);
	}
	return __ur_unlikely(ret == -ENOTCONN) ? -ENODEV : ret;
}

int ur_sync(struct ur_queue *q)
{
	return ur_queue_sync(q, !q->sync_period_us);
}

int ur_sync_now(struct ur_queue *q)
{
	return ur_queue_sync(q, true);
}

/* ------------------------------------------------------------------------
 * Attach and detach
 */

int ur_queue_new(struct ur_queue **queue, const struct ur_backend *backend,
		 const struct ur_queue_opts *user_opts,
		 struct ur_queue_opts *opts, struct ur_error *err)
{
	struct ur_queue *q;

	*queue = NULL;
	if (err)
		err->text[0] = '\0';
	memset(opts, 0, sizeof(*opts));
	if (user_opts) {
		if (user_opts->size < sizeof(size_t))
			return ur_fail(err, -EINVAL,
				       "ur_queue_opts.size is not set");
		memcpy(opts, user_opts, user_opts->size < sizeof(*opts) ?
		       user_opts->size : sizeof(*opts));
	}
	if (opts->flags & ~(uint32_t)UR_QUEUE_NO_FILL)
		return ur_fail(err, -EINVAL, "unknown ur_queue_opts.flags");
	q = aligned_alloc(__alignof__(*q), sizeof(*q));
	if (!q)
		return ur_fail(err, -ENOMEM, "no memory");
	memset(q, 0, sizeof(*q));
	q->backend = backend;
	q->fd = -1;
	q->spin_us = opts->spin_us;
	q->flags = opts->flags;
	*queue = q;
	return 0;
}

void ur_queue_free(struct ur_queue *q)
{
	free(q->stock);
	free(q);
}

int ur_queue_lay_out(struct ur_queue *q, struct ur_pool *pool,
		     const struct ur_attach *attach, struct ur_error *err)
{
	uint8_t *page = (uint8_t *)q->user;

	q->pool = pool;
	q->rx_slot = (const uint32_t *)((const uint8_t *)q->kernel +
					attach->rx_slot_off);
	q->fill = (uint32_t *)(page + attach->fill_off);
	q->tx = (struct ur_tx_entry *)(page + attach->tx_off);
	q->rx_data = pool->base + attach->rx_data_off;
	q->slot_size = 1U << pool->slot_shift;
	q->rx_mask = attach->rx_size - 1;
	q->tx_mask = attach->tx_size - 1;
	q->rx_format = attach->rx_format;
	q->rx_err_frame = attach->rx_err_frame;
	q->rx_err_ip = attach->rx_err_ip;
	q->rx_err_l4 = attach->rx_err_l4;
	q->number = attach->queue;
	q->sync_period_us = attach->sync_period_us;
	__ur_rx_move(q, q->user->rx_pos);
	if (q->kernel->abi_version != UR_ABI_VERSION ||
	    q->rx_format < UR_DESC_LEGACY || q->rx_format > UR_DESC_ADVANCED)
		return ur_fail(err, -EPROTO,
			       "the module has RX descriptors or a contract that this library does not know: build both from the same sources");
	return 0;
}

int ur_queue_attach(struct ur_queue **queue_ret, struct ur_port *port,
		    struct ur_pool *pool, const struct ur_queue_opts *user_opts,
		    struct ur_error *err)
{
	struct ur_attach attach = { .argsz = sizeof(attach) };
	struct ur_queue_opts opts;
	struct ur_queue *q;
	int ret;

	*queue_ret = NULL;
	ret = ur_queue_new(&q, port->backend, user_opts, &opts, err);
	if (ret)
		return ret;
	attach.mode = UR_MODE_GUARDED;
	attach.queue = opts.queue ? opts.queue : port->queue;
	attach.pool_fd = pool->fd;
	attach.rx_size = opts.rx_size ? opts.rx_size : RING_SIZE;
	attach.tx_size = opts.tx_size ? opts.tx_size : RING_SIZE;
	attach.sync_period_us = opts.sync_period_us;
	attach.watchdog_ms = opts.watchdog_ms;

	q->pool = pool;
	ret = ur_stock_init(q, pool->slot_count);
	if (ret) {
		ur_fail(err, ret, "no memory");
		goto err_free;
	}
	ret = port->backend->attach(port, q, &attach, err);
	if (ret)
		goto err_free;
	ret = ur_queue_lay_out(q, pool, &attach, err);
	if (ret)
		goto err_detach;
	__ur_store_release(&q->user->epoch,
			   __ur_load_acquire(&q->kernel->epoch));	/* G, H */
	top_up(q);
	ret = ur_queue_sync(q, true);
	if (ret && ret != -ENETDOWN && ret != -ENODATA) {
		ur_fail(err, ret, "queue %u of %s: %s", q->number, port->label,
			ur_strerror(ret));
		goto err_detach;
	}
	*queue_ret = q;
	return 0;

err_detach:
	q->backend->detach(q);
	take_stock(q);
	q->backend->unmap(q);
err_free:
	ur_queue_free(q);
	return ret;
}

void ur_queue_detach(struct ur_queue *q)
{
	if (!q)
		return;
	q->backend->detach(q);
	take_stock(q);
	q->backend->unmap(q);
	ur_queue_free(q);
}

void ur_queue_leave(struct ur_queue *q)
{
	if (!q)
		return;
	q->backend->leave(q);
	ur_queue_free(q);
}

/* ------------------------------------------------------------------------
 * Questions
 */

int ur_fd(const struct ur_queue *q)
{
	return q->fd;
}

void ur_queue_stats(const struct ur_queue *q, struct ur_queue_stats *stats)
{
	*stats = q->stats;
	stats->rx_bad = q->rx_bad;
}

void ur_queue_counters(const struct ur_queue *q, struct ur_counters *count)
{
	/* of the fields' own type, which is not uint64_t everywhere */
	const __u64 *from = (const __u64 *)&q->kernel->count;
	__u64 *to = (__u64 *)count;
	size_t i;

	/* each is read whole; the module goes on counting meanwhile */
	for (i = 0; i < sizeof(*count) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

int ur_queue_state(const struct ur_queue *q)
{
	return (int)__atomic_load_n(&q->kernel->state, __ATOMIC_RELAXED);
}

bool ur_queue_link(const struct ur_queue *q)
{
	return __atomic_load_n(&q->kernel->link_up, __ATOMIC_RELAXED);
}

uint32_t ur_queue_number(const struct ur_queue *q)
{
	return q->number;
}
