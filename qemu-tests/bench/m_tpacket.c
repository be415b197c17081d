// SPDX-License-Identifier: GPL-2.0-only
/*
 * PACKET_MMAP (TPACKET_V3): "v3" with rings that are shared with the kernel both ways;
 * "bypass": the same, sent past the queueing discipline.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "packet.h"

#define BLOCK		16384U
#define RX_BLOCKS	256U
#define TX_FRAME	2048U
#define TX_FRAMES	1024U
#define TX_DATA		(TPACKET3_HDRLEN - sizeof(struct sockaddr_ll))
#define RETIRE_MS	1	/* a block that is not full is handed over after that */

static struct ring {
	int fd;
	uint8_t *rx, *tx;
	size_t size;
	/* a block that is being read */
	struct tpacket_block_desc *block;
	struct tpacket3_hdr *next;
	uint32_t left;
	uint32_t rx_index;
	uint32_t tx_index;
} ring[2];

static void open_ring(struct ring *r, const struct bench_port *port, int bypass)
{
	const struct tpacket_req3 rx = {
		.tp_block_size = BLOCK, .tp_block_nr = RX_BLOCKS, .tp_frame_size = TX_FRAME,
		.tp_frame_nr = BLOCK / TX_FRAME * RX_BLOCKS, .tp_retire_blk_tov = RETIRE_MS,
	};
	const struct tpacket_req3 tx = {
		.tp_block_size = BLOCK, .tp_block_nr = TX_FRAMES * TX_FRAME / BLOCK,
		.tp_frame_size = TX_FRAME, .tp_frame_nr = TX_FRAMES,
	};
	const int version = TPACKET_V3;
	const size_t rx_size = (size_t)BLOCK * RX_BLOCKS;

	*r = (struct ring){ .fd = packet_socket() };
	r->size = rx_size + (size_t)TX_FRAME * TX_FRAMES;
	if (setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof(bypass)) ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &rx, sizeof(rx)) ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_TX_RING, &tx, sizeof(tx)))
		bench_die(errno, "rings of a packet socket");
	r->rx = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, 0);
	if (r->rx == MAP_FAILED)
		bench_die(errno, "mapping rings of a packet socket");
	r->tx = r->rx + rx_size;
	packet_bind(r->fd, port);
}

static int open_v3(struct bench *b)
{
	for (int i = 0; i < 2; i++)
		open_ring(&ring[i], &b->port[i], 0);
	return 0;
}

static int open_bypass(struct bench *b)
{
	for (int i = 0; i < 2; i++)
		open_ring(&ring[i], &b->port[i], 1);
	return 0;
}

static void close_rings(struct bench *b)
{
	(void)b;
	for (int i = 0; i < 2; i++) {
		munmap(ring[i].rx, ring[i].size);
		close(ring[i].fd);
	}
}

static void wait_ring(struct bench *b, int timeout_ms)
{
	struct pollfd pfd = { .fd = ring[0].fd, .events = POLLIN };

	(void)b;
	poll(&pfd, 1, timeout_ms);
}

/* The next block, if the kernel has handed it over. */
static bool next_block(struct ring *r)
{
	struct tpacket_block_desc *block = (void *)(r->rx + (size_t)r->rx_index * BLOCK);

	if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	r->rx_index = (r->rx_index + 1) % RX_BLOCKS;
	r->block = block;
	r->left = block->hdr.bh1.num_pkts;
	r->next = (void *)((uint8_t *)block + block->hdr.bh1.offset_to_first_pkt);
	return true;
}

/* A block whose frames have all been read is the kernel's again. */
static inline void give_back(struct ring *r)
{
	if (r->block && !r->left) {
		__atomic_store_n(&r->block->hdr.bh1.block_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
		r->block = NULL;
	}
}

/* A frame, or NULL: there is none. The one before it has been read. */
static inline struct tpacket3_hdr *next_frame(struct ring *r)
{
	struct tpacket3_hdr *frame;

	while (!r->left) {
		give_back(r);
		if (!next_block(r))
			return NULL;
	}
	frame = r->next;
	r->left--;
	r->next = (void *)((uint8_t *)frame + frame->tp_next_offset);
	return frame;
}

static uint32_t rx(struct bench *b, uint32_t n)
{
	struct check c = b->check;
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct tpacket3_hdr *frame = next_frame(&ring[0]);

		if (!frame)
			break;
		check_frame(&c, (uint8_t *)frame + frame->tp_mac, frame->tp_snaplen);
	}
	b->check = c;
	give_back(&ring[0]);
	if (!i && !b->dont_wait)
		wait_ring(b, 100);
	return i;
}

/* Where the next frame to send is written, or NULL: the ring is full. */
static inline struct tpacket3_hdr *tx_place(struct ring *r)
{
	struct tpacket3_hdr *place = (void *)(r->tx + (size_t)r->tx_index * TX_FRAME);

	if (__atomic_load_n(&place->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE)
		return NULL;
	r->tx_index = (r->tx_index + 1) % TX_FRAMES;
	return place;
}

static inline void tx_commit(struct tpacket3_hdr *place, uint32_t len)
{
	place->tp_next_offset = 0;
	place->tp_len = len;
	__atomic_store_n(&place->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
}

/* With nothing new it waits until places are free. */
static void kick(struct ring *r, uint32_t n)
{
	sendto(r->fd, NULL, 0, n ? MSG_DONTWAIT : 0, NULL, 0);
}

static uint32_t tx(struct bench *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct tpacket3_hdr *place = tx_place(&ring[0]);

		if (!place)
			break;
		build_frame((uint8_t *)place + TX_DATA, b->frame, b->sent++);
		tx_commit(place, BENCH_FRAME);
	}
	kick(&ring[0], i);
	return i;
}

static uint32_t fwd(struct bench *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct tpacket3_hdr *frame = next_frame(&ring[0]), *place;

		if (!frame)
			break;
		while (!(place = tx_place(&ring[1])))
			kick(&ring[1], 0);
		memcpy((uint8_t *)place + TX_DATA, (uint8_t *)frame + frame->tp_mac,
		       frame->tp_snaplen);
		swap_addresses((uint8_t *)place + TX_DATA);
		tx_commit(place, frame->tp_snaplen);
	}
	give_back(&ring[0]);
	if (i)
		kick(&ring[1], i);
	else
		wait_ring(b, 100);
	return i;
}

const struct bench_method bench_methods[] = {
	{ .name = "tpacket", .variant = "v3", .foreign = true, .open = open_v3, .rx = rx, .tx = tx,
	  .fwd = fwd, .wait = wait_ring, .close = close_rings },
	{ .name = "tpacket", .variant = "bypass", .foreign = true, .open = open_bypass, .tx = tx,
	  .fwd = fwd, .close = close_rings },
	{ .name = NULL },
};
