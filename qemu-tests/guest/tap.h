/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Listeners on an interface whose queue a process has: a packet socket and tcpdump,
 * an app on the library that sends back what it receives in the slot it came in, and
 * what a listener must have seen of that.
 */
#ifndef USERRING_TESTS_TAP_H
#define USERRING_TESTS_TAP_H

#include <linux/filter.h>
#include <sys/stat.h>

#include <libuserring.h>

#include "forward.h"

static const char *const tap_lens = "60,1514,333,61,1000";
static const uint16_t tap_len[] = { 60, 1514, 333, 61, 1000 };
#define TAP_LENS	(sizeof(tap_len) / sizeof(tap_len[0]))

/* ------------------------------------------------------------------------
 * What was shown, frame by frame
 */

/*
 * Frames of both directions that must come complete, each direction in its order; a
 * listener that came late begins with whatever is first.
 */
struct shown {
	const uint8_t *mac;	/* the port's */
	int vlan;		/* TCI, or PAT_NO_TAG */
	uint16_t dport;		/* of received frames */
	uint64_t step;		/* of the numbers that are shown */
	bool late;		/* the first number is not known */
	uint64_t next[2];	/* in, out */
	uint64_t count[2];
	uint64_t want;		/* of both directions together: worth waiting for */
	uint64_t wrong, other;
	int64_t stamp;		/* ns, of the last one */
};

static inline struct shown shown_new(const uint8_t *mac)
{
	return (struct shown){ .mac = mac, .vlan = PAT_NO_TAG, .dport = FLOW_PORT,
			       .step = 1 };
}

static inline void shown_wrong(struct shown *s, int out, uint64_t seq, const char *what)
{
	if (!s->wrong++)
		printf("# %s frame %ju, not %ju: %s\n", out ? "sent" : "received",
		       (uintmax_t)seq, (uintmax_t)s->next[out], what);
}

/* One frame as a listener got it. */
static inline void shown_take(struct shown *s, const uint8_t *frame, size_t len, bool out,
			      int64_t stamp)
{
	struct pat_flow flow = pat_flow_default();
	uint8_t want[2048];
	uint64_t seq;
	size_t n;

	if (stamp < s->stamp)
		shown_wrong(s, out, 0, "earlier than the one before");
	s->stamp = stamp;
	if (pat_check(frame, len, &seq, NULL) == PAT_OTHER) {
		s->other++;
		return;
	}
	if (s->late && !s->count[out])
		s->next[out] = seq;
	if (seq != s->next[out])
		shown_wrong(s, out, seq, "out of order");
	memcpy(flow.dst, s->mac, 6);
	flow.vlan = s->vlan;
	flow.dport = s->dport;
	if (out)
		flow = pat_flow_reverse(&flow);
	n = pat_build(want, tap_len[seq % TAP_LENS], seq, &flow);
	if (n != len || memcmp(want, frame, len))
		shown_wrong(s, out, seq, "bytes differ");
	/* an answer cannot have gone before its question came */
	if (out && !s->late && s->count[0] <= s->count[1])
		shown_wrong(s, out, seq, "before it was received");
	s->next[out] = seq + s->step;
	s->count[out]++;
}

static inline bool shown_is(const struct shown *s, uint64_t in, uint64_t out)
{
	if (s->count[0] == in && s->count[1] == out && !s->wrong)
		return true;
	printf("# shown: %ju received, not %ju; %ju sent, not %ju; wrong %ju, other %ju\n",
	       (uintmax_t)s->count[0], (uintmax_t)in, (uintmax_t)s->count[1], (uintmax_t)out,
	       (uintmax_t)s->wrong, (uintmax_t)s->other);
	return false;
}

/* ------------------------------------------------------------------------
 * A packet socket that hears everything
 */

static inline int listen_on(const char *netdev)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(netdev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1, room = 64 << 20;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -EADDRNOTAVAIL;
	}
	return fd;
}

/* Puts the tag back that lies beside the frame; its length with it. */
static inline size_t listen_tag(uint8_t *frame, size_t len, struct msghdr *msg)
{
	struct tpacket_auxdata aux;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			continue;
		memmove(frame + 16, frame + 12, len - 12);
		pat_put16(frame + 12, aux.tp_vlan_tpid);
		pat_put16(frame + 14, aux.tp_vlan_tci);
		len += 4;
	}
	return len;
}

static inline int64_t listen_stamp(struct msghdr *msg)
{
	struct timespec ts = { 0 };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
	}
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* All that waits there; in and out as the socket says. */
static inline void listen_drain(int fd, struct shown *s)
{
	uint8_t frame[2048], control[256];
	struct sockaddr_ll from;
	ssize_t n;

	for (;;) {
		struct iovec iov = { frame, sizeof(frame) - 4 };
		struct msghdr msg = {
			.msg_name = &from, .msg_namelen = sizeof(from),
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};

		n = recvmsg(fd, &msg, MSG_DONTWAIT);
		if (n < 0)
			return;
		shown_take(s, frame, listen_tag(frame, (size_t)n, &msg),
			   from.sll_pkttype == PACKET_OUTGOING, listen_stamp(&msg));
	}
}

/*
 * Drains it until what is wanted was shown, and none came for a while: a received packet
 * is shown when the process had the time to pass it up, a sent one when the module comes
 * to it, and both may be late on a busy machine. One too many comes soon.
 */
static inline void listen_settle(int fd, struct shown *s)
{
	uint64_t seen = s->count[0] + s->count[1], was;

	for (int64_t last = now_ms(); now_ms() - last < at_most_ms(seen < s->want ? 5000 : 400);) {
		was = seen;
		listen_drain(fd, s);
		seen = s->count[0] + s->count[1];
		if (seen != was)
			last = now_ms();
		sleep_ms(5);
	}
}

/* ------------------------------------------------------------------------
 * tcpdump
 */

#define DUMP_FILE	"/tmp/tap.pcap"
#define DUMP_SAYS	"/tmp/tap.err"

/* Starts it, and waits until it listens. */
static inline pid_t dump_start(const char *netdev, const char *more)
{
	int64_t end = now_ms() + at_most_ms(10000);
	char command[256];
	pid_t pid;

	unlink(DUMP_FILE);
	unlink(DUMP_SAYS);
	snprintf(command, sizeof(command),
		 "exec tcpdump -i %s -w " DUMP_FILE " -U -s 0 -B 65536 -Z root %s 2>" DUMP_SAYS,
		 netdev, more);
	pid = spawn();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	while (run(NULL, 0, "grep -q '^tcpdump: listening on' " DUMP_SAYS)) {
		if (now_ms() > end) {
			run(command, sizeof(command), "cat " DUMP_SAYS);
			printf("# tcpdump: %s\n", command);
			return -1;
		}
		sleep_ms(10);
	}
	return pid;
}

/* Ends it once its file has so many bytes, or has not grown for three seconds. */
static inline bool dump_stop(pid_t pid, int64_t bytes)
{
	int64_t last = now_ms(), size = 0;
	struct stat st = { 0 };
	char text[512];

	while (size < bytes && now_ms() - last < 3000) {
		sleep_ms(10);
		stat(DUMP_FILE, &st);
		if (st.st_size != size)
			last = now_ms();
		size = st.st_size;
	}
	kill(pid, SIGINT);
	if (finish(pid, 8000) || run(text, sizeof(text), "cat " DUMP_SAYS))
		return false;
	if (size == bytes && strstr(text, "\n0 packets dropped by kernel"))
		return true;
	printf("# %lld bytes in the file, not %lld; tcpdump: %s\n", (long long)size,
	       (long long)bytes, text);
	return false;
}

/* Bytes of the file when frames 0 to @count - 1 are in it @times, with @tag bytes more. */
static inline int64_t dump_bytes(uint64_t count, int times, int tag)
{
	int64_t bytes = 24;

	for (uint64_t i = 0; i < count; i++)
		bytes += times * (16 + tap_len[i % TAP_LENS] + tag);
	return bytes;
}

/* The capture file, frame by frame; who sent it says which way it went. */
static inline bool dump_read(struct shown *s)
{
	struct { uint32_t sec, usec, kept, len; } head;
	FILE *file = fopen(DUMP_FILE, "re");
	uint8_t start[24], frame[2048];
	uint32_t magic;
	bool right;

	if (!file)
		return false;
	right = fread(start, sizeof(start), 1, file) == 1;
	memcpy(&magic, start, 4);
	right = right && magic == 0xa1b2c3d4 && start[20] == 1 /* Ethernet */;
	while (right && fread(&head, sizeof(head), 1, file) == 1) {
		right = head.kept == head.len && head.len <= sizeof(frame) &&
			fread(frame, head.len, 1, file) == 1;
		if (right)
			shown_take(s, frame, head.len, !memcmp(frame + 6, s->mac, 6),
				   head.sec * 1000000000ll + head.usec * 1000ll);
	}
	fclose(file);
	return right;
}

/* ------------------------------------------------------------------------
 * The app
 */

#define APP_BATCH	32

enum app_mode {
	CALLS,			/* SYNC in each turn */
	PERIOD,			/* never calls: the module looks at the rings */
	SLEEPS,			/* ur_wait() between packets */
};

struct tap_app {
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;
	struct ur_port_info info;
	enum app_mode mode;
	uint32_t up;		/* each so-manieth packet goes up the stack; 0: none */
	uint64_t passed, echoed;
	struct pat_track in;
};

static inline int app_open(struct tap_app *a, const char *netdev, enum app_mode mode,
			   uint32_t rx_size)
{
	const struct ur_pool_opts pool = { .size = sizeof(pool), .slot_count = 2 * rx_size };
	const struct ur_queue_opts queue = {
		.size = sizeof(queue), .rx_size = rx_size, .tx_size = 512,
		.sync_period_us = mode == PERIOD ? 500 : 0,
	};
	struct ur_error error = { "" };
	int err;

	a->mode = mode;
	a->passed = 0;
	a->echoed = 0;
	pat_track_reset(&a->in, 0);
	err = ur_port_open(&a->port, netdev, &error);
	if (!err)
		err = ur_port_info(a->port, &a->info);
	if (!err)
		err = ur_pool_create(&a->pool, a->port, &pool, &error);
	if (!err)
		err = ur_queue_attach(&a->q, a->port, a->pool, &queue, &error);
	if (err)
		printf("# %s\n", error.text);
	return err;
}

static inline void app_close(struct tap_app *a)
{
	if (a->q)
		ur_queue_detach(a->q);
	if (a->pool)
		ur_pool_destroy(a->pool);
	if (a->port)
		ur_port_close(a->port);
	a->q = NULL;
	a->pool = NULL;
	a->port = NULL;
}

/* Back to where it came from, in its slot. The sums of its checksums stay. */
static inline void app_turn_round(uint8_t *frame)
{
	uint8_t *ip = frame + (pat_get16(frame + 12) == 0x8100 ? 18 : 14), keep[6];

	memcpy(keep, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, keep, 6);
	memcpy(keep, ip + 12, 4);
	memcpy(ip + 12, ip + 16, 4);
	memcpy(ip + 16, keep, 4);
	memcpy(keep, ip + 20, 2);
	memcpy(ip + 20, ip + 22, 2);
	memcpy(ip + 22, keep, 2);
}

/* The tag that the NIC took off, back into the frame; there is room in the slot. */
static inline void app_tag(struct ur_pkt *pkt)
{
	memmove(pkt->data + 16, pkt->data + 12, pkt->len - 12);
	pat_put16(pkt->data + 12, 0x8100);
	pat_put16(pkt->data + 14, pkt->vlan);
	pkt->len += 4;
	pkt->flags &= ~UR_PKT_VLAN;
}

/* A packet into the TX ring, whose turn may come only after a while. */
static inline int app_put(struct tap_app *a, struct ur_pkt *pkt, bool up)
{
	int64_t end = now_ms() + at_most_ms(3000);

	while (!(up ? ur_to_host(a->q, pkt, 1) : ur_tx_burst(a->q, pkt, 1))) {
		if (ur_sync(a->q))
			return -EIO;
		if (now_ms() > end)
			return -ETIMEDOUT;
	}
	return 0;
}

/* One turn. Return: how many packets there were, or an error. */
static inline int app_turn(struct tap_app *a)
{
	struct ur_pkt pkts[APP_BATCH];
	int err = 0;
	uint32_t n;

	if (a->mode == SLEEPS) {
		err = ur_wait(a->q, 200);
		if (err < 0)
			return err;
	}
	n = ur_rx_burst(a->q, pkts, APP_BATCH);
	err = 0;
	for (uint32_t i = 0; i < n && !err; i++) {
		bool up = a->up && a->in.good % a->up == 0;

		/* of a frame that the tap had after the app the addresses would differ */
		pat_track(&a->in, pkts[i].data, pkts[i].len);
		if (!up)
			app_turn_round(pkts[i].data);
		if (!up && pkts[i].flags & UR_PKT_VLAN &&
		    !(a->info.features & UR_FEATURE_TX_VLAN))
			app_tag(&pkts[i]);
		err = app_put(a, &pkts[i], up);
		a->passed += up;
		a->echoed += !up;
	}
	/* with a period it refills the ring, and makes no system call */
	if (!err)
		err = ur_sync(a->q);
	return err ? err : (int)n;
}

#endif /* USERRING_TESTS_TAP_H */
