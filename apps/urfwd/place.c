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
		if (f->lane[i].lane.cpu == cpu)
			return false;
	return true;
}

static void place_lane(struct fwd *f, uint32_t i, char *why, size_t size)
{
	struct lane *lane = &f->lane[i].lane;
	struct ur_queue_info info;
	int port;

	lanes_place(&f->lanes, i, lane);
	if (lane->cpu >= 0) {
		snprintf(why, size, "on CPU %d, as --cpus says", lane->cpu);
		return;
	}
	for (port = 0; port < 2; port++) {
		if (ur_port_queue_info(f->lane[i].way[port].app.port, i, &info) ||
		    !is_free(f, i, info.irq_cpu))
			continue;
		lane->cpu = info.irq_cpu;
		snprintf(why, size, "on CPU %d, which takes interrupt %d of it on %s",
			 lane->cpu, info.irq, f->device[port]);
		return;
	}
	snprintf(why, size, "wherever the scheduler likes: no CPU takes interrupts of it alone");
}

void fwd_place(struct fwd *f)
{
	char why[160];
	uint32_t i;

	for (i = 0; i < f->lanes.n; i++) {
		place_lane(f, i, why, sizeof(why));
		if (f->verbose)
			app_say(&f->app, "queue %u: %s", i, why);
	}
}
