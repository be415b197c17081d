// SPDX-License-Identifier: GPL-2.0-only
/*
 * UDP sockets: "recvfrom" with a call a packet, "recvmmsg" with a call a burst. To forward
 * is to send on by the second port what a socket of the first one received.
 */
#include <errno.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include "bench.h"

static int sock[2];
static struct sockaddr_in peer[2];
static uint8_t data[BENCH_BURST_MAX][BENCH_FRAME];
static struct iovec vec[BENCH_BURST_MAX];
static struct mmsghdr in[BENCH_BURST_MAX], out[BENCH_BURST_MAX];

static int open_sockets(struct bench *b)
{
	const struct timeval limit = { .tv_usec = 100000 };
	const int room = 4 << 20;

	for (int i = 0; i < 2; i++) {
		const struct sockaddr_in own = {
			.sin_family = AF_INET, .sin_port = htons(BENCH_UDP_PORT),
			.sin_addr.s_addr = b->port[i].ip,
		};

		peer[i] = own;
		peer[i].sin_addr.s_addr = b->port[i].peer_ip;
		sock[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (sock[i] < 0 || bind(sock[i], (const struct sockaddr *)&own, sizeof(own)) ||
		    setsockopt(sock[i], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
		    setsockopt(sock[i], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
			bench_die(errno, "a UDP socket");
	}
	for (int i = 0; i < BENCH_BURST_MAX; i++) {
		vec[i] = (struct iovec){ data[i], BENCH_PAYLOAD };
		in[i].msg_hdr = (struct msghdr){ .msg_iov = &vec[i], .msg_iovlen = 1 };
		out[i].msg_hdr = (struct msghdr){ .msg_iov = &vec[i], .msg_iovlen = 1,
						  .msg_namelen = sizeof(peer[0]) };
	}
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

/* ------------------------------------------------------------------------
 * A call a packet
 */

static ssize_t receive_one(const struct bench *b)
{
	return recvfrom(sock[0], data[0], sizeof(data[0]), b->dont_wait ? MSG_DONTWAIT : 0, NULL,
			NULL);
}

static bool send_one(int i, size_t len)
{
	return sendto(sock[i], data[0], len, 0, (struct sockaddr *)&peer[i], sizeof(peer[i])) ==
	       (ssize_t)len;
}

static uint32_t rx_one(struct bench *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		ssize_t len = receive_one(b);

		if (len < 0)
			break;
		check_payload(&b->check, data[0], (uint32_t)len);
	}
	return i;
}

static uint32_t tx_one(struct bench *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		build_payload(data[0], b->frame, b->sent);
		if (!send_one(0, BENCH_PAYLOAD))
			break;
		b->sent++;
	}
	return i;
}

static uint32_t fwd_one(struct bench *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		ssize_t len = receive_one(b);

		if (len < 0)
			break;
		send_one(1, (size_t)len);
	}
	return i;
}

/* ------------------------------------------------------------------------
 * A call a burst
 */

static uint32_t receive_many(const struct bench *b, uint32_t n)
{
	int got = recvmmsg(sock[0], in, n, b->dont_wait ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);

	return got < 0 ? 0 : (uint32_t)got;
}

static uint32_t send_many(int i, uint32_t n)
{
	int sent;

	for (uint32_t k = 0; k < n; k++)
		out[k].msg_hdr.msg_name = &peer[i];
	sent = sendmmsg(sock[i], out, n, 0);
	return sent < 0 ? 0 : (uint32_t)sent;
}

static uint32_t rx_many(struct bench *b, uint32_t n)
{
	n = receive_many(b, n);
	for (uint32_t i = 0; i < n; i++)
		check_payload(&b->check, data[i], in[i].msg_len);
	return n;
}

static uint32_t tx_many(struct bench *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		build_payload(data[i], b->frame, b->sent + i);
	n = send_many(0, n);
	b->sent += n;
	return n;
}

static uint32_t fwd_many(struct bench *b, uint32_t n)
{
	n = receive_many(b, n);
	/* what the second socket does not take is missing at the far end */
	send_many(1, n);
	return n;
}

#define CALLS	.by_socket = true, .open = open_sockets, .wait = wait_socket, .close = close_sockets

const struct bench_method bench_methods[] = {
	{ .name = "udp", .variant = "recvfrom", .rx = rx_one, .tx = tx_one, .fwd = fwd_one, CALLS },
	{ .name = "udp", .variant = "recvmmsg", .rx = rx_many, .tx = tx_many, .fwd = fwd_many,
	  CALLS },
	{ .name = NULL },
};
