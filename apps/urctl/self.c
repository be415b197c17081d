// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/self.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* This program's path, cut behind its folder; "" if it is not known. */
static void self_folder(char folder[SYSFS_PATH])
{
	ssize_t n = readlink("/proc/self/exe", folder, SYSFS_PATH - 1);
	char *slash;

	folder[n > 0 ? n : 0] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
}

const char *self_command(void)
{
	/* Debian's secure_path of sudoers(5) */
	static const char *const found[] = {
		"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin",
		"/sbin", "/bin",
	};
	static char command[SYSFS_PATH + 8];
	char folder[SYSFS_PATH];
	size_t i;

	self_folder(folder);
	for (i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (!strcmp(folder, found[i]))
			return "urctl";
	snprintf(command, sizeof(command), "%s%surctl", folder,
		 folder[0] ? "/" : "");
	return command;
}

void self_module(char path[SYSFS_PATH])
{
	static const char below[] = "/module/running/userring.ko";
	char *slash;

	self_folder(path);
	slash = strrchr(path, '/');
	if (slash && !strcmp(slash, "/apps") &&
	    (size_t)(slash - path) + sizeof(below) <= SYSFS_PATH)
		strcpy(slash, below);
	else
		path[0] = '\0';
}

/* A user's PATH, which sudo env PATH=$PATH keeps, has no modprobe. */
static void add_system_path(void)
{
	const char *path = getenv("PATH");
	char all[4096];

	snprintf(all, sizeof(all), "%s%s/usr/sbin:/sbin:/usr/bin:/bin", path ? path : "", path ? ":" : "");
	setenv("PATH", all, 1);
}

/* In the child. */
static _Noreturn void become(const char *const argv[], int out)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(out >= 0 ? out : null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	add_system_path();
	execvp(argv[0], (char *const *)(size_t)argv);
	_exit(127);
}

static void read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len + 1 < size &&
	       ((n = read(fd, text + len, size - 1 - len)) > 0 ||
		(n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	text[len] = '\0';
}

int self_run(const char *const argv[], char *text, size_t size)
{
	int fd[2] = { -1, -1 }, status;
	pid_t pid;

	if (text && pipe2(fd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		become(argv, fd[1]);
	if (text) {
		close(fd[1]);
		if (pid > 0)
			read_all(fd[0], text, size);
		close(fd[0]);
	}
	if (pid < 0)
		return -EAGAIN;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}
