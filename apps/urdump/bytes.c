// SPDX-License-Identifier: BSD-2-Clause
#include "urdump/bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libuserring/parse.h>

#define WIDTH	16	/* bytes on a line */

/* No byte of a packet is to move the cursor of a terminal. */
static int shown(uint8_t byte)
{
	return byte >= ' ' && byte <= '~' ? byte : '.';
}

void bytes_hex(FILE *out, const uint8_t *frame, uint32_t len, bool characters)
{
	uint32_t i, j;

	for (i = 0; i < len; i += WIDTH) {
		fprintf(out, "\t0x%04" PRIx32 ": ", i);
		for (j = i; j < i + WIDTH && j < len; j++)
			fprintf(out, "%s%02x", j & 1 ? "" : " ", frame[j]);
		for (; characters && j < i + WIDTH; j++)
			fputs(j & 1 ? "  " : "   ", out);
		if (characters)
			fputs("  ", out);
		for (j = i; characters && j < i + WIDTH && j < len; j++)
			fputc(shown(frame[j]), out);
		fputc('\n', out);
	}
}

/* Where the payload begins, and *end, where it ends and padding begins. */
static uint32_t payload_of(const uint8_t *frame, uint32_t len, uint32_t *end)
{
	struct ur_cursor c = ur_cursor(frame, len);
	struct ur_eth eth;
	struct ur_udp udp;
	struct ur_tcp tcp;
	struct ur_ip ip;
	uint32_t at;

	*end = len;
	if (ur_parse_eth(&c, &eth) != UR_PARSE_OK)
		return len < UR_ETH_LEN ? len : UR_ETH_LEN;
	at = (uint32_t)(c.pos - frame);
	if (ur_parse_ip(&c, &eth, &ip) != UR_PARSE_OK)
		return at;
	at = (uint32_t)(c.pos - frame);
	*end = (uint32_t)(c.end - frame);
	if (ip.proto == UR_IP_UDP &&
	    ur_parse_udp_at(&c, &ip, &udp) == UR_PARSE_OK) {
		at = (uint32_t)(udp.payload - frame);
		*end = at + udp.payload_len;
	} else if (ip.proto == UR_IP_TCP &&
		   ur_parse_tcp(&c, &ip, &tcp) == UR_PARSE_OK) {
		at = (uint32_t)(tcp.payload - frame);
		*end = at + tcp.payload_len;
	}
	return at;
}

void bytes_text(FILE *out, const uint8_t *frame, uint32_t captured,
		uint32_t len)
{
	/* lengths in headers are those of the whole frame */
	uint8_t *whole = captured < len ? calloc(1, len) : NULL;
	uint32_t at, end;

	if (whole)
		memcpy(whole, frame, captured);
	at = payload_of(whole ? whole : frame, whole ? len : captured, &end);
	free(whole);
	if (end > captured)
		end = captured;
	if (at >= end)
		return;
	for (; at < end; at++) {
		if (frame[at] == '\r' && at + 1 < end && frame[at + 1] == '\n')
			continue;
		fputc(frame[at] == '\n' || frame[at] == '\t' ? frame[at] :
		      shown(frame[at]), out);
	}
	fputc('\n', out);
}
