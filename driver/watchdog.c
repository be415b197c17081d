// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watchdog over a process that has a queue: it takes the queue back from a
 * process that lets packets wait.
 */
#include "urk.h"

/* It looks so many times before it takes a queue back. */
#define URK_WATCH_LOOKS		4

/* Changes with everything that a live process does. */
static u64 urk_user_mark(const struct urk_user *user)
{
	const struct ur_user_page *u = user->rings->ring.u;

	return user->rings->ring.count->syncs + user->polls +
	       READ_ONCE(u->rx_pos) + READ_ONCE(u->fill_prod) +
	       READ_ONCE(u->tx_prod);
}

/* Packets wait, or there is no slot to receive one. */
static bool urk_user_has_work(const struct urk_user *user)
{
	const struct urk_ring *r = &user->rings->ring;

	return urk_rx_ready(r) ||
	       (r->rx_bound && READ_ONCE(r->u->rx_pos) == r->rx_tail);
}

/* Has it let work wait for too long?  Under queue->lock. */
static bool urk_user_hangs(struct urk_user *user)
{
	u64 mark = urk_user_mark(user);

	if (user->queue->rings != user->rings || !urk_user_has_work(user)) {
		user->watch_since = 0;
		return false;
	}
	if (!user->watch_since || mark != user->watch_mark) {
		user->watch_mark = mark;
		user->watch_since = ktime_get();
		user->watch_looks = 0;
		return false;
	}
	/* if the whole machine stood still, there were too few looks */
	return ++user->watch_looks >= URK_WATCH_LOOKS &&
	       ktime_ms_delta(ktime_get(), user->watch_since) >=
	       user->attach.watchdog_ms;
}

static void urk_user_watch_next(struct urk_user *user)
{
	unsigned long delay = msecs_to_jiffies(user->attach.watchdog_ms) /
			      URK_WATCH_LOOKS;

	schedule_delayed_work(&user->watchdog, max(delay, 1UL));
}

static void urk_user_watchdog(struct work_struct *work)
{
	struct urk_user *user = container_of(to_delayed_work(work),
					     struct urk_user, watchdog);
	struct urk_queue *q = user->queue;
	struct urk_port *port = q->port;
	char comm[TASK_COMM_LEN];
	bool hangs, taken = false;
	int pid;

	down_read(&port->bound);
	mutex_lock(&port->ctl);
	if (q->user != user)
		goto out;
	spin_lock_bh(&q->lock);
	hangs = urk_user_hangs(user);
	user->taken = hangs;
	/* a successor replaces them under this lock */
	pid = pid_nr(user->pid);
	strscpy(comm, user->comm, sizeof(comm));
	spin_unlock_bh(&q->lock);
	if (!hangs) {
		urk_user_watch_next(user);
		goto out;
	}
	netdev_warn(port->netdev,
		    "queue %u: process %d (%s) let packets wait for %u ms: taken back\n",
		    q->index, pid, comm, user->attach.watchdog_ms);
	q->taken++;
	taken = urk_queue_detach(q, user, UR_STATE_TAKEN);
out:
	mutex_unlock(&port->ctl);
	if (taken)
		urk_rings_release(user->rings);
	up_read(&port->bound);
}

void urk_watchdog_init(struct urk_user *user)
{
	INIT_DELAYED_WORK(&user->watchdog, urk_user_watchdog);
}

/* Also if it runs already. */
void urk_watchdog_start(struct urk_user *user)
{
	if (user->attach.watchdog_ms)
		urk_user_watch_next(user);
}

/* Not under port->ctl, which the work takes. */
void urk_watchdog_stop(struct urk_user *user)
{
	cancel_delayed_work_sync(&user->watchdog);
}
