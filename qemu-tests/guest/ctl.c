// SPDX-License-Identifier: GPL-2.0-only
#include "ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define FAR_TIMEOUT_MS	20000
#define FAR_LINE	66000

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static int slow = 1;

/* Before there are threads: they would share what boot_option() returns. */
static void __attribute__((constructor)) find_slow(void)
{
	const char *boot = boot_option("slow");

	if (boot && atoi(boot) > 1)
		slow = atoi(boot);
}

int at_most_ms(int ms)
{
	return ms * slow;
}

int at_least(int n)
{
	return n / slow > 1 ? n / slow : 1;
}

unsigned int test_alarm(unsigned int seconds)
{
	return alarm((unsigned int)at_most_ms((int)seconds));
}

/* ---- the control line ---- */

static int far_exchange(int fd, char *line, size_t room)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t end = now_ms() + at_most_ms(FAR_TIMEOUT_MS);
	size_t len = strlen(line), done = 0;
	ssize_t n;

	tcflush(fd, TCIFLUSH);
	while (done < len) {
		n = write(fd, line + done, len - done);
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	for (len = 0; len + 1 < room;) {
		int64_t left = end - now_ms();

		if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
			return -ETIMEDOUT;
		n = read(fd, line + len, room - 1 - len);
		if (n <= 0)
			return n ? -errno : -EPIPE;
		len += (size_t)n;
		if (line[len - 1] == '\n') {
			line[len - 1] = '\0';
			return 0;
		}
	}
	return -EMSGSIZE;
}

static const char *far_line = "/dev/ttyS1";

void far_use(int wire)
{
	far_line = wire ? "/dev/ttyS2" : "/dev/ttyS1";
}

int far(char *reply, size_t room, const char *fmt, ...)
{
	static char line[FAR_LINE];
	struct termios tio;
	const char *text;
	va_list ap;
	int fd, ret;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	strcat(line, "\n");

	fd = open(far_line, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The tests of one guest share the line: one exchange at a time. */
	flock(fd, LOCK_EX);
	tcgetattr(fd, &tio);
	cfmakeraw(&tio);
	tcsetattr(fd, TCSANOW, &tio);
	ret = far_exchange(fd, line, sizeof(line));
	close(fd);
	if (ret)
		return ret;

	ret = strncmp(line, "ok", 2) ? -EREMOTEIO : 0;
	text = strchr(line, ' ');
	if (reply)
		snprintf(reply, room, "%s", text ? text + 1 : "");
	return ret;
}

int64_t far_value(const char *reply, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = reply; p; p = strchr(p, ' ')) {
		p += *p == ' ';
		if (!strncmp(p, key, len) && p[len] == '=')
			return strtoll(p + len + 1, NULL, 10);
	}
	return -ENOENT;
}

int far_wait_sent(int timeout_ms)
{
	int64_t end = now_ms() + at_most_ms(timeout_ms);
	char reply[512];
	int ret;

	do {
		ret = far(reply, sizeof(reply), "status");
		if (ret)
			return ret;
		if (far_value(reply, "sending") == 0)
			return 0;
		sleep_ms(20);
	} while (now_ms() < end);
	return -ETIMEDOUT;
}

/* ---- the kernel's files ---- */

int read_line(char *text, size_t room, const char *path_fmt, ...)
{
	char path[512];
	va_list ap;
	FILE *file;
	int ret = 0;

	va_start(ap, path_fmt);
	vsnprintf(path, sizeof(path), path_fmt, ap);
	va_end(ap);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (!fgets(text, (int)room, file))
		ret = -ENODATA;
	else
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
	return ret;
}

int write_line(const char *text, const char *path_fmt, ...)
{
	char path[512];
	va_list ap;
	int fd, ret = 0;

	va_start(ap, path_fmt);
	vsnprintf(path, sizeof(path), path_fmt, ap);
	va_end(ap);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

const char *boot_option(const char *name)
{
	static char line[4096];
	char key[64], *word, *save, *found = NULL;

	if (read_line(line, sizeof(line), "/proc/cmdline"))
		return NULL;
	snprintf(key, sizeof(key), "ur.%s=", name);
	for (word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!strncmp(word, key, strlen(key)))
			found = word + strlen(key);
	return found;
}

int only_entry(char *name, size_t room, const char *path)
{
	struct dirent *entry;
	int ret = -ENOENT;
	DIR *dir = opendir(path);

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, room, "%s", entry->d_name);
		ret = 0;
	}
	closedir(dir);
	return ret;
}

int netdev_of_pci(const char *pci, char *name, size_t room)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net", pci);
	return only_entry(name, room, path) ? -ENODEV : 0;
}

int64_t irq_count(const char *name)
{
	int64_t count = 0, found = -ENOENT;
	FILE *file = fopen("/proc/interrupts", "re");
	char line[1024], *p, *end;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (!strstr(line, name) || !(p = strchr(line, ':')))
			continue;
		for (p++;; p = end) {
			long long n = strtoll(p, &end, 10);

			if (end == p || *end != ' ')
				break;
			count += n;
		}
		found = count;
	}
	fclose(file);
	return found;
}

/* The number after "@key:" in the output of a command or in a file. */
static int64_t number_after(FILE *file, const char *key)
{
	int64_t value = -ENOENT;
	size_t len = strlen(key);
	char line[512], *p;

	while (fgets(line, sizeof(line), file)) {
		p = line + strspn(line, " \t");
		if (value == -ENOENT && !strncmp(p, key, len) && p[len] == ':')
			value = strtoll(p + len + 1, NULL, 10);
	}
	return value;
}

int64_t meminfo_kib(const char *field)
{
	FILE *file = fopen("/proc/meminfo", "re");
	int64_t value;

	if (!file)
		return -errno;
	value = number_after(file, field);
	fclose(file);
	return value;
}

int64_t ethtool_stat(const char *netdev, const char *counter)
{
	char command[128];
	int64_t value;
	FILE *file;

	snprintf(command, sizeof(command), "ethtool -S %s", netdev);
	file = popen(command, "re");
	if (!file)
		return -errno;
	value = number_after(file, counter);
	pclose(file);
	return value;
}

int run(char *output, size_t room, const char *fmt, ...)
{
	char command[2048], chunk[1024];
	size_t len = 0, n;
	va_list ap;
	FILE *file;
	int status;

	/* In braces, so that the redirection holds for all of it. */
	strcpy(command, "{ ");
	va_start(ap, fmt);
	vsnprintf(command + 2, sizeof(command) - 16, fmt, ap);
	va_end(ap);
	strcat(command, "\n} 2>&1");
	fflush(NULL);
	file = popen(command, "re");
	if (!file)
		return -errno;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		if (!output)
			continue;
		if (n > room - 1 - len)
			n = room - 1 - len;
		memcpy(output + len, chunk, n);
		len += n;
	}
	if (output)
		output[len] = '\0';
	status = pclose(file);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
