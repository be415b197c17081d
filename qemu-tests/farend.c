// SPDX-License-Identifier: GPL-2.0-only
/*
 * farend: the other end of the guest's wire, on the host.
 *
 *	farend		works in the current folder, prints "tcp_port=N" when ready
 *
 * Sockets in that folder; QEMU connects to all of them:
 *	wire.far	datagrams, one Ethernet frame each; QEMU's end is wire.qemu
 *	control		the guest's /dev/ttyS1: one command a line, one reply line,
 *			"ok [key=value...]" or "err sentence"
 *	monitor		QEMU's machine protocol (QMP)
 *
 * Commands (numbers in decimal; frames are those of pattern.h):
 *	send count=N len=L[,L2...] [seq=S] [rate=PPS] [delay_us=D] [dst=MAC] [src=MAC]
 *	     [vlan=TCI] [qinq=OUTER,INNER] [udp=SIP,DIP,SPORT,DPORT]
 *	     [flows=N] [hosts=N] [bad=ipcsum|udpcsum]
 *			starts sending; lengths take turns; frame number S goes to
 *			source port SPORT + S % flows, and from SIP + S % hosts
 *	stop		ends sending
 *	status		ok sending=0|1 sent= rx= rx_bad= rx_lost= rx_reordered= rx_dup=
 *			rx_other= rx_overtaken= first= last= bytes=
 *	expect seq=S [flows=N]	zeroes the rx counters; the next number to arrive is S;
 *			number S is of flow S % N, and one that comes behind a higher
 *			one of its flow was overtaken
 *	echo on|off	sends each numbered frame back, MAC addresses swapped
 *	raw HEX		sends one frame
 *	capture on [type=HEX] | off	keeps the next frames (of that ethertype), 64 at most
 *	getraw		ok hex=... : the oldest kept frame, which is then forgotten
 *	arp on ip=IP | off	answers ARP requests for IP with the far end's MAC
 *	link N on|off	plugs or pulls the cable of NIC N
 *	hmp COMMAND	any command of QEMU's monitor; ok text=...
 *	udp count=N size=B [window=W] [timeout_ms=T]	| tcp size=B [timeout_ms=T]
 *			starts an echo client against port 7 of the guest's NIC 1
 *	echostat	ok running=0|1 sent= received= bad= rtt_median_us=
 *	quit
 *
 * The TCP service (the guest finds it at 10.0.2.2, the port is on its kernel
 * command line), one request a line, any number a connection:
 *	PUT n		n bytes follow; answers their FNV-1a in hex, a line
 *	GET n		answers n bytes of pat_stream() and their FNV-1a in hex, a line
 *	ECHO		from now on every line is sent back
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "pattern.h"

#define BATCH		64
#define FRAME_ROOM	(PAT_MAX_LEN + PAT_MAX_TAGS * PAT_TAG_LEN + 64)
#define LINE_ROOM	(2 * FRAME_ROOM + 64)
#define MAX_LENGTHS	16
#define MAX_KEPT	64
#define MAX_FLOWS	1024
#define NSEC		1000000000ull

struct frame {
	size_t len;
	uint8_t data[FRAME_ROOM];
};

struct batch {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	uint8_t data[BATCH][FRAME_ROOM];
};

struct sender {
	bool active;
	bool blocked;		/* the wire is full: wait for EPOLLOUT */
	uint64_t count;		/* frames to build, and how many have been */
	uint64_t built;
	uint64_t sent;
	uint64_t seq;
	uint64_t rate;		/* frames/s, 0 = as fast as the wire takes them */
	uint64_t start;		/* ns */
	size_t lengths[MAX_LENGTHS];
	unsigned int n_lengths;
	unsigned int flows, hosts;
	struct pat_flow flow;
	unsigned int from, to;	/* of the batch: built, not yet sent */
};

/* The echo client runs in a thread of its own; its results come at the end. */
struct echo_client {
	bool running;
	bool tcp;
	uint16_t port;
	uint64_t count, size, window;
	int timeout_ms;
	uint64_t sent, received, bad, median_us;
};

static int epoll_fd, wire_fd, control_fd = -1, monitor_fd = -1;
static bool wire_connected;
static struct sender tx;
static struct batch tx_batch, rx_batch;
static struct pat_track rx;
static uint64_t rx_bytes, rx_overtaken;
static unsigned int rx_flows;	/* 0: nobody asks for their order */
static uint64_t rx_flow_next[MAX_FLOWS];
static bool echoing;
static bool capturing;
static int capture_type;
static struct frame kept[MAX_KEPT];
static unsigned int kept_first, n_kept;
static uint32_t arp_ip;
static struct echo_client client;
static pthread_mutex_t client_lock = PTHREAD_MUTEX_INITIALIZER;

static void __attribute__((noreturn)) fatal(const char *what)
{
	fprintf(stderr, "farend: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

/* ---- sockets ---- */

static int unix_socket(int type, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fatal("socket");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		fatal(path);
	if (type == SOCK_STREAM && listen(fd, 1))
		fatal(path);
	return fd;
}

static void watch(int fd, uint32_t events, int op)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll_fd, op, fd, &event))
		fatal("epoll_ctl");
}

static void write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			fatal("write");
		}
		data += n;
		len -= (size_t)n;
	}
}

/* ---- the wire ---- */

/* QEMU binds its end before it runs the guest, but after we have started. */
static bool connect_wire(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "wire.qemu" };

	if (!wire_connected)
		wire_connected = !connect(wire_fd, (struct sockaddr *)&addr, sizeof(addr));
	return wire_connected;
}

/* Not lossy: waits until QEMU has room, five seconds at most. */
static bool send_frame(const void *data, size_t len)
{
	struct pollfd pfd = { .fd = wire_fd, .events = POLLOUT };

	if (!connect_wire())
		return false;
	for (;;) {
		if (send(wire_fd, data, len, MSG_DONTWAIT) == (ssize_t)len)
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
	uint64_t left = tx.count - tx.built, by_rate;

	if (now < tx.start)
		return 0;
	if (!tx.rate)
		return left;
	by_rate = (now - tx.start) / 1000 * tx.rate / 1000000 + 1;
	by_rate = by_rate > tx.built ? by_rate - tx.built : 0;
	return by_rate < left ? by_rate : left;
}

static void build_batch(uint64_t n)
{
	const uint16_t sport = tx.flow.sport;
	const uint32_t sip = tx.flow.sip;

	if (n > BATCH)
		n = BATCH;
	tx.from = 0;
	tx.to = (unsigned int)n;
	for (unsigned int i = 0; i < n; i++, tx.built++, tx.seq++) {
		size_t len = tx.lengths[tx.built % tx.n_lengths];

		tx.flow.sport = (uint16_t)(sport + tx.seq % tx.flows);
		tx.flow.sip = sip + (uint32_t)(tx.seq % tx.hosts);
		tx_batch.iov[i].iov_len = pat_build(tx_batch.data[i], len, tx.seq, &tx.flow);
	}
	tx.flow.sport = sport;
	tx.flow.sip = sip;
}

static void send_batches(void)
{
	while (tx.active && !tx.blocked) {
		int n;

		if (tx.from == tx.to) {
			uint64_t n_due = due(now_ns());

			if (!n_due) {
				tx.active = tx.built < tx.count;
				return;
			}
			build_batch(n_due);
		}
		n = sendmmsg(wire_fd, tx_batch.msg + tx.from, tx.to - tx.from, MSG_DONTWAIT);
		if (n > 0) {
			tx.from += (unsigned int)n;
			tx.sent += (unsigned int)n;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			tx.blocked = true;
			watch(wire_fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
		} else if (errno != EINTR) {
			fprintf(stderr, "farend: send: %s\n", strerror(errno));
			tx.active = false;
		}
		/* Long frames take long to build: look at the receive side too. */
		if (tx.from == tx.to)
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
	uint64_t *next = &rx_flow_next[seq % rx_flows];

	if (seq < *next)
		rx_overtaken++;
	else
		*next = seq + 1;
}

static void take_frame(uint8_t *data, size_t len)
{
	enum pat_verdict verdict;
	uint8_t mac[6];
	int type;

	rx_bytes += len;
	verdict = pat_track(&rx, data, len);
	if (verdict == PAT_OK && rx_flows)
		track_flow(rx.last);
	if (len < PAT_ETH_LEN)
		return;
	type = pat_get16(data + 12);
	if (capturing && n_kept < MAX_KEPT && (!capture_type || capture_type == type)) {
		struct frame *frame = &kept[(kept_first + n_kept++) % MAX_KEPT];

		frame->len = len;
		memcpy(frame->data, data, len);
	}
	if (arp_ip && type == 0x0806 && len >= 42 && pat_get16(data + 20) == 1) {
		uint8_t ip[4];

		pat_put32(ip, arp_ip);
		if (!memcmp(data + 38, ip, 4))
			answer_arp(data);
	}
	if (echoing && verdict != PAT_OTHER) {
		memcpy(mac, data, 6);
		memcpy(data, data + 6, 6);
		memcpy(data + 6, mac, 6);
		send_frame(data, len);
	}
}

static void receive_batch(void)
{
	int n = recvmmsg(wire_fd, rx_batch.msg, BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++)
		take_frame(rx_batch.data[i], rx_batch.msg[i].msg_len);
}

/* ---- QEMU's monitor ---- */

/* One line of QMP; false if none comes within ten seconds. */
static bool qmp_line(char *line, size_t room)
{
	struct pollfd pfd = { .fd = monitor_fd, .events = POLLIN };
	size_t len = 0;

	while (len + 1 < room) {
		if (poll(&pfd, 1, 10000) <= 0 || read(monitor_fd, line + len, 1) != 1)
			return false;
		if (line[len] == '\n')
			break;
		len++;
	}
	line[len] = '\0';
	return true;
}

/* Run a monitor command; @text gets what it printed, on one line. */
static bool qmp_run(const char *json, char *text, size_t room)
{
	char line[8192], *from;
	size_t len = 0;

	write_all(monitor_fd, json, strlen(json));
	for (;;) {
		if (!qmp_line(line, sizeof(line))) {
			snprintf(text, room, "QEMU's monitor does not answer");
			return false;
		}
		if (!strncmp(line, "{\"return\"", 9) || !strncmp(line, "{\"error\"", 8))
			break;
	}
	from = strstr(line, "\"desc\": \"");
	if (from) {
		snprintf(text, room, "%s", from + 9);
		return false;
	}
	from = strstr(line, "{\"return\": \"");
	from = from ? from + 12 : line + strlen(line);
	for (; *from && *from != '"' && len + 1 < room; from++) {
		if (*from != '\\')
			text[len++] = *from;
		else if (*++from == 'n')
			text[len++] = ' ';
		else if (*from != 'r' && *from != 't')
			text[len++] = *from;
	}
	text[len] = '\0';
	return true;
}

static bool hmp(char *text, size_t room, const char *fmt, ...)
{
	char command[1024], json[2200];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	len = (size_t)snprintf(json, sizeof(json), "{\"execute\":\"human-monitor-command\","
			       "\"arguments\":{\"command-line\":\"");
	for (const char *p = command; *p; p++) {
		if (*p == '"' || *p == '\\')
			json[len++] = '\\';
		json[len++] = *p;
	}
	strcpy(json + len, "\"}}\n");
	return qmp_run(json, text, room);
}

static void accept_monitor(int listener)
{
	char text[256];

	monitor_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (monitor_fd < 0)
		fatal("accept");
	if (!qmp_line(text, sizeof(text)) ||
	    !qmp_run("{\"execute\":\"qmp_capabilities\"}\n", text, sizeof(text)))
		fatal("QMP greeting");
}

/* The host's port that QEMU forwards to the guest's port 7; 0 if there is none. */
static uint16_t forwarded_port(const char *protocol)
{
	char text[4096], *p;
	unsigned int port = 0;

	/* "UDP[HOST_FORWARD]  12  127.0.0.1 40217  10.0.2.15  7 ..." */
	if (hmp(text, sizeof(text), "info usernet") && (p = strstr(text, protocol)))
		sscanf(p, "%*[^]]] %*u %*s %u", &port);
	return (uint16_t)port;
}

/* ---- echo client ---- */

static int loopback_socket(int type, uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void fill_datagram(uint8_t *data, uint64_t seq, size_t size)
{
	memcpy(data, &seq, 8);
	for (size_t i = 8; i < size; i++)
		data[i] = (uint8_t)(pat_word(seq, i / 8) >> i % 8 * 8);
}

static void udp_client(struct echo_client *c, int fd)
{
	uint64_t *sent_at = calloc(c->count, sizeof(*sent_at));
	uint32_t *rtt = calloc(c->count, sizeof(*rtt));
	uint8_t out[65536], in[65536];
	uint64_t in_flight = 0, seq;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while (sent_at && rtt && (c->sent < c->count || in_flight)) {
		while (c->sent < c->count && in_flight < c->window) {
			fill_datagram(out, c->sent, c->size);
			sent_at[c->sent++] = now_ns();
			in_flight++;
			if (send(fd, out, c->size, 0) < 0)
				break;
		}
		if (poll(&pfd, 1, c->timeout_ms) == 0) {
			in_flight = 0;
			continue;
		}
		n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
		if (n < 0)
			continue;
		in_flight -= in_flight > 0;
		memcpy(&seq, in, 8);
		if (n == (ssize_t)c->size && seq < c->sent && sent_at[seq]) {
			fill_datagram(out, seq, c->size);
			if (!memcmp(in, out, c->size)) {
				rtt[c->received++] = (uint32_t)((now_ns() - sent_at[seq]) / 1000);
				sent_at[seq] = 0;
				continue;
			}
		}
		c->bad++;
	}
	if (c->received) {
		qsort(rtt, c->received, sizeof(*rtt), compare_u32);
		c->median_us = rtt[c->received / 2];
	}
	free(sent_at);
	free(rtt);
}

static void tcp_client(struct echo_client *c, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };
	uint8_t chunk[16384], in[16384];
	ssize_t n;

	while (c->received < c->size && poll(&pfd, 1, c->timeout_ms) > 0) {
		if (pfd.revents & POLLOUT && c->sent < c->size) {
			size_t len = c->size - c->sent;

			len = len < sizeof(chunk) ? len : sizeof(chunk);
			pat_stream(chunk, c->sent, len);
			n = send(fd, chunk, len, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n > 0)
				c->sent += (size_t)n;
			if (c->sent == c->size)
				pfd.events = POLLIN;
		}
		if (pfd.revents & (POLLIN | POLLHUP | POLLERR)) {
			n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
			if (n == 0 || (n < 0 && errno != EAGAIN))
				break;
			if (n < 0)
				continue;
			pat_stream(chunk, c->received, (size_t)n);
			c->bad += memcmp(chunk, in, (size_t)n) != 0;
			c->received += (size_t)n;
		}
	}
}

static void *client_thread(void *arg)
{
	struct echo_client c;
	int fd;

	(void)arg;
	pthread_mutex_lock(&client_lock);
	c = client;
	pthread_mutex_unlock(&client_lock);
	fd = loopback_socket(c.tcp ? SOCK_STREAM : SOCK_DGRAM, c.port);
	if (fd >= 0) {
		if (c.tcp)
			tcp_client(&c, fd);
		else
			udp_client(&c, fd);
		close(fd);
	}
	pthread_mutex_lock(&client_lock);
	client = c;
	client.running = false;
	pthread_mutex_unlock(&client_lock);
	return NULL;
}

/* ---- TCP service ---- */

static bool serve_put(FILE *conn, uint64_t n)
{
	uint64_t hash = PAT_FNV_START;
	uint8_t chunk[16384];

	while (n) {
		size_t len = fread(chunk, 1, n < sizeof(chunk) ? n : sizeof(chunk), conn);

		if (!len)
			return false;
		hash = pat_fnv1a(hash, chunk, len);
		n -= len;
	}
	return fprintf(conn, "%016" PRIx64 "\n", hash) > 0;
}

static bool serve_get(FILE *conn, uint64_t n)
{
	uint64_t hash = PAT_FNV_START;
	uint8_t chunk[16384];

	for (uint64_t at = 0; at < n;) {
		size_t len = n - at < sizeof(chunk) ? n - at : sizeof(chunk);

		pat_stream(chunk, at, len);
		hash = pat_fnv1a(hash, chunk, len);
		if (fwrite(chunk, 1, len, conn) != len)
			return false;
		at += len;
	}
	return fprintf(conn, "%016" PRIx64 "\n", hash) > 0;
}

static void *serve_connection(void *arg)
{
	FILE *conn = fdopen((int)(intptr_t)arg, "r+");
	bool go_on = conn, echo = false;
	char *line = NULL;
	size_t room = 0;
	uint64_t n;

	while (go_on && getline(&line, &room, conn) > 0) {
		/* C11 7.21.5.3: between reading and writing a stream must be positioned. */
		fseek(conn, 0, SEEK_CUR);
		if (echo)
			go_on = fputs(line, conn) >= 0;
		else if (sscanf(line, "PUT %" SCNu64, &n) == 1)
			go_on = serve_put(conn, n);
		else if (sscanf(line, "GET %" SCNu64, &n) == 1)
			go_on = serve_get(conn, n);
		else
			go_on = echo = !strcmp(line, "ECHO\n");
		go_on = !fflush(conn) && go_on;
	}
	free(line);
	if (conn)
		fclose(conn);
	return NULL;
}

static void start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg))
		fatal("pthread_create");
	pthread_detach(thread);
}

/* ---- commands ---- */

static void __attribute__((format(printf, 1, 2))) reply(const char *fmt, ...)
{
	static char line[LINE_ROOM];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[len++] = '\n';
	write_all(control_fd, line, (size_t)len);
}

static bool parse_mac(const char *s, uint8_t *mac)
{
	return sscanf(s, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2,
		      mac + 3, mac + 4, mac + 5) == 6;
}

static bool parse_ip(const char *s, uint32_t *ip)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, s, &addr) != 1)
		return false;
	*ip = ntohl(addr.s_addr);
	return true;
}

static bool parse_udp(const char *s, struct pat_flow *flow)
{
	char sip[16], dip[16];

	return sscanf(s, "%15[0-9.],%15[0-9.],%hu,%hu", sip, dip, &flow->sport,
		      &flow->dport) == 4 &&
	       parse_ip(sip, &flow->sip) && parse_ip(dip, &flow->dip);
}

static bool parse_lengths(const char *s, struct sender *t)
{
	char *end;

	for (t->n_lengths = 0; t->n_lengths < MAX_LENGTHS; s = end + 1) {
		size_t len = strtoul(s, &end, 10);

		if (len < PAT_MIN_LEN || len > PAT_MAX_LEN)
			return false;
		t->lengths[t->n_lengths++] = len;
		if (*end != ',')
			return !*end;
	}
	return false;
}

/* One "key=value" of send. */
static bool parse_send(const char *key, const char *value, struct sender *t)
{
	if (!strcmp(key, "count"))
		return sscanf(value, "%" SCNu64, &t->count) == 1;
	if (!strcmp(key, "len"))
		return parse_lengths(value, t);
	if (!strcmp(key, "seq"))
		return sscanf(value, "%" SCNu64, &t->seq) == 1;
	if (!strcmp(key, "rate"))
		return sscanf(value, "%" SCNu64, &t->rate) == 1;
	if (!strcmp(key, "delay_us")) {
		t->start += strtoul(value, NULL, 10) * 1000;
		return true;
	}
	if (!strcmp(key, "dst"))
		return parse_mac(value, t->flow.dst);
	if (!strcmp(key, "src"))
		return parse_mac(value, t->flow.src);
	if (!strcmp(key, "vlan"))
		return sscanf(value, "%d", &t->flow.vlan) == 1;
	if (!strcmp(key, "qinq"))
		return sscanf(value, "%d,%d", &t->flow.outer, &t->flow.vlan) == 2;
	if (!strcmp(key, "udp"))
		return parse_udp(value, &t->flow);
	if (!strcmp(key, "flows"))
		return sscanf(value, "%u", &t->flows) == 1 && t->flows;
	if (!strcmp(key, "hosts"))
		return sscanf(value, "%u", &t->hosts) == 1 && t->hosts;
	if (!strcmp(key, "bad")) {
		t->flow.bad = !strcmp(value, "ipcsum") ? PAT_BAD_IPCSUM :
			      !strcmp(value, "udpcsum") ? PAT_BAD_UDPCSUM : 0;
		return t->flow.bad;
	}
	return false;
}

static void do_send(char *args)
{
	struct sender t = {
		.active = true,
		.count = 1,
		.lengths = { PAT_MIN_LEN },
		.n_lengths = 1,
		.flows = 1,
		.hosts = 1,
		.start = now_ns(),
		.flow = pat_flow_default(),
	};
	char *save, *key, *value;

	if (tx.active)
		return reply("err already sending");
	if (!connect_wire())
		return reply("err the wire is not connected");
	for (key = strtok_r(args, " ", &save); key; key = strtok_r(NULL, " ", &save)) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		if (!value || !parse_send(key, value, &t))
			return reply("err bad argument of send: %s", key);
	}
	tx = t;
	reply("ok started");
}

static void do_raw(const char *hex)
{
	uint8_t data[FRAME_ROOM];
	size_t len = 0;

	for (; sscanf(hex, "%2hhx", &data[len]) == 1 && hex[1]; hex += 2)
		if (++len == sizeof(data))
			break;
	if (!len || *hex)
		return reply("err not a frame in hex");
	reply(send_frame(data, len) ? "ok" : "err the wire takes nothing");
}

static void do_getraw(void)
{
	static char hex[2 * FRAME_ROOM + 1];
	struct frame *frame = &kept[kept_first];

	if (!n_kept)
		return reply("err nothing was kept");
	for (size_t i = 0; i < frame->len; i++)
		sprintf(hex + 2 * i, "%02x", frame->data[i]);
	kept_first = (kept_first + 1) % MAX_KEPT;
	n_kept--;
	reply("ok hex=%s", hex);
}

static void do_capture(const char *args)
{
	n_kept = 0;
	capture_type = 0;
	capturing = !strncmp(args, "on", 2);
	if (capturing && args[2] && sscanf(args, "on type=%x", (unsigned int *)&capture_type) != 1)
		return reply("err usage: capture on [type=HEX] | off");
	reply("ok");
}

static void do_arp(const char *args)
{
	arp_ip = 0;
	if (strcmp(args, "off") && (strncmp(args, "on ip=", 6) || !parse_ip(args + 6, &arp_ip)))
		return reply("err usage: arp on ip=IP | off");
	reply("ok");
}

static void do_link(const char *args)
{
	char text[512], state[4];
	unsigned int nic;

	if (sscanf(args, "%u %3s", &nic, state) != 2)
		return reply("err usage: link N on|off");
	if (!hmp(text, sizeof(text), "set_link nic%u %s", nic, state) || *text)
		return reply("err %s", text);
	reply("ok");
}

static void do_hmp(const char *command)
{
	char text[4096];
	bool done = hmp(text, sizeof(text), "%s", command);

	reply(done ? "ok text=%s" : "err %s", text);
}

static void do_echo_client(const char *args, bool tcp)
{
	struct echo_client c = { .tcp = tcp, .count = 1, .size = 64, .window = 1,
				 .timeout_ms = 1000, .running = true };
	const char *p;

	if ((p = strstr(args, "count=")))
		c.count = strtoul(p + 6, NULL, 10);
	if ((p = strstr(args, "size=")))
		c.size = strtoul(p + 5, NULL, 10);
	if ((p = strstr(args, "window=")))
		c.window = strtoul(p + 7, NULL, 10);
	if ((p = strstr(args, "timeout_ms=")))
		c.timeout_ms = atoi(p + 11);
	if (!c.count || !c.window || c.size < 8 || (!tcp && c.size > 65000))
		return reply("err bad numbers");
	c.port = forwarded_port(tcp ? "TCP[HOST_FORWARD]" : "UDP[HOST_FORWARD]");
	if (!c.port)
		return reply("err QEMU forwards no port");
	pthread_mutex_lock(&client_lock);
	if (client.running) {
		pthread_mutex_unlock(&client_lock);
		return reply("err an echo client is running");
	}
	client = c;
	pthread_mutex_unlock(&client_lock);
	start_thread(client_thread, NULL);
	reply("ok started");
}

static void do_echostat(void)
{
	pthread_mutex_lock(&client_lock);
	reply("ok running=%d sent=%" PRIu64 " received=%" PRIu64 " bad=%" PRIu64
	      " rtt_median_us=%" PRIu64, client.running, client.sent, client.received,
	      client.bad, client.median_us);
	pthread_mutex_unlock(&client_lock);
}

static void do_status(void)
{
	reply("ok sending=%d sent=%" PRIu64 " rx=%" PRIu64 " rx_bad=%" PRIu64
	      " rx_lost=%" PRIu64 " rx_reordered=%" PRIu64 " rx_dup=%" PRIu64
	      " rx_other=%" PRIu64 " rx_overtaken=%" PRIu64 " first=%" PRIu64
	      " last=%" PRIu64 " bytes=%" PRIu64,
	      tx.active, tx.sent, rx.good, rx.corrupt, rx.lost, rx.reordered, rx.dup,
	      rx.other, rx_overtaken, rx.first, rx.last, rx_bytes);
}

static void do_expect(const char *args)
{
	unsigned int flows = 0;
	uint64_t seq;

	if (sscanf(args, "seq=%" SCNu64 " flows=%u", &seq, &flows) < 1 || flows > MAX_FLOWS) {
		reply("err expect seq=S [flows=N], N up to %d", MAX_FLOWS);
		return;
	}
	pat_track_reset(&rx, seq);
	rx_bytes = 0;
	rx_overtaken = 0;
	rx_flows = flows;
	memset(rx_flow_next, 0, sizeof(rx_flow_next));
	reply("ok");
}

static void do_command(char *line)
{
	char *args = strchr(line, ' ');

	if (args)
		*args++ = '\0';
	else
		args = line + strlen(line);

	if (!strcmp(line, "send")) {
		do_send(args);
	} else if (!strcmp(line, "stop")) {
		tx.active = false;
		reply("ok");
	} else if (!strcmp(line, "status")) {
		do_status();
	} else if (!strcmp(line, "expect")) {
		do_expect(args);
	} else if (!strcmp(line, "echo")) {
		echoing = !strcmp(args, "on");
		reply("ok");
	} else if (!strcmp(line, "raw")) {
		do_raw(args);
	} else if (!strcmp(line, "capture")) {
		do_capture(args);
	} else if (!strcmp(line, "getraw")) {
		do_getraw();
	} else if (!strcmp(line, "arp")) {
		do_arp(args);
	} else if (!strcmp(line, "link")) {
		do_link(args);
	} else if (!strcmp(line, "hmp")) {
		do_hmp(args);
	} else if (!strcmp(line, "udp") || !strcmp(line, "tcp")) {
		do_echo_client(args, *line == 't');
	} else if (!strcmp(line, "echostat")) {
		do_echostat();
	} else if (!strcmp(line, "quit")) {
		reply("ok");
		exit(0);
	} else {
		reply("err no such command: %s", line);
	}
}

static void read_control(void)
{
	static char line[LINE_ROOM];
	static size_t len;
	ssize_t n = read(control_fd, line + len, sizeof(line) - 1 - len);
	char *end;

	if (n <= 0)	/* QEMU has ended, and so do we */
		exit(0);
	len += (size_t)n;
	line[len] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		do_command(line);
		len -= (size_t)(end + 1 - line);
		memmove(line, end + 1, len + 1);
	}
	if (len == sizeof(line) - 1)
		len = 0;
}

/* ---- main ---- */

static void init_batch(struct batch *batch)
{
	for (int i = 0; i < BATCH; i++) {
		batch->iov[i] = (struct iovec){ batch->data[i], FRAME_ROOM };
		batch->msg[i].msg_hdr.msg_iov = &batch->iov[i];
		batch->msg[i].msg_hdr.msg_iovlen = 1;
	}
}

static int listen_tcp(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		fatal("TCP service");
	printf("tcp_port=%d\n", ntohs(addr.sin_port));
	return fd;
}

/* How long the loop may sleep: until the next frame is due, if one is to be sent. */
static const struct timespec *sleep_time(void)
{
	static struct timespec ts;
	uint64_t now, next;

	if (!tx.active || tx.blocked)
		return NULL;
	now = now_ns();
	next = tx.start;
	if (tx.rate)
		next += tx.built * NSEC / tx.rate;
	next = tx.from < tx.to || next < now ? 0 : next - now;
	ts = (struct timespec){ .tv_sec = (time_t)(next / NSEC), .tv_nsec = (long)(next % NSEC) };
	return &ts;
}

int main(void)
{
	int control_listener, monitor_listener, tcp_listener;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	init_batch(&tx_batch);
	init_batch(&rx_batch);
	pat_track_reset(&rx, 0);

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	wire_fd = unix_socket(SOCK_DGRAM, "wire.far");
	control_listener = unix_socket(SOCK_STREAM, "control");
	monitor_listener = unix_socket(SOCK_STREAM, "monitor");
	tcp_listener = listen_tcp();
	watch(wire_fd, EPOLLIN, EPOLL_CTL_ADD);
	watch(control_listener, EPOLLIN, EPOLL_CTL_ADD);
	watch(monitor_listener, EPOLLIN, EPOLL_CTL_ADD);
	watch(tcp_listener, EPOLLIN, EPOLL_CTL_ADD);
	fflush(stdout);

	for (;;) {
		struct epoll_event events[8];
		int n = epoll_pwait2(epoll_fd, events, 8, sleep_time(), NULL);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == wire_fd) {
				if (events[i].events & EPOLLOUT) {
					tx.blocked = false;
					watch(wire_fd, EPOLLIN, EPOLL_CTL_MOD);
				}
				receive_batch();
			} else if (fd == control_fd) {
				read_control();
			} else if (fd == control_listener && control_fd < 0) {
				control_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
				watch(control_fd, EPOLLIN, EPOLL_CTL_ADD);
			} else if (fd == monitor_listener && monitor_fd < 0) {
				accept_monitor(fd);
			} else if (fd == tcp_listener) {
				int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

				if (conn >= 0)
					start_thread(serve_connection, (void *)(intptr_t)conn);
			}
		}
		send_batches();
	}
}
