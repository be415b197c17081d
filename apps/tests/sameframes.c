// SPDX-License-Identifier: BSD-2-Clause
/*
 * sameframes IN OUT [urgen]: what became of a capture, in words: which frames of IN are
 * in OUT, in what order, by their numbers from 1 on, and others byte for byte; of long
 * ones the first 96 and a checksum (FNV-1a) of the rest.
 *
 * Frames of less than 60 bytes are taken with the zeros that a NIC puts behind them.
 *
 * With urgen, OUT are its frames: what it draws by chance or reads from the clock is
 * put as 0, and the UDP checksum, which covers that.
 */
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "urgen/frame.h"

#define FRAMES_MAX	4096
#define SHOWN		96
#define WIRE_MIN	60

struct frame {
	uint32_t len;
	uint8_t data[2048];
};

static struct frame in[FRAMES_MAX], out[FRAMES_MAX];

static uint32_t load(const char *path, struct frame *frames)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, why);
	struct pcap_pkthdr *head;
	const u_char *data;
	uint32_t n = 0;

	if (!pcap) {
		fprintf(stderr, "sameframes: %s: %s\n", path, why);
		exit(1);
	}
	for (; pcap_next_ex(pcap, &head, &data) == 1; n++) {
		if (n == FRAMES_MAX || head->caplen != head->len ||
		    head->len > sizeof(frames->data)) {
			fprintf(stderr, "sameframes: %s: frame %u\n", path,
				n + 1);
			exit(1);
		}
		frames[n].len = head->len < WIRE_MIN ? WIRE_MIN : head->len;
		memcpy(frames[n].data, data, head->len);
	}
	pcap_close(pcap);
	return n;
}

static bool same(const struct frame *a, const struct frame *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* Its number in IN, the first one behind the last one that was found; 0: none. */
static uint32_t find(const struct frame *f, uint32_t n_in, uint32_t last)
{
	uint32_t i, k;

	for (i = 0; i < n_in; i++) {
		k = (last + i) % n_in;
		if (same(&in[k], f))
			return k + 1;
	}
	return 0;
}

static void blank_urgen(struct frame *f)
{
	uint32_t at = UR_ETH_LEN + (f->data[12] == 8 ? UR_IPV4_LEN : UR_IPV6_LEN);
	uint8_t *payload = f->data + at + UR_UDP_LEN;

	memset(f->data + at + 6, 0, 2);
	memset(payload + 2, 0, 2);
	memset(payload + 12, 0, 6);
	memset(payload + URGEN_HEADER, 0,
	       f->len - (uint32_t)(payload - f->data) - URGEN_HEADER);
}

static void print(const struct frame *f)
{
	uint32_t i, hash = 2166136261u;

	printf("%u bytes ", f->len);
	for (i = 0; i < f->len && i < SHOWN; i++)
		printf("%02x", f->data[i]);
	for (; i < f->len; i++)
		hash = (hash ^ f->data[i]) * 16777619u;
	if (f->len > SHOWN)
		printf("... %08x", hash);
	putchar('\n');
}

int main(int argc, char **argv)
{
	uint32_t n_in, n_out, i, from = 0, to = 0, k;

	if (argc < 3)
		return 2;
	n_in = load(argv[1], in);
	n_out = load(argv[2], out);
	printf("%u frames\n", n_out);
	for (i = 0; i <= n_out; i++) {
		k = i < n_out ? find(&out[i], n_in, to) : 0;
		if (k && from && k == to + 1) {
			to = k;
			continue;
		}
		if (from)
			printf("in %u to %u\n", from, to);
		from = k;
		to = k ? k : to;
		if (k || i == n_out)
			continue;
		if (argc > 3)
			blank_urgen(&out[i]);
		print(&out[i]);
	}
	return 0;
}
