// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a frame, for urecho and urdump.  The first byte is flags of the
 * packet and the room behind it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libuserring.h>

#include "urdump/line.h"
#include "common/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct echo_cfg cfg = {
		.any_addr = size & 1,
		.mac = { 2, 0, 0, 0, 0, 2 },
		.port = ECHO_ALL_PORTS,
		.n_addrs = 2,
		.addrs = {
			{ 4, 24, { 10, 0, 0, 2 } },
			{ 6, 64, { 0x20, 1, 0xd, 0xb8, [15] = 2 } },
		},
	};
	enum echo_verdict verdict;
	char line[DUMP_LINE];
	uint32_t len, room;
	uint8_t *frame;

	if (size < 1)
		return 0;
	len = (uint32_t)size - 1;
	room = len + (data[0] >> 4);
	frame = malloc(room ? room : 1);
	if (!frame)
		return 0;
	memcpy(frame, data + 1, len);

	dump_line(line, sizeof(line), frame, len);
	/* with OK bits set the fuzzer gets past the checksums */
	verdict = echo_reply(&cfg, frame, &len, room, data[0] & 15);
	if (len > room)
		abort();
	if (verdict > ECHO_LAST_ANSWER && memcmp(frame, data + 1, len) != 0)
		abort();
	if (verdict <= ECHO_LAST_ANSWER && memcmp(frame + 6, cfg.mac, 6) != 0)
		abort();
	free(frame);
	return 0;
}
