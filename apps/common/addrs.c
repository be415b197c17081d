// SPDX-License-Identifier: BSD-2-Clause
#include "common/addrs.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static int prefix_of(const uint8_t *mask, int len)
{
	int bits = 0;

	while (bits < len * 8 && mask[bits / 8] >> (7 - bits % 8) & 1)
		bits++;
	return bits;
}

/* IP and mask of an address; NULL for other families. */
static const uint8_t *bytes_of(const struct sockaddr *addr)
{
	switch (addr ? addr->sa_family : AF_UNSPEC) {
	case AF_INET:
		return (const uint8_t *)
			&((const struct sockaddr_in *)(const void *)addr)->sin_addr;
	case AF_INET6:
		return (const uint8_t *)
			&((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
	default:
		return NULL;
	}
}

static void add(struct echo_cfg *cfg, const struct ifaddrs *a)
{
	struct echo_addr *addr = &cfg->addrs[cfg->n_addrs];
	const uint8_t *ip = bytes_of(a->ifa_addr);
	const uint8_t *mask = bytes_of(a->ifa_netmask);
	int len;

	if (!ip || cfg->n_addrs == ECHO_MAX_ADDRS)
		return;
	memset(addr, 0, sizeof(*addr));
	addr->version = a->ifa_addr->sa_family == AF_INET ? 4 : 6;
	len = addr->version == 4 ? 4 : 16;
	memcpy(addr->ip, ip, (size_t)len);
	addr->prefix = mask ? prefix_of(mask, len) : len * 8;
	cfg->n_addrs++;
}

void echo_addrs(struct echo_cfg *cfg, const char *ifname)
{
	struct ifaddrs *list, *a;

	cfg->any_addr = !ifname[0];
	if (!ifname[0] || getifaddrs(&list))
		return;
	cfg->n_addrs = 0;
	for (a = list; a; a = a->ifa_next)
		if (strcmp(a->ifa_name, ifname) == 0)
			add(cfg, a);
	freeifaddrs(list);
}
