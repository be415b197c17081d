// SPDX-License-Identifier: BSD-2-Clause
/*
 * AF_PACKET sockets over a veth pair.  What is timed when receiving is the socket's
 * half: the kernel has made the packet and queued it when it was sent.  What is
 * timed when sending has all of it, as far as the other end's socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define LAP	128	/* fits into the socket's buffer as it comes */

static struct {
	int from;
	int to;
	uint8_t frame[LAP][FRAME_LEN];
	uint8_t room[LAP][2048];
	struct iovec out[LAP];
	struct iovec in[LAP];
	struct mmsghdr out_msg[LAP];
	struct mmsghdr in_msg[LAP];
	uint64_t made;
	struct tally tally;
} wire;

static int open_socket(const char *interface, uint16_t protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(protocol));

	if (fd < 0)
		return -errno;
	if (!addr.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

static void number_frames(void)
{
	uint32_t i;

	for (i = 0; i < LAP; i++)
		bench_number(wire.frame[i], wire.made++);
}

static uint32_t send_one(uint32_t first, uint32_t n)
{
	(void)n;
	return send(wire.from, wire.frame[first], FRAME_LEN, 0) == FRAME_LEN;
}

static uint32_t send_many(uint32_t first, uint32_t n)
{
	int ret = sendmmsg(wire.from, &wire.out_msg[first], n, 0);

	return ret < 0 ? 0 : (uint32_t)ret;
}

static uint32_t receive_one(uint32_t first, uint32_t n)
{
	ssize_t len = recv(wire.to, wire.room[0], sizeof(wire.room[0]),
			   MSG_DONTWAIT);

	(void)first;
	(void)n;
	if (len < 0)
		return 0;
	bench_look(&wire.tally, wire.room[0], (uint32_t)len);
	return 1;
}

static uint32_t receive_many(uint32_t first, uint32_t n)
{
	int i, ret = recvmmsg(wire.to, wire.in_msg, n, MSG_DONTWAIT, NULL);

	(void)first;
	for (i = 0; i < ret; i++)
		bench_look(&wire.tally, wire.room[i], wire.in_msg[i].msg_len);
	return ret < 0 ? 0 : (uint32_t)ret;
}

/* Return: frames of a lap that step has moved. */
static uint32_t run(uint32_t (*step)(uint32_t first, uint32_t n), uint32_t batch)
{
	uint32_t done = 0, n;

	for (; done < LAP; done += n) {
		n = step(done, LAP - done < batch ? LAP - done : batch);
		if (!n)
			break;
	}
	return done;
}

/* row.flags */
#define ROW_SENDS	0x1
#define ROW_MANY	0x2	/* packets a call */

static const char *lap(struct row *row, struct lap *out)
{
	bool sends = row->flags & ROW_SENDS, many = row->flags & ROW_MANY;
	uint64_t start, ticks[2];
	uint32_t n;

	number_frames();
	start = bench_ticks();
	n = run(sends && !many ? send_one : send_many, row->batch);
	ticks[0] = bench_ticks() - start;
	if (n != LAP)
		return "the interface did not take a frame";
	start = bench_ticks();
	n = run(sends || many ? receive_many : receive_one, row->batch);
	ticks[1] = bench_ticks() - start;
	out->ticks += ticks[!sends] - bench_clock_cost;
	out->packets += n;
	if (n != LAP)
		return "packets are missing";
	if (wire.tally.gaps || wire.tally.other ||
	    wire.tally.next != wire.made)
		return "a packet came that is not the one that was due";
	return NULL;
}

static void set_up(void)
{
	uint32_t i;

	for (i = 0; i < LAP; i++) {
		bench_frame(wire.frame[i]);
		wire.out[i].iov_base = wire.frame[i];
		wire.out[i].iov_len = FRAME_LEN;
		wire.out_msg[i].msg_hdr.msg_iov = &wire.out[i];
		wire.out_msg[i].msg_hdr.msg_iovlen = 1;
		wire.in[i].iov_base = wire.room[i];
		wire.in[i].iov_len = sizeof(wire.room[i]);
		wire.in_msg[i].msg_hdr.msg_iov = &wire.in[i];
		wire.in_msg[i].msg_hdr.msg_iovlen = 1;
	}
}

int packet_rows(struct bench *b, const char *interfaces)
{
	static const char *const variants[2][2] = {
		{ "recv", "recvmmsg" }, { "send", "sendmmsg" },
	};
	struct row row = {
		.method = "af_packet", .format = "-", .pool = POOL_WARM,
		.lap = lap,
	};
	char from[IF_NAMESIZE], to[IF_NAMESIZE];
	const uint32_t *batch;
	int op;

	if (sscanf(interfaces, "%15[^,],%15s", from, to) != 2) {
		fprintf(stderr,
			"bench-native: --packet takes two interfaces, as ur0,ur1\n");
		return -1;
	}
	wire.from = open_socket(from, 0);
	wire.to = wire.from < 0 ? wire.from : open_socket(to, ETH_P_IP);
	if (wire.to < 0) {
		bench_missing(b, row.method, "a packet socket on %s: %s",
			      interfaces, strerror(-wire.to));
		return 0;
	}
	set_up();
	for (op = 0; op < 2; op++) {
		row.op = op ? "tx" : "rx";
		row.variant = variants[op][0];
		row.flags = op ? ROW_SENDS : 0;
		row.batch = 1;
		bench_add(b, &row);
		row.variant = variants[op][1];
		row.flags |= ROW_MANY;
		for (batch = b->batches; *batch; batch++)
			if (*batch > 1 && *batch <= LAP) {
				row.batch = *batch;
				bench_add(b, &row);
			}
	}
	return 0;
}
