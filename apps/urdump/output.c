// SPDX-License-Identifier: BSD-2-Clause
/*
 * What becomes of a packet that the filter has taken: it is shown, or written to a
 * file.  A thread of its own does that, because whoever reads may not read for
 * hours, and the port's packets are Linux's as well.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "urdump/bytes.h"
#include "urdump/line.h"
#include "urdump/urdump.h"

#define STUCK_MS	1000	/* at the end: then nobody reads any more */
#define LOOK_MS		20

static uint64_t real_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* A reader who has gone has seen enough; all else is said. */
static void file_failed(struct output *o, const char *name, int err)
{
	__atomic_store_n(&o->over, true, __ATOMIC_RELAXED);
	if (err == -EPIPE || o->failed)
		return;
	app_say(o->app, "cannot write %s: %s", name, strerror(-err));
	o->failed = true;
}

/* ------------------------------------------------------------------------
 * Lines
 */

static void show(const struct output *o, const struct spool_packet *p)
{
	const uint32_t most = o->capture.interface.snap_len;
	const uint32_t captured = p->captured < most ? p->captured : most;
	time_t seconds = (time_t)(p->time / NS_PER_SEC);
	const uint8_t *frame = p->data;
	char line[DUMP_LINE];
	struct tm tm;

	localtime_r(&seconds, &tm);
	printf("%02d:%02d:%02d.%06u ", tm.tm_hour, tm.tm_min, tm.tm_sec,
	       (unsigned int)(p->time % NS_PER_SEC / 1000));
	if (o->macs && captured >= 12)
		printf("%02x:%02x:%02x:%02x:%02x:%02x > %02x:%02x:%02x:%02x:%02x:%02x, length %" PRIu32 ": ",
		       frame[6], frame[7], frame[8], frame[9], frame[10],
		       frame[11], frame[0], frame[1], frame[2], frame[3],
		       frame[4], frame[5], p->len);
	dump_cut_line(line, sizeof(line), frame, captured, p->len);
	puts(line);
	if (o->hex)
		bytes_hex(stdout, frame, captured, o->characters);
	if (o->text)
		bytes_text(stdout, frame, captured, p->len);
}

/* ------------------------------------------------------------------------
 * The thread
 */

/* Who reads along sees what there is. */
static void flush(struct output *o)
{
	int err = capture_flush(&o->capture);

	if (err)
		file_failed(o, o->capture.name, err);
	if (o->lines && (fflush(stdout) || ferror(stdout)))
		file_failed(o, "stdout", -errno);
}

static void put(struct output *o, const struct spool_packet *p)
{
	struct capture *c = &o->capture;
	int err;

	if (o->lines) {
		show(o, p);
		if (ferror(stdout))
			flush(o);
	}
	if (c->file) {
		err = capture_put(c, p->data, p->captured, p->len, p->time,
				  &p->count);
		if (err)
			file_failed(o, c->name, err);
		/* it would have been the first one of a file too many */
		if (c->full) {
			__atomic_store_n(&o->over, true, __ATOMIC_RELAXED);
			return;
		}
		__atomic_store_n(&o->written, c->bytes, __ATOMIC_RELAXED);
		__atomic_store_n(&o->files, c->files, __ATOMIC_RELAXED);
	}
	app_add(&o->done, 1);
}

static void *run(void *arg)
{
	struct output *o = arg;
	const struct spool_packet *p;

	/* what it writes to is open */
	app_keep_privileges(0);
	for (;;) {
		p = spool_next(&o->spool, false);
		if (!p) {
			flush(o);
			p = spool_next(&o->spool, true);
		}
		if (!p)
			return NULL;
		if (!output_is_over(o))
			put(o, p);
		spool_done(&o->spool, p);
	}
}

/* ------------------------------------------------------------------------
 * The other side
 */

static bool open_file(struct output *o)
{
	static const struct capture_count none;
	struct capture *c = &o->capture;
	int err;

	if (strcmp(c->path, "-") == 0 && isatty(STDOUT_FILENO)) {
		app_say(o->app, "-w - writes binary data, not to a terminal: pipe it");
		return false;
	}
	c->interface.program = "urdump (userring) " APP_VERSION;
	c->interface.name = o->app->device;
	err = capture_open(c, real_time(), &none);
	if (err)
		file_failed(o, c->name[0] ? c->name : c->path, err);
	o->written = c->bytes;
	o->files = c->files;
	return !err;
}

bool output_open(struct output *o, const struct app *app)
{
	int err;

	o->app = app;
	if (o->capture.path && !open_file(o))
		return false;
	if (!output_wants(o))
		return true;
	err = -spool_open(&o->spool, o->buffer);
	if (!err)
		err = pthread_create(&o->thread, NULL, run, o);
	if (err)
		app_say(app, "no memory for %zu KiB of packets: %s",
			o->buffer / 1024, strerror(err));
	return !err;
}

/*
 * What was put is taken, or whoever reads has stopped: then it is lost, and so is
 * what he would have read.  Return: the thread has ended.
 */
static bool wait_for_reader(struct output *o)
{
	uint64_t taken = spool_taken(&o->spool);
	struct timespec soon;
	int waited = 0;

	while (waited < STUCK_MS) {
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += LOOK_MS * 1000000L;
		soon.tv_sec += soon.tv_nsec / 1000000000L;
		soon.tv_nsec %= 1000000000L;
		if (!pthread_timedjoin_np(o->thread, NULL, &soon))
			return true;
		/* without a signal he may take his time: he is waited for */
		waited = spool_taken(&o->spool) == taken && app_stopped() ?
			 waited + LOOK_MS : 0;
		taken = spool_taken(&o->spool);
	}
	return false;
}

bool output_close(struct output *o, const struct capture_count *count)
{
	int err;

	if (output_wants(o)) {
		spool_end(&o->spool);
		if (!wait_for_reader(o))
			return false;
		spool_close(&o->spool);
	}
	err = capture_close(&o->capture, real_time(), count);
	if (err)
		file_failed(o, o->capture.name, err);
	o->written = o->capture.bytes;
	return true;
}
