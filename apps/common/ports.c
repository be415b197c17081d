// SPDX-License-Identifier: BSD-2-Clause
#include "common/ports.h"

#include <poll.h>
#include <time.h>

#define LAST_NS		NS_PER_SEC	/* for what is still on its way at the end */

static bool serves(const struct app *app)
{
	return !app->gone && app->queue;
}

static bool any_ready(struct app *const app[], const bool wait[], uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (!wait[i] && serves(app[i]) && ur_rx_ready(app[i]->queue))
			return true;
	return false;
}

static bool spin(struct app *const app[], const bool wait[], uint32_t n,
		 uint64_t until)
{
	do {
		for (int i = 0; i < 64; i++)
			if (any_ready(app, wait, n))
				return true;
	} while (app_clock() < until);
	return false;
}

bool ports_over(struct app *const app[], uint32_t n, uint64_t *until)
{
	static const bool none[PORTS_MAX];
	bool done = false;
	uint32_t i;

	for (i = 0; i < n; i++)
		done |= app[i]->done;
	if (!done)
		return false;
	for (i = 0; i < n; i++)
		if (!app[i]->done && app[i]->ends)
			return false;
	if (!*until)
		*until = app_clock() + LAST_NS;
	return !any_ready(app, none, n) || app_clock() >= *until;
}

void ports_idle(struct app *const app[], const bool wait[], uint32_t n,
		uint64_t timeout_ns)
{
	struct pollfd fds[PORTS_MAX];
	uint64_t spin_ns = app[0]->spin_us * 1000ULL;
	struct timespec ts;
	uint32_t i;

	if (spin_ns > timeout_ns)
		spin_ns = timeout_ns;
	if (!app[0]->busy && spin_ns &&
	    spin(app, wait, n, app_clock() + spin_ns))
		return;
	/* what was written so far goes out before we sleep */
	for (i = 0; i < n; i++)
		app_sync(app[i]);
	if (app[0]->busy || any_ready(app, wait, n))
		return;
	for (i = 0; i < n; i++)
		fds[i] = (struct pollfd){
			.fd = !wait[i] && serves(app[i]) ?
			      ur_fd(app[i]->queue) : -1,
			.events = POLLIN,
		};
	ts.tv_sec = (time_t)(timeout_ns / NS_PER_SEC);
	ts.tv_nsec = (long)(timeout_ns % NS_PER_SEC);
	if (ppoll(fds, n, &ts, NULL) <= 0)
		return;
	/* gone, or taken: sync knows which */
	for (i = 0; i < n; i++)
		if (fds[i].revents & ~POLLIN)
			app_sync(app[i]);
}
