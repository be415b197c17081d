/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * urdump: main.c takes the packets and passes them on, options.c the command line,
 * filter.c says which packets are wanted.  Those go by spool.c to the thread of
 * output.c: line.c and bytes.c show one, capture.c has the files, in the format of
 * pcapng.c.  devices.c lists what there is, extcap.c talks to Wireshark.
 */
#ifndef URDUMP_URDUMP_H
#define URDUMP_URDUMP_H

#include "common/common.h"
#include "urdump/capture.h"
#include "urdump/extcap.h"
#include "urdump/filter.h"
#include "urdump/spool.h"

#define DUMP_SNAP_MAX	262144
#define DUMP_BUFFER	(16 << 20)	/* some 10 ms of 10 Gbit/s, 130 of 1 Gbit/s */

/* What is taken goes here; the thread's, but for what is said otherwise. */
struct output {
	const struct app *app;
	struct capture capture;
	bool   lines;		/* to stdout */
	bool   macs;
	bool   hex;		/* bytes */
	bool   characters;	/* beside them */
	bool   text;		/* the payload */
	size_t buffer;		/* -B */

	struct spool spool;
	pthread_t thread;
	bool   failed;
	/* read by the other side */
	bool     over;		/* nothing more is wanted */
	uint64_t done;		/* packets */
	uint64_t written;	/* bytes */
	uint64_t files;
};

struct dump {
	struct app app;
	struct output out;
	struct filter filter;
	struct extcap extcap;
	bool     quiet;
	bool     buffer_said;	/* -B */
	bool     take;

	uint64_t taken;		/* packets that passed the filter */
	uint64_t lost;		/* of those: there was no room on the way out */
	uint64_t missed;	/* by the NIC, when last looked at */
	uint64_t next_look;
};

/* Are packets wanted at all?  Then they are put into .spool. */
static inline bool output_wants(const struct output *o)
{
	return o->lines || o->capture.path;
}

static inline bool output_is_over(const struct output *o)
{
	return __atomic_load_n(&o->over, __ATOMIC_RELAXED);
}

/* Return: false after saying why. */
bool output_open(struct output *o, const struct app *app);

/*
 * When the port is given back.  Return: false: whoever reads stands still, and the
 * thread with him; the program is to end without its end.
 */
bool output_close(struct output *o, const struct capture_count *count);

/* Ends the program where the command line is wrong, or asks for no packets. */
void dump_options(struct dump *d, int argc, char **argv);

#endif /* URDUMP_URDUMP_H */
