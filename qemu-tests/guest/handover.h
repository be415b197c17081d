/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A descriptor on its way from one process to another: in a message, or taken out of the
 * other by pidfd_getfd(). 0 or a descriptor when well, -errno otherwise.
 */
#ifndef USERRING_TESTS_HANDOVER_H
#define USERRING_TESTS_HANDOVER_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct message {
	pid_t pid;
	int fd;		/* in that process; -1: in the message itself, -2: the end */
};

static inline int message_send(int sock, const struct message *m, int fd)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec iov = { (void *)m, sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	return sendmsg(sock, &msg, 0) == sizeof(*m) ? 0 : -errno;
}

/* The queue's descriptor, however it comes; -ECHILD at the end. */
static inline int message_take(int sock)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct message m;
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int pidfd, fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != sizeof(m))
		return -EPIPE;
	if (m.fd == -2)
		return -ECHILD;
	if (m.fd == -1) {
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
		return fd;
	}
	pidfd = (int)syscall(SYS_pidfd_open, m.pid, 0);
	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, m.fd, 0);
	if (fd < 0)
		fd = -errno;
	close(pidfd);
	return fd;
}

#endif /* USERRING_TESTS_HANDOVER_H */
