/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses that Linux has for a port: its own, or, where it is a port of a
 * bond, a team or a bridge, the addresses of that.  A thread hears of changes and
 * reads them, so that no lane ever waits for the kernel's lists.
 */
#ifndef APPS_ADDRS_H
#define APPS_ADDRS_H

#include "common/common.h"
#include "common/netlink.h"
#include "common/reply.h"

#define ADDRS_TEXT	2048

/* As of one moment; whoever holds one may read it for as long as he likes. */
struct addr_list {
	uint32_t refs;
	uint8_t  mac[6];	/* that frames to these addresses have */
	uint32_t n;
	const struct echo_addr *primary4;
	/* what is to be known of them: sentences, each with its line end */
	char     text[ADDRS_TEXT];
	struct echo_addr addr[];	/* in the order of echo_addr_order() */
};

/* Return: NULL: no memory, or they cannot be read. */
struct addr_list *addrs_read(const struct ur_port_info *info);

/* The same, of what was read. */
struct addr_list *addrs_list(const struct nl_state *s,
			     const struct ur_port_info *info);
void addrs_put(struct addr_list *list);

struct addrs;

/*
 * Watches those of the app's port, and says what is to be known of them, now and
 * when it changes.  *addrs is NULL for a NIC in software, which answers for any.
 * Return: 0, or -1 after saying why.
 */
int addrs_open(struct addrs **addrs, const struct app *app);
void addrs_close(struct addrs *addrs);

/* Is there another list than the one that is held? */
bool addrs_changed(const struct addrs *addrs, const struct addr_list *held);

/*
 * Takes the list of now into *held, instead of what was held, and sets MAC and
 * addresses of cfg by it.
 */
void addrs_take(struct addrs *addrs, struct addr_list **held,
		struct echo_cfg *cfg);

#endif /* APPS_ADDRS_H */
