/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The far end's services as a client of the kernel's network stack sees them, by
 * way of NIC 1: ping, PUT, GET, ECHO. 0 or a value >= 0 when well, -errno otherwise.
 */
#ifndef USERRING_TESTS_NET_H
#define USERRING_TESTS_NET_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../pattern.h"
#include "ctl.h"
#include "port.h"

#define HOST	"10.0.2.2"

/* Ping until an answer comes, once a second: microseconds, -ETIMEDOUT. */
static inline int net_ping(const char *host, int bytes, int timeout_ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	static uint8_t out[8192], in[8192 + 60];
	struct icmphdr *icmp = (struct icmphdr *)out;
	static uint16_t sequence;
	int64_t end = now_ms() + at_most_ms(timeout_ms), sent;
	size_t size = sizeof(*icmp) + (size_t)bytes;
	int sock, ret = -ETIMEDOUT;
	uint16_t sum;

	inet_pton(AF_INET, host, &to.sin_addr);
	sock = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (sock < 0)
		return -errno;
	while (ret == -ETIMEDOUT && now_ms() < end) {
		memset(icmp, 0, sizeof(*icmp));
		icmp->type = ICMP_ECHO;
		icmp->un.echo.id = htons((uint16_t)getpid());
		icmp->un.echo.sequence = htons(++sequence);
		for (size_t i = sizeof(*icmp); i < size; i++)
			out[i] = (uint8_t)(i + sequence);
		sum = pat_fold(pat_sum(out, size, 0));
		icmp->checksum = sum;
		sent = now_us();
		/* no route yet, no ARP answer: a later one may come through */
		if (sendto(sock, out, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			sleep_ms(10);
		while (ret == -ETIMEDOUT && now_us() < sent + 1000000 && now_ms() < end) {
			struct pollfd pfd = { .fd = sock, .events = POLLIN };
			ssize_t n;
			size_t head;

			if (poll(&pfd, 1, 50) <= 0)
				continue;
			n = recv(sock, in, sizeof(in), MSG_DONTWAIT);
			head = n > 0 ? (size_t)(in[0] & 15) * 4 : 0;
			/* type and checksum differ in an echo reply, the rest is ours */
			if (n == (ssize_t)(head + size) && in[head] == ICMP_ECHOREPLY &&
			    !memcmp(in + head + 4, out + 4, size - 4))
				ret = (int)(now_us() - sent);
		}
	}
	close(sock);
	return ret;
}

/* A connection to the far end's TCP service; calls on it end after 20 s. */
static inline int net_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval limit = { .tv_sec = 20 };
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (sock < 0)
		return -errno;
	inet_pton(AF_INET, HOST, &to.sin_addr);
	to.sin_port = htons((uint16_t)atoi(boot_option("tcp_port")));
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(sock, (struct sockaddr *)&to, sizeof(to))) {
		err = -errno;
		close(sock);
		return err;
	}
	return sock;
}

static inline int net_write(int sock, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = send(sock, p, len, MSG_NOSIGNAL);

		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static inline int net_read(int sock, void *data, size_t len)
{
	ssize_t n = recv(sock, data, len, MSG_WAITALL);

	return n < 0 ? -errno : n == (ssize_t)len ? 0 : -EPIPE;
}

/* The 17 characters that end PUT and GET. */
static inline int net_read_sum(int sock, uint64_t *sum)
{
	char line[18] = { 0 };
	int err = net_read(sock, line, 17);

	*sum = strtoull(line, NULL, 16);
	return err;
}

/* Checksums: of what we sent, and of what the far end got. */
static inline int net_put(uint64_t bytes, uint64_t *mine, uint64_t *theirs)
{
	static uint8_t chunk[1 << 20];
	char line[64];
	int sock = net_connect(), err;

	if (sock < 0)
		return sock;
	pat_stream(chunk, 0, sizeof(chunk));
	*mine = PAT_FNV_START;
	snprintf(line, sizeof(line), "PUT %ju\n", (uintmax_t)bytes);
	err = net_write(sock, line, strlen(line));
	while (!err && bytes) {
		size_t len = bytes < sizeof(chunk) ? bytes : sizeof(chunk);

		/* chunks differ, so that none can stand for another */
		memcpy(chunk, &bytes, sizeof(bytes));
		*mine = pat_fnv1a(*mine, chunk, len);
		err = net_write(sock, chunk, len);
		bytes -= len;
	}
	if (!err)
		err = net_read_sum(sock, theirs);
	close(sock);
	return err;
}

/* Checksums: of what we got, and of what the far end sent. */
static inline int net_get(uint64_t bytes, uint64_t *mine, uint64_t *theirs)
{
	static uint8_t chunk[1 << 16];
	char line[64];
	int sock = net_connect(), err;

	if (sock < 0)
		return sock;
	*mine = PAT_FNV_START;
	snprintf(line, sizeof(line), "GET %ju\n", (uintmax_t)bytes);
	err = net_write(sock, line, strlen(line));
	while (!err && bytes) {
		size_t len = bytes < sizeof(chunk) ? bytes : sizeof(chunk);

		err = net_read(sock, chunk, len);
		*mine = pat_fnv1a(*mine, chunk, len);
		bytes -= len;
	}
	if (!err)
		err = net_read_sum(sock, theirs);
	close(sock);
	return err;
}

/* From now on every line comes back. */
static inline int net_echo_open(void)
{
	int sock = net_connect(), err;

	if (sock < 0)
		return sock;
	err = net_write(sock, "ECHO\n", 5);
	if (err)
		close(sock);
	return err ? err : sock;
}

static inline int net_echo(int sock, unsigned int number)
{
	char line[64], back[64];
	size_t len;
	int err;

	len = (size_t)snprintf(line, sizeof(line), "line %u of a connection that lives\n", number);
	err = net_write(sock, line, len);
	if (!err)
		err = net_read(sock, back, len);
	if (!err && memcmp(line, back, len))
		err = -EBADMSG;
	return err;
}

#endif /* USERRING_TESTS_NET_H */
