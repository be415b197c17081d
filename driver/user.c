// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process as consumer of a queue: sync by call and by timer, and the one-shot
 * interrupt that wakes it.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat.h"
#include "port.h"

/* A timer that finds nothing for a sleeper slows down, by 2^this at most. */
#define URK_IDLE_SHIFT_MAX	6

/* Is this process the consumer, with the port up?  Under queue->lock. */
static int urk_user_state(const struct urk_user *user)
{
	const struct urk_queue *q = user->queue;

	if (likely(q->rings == user->rings))
		return 0;
	if (q->user == user)
		return -ENETDOWN;
	return q->port->gone ? -ENODEV : -ENOTCONN;
}

/* ------------------------------------------------------------------------
 * Sync
 */

static int urk_user_serve(struct urk_user *user, unsigned int *moved)
{
	struct urk_queue *q = user->queue;
	struct urk_ring *r = &user->rings->ring;
	int ret = urk_ring_sync(r, moved);

	urk_queue_kick(q, r, *moved);
	return ret;
}

static ktime_t urk_user_interval(const struct urk_user *user)
{
	return user->period << user->idle_shift;
}

static enum hrtimer_restart urk_user_timer(struct hrtimer *timer)
{
	struct urk_user *user = container_of(timer, struct urk_user, timer);
	struct urk_queue *q = user->queue;
	struct urk_ring *r = &user->rings->ring;
	enum hrtimer_restart next = HRTIMER_NORESTART;
	unsigned int moved = 0;

	spin_lock(&q->lock);
	if (!urk_user_state(user)) {
		u32 rx_done = r->rx_done;
		u32 tx_done = r->tx_done;

		r->count->timer_syncs++;
		urk_user_serve(user, &moved);
		if (moved || rx_done != r->rx_done || tx_done != r->tx_done ||
		    !READ_ONCE(user->armed))
			user->idle_shift = 0;
		else if (user->idle_shift < URK_IDLE_SHIFT_MAX)
			user->idle_shift++;
		/* urk_user_timer_pace() may have started it meanwhile */
		if (!hrtimer_is_queued(timer)) {
			hrtimer_forward_now(timer, urk_user_interval(user));
			next = HRTIMER_RESTART;
		}
	}
	spin_unlock(&q->lock);
	return next;
}

/* Somebody is awake again: the timer at its pace.  Under queue->lock. */
static void urk_user_timer_pace(struct urk_user *user)
{
	if (!user->idle_shift)
		return;
	user->idle_shift = 0;
	hrtimer_start(&user->timer, user->period, HRTIMER_MODE_REL_SOFT);
}

/*
 * Lets the next packet, or finished TX batch, wake the sleepers once.  The
 * caller looks at the ring again after this: the interrupt tells of what comes
 * behind the write, the second look of what came before it.
 */
static void urk_user_arm(struct urk_user *user, bool rx, bool tx)
{
	struct urk_hw *hw = &user->queue->port->hw;
	u32 causes = (rx ? hw->irq_rx : 0) | (tx ? hw->irq_tx : 0);
	unsigned long flags;

	spin_lock_irqsave(&user->irq_lock, flags);
	/* what is armed may be on its way to another sleeper: left alone */
	causes &= ~user->armed;
	if (causes) {
		WRITE_ONCE(user->armed, user->armed | causes);
		/* of packets that were polled: they would wake for nothing */
		urk_wr(hw, URK_ICR, causes);
		urk_wr(hw, URK_IMS, causes);
		urk_flush(hw);
	}
	spin_unlock_irqrestore(&user->irq_lock, flags);
}

int urk_user_sync(struct urk_user *user, unsigned long flags)
{
	struct urk_queue *q = user->queue;
	unsigned int moved;
	int ret;

	if (flags & ~(unsigned long)(UR_SYNC_ARM_RX | UR_SYNC_ARM_TX))
		return -EINVAL;
	spin_lock_bh(&q->lock);
	ret = urk_user_state(user);
	if (likely(!ret)) {
		user->rings->ring.count->syncs++;
		ret = urk_user_serve(user, &moved);
		urk_user_timer_pace(user);
		if (flags)
			urk_user_arm(user, flags & UR_SYNC_ARM_RX,
				     flags & UR_SYNC_ARM_TX);
	}
	spin_unlock_bh(&q->lock);
	return ret;
}

/* ------------------------------------------------------------------------
 * Sleep and wake
 */

/* Is there room for a TX entry, when all that is finished is collected? */
static bool urk_user_tx_ready(struct urk_ring *r)
{
	/* the indices stand still until the process answers the epoch */
	if (r->live) {
		urk_tx_reap(r);
		urk_ring_publish(r);
	}
	return urk_tx_ready(r);
}

__poll_t urk_user_poll(struct urk_user *user, struct file *file,
		       poll_table *wait)
{
	struct urk_queue *q = user->queue;
	struct urk_ring *r = &user->rings->ring;
	__poll_t want = poll_requested_events(wait);
	__poll_t mask = 0;
	bool rx, tx;
	int state;

	poll_wait(file, &user->wait, wait);

	spin_lock_bh(&q->lock);
	state = urk_user_state(user);
	if (READ_ONCE(r->u->epoch) != r->epoch)
		mask |= EPOLLPRI;
	if (state == -ENETDOWN)
		goto out;
	if (state) {
		mask |= EPOLLHUP | EPOLLERR;
		goto out;
	}
	rx = want & EPOLLIN;
	tx = want & EPOLLOUT;
	if (rx && urk_rx_ready(r)) {
		mask |= EPOLLIN;
		rx = false;
	}
	if (tx && urk_user_tx_ready(r)) {
		mask |= EPOLLOUT;
		tx = false;
	}
	if (rx || tx) {
		urk_user_arm(user, rx, tx);
		if (rx && urk_rx_ready(r))
			mask |= EPOLLIN;
		if (tx && urk_user_tx_ready(r))
			mask |= EPOLLOUT;
	}
	/* a process that is awake again may go on without a call */
	if (mask)
		urk_user_timer_pace(user);
out:
	spin_unlock_bh(&q->lock);
	return mask;
}

/*
 * The queue's interrupt.  Mask and armed change together, so a queue is never
 * masked with a sleeper who was not woken.
 */
void urk_user_irq(struct urk_user *user)
{
	struct ur_counters *count = user->rings->ring.count;
	struct urk_hw *hw = &user->queue->port->hw;
	u32 armed;

	spin_lock(&user->irq_lock);
	armed = user->armed;
	WRITE_ONCE(user->armed, 0);
	urk_wr(hw, URK_IMC, hw->irq_rx | hw->irq_tx);
	spin_unlock(&user->irq_lock);
	/* not asked for: another device on the line */
	if (!armed)
		return;
	count->interrupts++;
	/* without a barrier: it only counts, the wake-up itself looks again */
	if (waitqueue_active(&user->wait))
		count->wakeups++;
	wake_up_interruptible(&user->wait);
}

/* ------------------------------------------------------------------------
 * Life
 */

/* The port is up, all its interrupts masked. */
void urk_user_run(struct urk_user *user)
{
	spin_lock_irq(&user->irq_lock);
	WRITE_ONCE(user->armed, 0);
	spin_unlock_irq(&user->irq_lock);
	if (user->period)
		hrtimer_start(&user->timer, user->period,
			      HRTIMER_MODE_REL_SOFT);
	/* sleepers that wait for the port to come up look again */
	wake_up_interruptible(&user->wait);
}

void urk_user_halt(struct urk_user *user)
{
	hrtimer_cancel(&user->timer);
}

/* The caller has checked the numbers in arg. */
struct urk_user *urk_user_create(struct urk_port *port, struct urk_pool *pool,
				 const struct ur_attach *arg)
{
	struct urk_user *user;

	user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);
	if (!user)
		return ERR_PTR(-ENOMEM);
	user->rings = urk_rings_create(port, pool, arg->rx_size, arg->tx_size);
	if (IS_ERR(user->rings)) {
		int err = PTR_ERR(user->rings);

		kfree(user);
		return ERR_PTR(err);
	}
	init_waitqueue_head(&user->wait);
	spin_lock_init(&user->irq_lock);
	urk_hrtimer_setup(&user->timer, urk_user_timer);
	user->period_us = arg->sync_period_us;
	user->period = ns_to_ktime((u64)arg->sync_period_us * NSEC_PER_USEC);
	user->pid = get_pid(task_tgid(current));
	get_task_comm(user->comm, current->group_leader);
	return user;
}

/* Nobody can reach it: not attached, and its file is closed. */
void urk_user_destroy(struct urk_user *user)
{
	urk_rings_destroy(user->rings);
	put_pid(user->pid);
	kfree(user);
}
