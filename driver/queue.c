// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue and the switch between its consumers.
 *
 * Each consumer brings its own rings.  A switch lets the device finish what it
 * has, gives it the other rings and goes on: the MAC and the PHY are not
 * touched.  All of this runs under port->ctl.
 */
#include <linux/delay.h>

#include "compat.h"
#include "urk.h"

#define URK_DRAIN_MS	50	/* reserve: a pause frame, a busy bus */

/* Time for so many full-size frames, with preamble and gap, on the wire. */
static u32 urk_queue_drain_ms(const struct urk_queue *q, u32 frames)
{
	u32 mbps = q->port->link_mbps ?: 1000;

	return frames * (1538 * 8) / (mbps * 1000) + URK_DRAIN_MS;
}

/*
 * Waits until the device is done with the TX ring, which gets nothing new; at
 * most as long as its frames take.  Return: false if it is not done: no link,
 * or pause frames without end.  What is left is not sent.
 */
static bool urk_queue_drain_tx(struct urk_queue *q, struct urk_rings *rings)
{
	struct urk_hw *hw = &q->port->hw;
	struct urk_ring *r = &rings->ring;
	unsigned long end = jiffies +
		msecs_to_jiffies(urk_queue_drain_ms(q, r->tx_tail - r->tx_clean));
	bool done, late;

	do {
		late = time_after(jiffies, end);
		/* NAPI may do the same */
		spin_lock_bh(&q->lock);
		urk_tx_reap(r);
		done = r->tx_clean == r->tx_tail;
		spin_unlock_bh(&q->lock);
		/* sent, and written back */
		if (done && hw->variant->ops->tx_idle(hw, q->index))
			return true;
		if (late || READ_ONCE(hw->gone))
			break;
		usleep_range(1000, 1100);
	} while (q->port->link_up);
	netdev_dbg(q->port->netdev, "queue %u: frames left unsent\n", q->index);
	return false;
}

/* The stack sends nothing through this queue from here on. */
static void urk_queue_stop_stack(struct urk_queue *q)
{
	struct netdev_queue *txq = urk_txq(q);

	__netif_tx_lock_bh(txq);
	netif_tx_stop_queue(txq);
	__netif_tx_unlock_bh(txq);
	/* room that comes free must not start it again */
	spin_lock_bh(&q->lock);
	q->tx_full = false;
	spin_unlock_bh(&q->lock);
}

/*
 * No code touches the rings in use from here on.  The stack's packets wait in
 * its own queue.
 */
static void urk_queue_no_rings(struct urk_queue *q)
{
	urk_queue_stop_stack(q);
	spin_lock_bh(&q->lock);
	q->rings = NULL;
	spin_unlock_bh(&q->lock);
	hrtimer_cancel(&q->tx_look);
}

/* Gives rings to the stopped device; then their consumer may start. */
static void urk_queue_set_rings(struct urk_queue *q, struct urk_rings *rings)
{
	struct urk_hw *hw = &q->port->hw;
	struct urk_ring *r = &rings->ring;

	urk_tx_restart(r);
	q->tx_kicked = 0;
	q->tx_full = false;
	hw->variant->ops->set_rings(hw, q->index, rings->rx.dma,
				    (r->rx_mask + 1) * sizeof(*r->rx),
				    rings->tx.dma,
				    (r->tx_mask + 1) * sizeof(*r->tx));
	spin_lock_bh(&q->lock);
	q->rings = rings;
	spin_unlock_bh(&q->lock);
}

/* The kernel's rings, from place 0; urk_kernel_fill() posts their slots. */
static void urk_queue_kernel_rings(struct urk_queue *q)
{
	urk_ring_restart(&q->krings->ring);
	urk_queue_set_rings(q, q->krings);
}

static void urk_queue_irq_on(struct urk_queue *q)
{
	struct urk_hw *hw = &q->port->hw;

	urk_wr(hw, hw->irq_set, urk_irqs(hw, q->index));
}

static void urk_queue_irq_off(struct urk_queue *q)
{
	struct urk_hw *hw = &q->port->hw;

	urk_wr(hw, hw->irq_clear, urk_irqs(hw, q->index));
	urk_flush(hw);
	urk_irq_queue_sync(q);
}

static void urk_queue_kernel_run(struct urk_queue *q)
{
	urk_napi_start(&q->napi, q->index, urk_irq_of(q));
	urk_queue_irq_on(q);
}

/*
 * A device with one transmitter for all rings may still have descriptors of a
 * ring that did not drain: only a reset makes it forget them.
 */
static void urk_queue_forget(struct urk_queue *q, bool drained)
{
	if (!drained && !q->port->hw.variant->ops->ring_stops)
		urk_port_restart(q->port);
}

/*
 * Takes a queue of the kernel off its rings: the device is done with them, and
 * what it received is delivered.  Reception goes on while the TX ring drains.
 * Return: did it drain?
 */
static bool urk_queue_quiet(struct urk_queue *q)
{
	struct urk_hw *hw = &q->port->hw;
	bool drained;

	urk_queue_stop_stack(q);
	drained = urk_queue_drain_tx(q, q->krings);
	/* NAPI first: when it is done it turns the interrupt on */
	urk_napi_stop(&q->napi);
	urk_queue_irq_off(q);
	urk_queue_no_rings(q);
	hw->variant->ops->rx_pause(hw, q->index);
	local_bh_disable();
	urk_kernel_rx(q, INT_MAX, false);
	local_bh_enable();
	return drained;
}

static void urk_queue_user_run(struct urk_queue *q)
{
	struct urk_rings *rings = q->user->rings;

	/* urk_port_features() sees the user by now, and may change them */
	spin_lock_bh(&q->lock);
	rings->ring.tx_flags = urk_port_tx_flags(q->port);
	spin_unlock_bh(&q->lock);
	WRITE_ONCE(rings->ring.k->link_up, q->port->link_up);
	WRITE_ONCE(rings->ring.k->state, UR_STATE_ATTACHED);
	urk_user_run(q->user);
}

/* ------------------------------------------------------------------------
 * With the port
 */

/*
 * The kernel's rings and slots, from when the interface is set up until it is
 * set down: a reset in between needs no memory.
 */
int urk_queue_alloc(struct urk_queue *q)
{
	struct urk_pool *pool;

	pool = urk_pool_create(URK_KERNEL_SLOT, URK_KERNEL_RX + URK_KERNEL_TX,
			       GFP_KERNEL,
			       urk_dma_gfp(&q->port->hw.pdev->dev));
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	q->krings = urk_rings_create(q->port, pool, URK_KERNEL_RX,
				     URK_KERNEL_TX, GFP_KERNEL);
	urk_pool_put(pool);
	if (IS_ERR(q->krings)) {
		int err = PTR_ERR(q->krings);

		q->krings = NULL;
		return err;
	}
	q->krings->ring.count = &q->count;
	q->krings->ring.tx_kernel = URK_KERNEL_TX - 1;
	return 0;
}

void urk_queue_free(struct urk_queue *q)
{
	if (q->krings)
		urk_rings_destroy(q->krings);
	q->krings = NULL;
}

/* The port comes up: the device is reset and receives nothing yet. */
void urk_queue_start(struct urk_queue *q)
{
	if (q->user) {
		urk_queue_set_rings(q, q->user->rings);
		urk_queue_user_run(q);
	} else {
		urk_queue_kernel_rings(q);
		urk_kernel_fill(q);
		urk_queue_kernel_run(q);
	}
}

/* The port goes down: the device was reset and does no DMA. */
void urk_queue_stop(struct urk_queue *q)
{
	struct urk_user *user = q->user;

	if (user) {
		urk_queue_no_rings(q);
		spin_lock_bh(&q->lock);
		urk_ring_stop(&user->rings->ring, UR_STATE_DOWN);
		WRITE_ONCE(user->rings->ring.k->link_up, 0);
		spin_unlock_bh(&q->lock);
		urk_user_halt(user);
		urk_out_drop(q, user->rings);
		wake_up_interruptible(&user->wait);
	} else {
		urk_napi_stop(&q->napi);
		urk_queue_no_rings(q);
	}
	urk_napi_settle();
}

/* Adds or removes a queue while the port runs; the link is not touched. */
int urk_queue_add(struct urk_queue *q)
{
	struct urk_hw *hw = &q->port->hw;
	int err;

	err = urk_queue_alloc(q);
	if (err)
		return err;
	hw->variant->ops->rx_pause(hw, q->index);
	urk_queue_start(q);
	hw->variant->ops->rx_resume(hw, q->index);
	return 0;
}

/* It is the kernel's, and neither the RSS table nor the stack uses it. */
void urk_queue_remove(struct urk_queue *q)
{
	struct urk_hw *hw = &q->port->hw;

	bool drained = urk_queue_quiet(q);

	hw->variant->ops->set_rings(hw, q->index, 0, 0, 0, 0);
	hw->variant->ops->rx_resume(hw, q->index);
	urk_queue_forget(q, drained);
	/* the stack's watchdog takes a stopped queue for one that hangs */
	netif_tx_start_queue(urk_txq(q));
	urk_napi_settle();
	urk_queue_free(q);
}

/* ------------------------------------------------------------------------
 * Attach and detach
 */

int urk_queue_attach(struct urk_queue *q, struct urk_user *user)
{
	struct urk_hw *hw = &q->port->hw;
	bool drained;

	lockdep_assert_held(&q->port->ctl);
	if (q->user)
		return -EBUSY;
	user->queue = q;
	if (!q->port->up) {
		WRITE_ONCE(user->rings->ring.k->state, UR_STATE_DOWN);
		spin_lock_bh(&q->lock);
		q->user = user;
		user->rings->queue = q;
		spin_unlock_bh(&q->lock);
		return 0;
	}

	drained = urk_queue_quiet(q);
	if (READ_ONCE(hw->gone))
		goto err_gone;
	spin_lock_bh(&q->lock);
	q->user = user;
	user->rings->queue = q;
	urk_ring_restart(&user->rings->ring);
	spin_unlock_bh(&q->lock);
	urk_queue_set_rings(q, user->rings);
	hw->variant->ops->rx_resume(hw, q->index);
	urk_queue_user_run(q);
	netif_tx_wake_queue(urk_txq(q));
	urk_napi_settle();
	urk_queue_forget(q, drained);
	return 0;

err_gone:
	urk_queue_kernel_rings(q);
	hw->variant->ops->rx_resume(hw, q->index);
	urk_kernel_fill(q);
	urk_napi_settle();
	urk_queue_kernel_run(q);
	netif_tx_wake_queue(urk_txq(q));
	return -ENODEV;
}

/*
 * The process is gone, or done, or hangs; its rings still exist.  state is what
 * it finds in them.  Return: true if it had the queue; then the caller, who
 * keeps the device, releases the rings once port->ctl is free.
 */
bool urk_queue_detach(struct urk_queue *q, struct urk_user *user, u32 state)
{
	struct urk_hw *hw = &q->port->hw;
	struct urk_ring *r = &user->rings->ring;
	bool running, drained;

	lockdep_assert_held(&q->port->ctl);
	if (q->user != user)
		return false;

	running = q->rings == user->rings;
	if (running)
		urk_queue_stop_stack(q);
	spin_lock_bh(&q->lock);
	/* count what it took since its last sync; its counts go to the queue */
	if (r->live) {
		urk_rx_take(r, READ_ONCE(r->u->rx_pos));
		/* packets from here on go to the stack, not to both */
		smp_store_release(&r->k->rx_limit, urk_rx_pos(r));
	}
	urk_counters_add(&q->count, r->count);
	q->user = NULL;
	q->rings = NULL;
	WRITE_ONCE(r->k->state, state);
	spin_unlock_bh(&q->lock);
	/* the timers see that the queue is not theirs, and are not restarted */
	urk_user_halt(user);
	hrtimer_cancel(&q->tx_look);
	wake_up_interruptible(&user->wait);

	if (running) {
		urk_queue_irq_off(q);
		drained = urk_queue_drain_tx(q, user->rings);
		hw->variant->ops->rx_pause(hw, q->index);
		urk_queue_kernel_rings(q);
		hw->variant->ops->rx_resume(hw, q->index);
		urk_kernel_fill(q);
		/* packets that still wait for the process go to the stack */
		urk_host_rest(q, user->rings);
		urk_queue_kernel_run(q);
		netif_tx_wake_queue(urk_txq(q));
		urk_queue_forget(q, drained);
	}
	return true;
}

/* ------------------------------------------------------------------------
 * Who has it
 */

void urk_queue_info(struct urk_queue *q, struct ur_queue_info *info)
{
	struct urk_ring *r = NULL;
	struct urk_user *user;

	lockdep_assert_held(&q->port->ctl);
	urk_irq_info(q, info);
	spin_lock_bh(&q->lock);
	user = q->user;
	info->count = q->count;
	info->state = q->port->up ? UR_STATE_ATTACHED : UR_STATE_DOWN;
	if (user) {
		r = &user->rings->ring;
		info->attached = 1;
		info->pid = pid_vnr(user->pid);
		strscpy(info->comm, user->comm, sizeof(info->comm));
		info->sync_period_us = user->attach.sync_period_us;
		info->watchdog_ms = user->attach.watchdog_ms;
		info->count = *r->count;
		info->fill_waiting = READ_ONCE(r->u->fill_prod) - r->fill_cons;
		info->tx_waiting = READ_ONCE(r->u->tx_prod) - r->tx_cons;
		info->rx_waiting = urk_rx_waiting(r, urk_rx_pos(r));
		info->tapped = r->tapped;
	} else if (q->krings) {
		r = &q->krings->ring;
	}
	if (r) {
		info->rx_size = r->rx_mask + 1;
		info->tx_size = r->tx_mask + 1;
		info->rx_posted = r->rx_tail - r->rx_done;
		info->tx_pending = r->tx_cons - r->tx_done;
		info->epoch = r->epoch;
		info->kernel_tx_pending = r->kernel_put - r->kernel_done;
	}
	spin_unlock_bh(&q->lock);
}
