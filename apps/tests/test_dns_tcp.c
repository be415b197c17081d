// SPDX-License-Identifier: BSD-2-Clause
/* Does urdns see what listens for TCP, and say that nothing does? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/addrs.h"
#include "urdns/urdns.h"

static const uint8_t any[16], loopback4[16] = { 127, 0, 0, 1 },
	other4[16] = { 127, 0, 0, 2 }, loopback6[16] = { [15] = 1 },
	mapped4[16] = { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 };

static struct addr_list *list_of(const uint8_t *ip4, const uint8_t *ip6)
{
	struct addr_list *list = calloc(1, sizeof(*list) + 2 * sizeof(list->addr[0]));

	assert_non_null(list);
	list->addr[list->n].version = 4;
	memcpy(list->addr[list->n++].ip, ip4, 16);
	if (ip6) {
		list->addr[list->n].version = 6;
		memcpy(list->addr[list->n++].ip, ip6, 16);
	}
	return list;
}

/* Return: -1: this machine has no IPv6. */
static int bind_to(int family, const uint8_t *ip, uint16_t *port)
{
	struct sockaddr_in6 at6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in at4 = { .sin_family = AF_INET };
	struct sockaddr *at = family == AF_INET ? (void *)&at4 : (void *)&at6;
	socklen_t len = family == AF_INET ? sizeof(at4) : sizeof(at6);
	int fd = socket(family, SOCK_STREAM, 0);

	memcpy(&at4.sin_addr, ip, sizeof(at4.sin_addr));
	memcpy(&at6.sin6_addr, ip, sizeof(at6.sin6_addr));
	if (family == AF_INET6 && (fd < 0 || bind(fd, at, len))) {
		close(fd);
		return -1;
	}
	if (family == AF_INET)
		assert_int_equal(bind(fd, at, len), 0);
	assert_int_equal(getsockname(fd, at, &len), 0);
	*port = ntohs(family == AF_INET ? at4.sin_port : at6.sin6_port);
	return fd;
}

static bool listens(const struct addr_list *list, uint16_t port)
{
	bool known;

	return dns_tcp_listens("/proc/net/tcp", list, port, &known) ||
	       dns_tcp_listens("/proc/net/tcp6", list, port, &known);
}

static void test_listens(void **state)
{
	const struct {
		int family;
		const uint8_t *ip;
		bool of_other;
	} at[] = {
		{ AF_INET, loopback4, false }, { AF_INET, any, true },
		{ AF_INET6, loopback6, false }, { AF_INET6, any, true },
		{ AF_INET6, mapped4, false },
	};
	struct addr_list *ours = list_of(loopback4, loopback6);
	struct addr_list *other = list_of(other4, NULL);
	bool known = true;
	uint16_t port = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		int fd = bind_to(at[i].family, at[i].ip, &port);

		if (fd < 0)
			continue;
		/* it is bound, but does not listen */
		assert_false(listens(ours, port));
		assert_int_equal(listen(fd, 1), 0);
		assert_true(listens(ours, port));
		assert_false(listens(ours, (uint16_t)(port ^ 1)));
		assert_int_equal(listens(other, port), at[i].of_other);
		close(fd);
		assert_false(listens(ours, port));
	}
	assert_false(dns_tcp_listens("/nonexistent/tcp", ours, port, &known));
	assert_false(known);
	free(ours);
	free(other);
}

/* What is written to standard error meanwhile. */
static const char *says(const struct dns_server *server)
{
	static char text[400];
	FILE *file = tmpfile();
	int saved = dup(2);
	size_t len;

	assert_non_null(file);
	dup2(fileno(file), 2);
	dns_say_tcp(server);
	dup2(saved, 2);
	close(saved);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

/* It is said where there are addresses, and nothing listens. */
static void test_said(void **state)
{
	static struct dns_server server;
	struct addr_list *list = list_of(loopback4, NULL);
	int fd = bind_to(AF_INET, loopback4, &server.port);

	(void)state;
	server.all.app.device = "eth1";
	assert_string_equal(says(&server), "");
	server.lane[0].list = list;
	assert_non_null(strstr(says(&server), "nothing listens on TCP port"));
	assert_non_null(strstr(says(&server), "eth1's addresses"));
	assert_int_equal(listen(fd, 1), 0);
	assert_string_equal(says(&server), "");
	close(fd);
	list->n = 0;
	assert_string_equal(says(&server), "");
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listens),
		cmocka_unit_test(test_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
