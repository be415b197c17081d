// SPDX-License-Identifier: BSD-2-Clause
/* Is there a server for TCP beside us?  Truncated replies send resolvers there. */
#include <stdio.h>
#include <string.h>

#include "common/addrs.h"
#include "urdns/urdns.h"

#define LISTENS		0x0a	/* TCP_LISTEN, as the kernel prints it */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/*
 * An address as /proc/net/tcp has it: words in the order of this machine.  What listens on
 * all addresses of IPv6 most often does so on those of IPv4 as well.
 */
static bool is_ours(const struct addr_list *list, const char *hex)
{
	static const uint8_t any[16];
	const uint32_t words = strlen(hex) == 8 ? 1 : 4;
	const uint8_t *ip;
	uint32_t word[4], i;

	for (i = 0; i < words; i++)
		if (sscanf(hex + 8 * i, "%8x", &word[i]) != 1)
			return false;
	ip = (const uint8_t *)word;
	if (memcmp(ip, any, 4 * words) == 0)
		return true;
	if (words == 1)
		return echo_addr_find(list->addr, list->n, 4, ip);
	if (memcmp(ip, mapped, sizeof(mapped)) == 0)
		return memcmp(ip + 12, any, 4) == 0 ||
		       echo_addr_find(list->addr, list->n, 4, ip + 12);
	return echo_addr_find(list->addr, list->n, 6, ip);
}

bool dns_tcp_listens(const char *table, const struct addr_list *list,
		     uint16_t port, bool *known)
{
	FILE *file = fopen(table, "re");
	unsigned int at, state;
	char line[512], hex[33];
	bool found = false;

	*known = file;
	while (file && !found && fgets(line, sizeof(line), file))
		if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x",
			   hex, &at, &state) == 3)
			found = state == LISTENS && at == port &&
				(strlen(hex) == 8 || strlen(hex) == 32) &&
				is_ours(list, hex);
	if (file)
		fclose(file);
	return found;
}

void dns_say_tcp(const struct dns_server *s)
{
	static const char *const tables[] = { "/proc/net/tcp", "/proc/net/tcp6" };
	const struct addr_list *list = s->lane[0].list;
	bool known, any = false;
	uint32_t i;

	/* a NIC in software, or one that has no addresses yet */
	if (!list || !list->n)
		return;
	for (i = 0; i < 2; i++) {
		if (dns_tcp_listens(tables[i], list, s->port, &known))
			return;
		any |= known;
	}
	if (any)
		app_say(&s->all.app, "nothing listens on TCP port %u of %s's addresses: who gets a truncated reply asks there, and fails",
			s->port, s->all.app.device);
}
