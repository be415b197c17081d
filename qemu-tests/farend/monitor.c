// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's monitor, by its machine protocol. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "farend.h"

int monitor_fd = -1;

/* One line of QMP; false if none comes within ten seconds. */
static bool qmp_line(char *line, size_t room)
{
	struct pollfd pfd = { .fd = monitor_fd, .events = POLLIN };
	size_t len = 0;

	while (len + 1 < room) {
		if (poll(&pfd, 1, 10000) <= 0 || read(monitor_fd, line + len, 1) != 1)
			return false;
		if (line[len] == '\n')
			break;
		len++;
	}
	line[len] = '\0';
	return true;
}

/* Run a monitor command; @text gets what it printed, on one line. */
static bool qmp_run(const char *json, char *text, size_t room)
{
	char line[8192], *from;
	size_t len = 0;

	write_all(monitor_fd, json, strlen(json));
	for (;;) {
		if (!qmp_line(line, sizeof(line))) {
			snprintf(text, room, "QEMU's monitor does not answer");
			return false;
		}
		if (!strncmp(line, "{\"return\"", 9) || !strncmp(line, "{\"error\"", 8))
			break;
	}
	from = strstr(line, "\"desc\": \"");
	if (from) {
		snprintf(text, room, "%s", from + 9);
		return false;
	}
	from = strstr(line, "{\"return\": \"");
	from = from ? from + 12 : line + strlen(line);
	for (; *from && *from != '"' && len + 1 < room; from++) {
		if (*from != '\\')
			text[len++] = *from;
		else if (*++from == 'n')
			text[len++] = ' ';
		else if (*from != 'r' && *from != 't')
			text[len++] = *from;
	}
	text[len] = '\0';
	return true;
}

bool hmp(char *text, size_t room, const char *fmt, ...)
{
	char command[1024], json[2200];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	len = (size_t)snprintf(json, sizeof(json), "{\"execute\":\"human-monitor-command\","
			       "\"arguments\":{\"command-line\":\"");
	for (const char *p = command; *p; p++) {
		if (*p == '"' || *p == '\\')
			json[len++] = '\\';
		json[len++] = *p;
	}
	strcpy(json + len, "\"}}\n");
	return qmp_run(json, text, room);
}

void accept_monitor(int listener)
{
	char text[256];

	monitor_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (monitor_fd < 0)
		fatal("accept");
	if (!qmp_line(text, sizeof(text)) ||
	    !qmp_run("{\"execute\":\"qmp_capabilities\"}\n", text, sizeof(text)))
		fatal("QMP greeting");
}

/* The host's port that QEMU forwards to the guest's port 7; 0 if there is none. */
uint16_t forwarded_port(const char *protocol)
{
	char text[4096], *p;
	unsigned int port = 0;

	/* "UDP[HOST_FORWARD]  12  127.0.0.1 40217  10.0.2.15  7 ..." */
	if (hmp(text, sizeof(text), "info usernet") && (p = strstr(text, protocol)))
		sscanf(p, "%*[^]]] %*u %*s %u", &port);
	return (uint16_t)port;
}
