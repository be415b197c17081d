/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An app as a whole, its main() in a thread of the test, its output in files; the test
 * has the far end of its software NICs.  Built with --wrap=ur_port_open.
 */
#ifndef USERRING_TESTS_LIVE_H
#define USERRING_TESTS_LIVE_H

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <libuserring/sim.h>

#include "tests/contents.h"

#define WAIT_MS		5000
#define PORTS_MAX	8
#define ARGS_MAX	24

static struct ur_port *port[PORTS_MAX];	/* of the app, as they were opened: by queue,
					 * and for a queue both of two devices
					 */
static uint32_t ports;

int __real_ur_port_open(struct ur_port **p, const char *name,
			struct ur_error *err);
int __wrap_ur_port_open(struct ur_port **p, const char *name,
			struct ur_error *err);

int __wrap_ur_port_open(struct ur_port **p, const char *name,
			struct ur_error *err)
{
	int r = __real_ur_port_open(p, name, err);

	if (r == 0)
		port[__atomic_load_n(&ports, __ATOMIC_RELAXED)] = *p;
	__atomic_fetch_add(&ports, r == 0, __ATOMIC_RELEASE);
	return r;
}

static void sleep_ms(int ms)
{
	usleep((useconds_t)ms * 1000);
}

/* ------------------------------------------------------------------------
 * The app
 */

static struct live {
	int (*main)(int argc, char **argv);
	char text[512];
	char *argv[ARGS_MAX];
	int argc;
	pthread_t thread;
	bool runs;
	int exit_code;
	int saved[2];		/* where the output went before */
} live;

static char out_name[] = "/tmp/live-test-XXXXXX";
static char err_name[] = "/tmp/live-test-XXXXXX";

static void *run_app(void *arg)
{
	(void)arg;
	optind = 0;
	live.exit_code = live.main(live.argc, live.argv);
	return NULL;
}

static void divert(int fd, char *name)
{
	int file;

	strcpy(strstr(name, "-test-") + 6, "XXXXXX");
	file = mkstemp(name);
	assert_true(file >= 0);
	fflush(stdout);
	live.saved[fd - 1] = dup(fd);
	dup2(file, fd);
	close(file);
}

static void restore(int fd)
{
	fflush(stdout);
	dup2(live.saved[fd - 1], fd);
	close(live.saved[fd - 1]);
}

/*
 * Each sim: that is opened is one queue, whatever its number.  It receives from its first
 * slot on, which comes after it is attached.
 */
static bool receives(struct ur_port *p)
{
	struct ur_queue_info info = { .argsz = sizeof(info) };
	uint32_t number;

	for (number = 0; number < PORTS_MAX; number++)
		if (!ur_port_queue_info(p, number, &info) && info.attached && info.rx_posted)
			return true;
	return false;
}

static uint32_t receiving(uint32_t queues)
{
	uint32_t i, have = 0;

	if (__atomic_load_n(&ports, __ATOMIC_ACQUIRE) < queues)
		return 0;
	for (i = 0; i < queues; i++)
		have += receives(port[i]);
	return have;
}

/*
 * A command line, its words between single spaces, until so many queues receive, of
 * all devices together.
 */
static void live_start(int (*main_of)(int argc, char **argv),
		       const char *command, uint32_t queues)
{
	char *save, *word;
	int ms;

	live.main = main_of;
	snprintf(live.text, sizeof(live.text), "%s", command);
	live.argc = 0;
	for (word = strtok_r(live.text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		live.argv[live.argc++] = word;
	live.argv[live.argc] = NULL;
	__atomic_store_n(&ports, 0, __ATOMIC_RELAXED);
	divert(1, out_name);
	divert(2, err_name);
	assert_int_equal(pthread_create(&live.thread, NULL, run_app, NULL), 0);
	live.runs = true;
	for (ms = 0; ms < WAIT_MS && receiving(queues) < queues; ms++)
		sleep_ms(1);
	assert_int_equal(receiving(queues), queues);
}

static void end(bool stop)
{
	if (stop)
		kill(getpid(), SIGTERM);
	pthread_join(live.thread, NULL);
	live.runs = false;
	restore(1);
	restore(2);
}

static void live_finish(bool stop, int code)
{
	end(stop);
	assert_int_equal(live.exit_code, code);
}

/* ------------------------------------------------------------------------
 * What it wrote, and sent
 */

static inline int count_of(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* Soon it has said that so often. */
static inline void live_says(const char *what, int times)
{
	int ms;

	for (ms = 0; ms < WAIT_MS; ms++) {
		if (count_of(contents(err_name), what) >= times)
			return;
		sleep_ms(1);
	}
	fail_msg("not said %d times: %s", times, what);
}

/* The last one of that name: totals come behind those of the queues. */
static void expect(const char *key, uint64_t want)
{
	const char *at = NULL, *next = contents(out_name);
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	while ((next = strstr(next, quoted)))
		at = next += strlen(quoted);
	if (!at)
		fail_msg("no %s in %s", key, contents(out_name));
	if (strtoull(at, NULL, 10) != want)
		fail_msg("%s is not %llu in %s", key, (unsigned long long)want,
			 contents(out_name));
}

/* The next frame at the far end (ur_sim_collect) or at Linux (ur_sim_host). */
static int collect(int (*from)(struct ur_port *, void *, size_t), uint32_t queue,
		   uint8_t *buf, size_t size)
{
	int i, len = -1;

	for (i = 0; i < WAIT_MS && len < 0; i++) {
		len = from(port[queue], buf, size);
		if (len < 0)
			sleep_ms(1);
	}
	return len;
}

/* A test that failed left its app behind, and its own words among the app's. */
static int live_teardown(void **state)
{
	(void)state;
	if (live.runs) {
		end(true);
		fputs(contents(out_name), stderr);
		fputs(contents(err_name), stderr);
	}
	unlink(out_name);
	unlink(err_name);
	return 0;
}

#endif /* USERRING_TESTS_LIVE_H */
