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
#include "urdump/pcapng.h"
#include "common/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As a packet of a capture, cut off or not: what is written adds up. */
static void capture(const uint8_t *frame, uint32_t len, uint8_t flags)
{
	const struct pcapng_packet pkt = {
		.data = frame,
		.captured = flags & 2 ? len / 2 : len,
		.len = len,
		.drops = flags & 1,
	};
	uint32_t length[2];
	char *block;
	size_t size;
	FILE *file;

	file = open_memstream(&block, &size);
	if (!file)
		return;
	if (pcapng_packet(file, &pkt) != pcapng_packet_size(&pkt) ||
	    fclose(file) || size != pcapng_packet_size(&pkt) || size % 4)
		abort();
	memcpy(&length[0], block + 4, 4);
	memcpy(&length[1], block + size - 4, 4);
	if (length[0] != size || length[1] != size ||
	    memcmp(block + 28, frame, pkt.captured) != 0)
		abort();
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct echo_addr addrs[] = {
		{ 4, 24, { 10, 0, 0, 2 } },
		{ 6, 64, { 0x20, 1, 0xd, 0xb8, [15] = 2 } },
	};
	struct echo_cfg cfg = {
		.any_addr = size & 1,
		.mac = { 2, 0, 0, 0, 0, 2 },
		.port = ECHO_ALL_PORTS,
		.n_addrs = 2,
		.addrs = addrs,
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
	capture(frame, len, data[0]);
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
