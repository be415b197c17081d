// SPDX-License-Identifier: BSD-2-Clause
/*
 * readpcap FILE COUNT LEN TCI: is this a capture of what sim:gen=udp makes?
 * That many frames of that length, in order, whole, in time; TCI -1: no tag.
 */
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int fail(const char *what, unsigned long frame)
{
	fprintf(stderr, "readpcap: frame %lu: %s\n", frame, what);
	return 1;
}

static uint16_t be16(const u_char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint64_t be64(const u_char *p)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

int main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	unsigned long count, n = 0, len;
	struct timeval last = { 0 };
	const u_char *frame;
	long tci;
	pcap_t *pcap;
	int more;

	if (argc != 5)
		return 2;
	count = strtoul(argv[2], NULL, 10);
	len = strtoul(argv[3], NULL, 10);
	tci = strtol(argv[4], NULL, 10);

	pcap = pcap_open_offline_with_tstamp_precision(argv[1],
						       PCAP_TSTAMP_PRECISION_NANO,
						       error);
	if (!pcap) {
		fprintf(stderr, "readpcap: %s\n", error);
		return 1;
	}
	if (pcap_datalink(pcap) != DLT_EN10MB)
		return fail("not Ethernet", 0);

	while ((more = pcap_next_ex(pcap, &header, &frame)) == 1) {
		uint32_t l3 = 14;

		if (header->caplen != len || header->len != len)
			return fail("length", n);
		if (tci >= 0) {
			if (be16(frame + 12) != 0x8100 ||
			    be16(frame + 14) != tci)
				return fail("tag", n);
			l3 += 4;
		}
		if (be16(frame + l3 - 2) != 0x0800 ||
		    frame[l3 + 9] != 17 || be16(frame + l3 + 22) != 9)
			return fail("headers", n);
		if (memcmp(frame + l3 + 28, "URNGseq1", 8) != 0 ||
		    be64(frame + l3 + 36) != n)
			return fail("sequence", n);
		if (header->ts.tv_sec < last.tv_sec ||
		    (header->ts.tv_sec == last.tv_sec &&
		     header->ts.tv_usec < last.tv_usec) ||
		    labs(header->ts.tv_sec - time(NULL)) > 60 ||
		    header->ts.tv_usec >= 1000000000)
			return fail("time", n);
		last = header->ts;
		n++;
	}
	if (more != PCAP_ERROR_BREAK)
		return fail(pcap_geterr(pcap), n);
	pcap_close(pcap);
	if (n != count) {
		fprintf(stderr, "readpcap: %lu frames, not %lu\n", n, count);
		return 1;
	}
	return 0;
}
