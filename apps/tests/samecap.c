// SPDX-License-Identifier: BSD-2-Clause
/*
 * samecap A B [COUNT]: do two captures have the same packets in the same order,
 * and so many?  Bytes and both lengths are compared, times are not.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pcap_t *open_file(const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, why);

	if (pcap)
		return pcap;
	fprintf(stderr, "samecap: %s: %s\n", path, why);
	exit(1);
}

/* Return: there is a packet. */
static int next(pcap_t *pcap, const char *path, struct pcap_pkthdr **head,
		const u_char **data)
{
	int ret = pcap_next_ex(pcap, head, data);

	if (ret == 1)
		return 1;
	if (ret == PCAP_ERROR_BREAK)
		return 0;
	fprintf(stderr, "samecap: %s: %s\n", path, pcap_geterr(pcap));
	exit(1);
}

int main(int argc, char **argv)
{
	const u_char *data_a, *data_b;
	struct pcap_pkthdr *a, *b;
	unsigned long n = 0;
	pcap_t *in_a, *in_b;

	if (argc < 3)
		return 2;
	in_a = open_file(argv[1]);
	in_b = open_file(argv[2]);
	if (pcap_datalink(in_a) != pcap_datalink(in_b)) {
		fprintf(stderr, "samecap: link types differ\n");
		return 1;
	}
	for (;; n++) {
		int more_a = next(in_a, argv[1], &a, &data_a);
		int more_b = next(in_b, argv[2], &b, &data_b);

		if (!more_a && !more_b)
			break;
		if (more_a != more_b) {
			fprintf(stderr, "samecap: %s has no packet %lu\n",
				argv[more_a ? 2 : 1], n);
			return 1;
		}
		if (a->len != b->len || a->caplen != b->caplen ||
		    memcmp(data_a, data_b, a->caplen) != 0) {
			fprintf(stderr, "samecap: packet %lu: %u of %u bytes, %u of %u bytes\n",
				n, a->caplen, a->len, b->caplen, b->len);
			return 1;
		}
	}
	if (argc > 3 && strtoul(argv[3], NULL, 10) != n) {
		fprintf(stderr, "samecap: %lu packets\n", n);
		return 1;
	}
	return 0;
}
