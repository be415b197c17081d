/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interfaces and addresses of this network namespace, by rtnetlink: by index,
 * so that labels and renames do not matter, with what lies on what.
 */
#ifndef APPS_NETLINK_H
#define APPS_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/reply.h"

struct nl_link {
	uint32_t index;
	uint32_t master;	/* whose port it is; 0: nobody's */
	uint32_t lower;		/* what it lies on, as a VLAN does; 0: nothing here */
	bool     idle;		/* as a port: its master takes no packets from it */
	bool     filters_vlans;	/* a bridge */
	uint8_t  mac[6];
	char     name[IF_NAMESIZE];
	char     kind[16];	/* bond, bridge, vlan, ...; "" of hardware */
	char     device[64];	/* its PCI address */
};

/* An address that may be answered for. */
struct nl_addr {
	uint32_t link;
	struct echo_addr addr;
};

struct nl_state {
	struct nl_link *link;
	struct nl_addr *addr;
	uint32_t links, addrs;
};

/* Reads all of it.  Return: 0 or -errno; freed by nl_free() either way. */
int nl_read(struct nl_state *s);
void nl_free(struct nl_state *s);

/* NULL: there is none of that index. */
const struct nl_link *nl_link(const struct nl_state *s, uint32_t index);

/*
 * A socket that becomes readable when any of it changes; nl_news() empties it.
 * Return: it, or -errno.
 */
int nl_watch(void);
void nl_news(int fd);

#endif /* APPS_NETLINK_H */
