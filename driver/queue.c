// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue and the switch between its consumers.
 *
 * Each consumer brings its own rings.  A switch lets the device finish what it
 * has, shows it the other rings and goes on: the MAC and the PHY know nothing
 * of it.  All of this runs under port->ctl.
 */
#include <linux/delay.h>

#include "port.h"

#define URK_DRAIN_MS	50	/* 256 full frames take 32 ms at 100 Mb/s */

/* Until the device is done with the TX ring, which gets nothing new. */
static int urk_queue_drain_tx(struct urk_queue *q, struct urk_rings *rings)
{
	struct urk_hw *hw = &q->port->hw;
	struct urk_ring *r = &rings->ring;
	int i;

	for (i = 0; i < URK_DRAIN_MS; i++) {
		urk_tx_reap(r);
		/* sent, and written back */
		if (hw->variant->ops->tx_idle(hw, q->index) &&
		    r->tx_clean == r->tx_tail)
			return 0;
		if (READ_ONCE(hw->gone))
			return -ENODEV;
		usleep_range(1000, 1100);
	}
	/*
	 * No link, or a pause frame that does not end.  The transmitter is
	 * stopped with frames in the ring, where they stay.
	 */
	netdev_dbg(q->port->netdev, "queue %u: frames left unsent\n", q->index);
	return 0;
}

/* The stack sends nothing by this queue from here on. */
static void urk_queue_stop_stack(struct urk_queue *q)
{
	struct netdev_queue *txq = urk_txq(q);

	__netif_tx_lock_bh(txq);
	netif_tx_stop_queue(txq);
	__netif_tx_unlock_bh(txq);
}

/*
 * Nobody touches the rings in use from here on.  The stack's packets wait in
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

/* Shows the device, which stands still, rings; then their consumer may go. */
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

/* Rings from place 0 with every slot posted: the kernel's. */
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
	napi_enable(&q->napi);
	urk_queue_irq_on(q);
}

/*
 * Takes a queue of the kernel off its rings: the device is done with them, and
 * what it received is delivered.
 */
static int urk_queue_quiet(struct urk_queue *q)
{
	struct urk_hw *hw = &q->port->hw;
	int err;

	/* NAPI first: when it is done it turns the interrupt on */
	napi_disable(&q->napi);
	urk_queue_irq_off(q);
	urk_queue_no_rings(q);
	hw->variant->ops->rx_pause(hw, q->index);
	err = urk_queue_drain_tx(q, q->krings);
	if (err)
		return err;
	local_bh_disable();
	urk_netdev_rx(q, INT_MAX, false);
	local_bh_enable();
	return 0;
}

static void urk_queue_user_run(struct urk_queue *q)
{
	struct urk_rings *rings = q->user->rings;

	rings->ring.tx_flags = urk_port_tx_flags(q->port);
	WRITE_ONCE(rings->ring.k->link_up, q->port->link_up);
	WRITE_ONCE(rings->ring.k->state, UR_STATE_ATTACHED);
	urk_user_run(q->user);
}

/* ------------------------------------------------------------------------
 * With the port
 */

/* The port comes up: the device is reset and receives nothing yet. */
int urk_queue_start(struct urk_queue *q)
{
	struct urk_pool *pool;

	pool = urk_pool_create(URK_KERNEL_SLOT, URK_KERNEL_RX + URK_KERNEL_TX,
			       GFP_KERNEL |
			       urk_dma_gfp(&q->port->hw.pdev->dev));
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	q->krings = urk_rings_create(q->port, pool, URK_KERNEL_RX,
				     URK_KERNEL_TX);
	urk_pool_put(pool);
	if (IS_ERR(q->krings)) {
		int err = PTR_ERR(q->krings);

		q->krings = NULL;
		return err;
	}
	q->krings->ring.count = &q->count;
	q->krings->ring.tx_kernel = URK_KERNEL_TX - 1;
	if (q->user) {
		urk_queue_set_rings(q, q->user->rings);
		urk_queue_user_run(q);
	} else {
		urk_queue_kernel_rings(q);
		urk_netdev_fill(q);
		urk_queue_kernel_run(q);
	}
	return 0;
}

/* The port goes down: the device was reset and does no DMA. */
void urk_queue_stop(struct urk_queue *q)
{
	struct urk_user *user = q->user;

	if (!q->krings)
		return;
	if (user) {
		urk_queue_no_rings(q);
		spin_lock_bh(&q->lock);
		urk_ring_stop(&user->rings->ring, UR_STATE_DOWN);
		WRITE_ONCE(user->rings->ring.k->link_up, 0);
		spin_unlock_bh(&q->lock);
		urk_user_halt(user);
		wake_up_interruptible(&user->wait);
	} else {
		napi_disable(&q->napi);
		urk_queue_no_rings(q);
	}
	urk_rings_destroy(q->krings);
	q->krings = NULL;
}

/* One more, or one less, while the port runs; the link does not notice. */
int urk_queue_add(struct urk_queue *q)
{
	struct urk_hw *hw = &q->port->hw;
	int err;

	hw->variant->ops->rx_pause(hw, q->index);
	err = urk_queue_start(q);
	hw->variant->ops->rx_resume(hw, q->index);
	return err;
}

/* It is the kernel's; neither the table nor the stack leads to it any more. */
void urk_queue_remove(struct urk_queue *q)
{
	struct urk_hw *hw = &q->port->hw;

	urk_queue_quiet(q);
	hw->variant->ops->set_rings(hw, q->index, 0, 0, 0, 0);
	hw->variant->ops->rx_resume(hw, q->index);
	/* the stack's watchdog takes one that is stopped for one that hangs */
	netif_tx_start_queue(urk_txq(q));
	urk_rings_destroy(q->krings);
	q->krings = NULL;
}

/* ------------------------------------------------------------------------
 * Attach and detach
 */

int urk_queue_attach(struct urk_queue *q, struct urk_user *user)
{
	struct urk_hw *hw = &q->port->hw;
	int err;

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

	err = urk_queue_quiet(q);
	if (err)
		goto err_resume;
	spin_lock_bh(&q->lock);
	q->user = user;
	user->rings->queue = q;
	urk_ring_restart(&user->rings->ring);
	spin_unlock_bh(&q->lock);
	urk_queue_set_rings(q, user->rings);
	hw->variant->ops->rx_resume(hw, q->index);
	urk_queue_user_run(q);
	netif_tx_wake_queue(urk_txq(q));
	return 0;

err_resume:
	urk_queue_kernel_rings(q);
	hw->variant->ops->rx_resume(hw, q->index);
	urk_netdev_fill(q);
	urk_queue_kernel_run(q);
	netif_tx_wake_queue(urk_txq(q));
	return err;
}

/*
 * The process is gone, or done, or hangs; its rings still exist.  state is what
 * it finds in them.
 */
void urk_queue_detach(struct urk_queue *q, struct urk_user *user, u32 state)
{
	struct urk_hw *hw = &q->port->hw;
	struct urk_ring *r = &user->rings->ring;
	bool running;

	lockdep_assert_held(&q->port->ctl);
	if (q->user != user)
		return;

	running = q->rings == user->rings;
	if (running)
		urk_queue_stop_stack(q);
	spin_lock_bh(&q->lock);
	/* what it took and did not say; then its counts are the queue's */
	if (r->live) {
		urk_rx_take(r, READ_ONCE(r->u->rx_pos));
		/* what comes next is the stack's: not for both */
		smp_store_release(&r->k->rx_limit, urk_rx_pos(r));
	}
	urk_counters_add(&q->count, r->count);
	q->user = NULL;
	q->rings = NULL;
	WRITE_ONCE(r->k->state, state);
	spin_unlock_bh(&q->lock);
	/* they find themselves out of place now, and nobody starts them */
	urk_user_halt(user);
	hrtimer_cancel(&q->tx_look);
	wake_up_interruptible(&user->wait);

	if (running) {
		urk_queue_irq_off(q);
		hw->variant->ops->rx_pause(hw, q->index);
		urk_queue_drain_tx(q, user->rings);
		urk_queue_kernel_rings(q);
		hw->variant->ops->rx_resume(hw, q->index);
		urk_netdev_fill(q);
		/* what came for the process and waits is the stack's */
		urk_host_rest(q, user->rings);
		urk_queue_kernel_run(q);
		netif_tx_wake_queue(urk_txq(q));
	}
	urk_rings_unmap(user->rings);
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
