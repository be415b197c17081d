// SPDX-License-Identifier: BSD-2-Clause
/*
 * The software NIC's descriptor for poll(): one end of a pair of sockets, of which
 * the other end is filled and emptied so that the events are those of the module.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim_internal.h"

/* More bytes than may be under way for POLLOUT with the smallest buffer. */
#define FILL	2048

int sim_event_open(struct sim *s)
{
	const int least = 1;
	int fd[2];

	s->event_fd = -1;
	s->event_peer = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       fd))
		return -errno;
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	s->event_fd = fd[0];
	s->event_peer = fd[1];
	s->events = POLLOUT;
	return 0;
}

static void empty(int fd)
{
	char buf[FILL];

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

/*
 * Out-of-band data, if the kernel has it for these sockets, gives POLLPRI as well.
 */
static void fill_in(struct sim *s, short events)
{
	const char byte = 0;

	if (events & POLLPRI &&
	    send(s->event_peer, &byte, 1, MSG_OOB | MSG_NOSIGNAL) == 1)
		return;
	if (events & POLLIN &&
	    send(s->event_peer, &byte, 1, MSG_NOSIGNAL) != 1)
		s->events &= ~POLLIN;	/* the next look tries again */
}

void sim_event_show(struct sim *s, short events)
{
	static const char much[FILL];
	short change = s->events ^ events;

	s->events = events;
	if (change & (POLLIN | POLLPRI)) {
		empty(s->event_fd);
		fill_in(s, events);
	}
	if (change & POLLOUT) {
		if (events & POLLOUT)
			empty(s->event_peer);
		else if (send(s->event_fd, much, sizeof(much),
			      MSG_NOSIGNAL) < 0)
			s->events |= POLLOUT;
	}
}

void sim_event_hang_up(struct sim *s)
{
	if (s->event_peer >= 0)
		close(s->event_peer);
	s->event_peer = -1;
}

void sim_event_close(struct sim *s)
{
	sim_event_hang_up(s);
	if (s->event_fd >= 0)
		close(s->event_fd);
	s->event_fd = -1;
}
