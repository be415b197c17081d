/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a capture: one, or one after the other.
 */
#ifndef URDUMP_CAPTURE_H
#define URDUMP_CAPTURE_H

#include <limits.h>
#include <stdbool.h>

#include "urdump/pcapng.h"

/* So far. */
struct capture_count {
	uint64_t received;	/* by the NIC, with those that it dropped */
	uint64_t dropped;
	uint64_t accepted;	/* by the filter */
	uint64_t lost;		/* of those: the output had no room */
};

struct capture {
	const char *path;	/* "-": standard output; NULL: there is none */
	uint64_t max_bytes;	/* -C; 0: no limit */
	uint64_t max_ns;	/* -G; 0: no limit */
	uint32_t max_files;	/* -W; 0: no limit */
	struct pcapng_interface interface;

	FILE *file;
	char name[PATH_MAX];	/* of this file */
	uint64_t start;		/* ns, of this file */
	uint64_t size;		/* of this file */
	uint64_t packets;	/* in this file */
	struct capture_count before;	/* this file began */
	uint64_t drops;		/* told in packets so far */
	uint64_t lost;		/* the same */
	uint32_t number;	/* of this file, between those of one time */
	uint64_t bytes;		/* of all files */
	uint64_t files;
	bool full;		/* -G and -W: there were so many */
};

/* Return: 0, or -errno of .name. */
int capture_open(struct capture *c, uint64_t now,
		 const struct capture_count *count);

/*
 * Writes a packet of which captured bytes are there, and len were on the wire.  Goes
 * to the next file before it if it is time.  Return: 0; -errno of .name, which has
 * ended.
 */
int capture_put(struct capture *c, const uint8_t *frame, uint32_t captured,
		uint32_t len, uint64_t time, const struct capture_count *count);

/* Return: 0, or -errno. */
int capture_flush(struct capture *c);

/* With the statistics.  Return: 0, or -errno. */
int capture_close(struct capture *c, uint64_t now,
		  const struct capture_count *count);

#endif /* URDUMP_CAPTURE_H */
