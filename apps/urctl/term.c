// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/term.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "common/common.h"

#define SLICE_MS	100	/* a signal is noticed so soon */

static struct termios before;
static bool has_keys, on;
static volatile sig_atomic_t stopped, resized;

static void on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

static void enter(void)
{
	struct termios raw;

	/* in the background the keys are another's */
	has_keys = isatty(STDIN_FILENO) &&
		   tcgetpgrp(STDIN_FILENO) == getpgrp() &&
		   tcgetattr(STDIN_FILENO, &before) == 0;
	if (has_keys) {
		raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 0;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	/* the other screen; no cursor */
	fputs("\033[?1049h\033[?25l\033[H\033[2J", stdout);
	fflush(stdout);
	on = true;
}

void term_end(void)
{
	if (!on)
		return;
	on = false;
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void term_begin(void)
{
	struct sigaction stop = { .sa_handler = on_stop };
	struct sigaction resize = { .sa_handler = on_resize };

	sigaction(SIGTSTP, &stop, NULL);
	sigaction(SIGWINCH, &resize, NULL);
	/* SIGTERM, SIGHUP and ^C end the loop, and then comes this as well */
	atexit(term_end);
	enter();
}

/* ^Z: the shell gets its terminal as it was. */
static void stop(void)
{
	stopped = 0;
	term_end();
	raise(SIGSTOP);
	enter();
}

static bool is_q(void)
{
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	/* a terminal that is gone has none any more */
	if (n <= 0)
		has_keys = false;
	while (n > 0)
		if (keys[--n] == 'q' || keys[n] == 'Q')
			return true;
	return false;
}

bool term_wait(uint64_t until)
{
	uint64_t now;

	while (!app_stopped() && (now = app_clock()) < until) {
		struct pollfd fd = { .fd = has_keys ? STDIN_FILENO : -1,
				     .events = POLLIN };
		uint64_t ms = (until - now) / 1000000 + 1;

		if (poll(&fd, 1, ms < SLICE_MS ? (int)ms : SLICE_MS) > 0 &&
		    is_q())
			return true;
		if (stopped)
			stop();
		if (resized) {
			resized = 0;
			return false;
		}
	}
	return false;
}
