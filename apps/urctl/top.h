/* SPDX-License-Identifier: BSD-2-Clause */
/* What urctl top shows of two looks at all ports.  No I/O but to a FILE. */
#ifndef APPS_TOP_H
#define APPS_TOP_H

#include <stdio.h>

#include "urctl/look.h"

#define TOP_PORTS	16

/* All ports at one moment. */
struct top_sample {
	uint32_t n_ports;
	struct look port[TOP_PORTS];
	uint32_t n_closed;		/* nodes that could not be read */
	char     closed[SYSFS_NAME];	/* the first of them */
	int      closed_error;
};

/* Changes in a second. */
struct top_rates {
	bool   known;	/* false: its consumer has just come or gone */
	double rx_pps, rx_mbit;
	double tx_pps, tx_mbit;
	double host_pps;
	double wakeups, interrupts, syncs, timer_syncs;
	double refused;		/* entries and indices */
};

struct top_drops {
	bool   known;
	double rx_pps;		/* frames that the NIC took, for whomever */
	double missed, no_buffer, tap_dropped;
};

/*
 * The look at the same port in an earlier sample, or NULL.  Another NIC under
 * the same name is another port; another name of the interface is not.
 */
const struct look *top_before(const struct top_sample *before,
			      const struct look *now);

/* before may be NULL. */
void top_queue_rates(struct top_rates *r, const struct look *now,
		     const struct look *before, uint32_t queue);
void top_port_drops(struct top_drops *d, const struct look *now,
		    const struct look *before);

/* For a terminal: a block a queue. */
void top_screen(FILE *out, const struct top_sample *now,
		const struct top_sample *before);
/* For a file: a line a queue. */
void top_lines(FILE *out, const char *clock, const struct top_sample *now,
	       const struct top_sample *before);
/* One object, on one line. */
void top_json(FILE *out, double time, const struct top_sample *now,
	      const struct top_sample *before);

/* Cuts text to so many rows and columns; each row ends with "end". */
void top_cut(FILE *out, const char *text, unsigned rows, unsigned columns,
	     const char *end);

#endif /* APPS_TOP_H */
