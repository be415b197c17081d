// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packet sockets: "recvfrom" with a call a packet each way; "bypass": the same, sent past
 * the queueing discipline.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "bench.h"
#include "packet.h"

static int sock[2];
static uint8_t data[2048];

static int open_sockets(struct bench *b)
{
	for (int i = 0; i < 2; i++) {
		sock[i] = packet_socket();
		packet_bind(sock[i], &b->port[i]);
	}
	return 0;
}

static int open_bypass(struct bench *b)
{
	const int yes = 1;

	open_sockets(b);
	for (int i = 0; i < 2; i++)
		if (setsockopt(sock[i], SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)))
			bench_die(errno, "PACKET_QDISC_BYPASS");
	return 0;
}

static void close_sockets(struct bench *b)
{
	(void)b;
	close(sock[0]);
	close(sock[1]);
}

static void wait_socket(struct bench *b, int timeout_ms)
{
	struct pollfd pfd = { .fd = sock[0], .events = POLLIN };

	(void)b;
	poll(&pfd, 1, timeout_ms);
}

static ssize_t receive_one(const struct bench *b)
{
	return recvfrom(sock[0], data, sizeof(data), b->dont_wait ? MSG_DONTWAIT : 0, NULL, NULL);
}

static uint32_t rx(struct bench *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		ssize_t len = receive_one(b);

		if (len < 0)
			break;
		check_frame(&b->check, data, (uint32_t)len);
	}
	return i;
}

static uint32_t tx(struct bench *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		build_frame(data, b->frame, b->sent);
		if (send(sock[0], data, BENCH_FRAME, 0) != BENCH_FRAME)
			break;
		b->sent++;
	}
	return i;
}

static uint32_t fwd(struct bench *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		ssize_t len = receive_one(b);

		if (len < 0)
			break;
		swap_addresses(data);
		send(sock[1], data, (size_t)len, 0);
	}
	return i;
}

const struct bench_method bench_methods[] = {
	{ .name = "packet", .variant = "recvfrom", .foreign = true, .open = open_sockets, .rx = rx,
	  .tx = tx, .fwd = fwd, .wait = wait_socket, .close = close_sockets },
	{ .name = "packet", .variant = "bypass", .foreign = true, .open = open_bypass, .tx = tx,
	  .fwd = fwd, .close = close_sockets },
	{ .name = NULL },
};
