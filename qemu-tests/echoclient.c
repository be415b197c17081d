// SPDX-License-Identifier: GPL-2.0-only
/*
 * echoclient: an ordinary UDP socket of the host that talks to an echo server
 * on 127.0.0.1 and looks at every byte of every answer.
 *
 *	echoclient PORT COUNT	COUNT datagrams, 0: until SIGINT
 *
 * Prints rates once a second. Exit status: 0 every answer came back right, 1
 * not, 2 no server answered at all.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW		16	/* datagrams in flight */
#define PAYLOAD_MIN	18	/* of the payload: a frame of 60 bytes */
#define PAYLOAD_MAX	1472	/* and one of 1514 */
#define PATIENCE_MS	2000	/* for an answer */
#define NSEC		UINT64_C(1000000000)

struct datagram {
	bool out;
	uint64_t sent_at;
};

static struct datagram window[WINDOW];
static uint64_t sent, right, wrong, lost, flying;
static uint64_t rtt_sum, rtt_count;
static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

/* Datagram number seq: its number, then bytes that follow from it. */
static size_t build(uint8_t *data, uint64_t seq)
{
	size_t size = PAYLOAD_MIN + (seq * 97) % (PAYLOAD_MAX - PAYLOAD_MIN + 1);
	uint64_t x = (seq + 1) * 0x9e3779b97f4a7c15ull;
	size_t i;

	memcpy(data, &seq, sizeof(seq));
	for (i = sizeof(seq); i < size; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		data[i] = (uint8_t)(x >> 56);
	}
	return size;
}

static void send_one(int fd)
{
	struct datagram *d = &window[sent % WINDOW];
	uint8_t data[PAYLOAD_MAX];
	size_t size = build(data, sent);

	if (send(fd, data, size, 0) != (ssize_t)size && errno != ECONNREFUSED) {
		perror("echoclient: send");
		exit(1);
	}
	d->out = true;
	d->sent_at = now_ns();
	flying++;
	sent++;
}

static void receive_one(int fd)
{
	uint8_t data[PAYLOAD_MAX + 1], want[PAYLOAD_MAX];
	ssize_t size = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	struct datagram *d;
	uint64_t seq;

	if (size < 0)
		return;
	if (size < PAYLOAD_MIN) {
		wrong++;
		return;
	}
	memcpy(&seq, data, sizeof(seq));
	d = &window[seq % WINDOW];
	if (seq >= sent || sent - seq > WINDOW || !d->out ||
	    build(want, seq) != (size_t)size ||
	    memcmp(data, want, (size_t)size)) {
		wrong++;
		return;
	}
	d->out = false;
	flying--;
	right++;
	rtt_sum += now_ns() - d->sent_at;
	rtt_count++;
}

/* Gives up on what is too old. */
static void expire(void)
{
	uint64_t limit = PATIENCE_MS * UINT64_C(1000000);
	uint64_t now = now_ns();
	int i;

	for (i = 0; i < WINDOW; i++) {
		if (window[i].out && now - window[i].sent_at > limit) {
			window[i].out = false;
			flying--;
			lost++;
		}
	}
}

static void rates(void)
{
	static uint64_t last, last_right;
	uint64_t now = now_ns();

	if (!last)
		last = now;
	if (now - last < NSEC)
		return;
	printf("host: %" PRIu64 " answers/s, %" PRIu64 " right, %" PRIu64
	       " wrong, %" PRIu64 " lost, round trip %" PRIu64 " us\n",
	       (right - last_right) * NSEC / (now - last), right, wrong, lost,
	       rtt_count ? rtt_sum / rtt_count / 1000 : 0);
	fflush(stdout);
	last = now;
	last_right = right;
	rtt_sum = rtt_count = 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct sigaction act = { .sa_handler = on_signal };
	struct pollfd pfd;
	uint64_t count;

	if (argc != 3) {
		fprintf(stderr, "usage: echoclient PORT COUNT\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	count = strtoull(argv[2], NULL, 10);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);

	pfd.fd = socket(AF_INET, SOCK_DGRAM, 0);
	pfd.events = POLLIN;
	if (pfd.fd < 0 || connect(pfd.fd, (struct sockaddr *)&to, sizeof(to))) {
		perror("echoclient");
		return 2;
	}
	while (!stop && (!count || right + wrong + lost < count)) {
		while (flying < WINDOW && (!count || sent < count) &&
		       !window[sent % WINDOW].out)
			send_one(pfd.fd);
		if (poll(&pfd, 1, 20) > 0)
			receive_one(pfd.fd);
		expire();
		rates();
		if (lost && !right)
			break;
	}
	printf("host: %" PRIu64 " datagrams sent, %" PRIu64 " answers right, %"
	       PRIu64 " wrong, %" PRIu64 " lost\n", sent, right, wrong, lost);
	if (!right)
		return 2;
	return wrong || lost || (count && right != count);
}
