/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device that goes and comes back: taken from the driver, pulled out of its slot,
 * plugged in again. 0 when well, -errno otherwise.
 */
#ifndef USERRING_TESTS_GONE_H
#define USERRING_TESTS_GONE_H

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "port.h"
#include "raw.h"

#define GONE_MS	10000	/* the guest's part takes a second at most */

/* "bind" and "unbind" of a driver in sysfs. */
static inline int tell(const struct port *port, const char *driver, const char *what)
{
	return write_line(port->pci, "/sys/bus/pci/drivers/%s/%s", driver, what);
}

static inline bool present(const struct port *port)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", port->pci);
	return !access(path, F_OK);
}

/* What a process that had the device finds when it has gone: how much is wrong. */
static inline int check_gone(struct raw_queue *q)
{
	struct ur_pool_create pc = raw_pool_args(2048, 64);
	struct ur_attach at = raw_attach_args(q->pool, 64, 64);
	struct pollfd pfd = { .fd = q->node, .events = POLLIN | POLLOUT };
	struct ur_port_info info;
	struct ur_adopt adopt = { .argsz = sizeof(adopt) };
	struct ur_queue_info queue;
	int wrong = 0;

	wrong += raw_sync(q, 0) != -ENODEV;
	wrong += raw_sync(q, UR_SYNC_ARM_RX) != -ENODEV;
	wrong += raw_info(q->node, &info) != -ENODEV;
	wrong += raw_queue_info(q->node, 0, &queue) != -ENODEV;
	wrong += raw_call(q->node, UR_IOC_POOL_CREATE, &pc) != -ENODEV;
	wrong += raw_call(q->node, UR_IOC_ADOPT, &adopt) != -ENODEV;
	wrong += raw_load(&q->k->state) != UR_STATE_GONE;
	wrong += poll(&pfd, 1, 0) != 1 || pfd.revents != (POLLHUP | POLLERR);
	/* attached, or the device is gone: this file gets nothing any more */
	wrong += raw_call(q->node, UR_IOC_ATTACH, &at) == 0;
	/* its memory is all there, and the kernel takes no harm if it is written to */
	memset(q->slots, 0x42, q->pc.size);
	for (size_t i = 0; i < q->pc.size; i++)
		wrong += q->slots[i] != 0x42;
	memset(q->u, 0xff, q->at.user.size);
	for (uint32_t i = 0; i < q->at.rx_size; i++)
		(void)*(volatile uint64_t *)&q->rx_desc[i];
	for (uint32_t i = 0; i < q->at.tx_size; i++)
		(void)*(volatile uint64_t *)&q->tx_desc[i];
	return wrong;
}

/* QEMU has the device still, a little longer than the guest. */
static inline bool qemu_has(const char *nic)
{
	char reply[1024], entry[32];

	snprintf(entry, sizeof(entry), "%s (", nic);
	return !far(reply, sizeof(reply), "hmp qom-list /machine/peripheral") &&
	       strstr(reply, entry);
}

/*
 * Out of its slot, with whoever has it; returns when neither the guest nor QEMU knows it
 * any more. A device_add before that is refused, and then QEMU waits for a moment in
 * which the guest's CPUs rest: for ever, if something polls there.
 */
static inline int unplug(const struct port *port, const char *nic)
{
	int64_t end = now_ms() + at_most_ms(GONE_MS);
	char reply[512];
	int err = far(reply, sizeof(reply), "hmp device_del %s", nic);

	if (!err && strcmp(reply, "text=")) {
		printf("# device_del %s: %s\n", nic, reply);
		err = -EIO;
	}
	while (!err && (present(port) || qemu_has(nic))) {
		if (now_ms() > end)
			return -ETIMEDOUT;
		sleep_ms(5);
	}
	return err;
}

/*
 * In again, on the same wire, with the same MAC address. The driver takes it by
 * itself; the interface may have another name than before, and it is down.
 */
static inline int replug(struct port *port, const char *nic)
{
	int64_t end = now_ms() + at_most_ms(GONE_MS);
	char reply[512], slot[64], model[32];
	int err;

	snprintf(model, sizeof(model), "%s",
		 boot_option(strcmp(nic, "nic2") ? "nic" : "nic2_model"));
	if (strncmp(port->pci, "0000:00:", 8))
		snprintf(slot, sizeof(slot), "rp%c,addr=0", nic[3]);
	else
		snprintf(slot, sizeof(slot), "pci.0,addr=%.2s", port->pci + 8);
	err = far(reply, sizeof(reply), "hmp device_add %s,id=%s,netdev=net%c,bus=%s,"
		  "mac=52:54:00:75:72:0%c,romfile=", model, nic, nic[3], slot, nic[3]);
	if (!err && strcmp(reply, "text="))
		err = -EIO;
	if (err) {
		printf("# device_add %s: %s\n", nic, reply);
		return err;
	}
	while (port_find(port, nic)) {
		if (now_ms() > end)
			return -ETIMEDOUT;
		sleep_ms(5);
	}
	return 0;
}

#endif /* USERRING_TESTS_GONE_H */
