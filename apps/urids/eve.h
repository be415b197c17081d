/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts as lines of JSON, in the form of Suricata's EVE.
 */
#ifndef APPS_URIDS_EVE_H
#define APPS_URIDS_EVE_H

#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "urids/detect.h"

#define EVE_LINE_MAX	4096
#define EVE_BUFFER	(4 << 20)	/* some 13,000 lines, for a file that is slow */

/* Where the lines go; of all threads.  One of its own writes them. */
struct eve {
	const char *path;
	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t news;
	char *buf[2];		/* one is filled, one is written */
	int now;		/* that is filled, up to .len */
	size_t len;
	bool again;		/* eve_reopen() */
	bool end;

	pthread_t thread;
	bool runs;
	int fd;			/* the thread's, as is */
	bool torn;		/* a line without its end is there */
	/* written by the thread, read by all */
	uint64_t unwritten;	/* lines that were lost there */
	int error;		/* of the last try; 0: none */
};

/* Opens a file to append to; "-" is stdout.  Return: 0 or -errno. */
int eve_open(struct eve *eve, const char *path);

/* The file is opened anew: it may be another one by now. */
void eve_reopen(struct eve *eve);

/*
 * Writes what there is.  Return: false: whoever reads stands still, and the thread
 * with him; the program is to end without its end.
 */
bool eve_close(struct eve *eve);

/*
 * A packet never waits for a line: what the buffer has no room for is lost.
 *
 * Return: false: it was.
 */
bool eve_write(struct eve *eve, const struct timespec *when, const char *device,
	       const struct detect_packet *p, const struct rule *rule);

/* The line, with its line end, into out.  Return: its length. */
size_t eve_line(char out[EVE_LINE_MAX], const struct timespec *when,
		const char *device, const struct detect_packet *p,
		const struct rule *rule);

#endif /* APPS_URIDS_EVE_H */
