// SPDX-License-Identifier: BSD-2-Clause
#include <inttypes.h>
#include <string.h>

#include "urctl.h"

static const struct {
	uint32_t flag;
	const char *name;
} features[] = {
	{ UR_FEATURE_RX_CSUM, "rx-csum" },
	{ UR_FEATURE_RX_VLAN, "rx-vlan" },
	{ UR_FEATURE_TX_VLAN, "tx-vlan" },
	{ UR_FEATURE_RX_HASH, "rx-hash" },
	{ UR_FEATURE_DIRECT,  "direct" },
};

#define N_FEATURES	(sizeof(features) / sizeof(features[0]))

static const char *state_name(uint32_t state)
{
	switch (state) {
	case UR_STATE_ATTACHED:
		return "attached";
	case UR_STATE_DOWN:
		return "down";
	case UR_STATE_GONE:
		return "gone";
	default:
		return "kernel";
	}
}

static bool queue_info(struct ur_port *port, uint32_t queue,
		       struct ur_queue_info *q)
{
	return ur_port_queue_info(port, queue, q) == 0;
}

/* ------------------------------------------------------------------------
 * Text
 */

static void link_text(const struct ur_port_info *info)
{
	if (!info->up)
		printf("down (ip link set %s up)", info->ifname);
	else if (!info->link_up)
		printf("up, no link");
	else if (info->link_mbps)
		printf("up, link %" PRIu32 " Mbit/s", info->link_mbps);
	else
		printf("up, link");
}

static void port_text(const char *node, const struct ur_port_info *info)
{
	size_t i;

	printf("%s  %s", node, info->ifname);
	if (info->pci[0])
		printf("  %s  %04x:%04x", info->pci, info->pci_vendor,
		       info->pci_device);
	printf("  %s\n  ", info->variant);
	link_text(info);
	printf(", MAC %02x:%02x:%02x:%02x:%02x:%02x, MTU %" PRIu32 "%s%s%s\n",
	       info->mac[0], info->mac[1], info->mac[2], info->mac[3],
	       info->mac[4], info->mac[5], info->mtu,
	       info->irq_mode[0] ? ", " : "", info->irq_mode,
	       info->promisc ? ", promiscuous" : "");
	printf("  features:");
	for (i = 0; i < N_FEATURES; i++)
		if (info->features & features[i].flag)
			printf(" %s", features[i].name);
	printf("\n");
}

static void queue_text(const struct ur_queue_info *q)
{
	const struct ur_counters *n = &q->count;

	if (!q->attached) {
		printf("  queue %" PRIu32 ": the kernel\n", q->queue);
	} else {
		printf("  queue %" PRIu32 ": process %" PRId32 " (%s), %s",
		       q->queue, q->pid, q->comm, state_name(q->state));
		if (q->sync_period_us)
			printf(", sync period %" PRIu32 " us",
			       q->sync_period_us);
		printf("\n    rings rx %" PRIu32 " tx %" PRIu32
		       ", posted %" PRIu32 ", pending %" PRIu32 "\n",
		       q->rx_size, q->tx_size, q->rx_posted, q->tx_pending);
	}
	printf("    rx %" PRIu64 " packets %" PRIu64 " bytes, tx %" PRIu64
	       " packets %" PRIu64 " bytes\n",
	       (uint64_t)n->rx_packets, (uint64_t)n->rx_bytes,
	       (uint64_t)n->tx_packets, (uint64_t)n->tx_bytes);
	printf("    refused rx %" PRIu64 " tx %" PRIu64 " index %" PRIu64
	       "; syncs %" PRIu64 " timer %" PRIu64 "; wakeups %" PRIu64
	       ", interrupts %" PRIu64 ", resets %" PRIu64 "\n",
	       (uint64_t)n->rx_refused, (uint64_t)n->tx_refused,
	       (uint64_t)n->index_refused, (uint64_t)n->syncs,
	       (uint64_t)n->timer_syncs, (uint64_t)n->wakeups,
	       (uint64_t)n->interrupts, (uint64_t)n->resets);
}

/* ------------------------------------------------------------------------
 * JSON
 */

static void port_json(struct json *json, const struct ur_port_info *info)
{
	char mac[18], id[10];
	size_t i;

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x",
		 info->mac[0], info->mac[1], info->mac[2], info->mac[3],
		 info->mac[4], info->mac[5]);
	snprintf(id, sizeof(id), "%04x:%04x", info->pci_vendor,
		 info->pci_device);
	json_str(json, "ifname", info->ifname);
	json_str(json, "pci", info->pci);
	json_str(json, "pci_id", id);
	json_str(json, "variant", info->variant);
	json_u64(json, "abi_version", info->abi_version);
	json_str(json, "mac", mac);
	json_bool(json, "up", info->up);
	json_bool(json, "link", info->link_up);
	json_u64(json, "link_mbps", info->link_mbps);
	json_u64(json, "mtu", info->mtu);
	json_bool(json, "promisc", info->promisc);
	json_str(json, "irq_mode", info->irq_mode);
	json_open_array(json, "features");
	for (i = 0; i < N_FEATURES; i++)
		if (info->features & features[i].flag)
			json_str(json, NULL, features[i].name);
	json_close_array(json);
}

static void queue_json(struct json *json, const struct ur_queue_info *q)
{
	const struct ur_counters *n = &q->count;

	json_open_object(json, NULL);
	json_u64(json, "queue", q->queue);
	json_str(json, "consumer", q->attached ? "process" : "kernel");
	if (q->attached) {
		json_u64(json, "pid", q->pid > 0 ? (uint64_t)q->pid : 0);
		json_str(json, "comm", q->comm);
		json_str(json, "state", state_name(q->state));
		json_u64(json, "rx_size", q->rx_size);
		json_u64(json, "tx_size", q->tx_size);
		json_u64(json, "rx_posted", q->rx_posted);
		json_u64(json, "tx_pending", q->tx_pending);
		json_u64(json, "sync_period_us", q->sync_period_us);
		json_u64(json, "epoch", q->epoch);
	}
	json_u64(json, "rx_packets", n->rx_packets);
	json_u64(json, "rx_bytes", n->rx_bytes);
	json_u64(json, "tx_packets", n->tx_packets);
	json_u64(json, "tx_bytes", n->tx_bytes);
	json_u64(json, "rx_refused", n->rx_refused);
	json_u64(json, "tx_refused", n->tx_refused);
	json_u64(json, "index_refused", n->index_refused);
	json_u64(json, "syncs", n->syncs);
	json_u64(json, "timer_syncs", n->timer_syncs);
	json_u64(json, "wakeups", n->wakeups);
	json_u64(json, "interrupts", n->interrupts);
	json_u64(json, "resets", n->resets);
	json_close_object(json);
}

/* ------------------------------------------------------------------------
 * Ports
 */

/* What /sys knows, when the node cannot be opened. */
static void from_sysfs(struct app *app, struct json *json, const char *node,
		       const char *why)
{
	char path[SYSFS_PATH], address[SYSFS_NAME];
	struct pci_dev dev;

	sysfs_link(sysfs_path(path, "/sys/class/userring/%s/device", node),
		   address);
	if (pci_read(&dev, address))
		memset(&dev, 0, sizeof(dev));
	if (app->json) {
		json_str(json, "ifname", dev.ifname);
		json_str(json, "pci", dev.address);
		json_str(json, "error", why);
	} else {
		printf("%s  %s  %s\n  %s\n", node, dev.ifname, dev.address,
		       why);
	}
}

static bool show_port(struct app *app, struct json *json, const char *node,
		      const char *name)
{
	struct ur_error err = { "" };
	struct ur_port_info info;
	struct ur_queue_info q;
	struct ur_port *port = NULL;
	bool ok = false;
	uint32_t i;

	if (app->json) {
		json_open_object(json, NULL);
		json_str(json, "node", node);
	}

	if (sysfs_root()[0] && node != name)
		snprintf(err.text, sizeof(err.text), "not opened: --root");
	else if (ur_port_open(&port, name, &err) == 0)
		ok = ur_port_info(port, &info) == 0;

	if (ok) {
		if (app->json) {
			port_json(json, &info);
			json_open_array(json, "queues");
		} else {
			port_text(node, &info);
		}
		for (i = 0; i < info.queues; i++) {
			if (!queue_info(port, i, &q))
				continue;
			if (app->json)
				queue_json(json, &q);
			else
				queue_text(&q);
		}
		if (app->json)
			json_close_array(json);
	} else {
		from_sysfs(app, json, node, err.text);
	}

	if (port)
		ur_port_close(port);
	if (app->json)
		json_close_object(json);
	return ok;
}

static const char *no_ports =
	"no NIC belongs to userring; urctl doctor says what to type";

/* One that was named.  Others than ports of the module have no node. */
static bool show_named(struct app *app, struct json *json)
{
	struct pci_dev dev;

	if (strncmp(app->device, "sim:", 4) == 0 ||
	    strncmp(app->device, "pcap:", 5) == 0)
		return show_port(app, json, app->device, app->device);

	if (pci_find(&dev, app->device)) {
		app_say(app, "there is no port %s; urctl status lists them",
			app->device);
		return false;
	}
	if (!dev.node[0]) {
		app_say(app, "%s belongs to %s, not to userring: sudo urctl bind %s",
			app->device, dev.driver[0] ? dev.driver : "no driver",
			app->device);
		return false;
	}
	return show_port(app, json, dev.node, app->device);
}

int urctl_status(struct app *app)
{
	struct name_list ports;
	char path[SYSFS_PATH], name[SYSFS_NAME + 8];
	struct json json;
	bool ok = true;
	size_t i;

	sysfs_list(sysfs_path(path, "/sys/class/userring"), &ports);

	if (app->json) {
		json_begin(&json, stdout);
		json_open_array(&json, "ports");
	}
	if (app->device) {
		ok = show_named(app, &json);
	} else {
		for (i = 0; i < ports.count; i++) {
			snprintf(name, sizeof(name), "/dev/%s", ports.name[i]);
			if (!show_port(app, &json, ports.name[i], name))
				ok = false;
		}
		if (!ports.count && !app->json)
			printf("%s\n", no_ports);
	}
	if (app->json) {
		json_close_array(&json);
		json_end(&json);
	}
	return ok ? APP_OK : APP_FAILED;
}

bool port_holder(const char *node, char *holder, size_t size)
{
	char name[SYSFS_NAME + 8];
	struct ur_port_info info;
	struct ur_queue_info q;
	struct ur_port *port;
	bool held = false;
	uint32_t i;

	if (!node[0] || sysfs_root()[0])
		return false;
	snprintf(name, sizeof(name), "/dev/%s", node);
	if (ur_port_open(&port, name, NULL))
		return false;
	if (ur_port_info(port, &info) == 0) {
		for (i = 0; i < info.queues && !held; i++) {
			held = queue_info(port, i, &q) && q.attached;
			if (held)
				snprintf(holder, size, "process %" PRId32 " (%.32s)",
					 q.pid, q.comm);
		}
	}
	ur_port_close(port);
	return held;
}
