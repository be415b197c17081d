// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process as consumer of a queue: sync by call and by timer, and the one-shot
 * interrupt that wakes it.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat.h"
#include "urk.h"

/* A timer that finds nothing for a sleeper slows down, by 2^this at most. */
#define URK_IDLE_SHIFT_MAX	6

/*
 * How often listeners are served if the process has no sync period: this long
 * after a look that found packets, and up to 2^URK_TAP_SHIFT_MAX times as long
 * after looks that found none.
 */
#define URK_TAP_PERIOD		ns_to_ktime(100 * NSEC_PER_USEC)
#define URK_TAP_SHIFT_MAX	4

/* It stays on the CPU that started it: elsewhere it would take others' time. */
#define URK_TIMER_MODE		HRTIMER_MODE_REL_PINNED_SOFT

/* Is this process the consumer, with the port up?  Under queue->lock. */
static int urk_user_state(const struct urk_user *user)
{
	const struct urk_queue *q = user->queue;

	if (likely(q->rings == user->rings))
		return 0;
	if (q->user == user)
		return -ENETDOWN;
	if (user->taken)
		return -ETIMEDOUT;
	return q->port->gone ? -ENODEV : -ENOTCONN;
}

/* ------------------------------------------------------------------------
 * Sync
 */

/* Copies for listeners what is new, TX entries from tx on. */
static void urk_user_tap(struct urk_user *user, u32 tx)
{
	struct urk_ring *r = &user->rings->ring;
	bool was = r->tapped;

	urk_tap_sync(user->queue, user->rings, tx);
	if (r->tapped && !was && !user->period) {
		user->tap_shift = 0;
		hrtimer_start(&user->timer, URK_TAP_PERIOD, URK_TIMER_MODE);
	}
}

static bool urk_user_tapped(const struct urk_user *user)
{
	return unlikely(urk_tap_listening(user->queue) ||
			user->rings->ring.tapped);
}

static __always_inline int urk_user_serve(struct urk_user *user)
{
	struct urk_ring *r = &user->rings->ring;
	struct urk_queue *q = user->queue;
	u32 tx = r->live ? r->tx_cons : 0;
	bool tapped = urk_user_tapped(user);
	unsigned int moved;
	int ret;

	/* sent packets are copied too, so the same limit holds */
	if (unlikely(tapped))
		r->tx_most = r->host_room;
	r->tx_held = false;
	ret = urk_ring_sync(r, &moved);
	if (tapped)
		urk_user_tap(user, tx);
	urk_queue_kick(q, r, moved);
	if (unlikely(q->tx_full))
		urk_kernel_wake(q);
	return ret;
}

/* ------------------------------------------------------------------------
 * By timer
 */

/*
 * Softirq time is charged to the task that it interrupts.  The timer may take
 * up to half of the process's own time; of the time of others, one part in
 * URK_OTHERS_SHARE.
 */
#define URK_OTHERS_SHARE	16

/* Does the timer interrupt the process itself, or the idle task? */
static bool urk_user_pays(const struct urk_user *user)
{
	return is_idle_task(current) || task_tgid(current) == user->payer;
}

/*
 * began: when this look began.  Return: the time to the next one, usually
 * interval.  It is counted from now, so that a slow machine still gets other
 * work done.
 */
static ktime_t urk_user_rest(struct urk_user *user, ktime_t interval,
			     ktime_t began)
{
	ktime_t late = ktime_sub(began, hrtimer_get_expires(&user->timer));
	ktime_t spent = ktime_sub(ktime_get(), began);

	/* getting here costs time as well: the shortest delay lately */
	if (late < user->timer_late)
		user->timer_late = late;
	else
		user->timer_late += (user->timer_late >> 6) + 1;
	user->timer_astray = !urk_user_pays(user);
	if (user->timer_astray)
		spent = (spent + user->timer_late) * (URK_OTHERS_SHARE - 1);
	return max(interval, spent);
}

static ktime_t urk_user_interval(const struct urk_user *user)
{
	return user->period << user->idle_shift;
}

/* The sync period is over.  Return: the time to the next one. */
static ktime_t urk_user_timer_sync(struct urk_user *user)
{
	struct urk_ring *r = &user->rings->ring;
	u32 rx_tail = r->rx_tail, rx_done = r->rx_done;
	u32 tx_tail = r->tx_tail, tx_done = r->tx_done;

	r->count->timer_syncs++;
	urk_user_serve(user);
	if (rx_tail != r->rx_tail || rx_done != r->rx_done ||
	    tx_tail != r->tx_tail || tx_done != r->tx_done ||
	    !READ_ONCE(user->armed) ||
	    /* armed, and awake again: its poll() timed out */
	    !waitqueue_active(&user->wait))
		user->idle_shift = 0;
	else if (user->idle_shift < URK_IDLE_SHIFT_MAX)
		user->idle_shift++;
	return urk_user_interval(user);
}

/*
 * The timer of a process without a sync period, while there are listeners.
 * Return: the time to the next look, or 0.
 */
static ktime_t urk_user_timer_tap(struct urk_user *user)
{
	struct urk_ring *r = &user->rings->ring;
	u32 shown = r->rx_shown;

	urk_user_tap(user, r->tx_cons);
	if (shown != r->rx_shown)
		user->tap_shift = 0;
	else if (user->tap_shift < URK_TAP_SHIFT_MAX)
		user->tap_shift++;
	if (!r->tapped && !urk_out_waits(user->rings))
		return 0;
	return URK_TAP_PERIOD << user->tap_shift;
}

static enum hrtimer_restart urk_user_timer(struct hrtimer *timer)
{
	struct urk_user *user = container_of(timer, struct urk_user, timer);
	enum hrtimer_restart next = HRTIMER_NORESTART;
	struct urk_queue *q = user->queue;
	ktime_t began = ktime_get();
	ktime_t interval;

	spin_lock(&q->lock);
	if (urk_user_state(user))
		goto out;
	interval = user->period ? urk_user_timer_sync(user) :
				  urk_user_timer_tap(user);
	/* the lock may have been released for it */
	if (unlikely(urk_out_deliver(q, user->rings)) && urk_user_state(user))
		goto out;
	/* it may have been started again meanwhile */
	if (interval && !hrtimer_is_queued(timer)) {
		interval = urk_user_rest(user, interval, began);
		hrtimer_set_expires(timer, ktime_add(ktime_get(), interval));
		next = HRTIMER_RESTART;
	}
out:
	spin_unlock(&q->lock);
	return next;
}

/*
 * The process is awake again: the timer returns to its pace, and moves to this
 * CPU if it took the time of others.  Under queue->lock.
 */
static void urk_user_timer_pace(struct urk_user *user)
{
	if (likely(!user->idle_shift && !user->timer_astray))
		return;
	user->idle_shift = 0;
	if (!user->period)
		return;
	if (user->timer_astray && user->payer != task_tgid(current)) {
		put_pid(user->payer);
		user->payer = get_pid(task_tgid(current));
	}
	user->timer_astray = false;
	hrtimer_start(&user->timer, user->period, URK_TIMER_MODE);
}

/* ------------------------------------------------------------------------
 * By call
 */

/*
 * Lets the next packet, or finished TX batch, wake the sleepers once.  The
 * caller looks at the ring again after this: the interrupt reports what comes
 * after the register write, the second look finds what came before it.
 */
static void urk_user_arm(struct urk_user *user, bool rx, bool tx)
{
	struct urk_ring *r = &user->rings->ring;
	struct urk_queue *q = user->queue;
	struct urk_hw *hw = &q->port->hw;
	u32 causes = (rx ? hw->irq_rx[q->index] : 0) |
		     (tx ? hw->irq_tx[q->index] : 0);
	unsigned long flags;

	spin_lock_irqsave(&user->irq_lock, flags);
	/* an armed interrupt may be on its way to another sleeper: leave it */
	causes &= ~user->armed;
	if (causes) {
		WRITE_ONCE(user->armed, user->armed | causes);
		/* clear causes of polled packets, which need no wake-up */
		urk_wr(hw, hw->irq_cause, causes);
		urk_wr(hw, hw->irq_set, causes);
		urk_flush(hw);
	}
	spin_unlock_irqrestore(&user->irq_lock, flags);
	/* the second look sees only what listeners have seen */
	if (unlikely(r->tapped))
		urk_user_tap(user, r->tx_cons);
}

/*
 * The rest of a SYNC that copied frames, or had to leave some: one batch at a
 * time, each delivered before the next, all in the time of the caller.  Entries
 * that come meanwhile are left to another call.  Unlocks.
 */
static noinline void urk_user_sync_rest(struct urk_user *user)
	__releases(&user->queue->lock)
{
	struct urk_rings *rings = user->rings;
	struct urk_ring *r = &rings->ring;
	struct urk_queue *q = user->queue;
	u32 end = r->tx_cons + r->tx_mask + 1;

	for (;;) {
		bool busy = !urk_out_deliver(q, rings) && q->out_busy;

		spin_unlock_bh(&q->lock);
		if (fatal_signal_pending(current))
			return;
		cond_resched();
		/* another thread, or the timer, delivers what came before */
		if (busy)
			wait_event(q->out_idle, !READ_ONCE(q->out_busy));
		spin_lock_bh(&q->lock);
		if (urk_user_state(user) || !r->live ||
		    (!r->tx_held && !urk_out_waits(rings)) ||
		    (s32)(end - r->tx_cons) <= 0)
			break;
		if (r->tx_held)
			urk_user_serve(user);
	}
	spin_unlock_bh(&q->lock);
}

int urk_user_sync(struct urk_user *user, unsigned long flags)
{
	struct urk_queue *q = user->queue;
	struct urk_ring *r = &user->rings->ring;
	int ret;

	if (flags & ~(unsigned long)(UR_SYNC_ARM_RX | UR_SYNC_ARM_TX))
		return -EINVAL;
	spin_lock_bh(&q->lock);
	ret = urk_user_state(user);
	if (likely(!ret)) {
		r->count->syncs++;
		ret = urk_user_serve(user);
		urk_user_timer_pace(user);
		if (flags)
			urk_user_arm(user, flags & UR_SYNC_ARM_RX,
				     flags & UR_SYNC_ARM_TX);
		if (unlikely(r->tx_held || urk_out_waits(user->rings))) {
			urk_user_sync_rest(user);
			return ret;
		}
	}
	spin_unlock_bh(&q->lock);
	return ret;
}

/* There may be a new listener, and the process has not synced since. */
void urk_user_look(struct urk_queue *q)
{
	struct urk_user *user;

	spin_lock_bh(&q->lock);
	user = q->user;
	if (user && q->rings == user->rings) {
		if (urk_user_tapped(user))
			urk_user_tap(user, user->rings->ring.tx_cons);
		urk_out_deliver(q, user->rings);
	}
	spin_unlock_bh(&q->lock);
}

/* ------------------------------------------------------------------------
 * Sleep and wake
 */

/* Is there room for a TX entry, after all finished ones are collected? */
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
	user->polls++;
	state = urk_user_state(user);
	/* without the queue there are no pages to look at */
	if (state && state != -ENETDOWN) {
		mask |= EPOLLHUP | EPOLLERR;
		goto out;
	}
	if (READ_ONCE(r->u->epoch) != r->epoch)
		mask |= EPOLLPRI;
	if (state == -ENETDOWN)
		goto out;
	/* listeners get what woke the process before it looks */
	if (urk_user_tapped(user))
		urk_user_tap(user, r->tx_cons);
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
	/*
	 * A process that polls is awake, and may go on without another call.
	 * This includes the last check of a poll() that times out.
	 */
	urk_user_timer_pace(user);
	urk_out_deliver(q, user->rings);
out:
	spin_unlock_bh(&q->lock);
	return mask;
}

/*
 * The queue's interrupt.  Mask and armed change together, so a queue is never
 * masked while a sleeper was not woken.
 */
void urk_user_irq(struct urk_user *user)
{
	struct ur_counters *count = user->rings->ring.count;
	struct urk_hw *hw = &user->queue->port->hw;
	u32 armed;

	spin_lock(&user->irq_lock);
	armed = user->armed;
	WRITE_ONCE(user->armed, 0);
	urk_wr(hw, hw->irq_clear, urk_irqs(hw, user->queue->index));
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
	struct urk_queue *q = user->queue;

	spin_lock_irq(&user->irq_lock);
	WRITE_ONCE(user->armed, 0);
	spin_unlock_irq(&user->irq_lock);
	/* a handler that ends checks under the lock whether it was restarted */
	spin_lock_bh(&q->lock);
	user->idle_shift = 0;
	if (user->period)
		hrtimer_start(&user->timer, user->period, URK_TIMER_MODE);
	spin_unlock_bh(&q->lock);
	urk_watchdog_start(user);
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

	user = kzalloc(sizeof(*user), URK_GFP_USER);
	if (!user)
		return ERR_PTR(-ENOMEM);
	user->rings = urk_rings_create(port, pool, arg->rx_size, arg->tx_size,
				       URK_GFP_USER);
	if (IS_ERR(user->rings)) {
		int err = PTR_ERR(user->rings);

		kfree(user);
		return ERR_PTR(err);
	}
	init_waitqueue_head(&user->wait);
	spin_lock_init(&user->irq_lock);
	urk_hrtimer_setup(&user->timer, urk_user_timer);
	urk_watchdog_init(user);
	user->attach = *arg;
	user->timer_late = KTIME_MAX;
	user->period = ns_to_ktime((u64)arg->sync_period_us * NSEC_PER_USEC);
	user->pid = get_pid(task_tgid(current));
	user->payer = get_pid(user->pid);
	get_task_comm(user->comm, current->group_leader);
	return user;
}

/* The caller was handed the file: it is now the process, and gets the pool. */
int urk_user_adopt(struct urk_user *user, struct ur_adopt *arg,
		   struct urk_pool **pool)
{
	struct urk_queue *q = user->queue;
	const struct urk_ring *r = &user->rings->ring;
	struct pid *pid = get_pid(task_tgid(current));
	char comm[TASK_COMM_LEN];
	int ret;

	/*
	 * task_lock() is held with softirqs on elsewhere: not under queue->lock
	 */
	get_task_comm(comm, current->group_leader);
	spin_lock_bh(&q->lock);
	ret = urk_user_state(user);
	/* a port that is down comes up again */
	if (ret == -ENETDOWN)
		ret = 0;
	if (!ret) {
		swap(user->pid, pid);
		put_pid(user->payer);
		user->payer = get_pid(user->pid);
		strscpy(user->comm, comm, sizeof(user->comm));
		arg->epoch = r->epoch;
		arg->attach = user->attach;
		/* here, because a DETACH may come next */
		*pool = user->rings->pool;
		urk_pool_get(*pool);
	}
	/* else the indices are of the previous epoch, and restart from 0 */
	if (!ret && r->live) {
		arg->rx_tail = r->rx_tail;
		arg->fill_cons = r->fill_cons;
		arg->fill_kept = r->fill_kept;
		arg->tx_cons = r->tx_cons;
		arg->tx_done = r->tx_done;
	}
	spin_unlock_bh(&q->lock);
	put_pid(pid);
	return ret;
}

/* It cannot be reached: not attached, and its file is closed. */
void urk_user_destroy(struct urk_user *user)
{
	urk_watchdog_stop(user);
	urk_rings_destroy(user->rings);
	put_pid(user->payer);
	put_pid(user->pid);
	kfree(user);
}
