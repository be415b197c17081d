// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wire: numbered frames at a rate, what came of those of the guest, and what is
 * kept, sent back or answered.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "farend.h"

#define BATCH		64
#define MAX_KEPT	512

struct batch {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	uint8_t data[BATCH][FRAME_ROOM];
};

struct wire wire;
static bool wire_connected;
static struct batch tx_batch, rx_batch;
static uint64_t rx_flow_next[MAX_FLOWS];
static bool capturing;
static int capture_type;
static struct frame kept[MAX_KEPT];
static unsigned int kept_first, n_kept;

static void init_batch(struct batch *batch)
{
	for (int i = 0; i < BATCH; i++) {
		batch->iov[i] = (struct iovec){ batch->data[i], FRAME_ROOM };
		batch->msg[i].msg_hdr.msg_iov = &batch->iov[i];
		batch->msg[i].msg_hdr.msg_iovlen = 1;
	}
}

void wire_init(int fd)
{
	wire.fd = fd;
	init_batch(&tx_batch);
	init_batch(&rx_batch);
	pat_track_reset(&wire.rx, 0);
}

/* QEMU binds its end before it runs the guest, but after we have started. */
bool connect_wire(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "wire.qemu" };

	if (!wire_connected)
		wire_connected = !connect(wire.fd, (struct sockaddr *)&addr, sizeof(addr));
	return wire_connected;
}

bool send_frame(const void *data, size_t len)
{
	struct pollfd pfd = { .fd = wire.fd, .events = POLLOUT };

	if (!connect_wire())
		return false;
	for (;;) {
		if (send(wire.fd, data, len, MSG_DONTWAIT) == (ssize_t)len)
			return true;
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			return false;
		if (poll(&pfd, 1, 5000) == 0)
			return false;
	}
}

/* Frames that may be built by now, given the rate. */
static uint64_t due(uint64_t now)
{
	uint64_t left = wire.tx.count - wire.tx.built, by_rate;

	if (now < wire.tx.start)
		return 0;
	if (!wire.tx.rate)
		return left;
	by_rate = (now - wire.tx.start) / 1000 * wire.tx.rate / 1000000 + 1;
	by_rate = by_rate > wire.tx.built ? by_rate - wire.tx.built : 0;
	return by_rate < left ? by_rate : left;
}

static void build_batch(uint64_t n)
{
	const uint16_t sport = wire.tx.flow.sport;
	const uint32_t sip = wire.tx.flow.sip;

	if (n > BATCH)
		n = BATCH;
	wire.tx.from = 0;
	wire.tx.to = (unsigned int)n;
	for (unsigned int i = 0; i < n; i++, wire.tx.built++, wire.tx.seq++) {
		size_t len = wire.tx.lengths[wire.tx.built % wire.tx.n_lengths];

		wire.tx.flow.sport = (uint16_t)(sport + wire.tx.seq % wire.tx.flows);
		wire.tx.flow.sip = sip + (uint32_t)(wire.tx.seq % wire.tx.hosts);
		tx_batch.iov[i].iov_len = pat_build(tx_batch.data[i], len, wire.tx.seq, &wire.tx.flow);
	}
	wire.tx.flow.sport = sport;
	wire.tx.flow.sip = sip;
}

void send_batches(void)
{
	while (wire.tx.active && !wire.tx.blocked) {
		int n;

		if (wire.tx.from == wire.tx.to) {
			uint64_t n_due = due(now_ns());

			if (!n_due) {
				wire.tx.active = wire.tx.built < wire.tx.count;
				return;
			}
			build_batch(n_due);
		}
		n = sendmmsg(wire.fd, tx_batch.msg + wire.tx.from, wire.tx.to - wire.tx.from, MSG_DONTWAIT);
		if (n > 0) {
			wire.tx.from += (unsigned int)n;
			wire.tx.sent += (unsigned int)n;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			wire.tx.blocked = true;
			watch(wire.fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
		} else if (errno != EINTR) {
			fprintf(stderr, "farend: send: %s\n", strerror(errno));
			wire.tx.active = false;
		}
		/* Long frames take long to build: look at the receive side too. */
		if (wire.tx.from == wire.tx.to)
			return;
	}
}

static void answer_arp(const uint8_t *request)
{
	struct pat_flow flow = pat_flow_default();
	uint8_t reply[60] = { 0 };

	memcpy(reply, request + 6, 6);
	memcpy(reply + 6, flow.src, 6);
	memcpy(reply + 12, request + 12, 8);
	pat_put16(reply + 20, 2);
	memcpy(reply + 22, flow.src, 6);
	memcpy(reply + 28, request + 38, 4);
	memcpy(reply + 32, request + 22, 10);
	send_frame(reply, sizeof(reply));
}

static void track_flow(uint64_t seq)
{
	uint64_t *next = &rx_flow_next[seq % wire.rx_flows];

	if (seq < *next)
		wire.rx_overtaken++;
	else
		*next = seq + 1;
}

static void take_frame(uint8_t *data, size_t len)
{
	enum pat_verdict verdict;
	uint8_t mac[6];
	int type;

	wire.rx_bytes += len;
	verdict = pat_track(&wire.rx, data, len);
	if (verdict == PAT_OK && wire.rx_flows)
		track_flow(wire.rx.last);
	if (len < PAT_ETH_LEN)
		return;
	type = pat_get16(data + 12);
	if (capturing && n_kept < MAX_KEPT && (!capture_type || capture_type == type)) {
		struct frame *frame = &kept[(kept_first + n_kept++) % MAX_KEPT];

		frame->len = len;
		memcpy(frame->data, data, len);
	}
	if (wire.arp_ip && type == 0x0806 && len >= 42 && pat_get16(data + 20) == 1) {
		uint8_t ip[4];

		pat_put32(ip, wire.arp_ip);
		if (!memcmp(data + 38, ip, 4))
			answer_arp(data);
	}
	if (wire.echoing && verdict != PAT_OTHER) {
		memcpy(mac, data, 6);
		memcpy(data, data + 6, 6);
		memcpy(data + 6, mac, 6);
		send_frame(data, len);
	}
}

static void receive_batch(void)
{
	int n = recvmmsg(wire.fd, rx_batch.msg, BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++)
		take_frame(rx_batch.data[i], rx_batch.msg[i].msg_len);
}

void wire_ready(bool room)
{
	if (room) {
		wire.tx.blocked = false;
		watch(wire.fd, EPOLLIN, EPOLL_CTL_MOD);
	}
	receive_batch();
}

void wire_expect(uint64_t seq, unsigned int flows)
{
	pat_track_reset(&wire.rx, seq);
	wire.rx_bytes = 0;
	wire.rx_overtaken = 0;
	wire.rx_flows = flows;
	memset(rx_flow_next, 0, sizeof(rx_flow_next));
}

void wire_keep(int type)
{
	n_kept = 0;
	capturing = type >= 0;
	capture_type = type;
}

const struct frame *wire_kept(void)
{
	const struct frame *frame = &kept[kept_first];

	if (!n_kept)
		return NULL;
	kept_first = (kept_first + 1) % MAX_KEPT;
	n_kept--;
	return frame;
}

const struct timespec *sleep_time(void)
{
	static struct timespec ts;
	uint64_t now, next;

	if (!wire.tx.active || wire.tx.blocked)
		return NULL;
	now = now_ns();
	next = wire.tx.start;
	if (wire.tx.rate)
		next += wire.tx.built * NSEC / wire.tx.rate;
	next = wire.tx.from < wire.tx.to || next < now ? 0 : next - now;
	ts = (struct timespec){ .tv_sec = (time_t)(next / NSEC), .tv_nsec = (long)(next % NSEC) };
	return &ts;
}
