/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A look at a port: all that can be known of it and its queues at one moment,
 * for whoever may read its node.
 */
#ifndef APPS_LOOK_H
#define APPS_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include <libuserring.h>

#include "common/json.h"
#include "urctl/sysfs.h"

#define LOOK_QUEUES	16

/* What ethtool -S has and the contract has not. */
struct look_hw {
	bool     known;
	uint64_t rx_packets;	/* that the NIC took, whoever consumed them */
	uint64_t rx_missed;
	uint64_t rx_no_buffer;
	uint64_t tap_dropped;	/* all queues */
	uint64_t taken;		/* times that the watchdog took a queue back */
};

struct look {
	char     node[SYSFS_NAME];	/* userring0 */
	uint64_t at;			/* ns, CLOCK_MONOTONIC */
	uint32_t n_queues;
	struct ur_port_info port;
	struct ur_queue_info queue[LOOK_QUEUES];
	struct look_hw hw;
};

/*
 * Looks at a node by its name.  The node is open for that long only, so that
 * nobody who watches a port keeps the module from being unloaded.
 *
 * Return: 0, or -errno: -ENOENT and -ENODEV, it is gone; -EPROTO, another
 * version of the contract.
 */
int look_at(struct look *look, const char *node);

/* The same of a port that is open: sim: has no node. */
int look_at_port(struct look *look, struct ur_port *port);

/* How a process is called, without what a terminal would take for orders. */
const char *look_comm(const struct ur_queue_info *q, char buf[UR_NAME_LEN]);

const char *look_state(uint32_t state);

/* The end of a word for so many. */
const char *look_s(uint64_t n);

/* All counters of the hardware, into an object that is open. */
void look_hw_json(struct json *json, const struct look_hw *hw);

/* All fields of a queue, into an object that is open. */
void look_queue_json(struct json *json, const struct ur_queue_info *q);

#endif /* APPS_LOOK_H */
