/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A terminal over the network: a TCP connection with a line every 20 ms and its echo,
 * as that of somebody who is logged in through the port under test.
 */
#ifndef USERRING_TESTS_SESSION_H
#define USERRING_TESTS_SESSION_H

#include <sys/mman.h>

#include "net.h"
#include "port.h"

#define SESSION_PAUSE_MS	20

struct session {
	pid_t pid;
	struct {
		unsigned int lines;	/* that came back, whole and in order */
		int worst_ms;
		int err;		/* what ended it */
		bool over;
	} *seen;
};

static inline void session_run(struct session *s)
{
	int fd = net_echo_open();
	int64_t began;

	s->seen->err = fd < 0 ? fd : 0;
	while (!s->seen->err && !__atomic_load_n(&s->seen->over, __ATOMIC_ACQUIRE)) {
		began = now_ms();
		s->seen->err = net_echo(fd, s->seen->lines);
		if (now_ms() - began > s->seen->worst_ms)
			s->seen->worst_ms = (int)(now_ms() - began);
		s->seen->lines += !s->seen->err;
		sleep_ms(SESSION_PAUSE_MS);
	}
	_exit(0);
}

/* Return: it is there, and has had its first lines. */
static inline bool session_start(struct session *s)
{
	int64_t end = now_ms() + at_most_ms(5000);

	s->seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->seen == MAP_FAILED)
		return false;
	s->pid = spawn();
	if (!s->pid)
		session_run(s);
	while (s->pid > 0 && s->seen->lines < 3 && !s->seen->err && now_ms() < end)
		sleep_ms(10);
	return s->seen->lines >= 3;
}

/* Return: lines; -1: it did not live so long, or stood still for longer than that. */
static inline int session_end(struct session *s, int worst_ms)
{
	int lines;

	__atomic_store_n(&s->seen->over, true, __ATOMIC_RELEASE);
	if (finish(s->pid, at_most_ms(worst_ms) + 3000) && !s->seen->err)
		s->seen->err = -ETIMEDOUT;
	printf("# a terminal: %u lines, the slowest took %d ms%s%s\n", s->seen->lines,
	       s->seen->worst_ms, s->seen->err ? ": " : "",
	       s->seen->err ? strerror(-s->seen->err) : "");
	lines = s->seen->err || s->seen->worst_ms > at_most_ms(worst_ms) ? -1 :
		(int)s->seen->lines;
	munmap(s->seen, 4096);
	return lines;
}

#endif /* USERRING_TESTS_SESSION_H */
