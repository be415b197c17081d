// SPDX-License-Identifier: BSD-2-Clause
/*
 * urctl top: looks at all ports again and again.  On a terminal each frame is
 * written over the one before; no mode of the terminal is changed, so there is
 * nothing to put back when the program ends, in whatever way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "urctl/top.h"
#include "urctl/urctl.h"

#define SLICE_NS	100000000ULL	/* a signal is noticed so soon */

static void sample_port(struct top_sample *s, const char *node)
{
	int err;

	if (s->n_ports == TOP_PORTS)
		return;
	err = look_at(&s->port[s->n_ports], node);
	if (!err) {
		s->n_ports++;
		return;
	}
	/* unplugged between the list and the look: not there */
	if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
		return;
	if (s->n_closed++ == 0) {
		snprintf(s->closed, sizeof(s->closed), "%s", node);
		s->closed_error = -err;
	}
}

/* only: the address of the one port to show, or "" */
static void sample(struct top_sample *s, const char *only)
{
	char path[SYSFS_PATH];
	struct name_list list;
	struct pci_dev dev;
	size_t i;

	memset(s, 0, sizeof(*s));
	if (only[0]) {
		/* it may be gone for a while, or have another node by now */
		if (pci_read(&dev, only) == 0 && dev.node[0])
			sample_port(s, dev.node);
		return;
	}
	sysfs_list(sysfs_path(path, "/sys/class/userring"), &list);
	for (i = 0; i < list.count; i++)
		sample_port(s, list.name[i]);
}

static void sleep_until(uint64_t when)
{
	uint64_t now;

	while (!app_stopped() && (now = app_clock()) < when) {
		uint64_t ns = when - now < SLICE_NS ? when - now : SLICE_NS;
		struct timespec ts = { .tv_nsec = (long)ns };

		nanosleep(&ts, NULL);
	}
}

static void wall_clock(char *buf, size_t size, double *seconds)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	*seconds = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	localtime_r(&ts.tv_sec, &tm);
	strftime(buf, size, "%H:%M:%S", &tm);
}

static void redraw(const char *clock, const struct top_sample *now,
		   const struct top_sample *before)
{
	struct winsize win = { .ws_row = 24, .ws_col = 80 };
	struct winsize asked;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	fprintf(out, "%s  %u port%s  ^C ends\n", clock, now->n_ports,
		now->n_ports == 1 ? "" : "s");
	top_screen(out, now, before);
	fclose(out);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &asked) == 0 && asked.ws_row &&
	    asked.ws_col)
		win = asked;
	/* home; rest of each row; rest of the screen */
	fputs("\033[H", stdout);
	top_cut(stdout, text, win.ws_row - 1U, win.ws_col, "\033[K\n");
	fputs("\033[J", stdout);
	free(text);
}

static void show(struct app *app, bool terminal, const struct top_sample *now,
		 const struct top_sample *before)
{
	double seconds;
	char clock[16];

	wall_clock(clock, sizeof(clock), &seconds);
	if (app->json)
		top_json(stdout, seconds, now, before);
	else if (terminal)
		redraw(clock, now, before);
	else
		top_lines(stdout, clock, now, before);
	fflush(stdout);
}

int urctl_top(struct app *app, double interval)
{
	bool terminal = isatty(STDOUT_FILENO) && !app->json;
	struct top_sample *now = calloc(2, sizeof(*now));
	struct top_sample *before = now ? now + 1 : NULL;
	uint64_t step = (uint64_t)(interval * 1e9);
	struct top_sample *both = now;
	struct pci_dev only = { .address = "" };
	uint64_t n = 0, next;

	if (sysfs_root()[0])
		app_usage(app, "top looks at the machine itself, not below --root");
	if (app->device && pci_find(&only, app->device)) {
		app_say(app, "there is no port %s; urctl status lists them",
			app->device);
		return APP_FAILED;
	}
	if (!now) {
		app_say(app, "no memory");
		return APP_FAILED;
	}
	if (terminal)
		fputs("\033[H\033[2J", stdout);
	sample(before, only.address);
	next = app_clock();
	while (!app->count || n < app->count) {
		struct top_sample *tmp;

		next += step;
		sleep_until(next);
		if (app_stopped() || ferror(stdout))
			break;
		sample(now, only.address);
		show(app, terminal, now, before);
		tmp = now;
		now = before;
		before = tmp;
		n++;
		/* stopped for a while (^Z): no burst of frames afterwards */
		if (app_clock() > next + step)
			next = app_clock();
	}
	/* behind the ^C that the terminal has shown */
	if (terminal && app_stopped())
		putchar('\n');
	free(both);
	return ferror(stdout) ? APP_FAILED : APP_OK;
}
