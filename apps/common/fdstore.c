// SPDX-License-Identifier: BSD-2-Clause
#include "common/fdstore.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD	3
#define MAX_FDS		256

/* ------------------------------------------------------------------------
 * What was kept
 */

/* A number from the environment that is all digits, or -1. */
static long env_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (!text || *text < '0' || *text > '9')
		return -1;
	n = strtol(text, &end, 10);
	return *end ? -1 : n;
}

/* The how many-th name of a list with colons is this one?  -1: none. */
static int name_index(const char *list, const char *name)
{
	size_t len = strlen(name);
	int i = 0;

	while (list) {
		if (strncmp(list, name, len) == 0 &&
		    (list[len] == ':' || !list[len]))
			return i;
		list = strchr(list, ':');
		list = list ? list + 1 : NULL;
		i++;
	}
	return -1;
}

bool fdstore_has_kept(void)
{
	return env_number("LISTEN_FDS") > 0 &&
	       env_number("LISTEN_PID") == getpid();
}

int fdstore_take(const char *name)
{
	long n = env_number("LISTEN_FDS");
	int found = -1, i;

	/* they may be meant for another process, whose environment we have */
	if (n < 1 || n > MAX_FDS || env_number("LISTEN_PID") != getpid())
		return -1;
	for (i = 0; i < n; i++)
		fcntl(FIRST_FD + i, F_SETFD, FD_CLOEXEC);
	i = name_index(getenv("LISTEN_FDNAMES"), name);
	if (i >= 0 && i < n && fcntl(FIRST_FD + i, F_GETFD) >= 0)
		found = FIRST_FD + i;
	return found;
}

void fdstore_taken(void)
{
	if (env_number("LISTEN_PID") != getpid())
		return;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* ------------------------------------------------------------------------
 * What to keep
 */

/* Return: length of the address, 0 if there is nobody to talk to. */
static socklen_t notify_address(struct sockaddr_un *addr)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	if (len < 2 || len > sizeof(addr->sun_path) - 1 ||
	    (path[0] != '/' && path[0] != '@'))
		return 0;
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, path, len);
	if (path[0] == '@') {
		/* abstract: a 0 in front, and none behind */
		addr->sun_path[0] = '\0';
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				   len);
	}
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
}

/* One message, with a descriptor if fd >= 0. */
static void notify(const char *text, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { (void *)(size_t)text, strlen(text) };
	struct sockaddr_un addr;
	struct msghdr msg = { .msg_name = &addr, .msg_iov = &iov,
			      .msg_iovlen = 1 };
	int sock;

	msg.msg_namelen = notify_address(&addr);
	if (!msg.msg_namelen)
		return;
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.room);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
	}
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return;
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "NOTIFY_SOCKET: %m\n");
	close(sock);
}

void fdstore_keep(const char *name, int fd)
{
	char text[128];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	notify(text, fd);
}

void fdstore_remove(const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	notify(text, -1);
}

void fdstore_ready(void)
{
	notify("READY=1", -1);
}
