/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcapng, as far as a capture of one Ethernet interface needs it, with times in
 * nanoseconds.  A file has a section, the interface, packets, and statistics at
 * the end.  What goes wrong is seen by ferror() of the file.
 */
#ifndef URDUMP_PCAPNG_H
#define URDUMP_PCAPNG_H

#include <stdint.h>
#include <stdio.h>

struct pcapng_interface {
	const char *program;	/* that writes */
	const char *name;
	const char *filter;	/* "": none */
	uint32_t snap_len;
	uint64_t speed;		/* bits a second; 0: not known */
};

struct pcapng_packet {
	const uint8_t *data;
	uint64_t time;		/* ns */
	uint64_t drops;		/* lost since the packet before */
	uint32_t captured;
	uint32_t len;
};

struct pcapng_stats {
	uint64_t start;		/* ns */
	uint64_t end;
	uint64_t received;	/* by the interface */
	uint64_t dropped;
	uint64_t accepted;	/* by the filter */
	uint64_t lost;		/* of those: they did not come into the file */
};

/* Return: bytes written, or that would be. */
uint32_t pcapng_begin(FILE *file, const struct pcapng_interface *interface);
uint32_t pcapng_packet_size(const struct pcapng_packet *pkt);
uint32_t pcapng_packet(FILE *file, const struct pcapng_packet *pkt);
uint32_t pcapng_stats(FILE *file, const struct pcapng_stats *stats);

#define PCAPNG_STATS_SIZE	112

#endif /* URDUMP_PCAPNG_H */
