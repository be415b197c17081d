// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes: the parsers stay within them, and the fast path says what the
 * general one says.
 */
#include <stdlib.h>

#include "frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ur_udp fast, general;
	uint32_t len = (uint32_t)size;
	struct ur_cursor c;
	enum ur_parse ret;
	struct ur_icmp icmp;
	struct ur_tcp tcp;
	struct ur_eth eth;
	struct ur_arp arp;
	struct ur_ip ip;
	uint64_t sum = 0;
	uint32_t i;

	memset(&fast, 0, sizeof(fast));
	memset(&general, 0, sizeof(general));
	ret = ur_parse_udp(data, len, &fast);
	check(ret == ur_parse_udp_any(data, len, &general));
	if (ret == UR_PARSE_OK) {
		check(same_udp(&fast, &general));
		check(fast.payload >= data &&
		      fast.payload + fast.payload_len <= data + len);
		for (i = 0; i < fast.payload_len; i++)
			sum += fast.payload[i];
		for (i = 0; i < (fast.family == 4 ? 4 : 16); i++)
			sum += fast.src[i] + fast.dst[i];
		check(fast.l4 + 8 == fast.payload - data);
	}

	c = ur_cursor(data, len);
	if (ur_parse_eth(&c, &eth) == UR_PARSE_OK) {
		struct ur_cursor behind = c;

		check(c.pos <= c.end);
		if (ur_parse_arp(&behind, &arp) == UR_PARSE_OK)
			sum += arp.target_ip[3];
		if (ur_parse_ip(&c, &eth, &ip) == UR_PARSE_OK) {
			check(c.pos <= c.end && c.end <= data + len);
			behind = c;
			if (ur_parse_tcp(&behind, &ip, &tcp) == UR_PARSE_OK)
				for (i = 0; i < tcp.payload_len; i++)
					sum += tcp.payload[i];
			if (ur_parse_icmp(&c, &ip, &icmp) == UR_PARSE_OK)
				for (i = 0; i < icmp.payload_len; i++)
					sum += icmp.payload[i];
		}
	}
	/* so that the loads are done */
	return sum == UINT64_MAX;
}
