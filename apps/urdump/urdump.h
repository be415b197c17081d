/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * urdump: main.c takes the packets, options.c the command line, filter.c says
 * which packets are wanted, line.c shows one, capture.c has the files, in the
 * format of pcapng.c, and extcap.c talks to Wireshark.
 */
#ifndef URDUMP_URDUMP_H
#define URDUMP_URDUMP_H

#include "common/common.h"
#include "urdump/capture.h"
#include "urdump/extcap.h"
#include "urdump/filter.h"

#define DUMP_SNAP_MAX	262144

struct dump {
	struct app app;
	struct capture capture;
	struct filter filter;
	struct extcap extcap;
	bool     quiet;
	bool     take;
	bool     macs;
	bool     bytes;

	uint64_t taken;		/* packets that passed the filter */
	uint64_t missed;	/* by the NIC, when last looked at */
	uint64_t next_look;
	bool     failed;
};

/* Ends the program where the command line is wrong, or asks for no packets. */
void dump_options(struct dump *d, int argc, char **argv);

#endif /* URDUMP_URDUMP_H */
