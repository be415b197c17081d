// SPDX-License-Identifier: BSD-2-Clause
/*
 * urctl top: looks at all ports again and again.  On a terminal each frame is
 * written over the one before, on the terminal's other screen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "urctl/term.h"
#include "urctl/top.h"
#include "urctl/urctl.h"

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

static void wall_clock(char *buf, size_t size, double *seconds)
{
	struct timespec ts;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &ts);
	*seconds = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	localtime_r(&ts.tv_sec, &tm);
	strftime(buf, size, "%H:%M:%S", &tm);
}

/* Return: the frame, which the caller frees; or NULL. */
static char *draw(const char *clock, const struct top_sample *now,
		  const struct top_sample *before)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s  %u port%s  q ends\n", clock, now->n_ports,
		now->n_ports == 1 ? "" : "s");
	top_screen(out, now, before);
	fclose(out);
	return text;
}

static void put_frame(const char *text)
{
	struct winsize win = { .ws_row = 24, .ws_col = 80 };
	struct winsize asked;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &asked) == 0 && asked.ws_row &&
	    asked.ws_col)
		win = asked;
	/* home; rest of each row; rest of the screen */
	fputs("\033[H", stdout);
	/* an end of line in the last row would move all up */
	if (win.ws_row == 1)
		top_cut(stdout, text, 1, win.ws_col, "\033[K");
	else
		top_cut(stdout, text, win.ws_row - 1U, win.ws_col, "\033[K\n");
	fputs("\033[J", stdout);
}

/* last: the frame that stays on a terminal when the program ends by itself. */
static void show(struct app *app, bool terminal, bool last,
		 const struct top_sample *now, const struct top_sample *before)
{
	double seconds;
	char clock[16], *text;

	wall_clock(clock, sizeof(clock), &seconds);
	if (app->json)
		top_json(stdout, seconds, now, before);
	else if (!terminal)
		top_lines(stdout, clock, now, before);
	else if ((text = draw(clock, now, before))) {
		if (last) {
			term_end();
			fputs(text, stdout);
		} else {
			put_frame(text);
		}
		free(text);
	}
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
	struct ur_error err;
	uint64_t n = 0, next;

	if (sysfs_root()[0])
		app_usage(app, "top looks at the machine itself, not below --root");
	if (app->device && pci_find(&only, app->device, &err)) {
		app_say(app, "%s", err.text);
		return APP_FAILED;
	}
	if (!now) {
		app_say(app, "no memory");
		return APP_FAILED;
	}
	if (terminal)
		term_begin();
	sample(before, only.address);
	next = app_clock();
	while (!app->count || n < app->count) {
		struct top_sample *tmp;

		next += step;
		if (term_wait(next) || app_stopped() || ferror(stdout))
			break;
		/* earlier, if the window has another size */
		next = app_clock() < next ? app_clock() : next;
		sample(now, only.address);
		show(app, terminal, app->count && n + 1 == app->count, now,
		     before);
		tmp = now;
		now = before;
		before = tmp;
		n++;
		/* stopped for a while (^Z): no burst of frames afterwards */
		if (app_clock() > next + step)
			next = app_clock();
	}
	term_end();
	free(both);
	return ferror(stdout) ? APP_FAILED : APP_OK;
}
