// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a query.  The memory of the query ends where it ends; what comes
 * of it is read by libknot.  Then in a frame, which both ways answer alike.
 */
#include <stdio.h>

#include "dns_both.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct dns_zone *load(void)
{
	char why[400];
	struct dns_zone *zone = dns_zone_of(dns_zone_text, why, sizeof(why));

	if (!zone) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	return zone;
}

static void both_ways(const uint8_t *data, uint32_t size)
{
	uint8_t frame[BOTH_ROOM];
	static struct both_reply reply[2];
	uint32_t len = both_frame(frame, data, size, 4321);
	int way;

	for (way = 0; way < 2; way++) {
		both_put(frame, len, NULL);
		both_serve(way);
		both_take(&reply[way]);
	}
	if (!both_same(&reply[0], &reply[1]))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_zone *zone;
	uint8_t reply[8 + DNS_ROOM] = { 0 };
	struct dns_query q;
	knot_pkt_t *pkt;
	uint8_t *exact;
	uint32_t len;

	if (!zone) {
		zone = load();
		if (both_open())
			abort();
	}
	exact = malloc(8 + size);
	if (!exact || size > DNS_SIZE_MAX) {
		free(exact);
		return 0;
	}
	memset(exact, 0, 8);
	if (size)
		memcpy(exact + 8, data, size);
	both_ways(data, (uint32_t)size);
	dns_read(&q, zone, exact + 8, (uint32_t)size);
	dns_find(zone, &q);
	free(exact);
	if (size)
		memcpy(reply + 8, data, size);
	q.msg = reply + 8;
	len = dns_write(&q, "fuzz");
	if (!len)
		return 0;
	if (len < 12 || len > DNS_SIZE_MAX || memcmp(q.msg, data, 2) != 0 ||
	    !(q.msg[2] & 0x80))
		abort();
	/* a question alone may be longer than 512 bytes never */
	if (len > 512 && len > q.limit)
		abort();
	pkt = knot_pkt_new(q.msg, (uint16_t)len, NULL);
	if (!pkt || knot_pkt_parse(pkt, 0) != KNOT_EOK)
		abort();
	knot_pkt_free(pkt);
	return 0;
}
