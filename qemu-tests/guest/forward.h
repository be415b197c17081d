/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exception path at the bare contract: HOST entries for a raw queue, a turn of a
 * process that hands all it receives to the stack, and frames that the stack sends.
 */
#ifndef USERRING_TESTS_FORWARD_H
#define USERRING_TESTS_FORWARD_H

#include <netinet/in.h>
#include <netinet/udp.h>

#include "traffic.h"

#define HOST_ADDR	"10.99.0.2"	/* of the port, in frames of pattern.h */
#define FAR_ADDR	"10.99.0.1"
#define FAR_MAC		"52:54:00:fe:00:00"
#define FLOW_PORT	7001
#define FAR_WINDOW	3000		/* frames that may be on their way to the far end */

static inline uint32_t rnd(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

/* From the far end to this port. */
static inline struct pat_flow host_flow(const struct raw_queue *q)
{
	struct pat_flow flow = pat_flow_default();

	memcpy(flow.dst, q->info.mac, 6);
	return flow;
}

/* A numbered frame as from the far end, anywhere in the slot of the next TX place. */
static inline struct ur_tx_entry host_frame(struct raw_queue *q, uint64_t seq, size_t len,
					    const struct pat_flow *flow, uint16_t flags)
{
	uint32_t slot = q->at.rx_size + (q->u->tx_prod & (q->at.tx_size - 1));
	size_t room = q->pc.slot_size - len - pat_tags_len(flow);
	struct ur_tx_entry e = {
		.slot = slot,
		.offset = (uint16_t)(seq * 7 % (room + 1)),
		.flags = UR_TX_HOST | flags,
	};

	e.len = (uint16_t)pat_build(raw_slot(q, slot) + e.offset, len, seq, flow);
	return e;
}

/* The entry of the packet at rx_pos, as it would go up. */
static inline struct ur_tx_entry host_entry(const struct raw_queue *q)
{
	uint64_t word = raw_rx_word(q, q->u->rx_pos);
	uint32_t status = raw_rx_status(q, word);
	struct ur_tx_entry e = {
		.slot = raw_rx_slot(q),
		.offset = (uint16_t)q->at.rx_data_off,
		.len = (uint16_t)raw_rx_len(q, word),
		.flags = UR_TX_HOST,
	};

	if (status & UR_RXD_STAT_VP) {
		e.flags |= UR_TX_VLAN;
		e.vlan = (uint16_t)(word >> 48);
	}
	return e;
}

/* Slots of finished entries that were received go back to the RX ring. */
static inline void forward_refill(struct raw_queue *q)
{
	uint32_t done = raw_load(&q->k->tx_done), slot;

	for (; q->u->tx_reaped != done; q->u->tx_reaped++) {
		slot = q->tx[q->u->tx_reaped & (q->at.tx_size - 1)].slot;
		if (slot < q->at.rx_size)
			raw_fill(q, slot);
	}
}

/* Everything that is there goes up. Return: how many, or what SYNC said. */
static inline int forward_some(struct raw_queue *q)
{
	int n, err;

	forward_refill(q);
	for (n = 0; raw_rx_done(q) && raw_tx_busy(q) < q->at.tx_size; n++) {
		raw_tx(q, host_entry(q));
		raw_rx_next(q);
	}
	err = raw_sync(q, 0);
	return err ? err : n;
}

/* ------------------------------------------------------------------------
 * What the stack gets
 */

/* All that waits on a packet socket. */
static inline void drain_socket(int sock, struct pat_track *track)
{
	uint8_t frame[2048];
	int n;

	for (;;) {
		n = packet_recv(sock, frame, sizeof(frame), 0);
		if (n < 0)
			return;
		pat_track(track, frame, (size_t)n);
	}
}

/* Frames @first to @first + @count - 1: each came, once, in order, unspoilt. */
static inline bool track_is(const struct pat_track *t, uint64_t first, uint64_t count)
{
	if (t->good == count && (!count || t->first == first) &&
	    !(t->lost + t->dup + t->reordered + t->corrupt + t->other))
		return true;
	printf("# of %ju frames: good %ju first %ju lost %ju dup %ju reordered %ju corrupt %ju other %ju\n",
	       (uintmax_t)count, (uintmax_t)t->good, (uintmax_t)t->first, (uintmax_t)t->lost,
	       (uintmax_t)t->dup, (uintmax_t)t->reordered, (uintmax_t)t->corrupt,
	       (uintmax_t)t->other);
	return false;
}

/* ------------------------------------------------------------------------
 * What the stack sends
 */

/* The port has HOST_ADDR and knows the far end: no ARP between the frames. */
static inline int addr_on(const struct port *port)
{
	int err;

	/* of a test that came to no end */
	run(NULL, 0, "/bin/ip addr flush dev %s", port->netdev);
	err = port_addr(port, HOST_ADDR "/24", true);
	return err ? err : run(NULL, 0, "/bin/ip neigh replace " FAR_ADDR " lladdr " FAR_MAC
			       " dev %s nud permanent", port->netdev);
}

static inline int addr_off(const struct port *port)
{
	run(NULL, 0, "/bin/ip neigh del " FAR_ADDR " dev %s", port->netdev);
	return run(NULL, 0, "/bin/ip addr flush dev %s", port->netdev);
}

/* A socket on FLOW_PORT, connected to the far end. */
static inline int udp_open(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(FLOW_PORT) };
	struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons(7000) };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), room = 32 << 20;

	if (sock < 0)
		return -errno;
	inet_pton(AF_INET, HOST_ADDR, &here.sin_addr);
	inet_pton(AF_INET, FAR_ADDR, &there.sin_addr);
	setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(sock, (struct sockaddr *)&here, sizeof(here)) ||
	    connect(sock, (struct sockaddr *)&there, sizeof(there))) {
		close(sock);
		return -EADDRNOTAVAIL;
	}
	return sock;
}

/*
 * Frames @seq to @seq + @n - 1, each of @len bytes on the wire. More than one: the
 * stack cuts them out of one large packet and sends them in one go.
 */
static inline int udp_send(int sock, uint64_t seq, int n, size_t len)
{
	const struct pat_flow flow = pat_flow_default();
	const int head = PAT_ETH_LEN + PAT_IP_LEN + PAT_UDP_LEN;
	int segment = n > 1 ? (int)len - head : 0;
	static uint8_t data[1 << 16];
	uint8_t frame[2048];
	size_t fill = 0;

	for (int i = 0; i < n; i++) {
		pat_build(frame, len, seq + (uint64_t)i, &flow);
		memcpy(data + fill, frame + head, len - head);
		fill += len - head;
	}
	if (setsockopt(sock, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) ||
	    send(sock, data, fill, 0) != (ssize_t)fill)
		return -errno;
	return 0;
}

/* A packet socket that sends, and hears nothing. */
static inline int stack_open(const char *netdev)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(netdev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -EADDRNOTAVAIL;
	}
	return fd;
}

static inline int stack_send(int sock, uint64_t seq, size_t len)
{
	const struct pat_flow flow = pat_flow_default();
	uint8_t frame[2048];
	size_t n;

	n = pat_build(frame, len, seq, &flow);
	memcpy(frame, flow.src, 6);
	memcpy(frame + 6, flow.dst, 6);
	return send(sock, frame, n, 0) == (ssize_t)n ? 0 : -errno;
}

#endif /* USERRING_TESTS_FORWARD_H */
