/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Alerts as lines of JSON, in the form of Suricata's EVE.
 */
#ifndef APPS_URIDS_EVE_H
#define APPS_URIDS_EVE_H

#include <pthread.h>
#include <time.h>

#include "urids/detect.h"

#define EVE_LINE_MAX	4096	/* what a pipe takes at once */

/* Where the lines go; of all threads. */
struct eve {
	pthread_mutex_t lock;
	int fd;			/* -1: nowhere */
};

/* Opens a file to append to; "-" is stdout.  Return: 0 or -errno. */
int eve_open(struct eve *eve, const char *path);
void eve_close(struct eve *eve);

/*
 * A packet never waits for a line: what a pipe has no room for is lost.
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
