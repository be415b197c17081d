// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which CPU has which lane.
 *
 * Where --cpus does not say: the one that takes the interrupt of the lane's queue,
 * because then what wakes the thread, and the kernel's part of the queue, are in
 * the cache where the thread is.  Two lanes do not share one.
 */
#include "urfwd/urfwd.h"

#include <sched.h>
#include <stdlib.h>

void fwd_parse_cpus(struct fwd *f, const char *text)
{
	const char *p = text;
	unsigned long first, last;
	char *end;

	for (;;) {
		first = strtoul(p, &end, 10);
		if (*p < '0' || *p > '9')
			break;
		last = first;
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last >= CPU_SETSIZE)
			break;
		for (; first <= last; first++)
			if (f->n_cpus < sizeof(f->cpus) / sizeof(f->cpus[0]))
				f->cpus[f->n_cpus++] = (uint32_t)first;
		if (!*end)
			return;
		if (*end != ',')
			break;
		p = end + 1;
	}
	app_usage(&f->app, "--cpus takes a list like 0,2,4-7, not \"%s\"", text);
}

/* May this process run there, and is no lane below there already? */
static bool is_free(const struct fwd *f, uint32_t lane, int cpu)
{
	cpu_set_t allowed;
	uint32_t i;

	if (cpu < 0 || cpu >= CPU_SETSIZE ||
	    sched_getaffinity(0, sizeof(allowed), &allowed) ||
	    !CPU_ISSET(cpu, &allowed))
		return false;
	for (i = 0; i < lane; i++)
		if (f->lane[i].cpu == cpu)
			return false;
	return true;
}

static void place_lane(struct fwd *f, uint32_t i, char *why, size_t size)
{
	struct fwd_lane *lane = &f->lane[i];
	struct ur_queue_info info;
	int port;

	if (f->n_cpus) {
		lane->cpu = (int)f->cpus[i % f->n_cpus];
		snprintf(why, size, "on CPU %d, as --cpus says", lane->cpu);
		return;
	}
	for (port = 0; port < 2; port++) {
		if (ur_port_queue_info(lane->way[port].app.port, i, &info) ||
		    !is_free(f, i, info.irq_cpu))
			continue;
		lane->cpu = info.irq_cpu;
		snprintf(why, size, "on CPU %d, which takes interrupt %d of it on %s",
			 lane->cpu, info.irq, f->device[port]);
		return;
	}
	lane->cpu = -1;
	snprintf(why, size, "wherever the scheduler likes: no CPU takes interrupts of it alone");
}

void fwd_place(struct fwd *f)
{
	char why[160];
	uint32_t i;

	for (i = 0; i < f->lanes; i++) {
		place_lane(f, i, why, sizeof(why));
		/* the totals have it */
		if (!f->app.json)
			app_say(&f->app, "queue %u: %s", i, why);
	}
}
