// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a DNS query costs: an object that is preloaded into a server, which is the
 * program that is shipped. When the server looks for work (calls below) and all queries
 * so far are answered, it finds a new burst of them: the traffic NIC is driven from
 * here (traffic.h). So queries are counted from their arrival to the next look, without
 * sleep, without an empty look, and without a switch to another process.
 *
 * Environment: DNS_METHOD is the name of the rows, DNS_QUERIES how many a row has,
 * DNS_TRAFFIC the traffic NIC, DNS_NAMES a file of lines "name address". It begins when
 * there is a file DNS_GO, which it removes; rows are appended to DNS_ROWS, which says
 * "end" when it is done.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"
#include "traffic.h"

#include <libuserring/csum.h>
#include <libuserring/parse.h>

#define BURST_MAX	128
#define WARM_UP		2048U	/* queries that are not counted */
#define NAMES_MAX	50000
#define WIRE_MAX	40	/* bytes of a name in a query */
#define HEADERS		(UR_ETH_LEN + UR_IPV4_LEN + UR_UDP_LEN)
#define DNS_HEADER	12
#define ANSWER		16	/* an A record whose name is a pointer */
#define PORT		53

static const uint8_t server_mac[6] = { 0x52, 0x54, 0x00, 0x75, 0x72, 0x00 };
static const uint8_t client_mac[6] = { 0x52, 0x54, 0x00, 0x66, 0x66, 0x00 };
static const uint8_t server_ip[4] = { 10, 77, 0, 1 };
static const uint32_t bursts[] = { 1, 32, 128 };

struct name {
	uint8_t wire[WIRE_MAX];
	uint8_t len;
	uint8_t address[4];
};

static struct name names[NAMES_MAX];
static uint32_t n_names;
static struct traffic traffic;
static __thread bool works __attribute__((tls_model("initial-exec")));

/* What was asked in this burst. */
static struct {
	const struct name *name;
	uint8_t ip[4];
	uint16_t port;
} asked[BURST_MAX];

static struct {
	enum { WAITING, ASKING, ENDED } state;
	uint32_t row;
	bool counts;		/* not warming up */
	uint32_t wanted;	/* of the row */
	uint32_t sent;
	uint32_t burst;		/* on their way */
	uint32_t answered;	/* of these */
	uint16_t id;		/* of the first */
	uint32_t wrong;
	uint32_t strange;
} run;

_Noreturn void bench_die(int err, const char *what, ...)
{
	va_list ap;

	va_start(ap, what);
	vfprintf(stderr, what, ap);
	va_end(ap);
	fprintf(stderr, "%s%s\n", err ? ": " : "", err ? strerror(err) : "");
	_exit(1);
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static uint32_t draw(uint32_t n)
{
	static uint64_t seed = 1;

	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((seed >> 33) % n);
}

/* ------------------------------------------------------------------------
 * Queries
 */

static bool read_name(struct name *name, char *text, const char *address)
{
	uint8_t *p = name->wire;

	for (char *label = strtok(text, "."); label; label = strtok(NULL, ".")) {
		size_t len = strlen(label);

		if (p + 1 + len + 1 > name->wire + WIRE_MAX)
			return false;
		*p++ = (uint8_t)len;
		memcpy(p, label, len);
		p += len;
	}
	*p++ = 0;
	name->len = (uint8_t)(p - name->wire);
	return inet_pton(AF_INET, address, name->address) == 1;
}

static void read_names(void)
{
	FILE *file = fopen(setting("DNS_NAMES"), "r");
	char text[256], address[64];

	while (file && n_names < NAMES_MAX && fscanf(file, "%255s %63s", text, address) == 2)
		n_names += read_name(&names[n_names], text, address);
	if (!n_names)
		bench_die(0, "there are no names in DNS_NAMES");
	fclose(file);
}

/* A with an OPT of 1232 bytes. */
static uint16_t build_query(uint8_t *frame, uint32_t i)
{
	static const uint8_t head[] = { 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
	static const uint8_t tail[] = { 0, 1, 0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0 };
	uint8_t *ip = frame + UR_ETH_LEN, *udp = ip + UR_IPV4_LEN, *msg = udp + UR_UDP_LEN;
	const struct name *name = asked[i].name;
	uint16_t len = (uint16_t)(UR_UDP_LEN + DNS_HEADER + name->len + sizeof(tail));

	memcpy(frame, server_mac, 6);
	memcpy(frame + 6, client_mac, 6);
	ur_put_be16(frame + 12, UR_ETH_IPV4);
	memset(ip, 0, UR_IPV4_LEN);
	ip[0] = 0x45;
	ur_put_be16(ip + 2, (uint16_t)(UR_IPV4_LEN + len));
	ip[8] = 57;
	ip[9] = UR_IP_UDP;
	memcpy(ip + 12, asked[i].ip, 4);
	memcpy(ip + 16, server_ip, 4);
	ur_put_be16(ip + 10, ur_csum(ip, UR_IPV4_LEN));
	ur_put_be16(udp, asked[i].port);
	ur_put_be16(udp + 2, PORT);
	ur_put_be16(udp + 4, len);
	ur_put_be16(udp + 6, 0);
	ur_put_be16(msg, (uint16_t)(run.id + i));
	memcpy(msg + 2, head, sizeof(head));
	memcpy(msg + DNS_HEADER, name->wire, name->len);
	memcpy(msg + DNS_HEADER + name->len, tail, sizeof(tail));
	ur_put_be16(udp + 6, ur_csum_udp4(ip + 12, ip + 16, udp, len));
	return (uint16_t)(UR_ETH_LEN + UR_IPV4_LEN + len);
}

/* From anywhere: clients are behind a router. */
static void ask(uint32_t n)
{
	uint8_t frame[TRAFFIC_FRAME];

	run.id = (uint16_t)(run.id + run.burst);
	run.burst = n;
	run.answered = 0;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t ip[4] = { 198, (uint8_t)(18 + draw(2)), (uint8_t)draw(256),
					(uint8_t)(1 + draw(254)) };
		uint16_t len;

		asked[i].name = &names[draw(n_names)];
		memcpy(asked[i].ip, ip, 4);
		asked[i].port = (uint16_t)(1024 + draw(60000));
		len = build_query(frame, i);
		memcpy(traffic_place(&traffic, len), frame, len);
	}
	run.sent += n;
	traffic_go(&traffic);
}

/* ------------------------------------------------------------------------
 * Answers
 */

/* Is it the right answer to asked[i], from head to foot? */
static bool is_right(uint32_t i, const uint8_t *frame, const struct ur_udp *udp)
{
	const uint8_t *msg = udp->payload, *answer = msg + DNS_HEADER + asked[i].name->len + 4;
	const uint8_t *l4 = frame + udp->l4;

	return udp->family == 4 && udp->sport == PORT && udp->dport == asked[i].port &&
	       !memcmp(frame, client_mac, 6) && !memcmp(frame + 6, server_mac, 6) &&
	       !memcmp(udp->src, server_ip, 4) && !memcmp(udp->dst, asked[i].ip, 4) &&
	       !ur_csum(frame + udp->l3, UR_IPV4_LEN) && !udp->no_csum &&
	       !ur_csum_udp4(udp->src, udp->dst, l4, udp->payload_len + UR_UDP_LEN) &&
	       udp->payload_len >= (uint32_t)(answer - msg) + ANSWER &&
	       (ur_get_be16(msg + 2) & 0xfe0f) == 0x8400 && ur_get_be16(msg + 6) == 1 &&
	       !memcmp(msg + DNS_HEADER, asked[i].name->wire, asked[i].name->len) &&
	       ur_get_be16(answer + 2) == 1 &&
	       !memcmp(answer + ANSWER - 4, asked[i].name->address, 4);
}

static void collect(void)
{
	const uint8_t *frame;
	struct ur_udp udp;
	uint32_t len;

	while ((frame = traffic_came(&traffic, &len))) {
		uint16_t i;

		if (ur_parse_udp(frame, len, &udp) != UR_PARSE_OK || udp.payload_len < DNS_HEADER) {
			run.strange++;
			continue;
		}
		i = (uint16_t)(ur_get_be16(udp.payload) - run.id);
		if (i >= run.burst || !asked[i].name) {
			run.strange++;
			continue;
		}
		run.wrong += !is_right(i, frame, &udp);
		asked[i].name = NULL;
		run.answered++;
	}
}

/* ------------------------------------------------------------------------
 * Rows: for each length of a burst once to warm up, once to count
 */

static void print_row(void)
{
	FILE *file = fopen(setting("DNS_ROWS"), "a");

	if (!file)
		bench_die(0, "DNS_ROWS cannot be written");
	if (run.state == ENDED)
		fprintf(file, "end\n");
	else
		fprintf(file, "row %s A dns %u %u %u %u\n", setting("DNS_METHOD"), bursts[run.row],
			run.wanted, run.strange, run.wrong);
	fclose(file);
}

static void begin_row(void)
{
	run.wanted = run.counts ? (uint32_t)atoi(setting("DNS_QUERIES")) : WARM_UP;
	run.sent = run.wrong = run.strange = 0;
	if (run.counts)
		mark(MARK_BEGIN);
	mark(MARK_PAUSE);
}

static void end_row(void)
{
	mark(MARK_RESUME);
	if (run.counts) {
		mark(MARK_END);
		print_row();
		run.row++;
	}
	run.counts = !run.counts;
}

static void begin(void)
{
	if (access(setting("DNS_GO"), F_OK))
		return;
	unlink(setting("DNS_GO"));
	read_names();
	run.state = ASKING;
	begin_row();
	ask(bursts[0]);
	mark(MARK_RESUME);
}

static void end(void)
{
	run.state = ENDED;
	traffic_close(&traffic);
	print_row();
}

/* The server looks for work. */
static __attribute__((noinline)) void turn(void)
{
	if (run.state == WAITING)
		begin();
	if (run.state != ASKING)
		return;
	mark(MARK_PAUSE);
	collect();
	if (run.answered == run.burst) {
		if (run.sent >= run.wanted) {
			end_row();
			if (run.row == sizeof(bursts) / sizeof(bursts[0])) {
				end();
				return;
			}
			begin_row();
		}
		ask(bursts[run.row]);
	}
	mark(MARK_RESUME);
}

/* ------------------------------------------------------------------------
 * Calls
 */

#define REAL(call)	__typeof__(&call) real = (__typeof__(&call))(uintptr_t)real_##call
#define FIND(call)	real_##call = (uintptr_t)dlsym(RTLD_NEXT, #call)

static uintptr_t real_recvmmsg, real_recvfrom, real_epoll_wait, real_clock_gettime, real_poll;

/* The NIC is opened while there are rights; a server may fork, and give them up. */
static __attribute__((constructor)) void find_calls(void)
{
	traffic_open(&traffic, setting("DNS_TRAFFIC"));
	FIND(recvmmsg);
	FIND(recvfrom);
	FIND(epoll_wait);
	FIND(clock_gettime);
	FIND(poll);
}

/* Of a server on sockets: whoever receives works. */
int recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags, struct timespec *timeout)
{
	REAL(recvmmsg);

	works = true;
	turn();
	return real(fd, msgs, n, flags, timeout);
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
		 socklen_t *addr_len)
{
	REAL(recvfrom);

	works = true;
	turn();
	return real(fd, buf, len, flags, addr, addr_len);
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	REAL(epoll_wait);

	if (works)
		turn();
	/* an answer that has not left yet comes without a sign: look again soon */
	if (works && run.state == ASKING)
		timeout = 1;
	return real(fd, events, n, timeout);
}

static __attribute__((noinline)) bool is_queue(int fd)
{
	char path[64], node[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, node, sizeof(node) - 1) > 0 && strstr(node, "/userring");
}

/* Under another name: the C library says that poll() reads nothing of *fds. */
int poll_here(struct pollfd *fds, nfds_t n, int timeout) __asm__("poll");

/* Of urdns: the thread of a queue sleeps there, and looks at the clock in each round. */
int poll_here(struct pollfd *fds, nfds_t n, int timeout)
{
	REAL(poll);

	if (!works && n == 1)
		works = is_queue(fds->fd);
	return real(fds, n, timeout);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	REAL(clock_gettime);

	if (works)
		turn();
	return real(clock, t);
}
