// SPDX-License-Identifier: BSD-2-Clause
/* The descriptor store as its client sees it: variables, sockets, messages. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fdstore.h"

/* ------------------------------------------------------------------------
 * Taking
 */

static bool is_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev &&
	       a.st_rdev == b.st_rdev;
}

/* In a child: 3 is /dev/null, 4 is /dev/zero.  Return: 0, or what was wrong. */
static int take(const char *pid, const char *fds, const char *names,
		const char *name, int want)
{
	char own[16];
	int null = open("/dev/null", O_RDONLY), zero = open("/dev/zero", O_RDONLY);
	int a = fcntl(null, F_DUPFD, 50), b = fcntl(zero, F_DUPFD, 50);
	int got;

	if (a < 0 || b < 0 || dup2(a, 3) != 3 || dup2(b, 4) != 4)
		return 10;
	snprintf(own, sizeof(own), "%d", getpid());
	setenv("LISTEN_PID", pid ? pid : own, 1);
	setenv("LISTEN_FDS", fds, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
	else
		unsetenv("LISTEN_FDNAMES");
	got = fdstore_take(name);
	if (got != want)
		return 20 + got;
	if (got == 3 && !is_file(got, "/dev/null"))
		return 11;
	if (got == 4 && !is_file(got, "/dev/zero"))
		return 12;
	if (got < 0)
		return 0;
	fdstore_taken();
	if (!(fcntl(3, F_GETFD) & FD_CLOEXEC) ||
	    getenv("LISTEN_FDS") || getenv("LISTEN_PID") ||
	    getenv("LISTEN_FDNAMES"))
		return 13;
	return fdstore_take(name) == -1 ? 0 : 14;
}

static void test_take(void **state)
{
	static const struct {
		const char *pid, *fds, *names, *name;
		int want;
	} rows[] = {
		{ NULL, "1", "userring", "userring", 3 },
		{ NULL, "2", "a:userring", "userring", 4 },
		{ NULL, "2", "userring:a", "userring", 3 },
		{ NULL, "2", "userring2:userring", "userring", 4 },
		{ NULL, "2", "xuserring:y", "userring", -1 },
		{ NULL, "1", "a:userring", "userring", -1 },
		{ NULL, "2", NULL, "userring", -1 },
		{ NULL, "2", "", "userring", -1 },
		{ "1", "1", "userring", "userring", -1 },
		{ "", "1", "userring", "userring", -1 },
		{ NULL, "0", "userring", "userring", -1 },
		{ NULL, "-1", "userring", "userring", -1 },
		{ NULL, "1x", "userring", "userring", -1 },
		{ NULL, "99999999999", "userring", "userring", -1 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(take(rows[i].pid, rows[i].fds, rows[i].names,
				   rows[i].name, rows[i].want));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status)
			fail_msg("row %zu: code %d", i, WEXITSTATUS(status));
	}
}

/* ------------------------------------------------------------------------
 * Telling
 */

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    strlen(path));
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(addr.sun_path, path, strlen(path));
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	assert_true(sock >= 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&addr, len), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return sock;
}

/* Expects a message, with /dev/zero or without a descriptor. */
static void expect(int sock, const char *want, bool with_fd)
{
	char text[256], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(sock, &msg, MSG_DONTWAIT);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd;

	assert_true(len >= 0);
	text[len] = '\0';
	assert_string_equal(text, want);
	assert_int_equal(c != NULL, with_fd);
	if (!with_fd)
		return;
	assert_int_equal(c->cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	assert_true(is_file(fd, "/dev/zero"));
	close(fd);
}

static void tell(const char *path)
{
	int zero = open("/dev/zero", O_RDONLY);
	int sock = listen_at(path);

	fdstore_keep("userring", zero);
	fdstore_ready();
	fdstore_remove("userring");
	expect(sock, "FDSTORE=1\nFDNAME=userring", true);
	expect(sock, "READY=1", false);
	expect(sock, "FDSTOREREMOVE=1\nFDNAME=userring", false);
	assert_int_equal(recv(sock, &zero, 1, MSG_DONTWAIT), -1);
	close(sock);
	close(zero);
}

static void test_tell(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/fdstore-test-%d", getpid());
	tell(path);
	unlink(path);
	snprintf(path, sizeof(path), "@fdstore-test-%d", getpid());
	tell(path);
}

/* Nobody there, or nobody that we know how to talk to: nothing happens. */
static void test_nobody(void **state)
{
	char path[64], longer[200];
	int sock;

	(void)state;
	snprintf(path, sizeof(path), "@fdstore-test-%d", getpid());
	sock = listen_at(path);
	unsetenv("NOTIFY_SOCKET");
	fdstore_ready();
	setenv("NOTIFY_SOCKET", path + 1, 1);
	fdstore_ready();
	setenv("NOTIFY_SOCKET", "", 1);
	fdstore_ready();
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	fdstore_ready();
	assert_int_equal(recv(sock, path, 1, MSG_DONTWAIT), -1);
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_tell),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
