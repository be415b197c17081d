// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/why.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is found about, in words that all findings have. */
struct about {
	struct findings *found;
	const struct look *before, *after;
	const struct ur_queue_info *was, *is;	/* of one queue */
	char who[96];		/* process 12 (urecho) */
	uint32_t ms;		/* between the looks */
};

static void add(struct about *a, enum level level, const char *type,
		const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void add(struct about *a, enum level level, const char *type,
		const char *format, ...)
{
	struct finding *f;
	va_list args;

	if (a->found->n == WHY_MAX)
		return;
	f = &a->found->f[a->found->n++];
	f->level = level;
	snprintf(f->type, sizeof(f->type), "%s", type);
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* ------------------------------------------------------------------------
 * A process with a queue
 */

/*
 * Packets wait, and nothing that a living process does has moved: no call, no
 * packet given back.
 */
static bool hangs(const struct about *a)
{
	const struct ur_counters *n = &a->is->count, *b = &a->was->count;

	return a->was->rx_waiting && a->is->rx_waiting >= a->was->rx_waiting &&
	       n->syncs == b->syncs && n->rx_packets == b->rx_packets &&
	       n->tx_packets == b->tx_packets && n->wakeups == b->wakeups;
}

/* Nothing is left that the NIC could write into, nor was there a moment ago. */
static bool starves(const struct about *a)
{
	return a->was->rx_posted <= a->was->rx_waiting &&
	       a->is->rx_posted <= a->is->rx_waiting;
}

static void process_moves(struct about *a)
{
	const char *watch = a->is->watchdog_ms ? "" :
		"; started with --watchdog MS it would lose the queue by itself";
	uint64_t missed = grown(a->after->hw.rx_missed,
				a->before->hw.rx_missed);
	char type[64];

	snprintf(type, sizeof(type), "sudo kill -9 %" PRId32, a->is->pid);
	if (hangs(a)) {
		add(a, PROBLEM, type,
		    "%s hangs: %" PRIu32 " packet%s wait%s in queue %" PRIu32 ", and in %" PRIu32 " ms it took none; without it the queue is the kernel's again%s",
		    a->who, a->is->rx_waiting, look_s(a->is->rx_waiting),
		    a->is->rx_waiting == 1 ? "s" : "", a->is->queue, a->ms,
		    watch);
		return;
	}
	if (starves(a)) {
		add(a, PROBLEM, type,
		    "%s gives no buffers to queue %" PRIu32 ": the NIC has no place for a packet, of %" PRIu32 " (posted %" PRIu32 ", all of them full); it must release what it received and sync; without it the queue is the kernel's again",
		    a->who, a->is->queue, a->is->rx_size, a->is->rx_posted);
		return;
	}
	if (missed) {
		snprintf(type, sizeof(type), "urctl top /dev/%.*s", 32,
			 a->after->node);
		add(a, NOTE, type,
		    "the NIC missed %" PRIu64 " frame%s in %" PRIu32 " ms: %s is slower than the packets come",
		    missed, look_s(missed), a->ms, a->who);
	}
}

static void process_refused(struct about *a)
{
	const struct ur_counters *n = &a->is->count, *b = &a->was->count;
	uint64_t refused = grown(n->rx_refused + n->tx_refused + n->index_refused,
				 b->rx_refused + b->tx_refused + b->index_refused);

	if (refused)
		add(a, PROBLEM, "urctl status",
		    "%s wrote %" PRIu64 " entr%s in %" PRIu32 " ms that the module refuses: slots, lengths or indices that cannot be",
		    a->who, refused, refused == 1 ? "y" : "ies", a->ms);
}

static void process_queue(struct about *a)
{
	add(a, NOTE, "",
	    "%s has queue %" PRIu32 " of %s: its packets are that process's, and no other can attach until it ends",
	    a->who, a->is->queue, a->after->port.ifname);
	if (a->is->tapped)
		add(a, NOTE, "", "somebody listens on %s (tcpdump): every packet of queue %" PRIu32 " is copied, and comes a little later",
		    a->after->port.ifname, a->is->queue);
	/* another process, or the port went down between: nothing to compare */
	if (!a->was->attached || a->was->pid != a->is->pid ||
	    a->is->state != UR_STATE_ATTACHED ||
	    a->was->epoch != a->is->epoch)
		return;
	process_moves(a);
	process_refused(a);
}

/* ------------------------------------------------------------------------
 * The port
 */

static void watchdog(struct about *a)
{
	if (a->after->hw.known && a->after->hw.taken)
		add(a, NOTE, "sudo dmesg | grep 'taken back'",
		    "the watchdog took a queue of %s back from a process %" PRIu64 " time%s; the process has to attach again",
		    a->after->port.ifname, a->after->hw.taken,
		    look_s(a->after->hw.taken));
}

/* With several queues the packets may go to one that nobody looks at. */
static void other_queues(struct about *a)
{
	uint32_t i, processes = 0, kernel = 0;

	for (i = 0; i < a->after->n_queues; i++) {
		processes += a->after->queue[i].attached != 0;
		kernel += !a->after->queue[i].attached;
	}
	if (processes && kernel)
		add(a, NOTE, "urctl top",
		    "%" PRIu32 " of the %" PRIu32 " queues of %s are the kernel's: packets that the NIC sorts into them do not come to a process",
		    kernel, a->after->n_queues, a->after->port.ifname);
}

/*
 * Frames to other addresses are thrown away by the NIC before it counts: that
 * there were any can only be seen by taking them.
 */
static void address_filter(struct about *a)
{
	const struct ur_port_info *p = &a->after->port;
	char type[96];

	if (p->promisc)
		return;
	snprintf(type, sizeof(type), "sudo ip link set %.*s promisc on",
		 UR_NAME_LEN, p->ifname);
	if (a->after->hw.known && a->before->hw.known &&
	    a->after->hw.rx_packets == a->before->hw.rx_packets)
		add(a, NOTE, type,
		    "%s took no frame in %" PRIu32 " ms; if there were any, they were not to %02x:%02x:%02x:%02x:%02x:%02x, to all, or to a group that it is in, and the NIC does not count those; to take them as well",
		    p->ifname, a->ms, p->mac[0], p->mac[1], p->mac[2],
		    p->mac[3], p->mac[4], p->mac[5]);
	else
		add(a, NOTE, type,
		    "%s takes frames to its own address, to groups it is in and to all; to see others'",
		    p->ifname);
}

void why(struct findings *found, const struct look *before,
	 const struct look *after)
{
	struct about a = { .found = found, .before = before, .after = after };
	char comm[UR_NAME_LEN];
	uint32_t i;

	found->n = 0;
	a.ms = (uint32_t)((after->at - before->at) / 1000000);
	if (after->port.up && after->port.link_up)
		address_filter(&a);
	for (i = 0; i < after->n_queues && i < before->n_queues; i++) {
		a.was = &before->queue[i];
		a.is = &after->queue[i];
		if (!a.is->attached)
			continue;
		snprintf(a.who, sizeof(a.who), "process %" PRId32 " (%s)",
			 a.is->pid, look_comm(a.is, comm));
		process_queue(&a);
	}
	other_queues(&a);
	watchdog(&a);
}
