/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The apps as one types them, on the module itself: starts them, waits for what they
 * do, and reads what they write, also as JSON. The fixture has the two ports.
 */
#ifndef USERRING_TESTS_APPS_H
#define USERRING_TESTS_APPS_H

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "ctl.h"
#include "port.h"

/* One app that runs, or ran; what it writes goes to these files. */
struct app {
	pid_t pid;
	char out[32];
	char err[32];
};

/* The process that has the port's queue; 0: the kernel; < 0: an error. */
static inline int holder(const struct port *port)
{
	struct ur_queue_info info;
	struct ur_port *p;
	int err = ur_port_open(&p, port->node, NULL);

	if (err)
		return err;
	err = ur_port_queue_info(p, 0, &info);
	ur_port_close(p);
	return err ? err : info.attached ? (int)info.pid : 0;
}

__attribute__((format(printf, 2, 3)))
static inline bool app_start(struct app *app, const char *fmt, ...)
{
	static int number;
	char args[512], command[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	number++;
	snprintf(app->out, sizeof(app->out), "/tmp/app%d.out", number);
	snprintf(app->err, sizeof(app->err), "/tmp/app%d.err", number);
	/* each test counts from 1: what a former one has left is not this one's */
	unlink(app->out);
	unlink(app->err);
	snprintf(command, sizeof(command), "exec %s >%s 2>%s", args, app->out, app->err);
	app->pid = spawn();
	if (!app->pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	return app->pid > 0;
}

/* A whole file, with a 0 behind it. The harness ends the process: nobody frees. */
static inline char *slurp(const char *path, size_t *len)
{
	FILE *file = fopen(path, "re");
	size_t room = 1 << 20, n = 0;
	char *text = malloc(room + 1);

	if (file && text)
		n = fread(text, 1, room, file);
	if (file)
		fclose(file);
	if (text)
		text[n] = '\0';
	if (len)
		*len = n;
	return text ? text : "";
}

__attribute__((format(printf, 2, 3)))
static inline bool says(const char *path, const char *fmt, ...)
{
	const char *text = slurp(path, NULL);
	char words[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (strstr(text, words))
		return true;
	printf("# \"%s\" is not in: %s\n", words, text);
	return false;
}

/* Does it end with exit code @want, after a signal if one is named? */
static inline bool app_ends(struct app *app, int sig, int want)
{
	pid_t pid = app->pid;
	int ret;

	if (sig)
		kill(pid, sig);
	ret = finish(pid, 8000);
	app->pid = 0;
	if (ret != want)
		printf("# exit code %d, not %d: %s\n", ret, want, slurp(app->err, NULL));
	return ret == want;
}

/* Does the app have the queue? */
static inline bool wait_attached(const struct port *port, const struct app *app)
{
	int64_t end = now_ms() + at_most_ms(5000);

	while (holder(port) != app->pid) {
		if (now_ms() > end) {
			printf("# not attached: %s\n", slurp(app->err, NULL));
			return false;
		}
		sleep_ms(5);
	}
	return true;
}

/* A process other than @not has the queue: its pid, or 0. */
static inline pid_t wait_holder(const struct port *port, pid_t not, int timeout_ms)
{
	int64_t end = now_ms() + at_most_ms(timeout_ms);
	int pid;

	do {
		pid = holder(port);
		if (pid > 0 && pid != not)
			return pid;
		sleep_ms(2);
	} while (now_ms() < end);
	return 0;
}

static inline void app_kill(struct app *app)
{
	if (app->pid > 0) {
		kill(app->pid, SIGKILL);
		finish(app->pid, 5000);
	}
	app->pid = 0;
}

FIXTURE(apps)
{
	struct port port, other;	/* the far end's wire; the host's stack */
	struct app app, second;
};

FIXTURE_SETUP(apps)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_find(&self->other, "nic1"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_EQ(0, port_up(&self->other));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->port));
}

FIXTURE_TEARDOWN(apps)
{
	app_kill(&self->app);
	app_kill(&self->second);
	EXPECT_EQ(0, far(NULL, 0, "capture off"));
	EXPECT_EQ(0, far(NULL, 0, "arp off"));
	EXPECT_EQ(0, port_find(&self->port, "nic0"));
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_EQ(0, holder(&self->port));
	EXPECT_EQ(0, holder(&self->other));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* @count datagrams of a host's socket came back to it, every byte right. */
static inline bool echoed(int count, int size, int window)
{
	int64_t end = now_ms() + at_most_ms(15000);
	char reply[256] = "";

	if (far(NULL, 0, "udp count=%d size=%d window=%d timeout_ms=5000", count, size,
		window))
		return false;
	do {
		sleep_ms(10);
		if (far(reply, sizeof(reply), "echostat"))
			return false;
	} while (far_value(reply, "running") && now_ms() < end);
	if (!far_value(reply, "running") && far_value(reply, "sent") == count &&
	    far_value(reply, "received") == count && !far_value(reply, "bad"))
		return true;
	printf("# %d datagrams of %d bytes: %s\n", count, size, reply);
	return false;
}

/* ------------------------------------------------------------------------
 * JSON
 */

static inline const char *space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static inline const char *json_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		p++;
		if (*p == 'u' && strspn(p + 1, "0123456789abcdefABCDEF") >= 4)
			p += 4;
		else if (!*p || !strchr("\"\\/bfnrt", *p))
			return NULL;
	}
	return p + 1;
}

static inline const char *json_number(const char *p)
{
	size_t n;

	p += *p == '-';
	n = strspn(p, "0123456789");
	if (!n || (n > 1 && *p == '0'))
		return NULL;
	p += n;
	if (*p == '.') {
		n = strspn(p + 1, "0123456789");
		if (!n)
			return NULL;
		p += 1 + n;
	}
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '-' || p[1] == '+');
		n = strspn(p, "0123456789");
		if (!n)
			return NULL;
		p += n;
	}
	return p;
}

/* What is behind the value at @p, NULL if it is none. */
static inline const char *json_skip(const char *p)
{
	const char close = *p == '{' ? '}' : ']';

	if (*p == '"')
		return json_string(p);
	if (!strncmp(p, "true", 4) || !strncmp(p, "null", 4))
		return p + 4;
	if (!strncmp(p, "false", 5))
		return p + 5;
	if (*p != '{' && *p != '[')
		return json_number(p);
	p = space(p + 1);
	if (*p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			p = *p == '"' ? json_string(p) : NULL;
			p = p ? space(p) : NULL;
			if (!p || *p != ':')
				return NULL;
			p = space(p + 1);
		}
		p = json_skip(p);
		if (!p)
			return NULL;
		p = space(p);
		if (*p == close)
			return p + 1;
		if (*p != ',')
			return NULL;
		p = space(p + 1);
	}
}

/* Exactly one value, and nothing else. */
static inline bool json_valid(const char *text)
{
	const char *end = json_skip(space(text));

	if (end && !*space(end))
		return true;
	printf("# not JSON: %s\n", text);
	return false;
}

/*
 * The value at a path like "ports.1.queues.0.pid" in text that is valid; NULL if
 * there is none.
 */
static inline const char *json_at(const char *text, const char *path)
{
	const char *p = space(text);

	while (*path) {
		size_t len = strcspn(path, ".");
		bool object = *p == '{', found = false;
		int index = atoi(path);

		if (*p != '{' && *p != '[')
			return NULL;
		p = space(p + 1);
		while (*p != '}' && *p != ']') {
			found = object ? !strncmp(p + 1, path, len) && p[1 + len] == '"' :
					 !index--;
			if (object)
				p = space(space(json_string(p)) + 1);
			if (found)
				break;
			p = space(json_skip(p));
			p = *p == ',' ? space(p + 1) : p;
		}
		if (!found)
			return NULL;
		path += len + (path[len] == '.');
	}
	return p;
}

static inline int64_t json_int(const char *text, const char *path)
{
	const char *p = json_at(text, path);

	return p ? strtoll(p, NULL, 10) : -ENOENT;
}

static inline bool json_is(const char *text, const char *path, const char *want)
{
	const char *p = json_at(text, path);
	size_t len = strlen(want);

	if (p && *p == '"' && !strncmp(p + 1, want, len) && p[1 + len] == '"')
		return true;
	printf("# %s is not \"%s\" in %s\n", path, want, text);
	return false;
}

#endif
