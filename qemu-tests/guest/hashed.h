/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A socket that sees the flow hash of each frame that the stack receives.
 */
#ifndef USERRING_TESTS_HASHED_H
#define USERRING_TESTS_HASHED_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl.h"

#define HASHED_BLOCK	(1U << 16)
#define HASHED_BLOCKS	4U

struct hashed {
	int fd;
	uint8_t *ring;
	uint32_t block;		/* the next */
};

static inline void hashed_close(struct hashed *h)
{
	if (h->ring)
		munmap(h->ring, HASHED_BLOCKS * HASHED_BLOCK);
	close(h->fd);
}

/* Return: 0 or a negative errno. */
static inline int hashed_open(struct hashed *h, const char *netdev)
{
	struct tpacket_req3 req = {
		.tp_block_size = HASHED_BLOCK, .tp_block_nr = HASHED_BLOCKS,
		.tp_frame_size = 2048, .tp_frame_nr = HASHED_BLOCKS * HASHED_BLOCK / 2048,
		.tp_retire_blk_tov = 5, .tp_feature_req_word = TP_FT_REQ_FILL_RXHASH,
	};
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(0x0003),
		.sll_ifindex = (int)if_nametoindex(netdev),
	};
	int version = TPACKET_V3;
	void *ring;

	*h = (struct hashed){ .fd = socket(AF_PACKET, SOCK_RAW, 0) };
	if (h->fd < 0)
		return -errno;
	if (setsockopt(h->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(h->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)))
		return -errno;
	ring = mmap(NULL, HASHED_BLOCKS * HASHED_BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED,
		    h->fd, 0);
	if (ring == MAP_FAILED)
		return -errno;
	h->ring = ring;
	return bind(h->fd, (struct sockaddr *)&to, sizeof(to)) ? -errno : 0;
}

/* Is it in this block? */
static inline bool hashed_in(const uint8_t *block, const uint8_t *frame, size_t len,
			     uint32_t *hash)
{
	const struct tpacket_block_desc *b = (const void *)block;
	const uint8_t *at = block + b->hdr.bh1.offset_to_first_pkt;

	for (uint32_t i = 0; i < b->hdr.bh1.num_pkts; i++) {
		const struct tpacket3_hdr *p = (const void *)at;

		if (p->tp_len == len && !memcmp(at + p->tp_mac, frame, len)) {
			*hash = p->hv1.tp_rxhash;
			return true;
		}
		at += p->tp_next_offset;
	}
	return false;
}

/* Waits for this frame, and passes over others. */
static inline bool hashed_next(struct hashed *h, const uint8_t *frame, size_t len,
			       uint32_t *hash)
{
	int64_t end = now_ms() + at_most_ms(3000);
	bool found = false;

	while (!found && now_ms() < end) {
		uint8_t *block = h->ring + h->block * HASHED_BLOCK;
		uint32_t *status = &((struct tpacket_block_desc *)block)->hdr.bh1.block_status;
		struct pollfd p = { .fd = h->fd, .events = POLLIN };

		if (!(__atomic_load_n(status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
			poll(&p, 1, 100);
			continue;
		}
		found = hashed_in(block, frame, len, hash);
		__atomic_store_n(status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		h->block = (h->block + 1) % HASHED_BLOCKS;
	}
	return found;
}

#endif /* USERRING_TESTS_HASHED_H */
