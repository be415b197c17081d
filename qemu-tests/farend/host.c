// SPDX-License-Identifier: GPL-2.0-only
/*
 * On the host's own stack: a client of the echo service on the guest's NIC 1, and a TCP
 * service for the guest.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "farend.h"

static struct echo_client client;
static pthread_mutex_t client_lock = PTHREAD_MUTEX_INITIALIZER;

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

bool client_start(const struct echo_client *c)
{
	bool free;

	pthread_mutex_lock(&client_lock);
	free = !client.running;
	if (free)
		client = *c;
	pthread_mutex_unlock(&client_lock);
	if (free)
		start_thread(client_thread, NULL);
	return free;
}

void client_look(struct echo_client *c)
{
	pthread_mutex_lock(&client_lock);
	*c = client;
	pthread_mutex_unlock(&client_lock);
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

void *serve_connection(void *arg)
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

int listen_tcp(void)
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
