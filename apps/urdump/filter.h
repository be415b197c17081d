/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcpdump's filters: libpcap compiles and runs them.
 */
#ifndef URDUMP_FILTER_H
#define URDUMP_FILTER_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>

struct filter {
	struct bpf_program program;
	bool set;
	char text[4096];	/* "": all packets pass */
};

/* The words of a command line, which make one expression. */
bool filter_words(struct filter *f, char **words, int n);

/*
 * Compiles .text, for the network of the interface of that name, if it has one.
 * Return: NULL, or why not; the text stays until the next call.
 */
const char *filter_compile(struct filter *f, const char *ifname);

/* Is the frame, as it was on the wire, one that is wanted? */
bool filter_takes(const struct filter *f, const uint8_t *frame,
		  uint32_t captured, uint32_t len);

void filter_free(struct filter *f);

#endif /* URDUMP_FILTER_H */
