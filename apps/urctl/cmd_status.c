// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "urctl/look.h"
#include "urctl/persist.h"
#include "urctl/self.h"
#include "urctl/urctl.h"

static const struct {
	uint32_t flag;
	const char *name;
} features[] = {
	{ UR_FEATURE_RX_CSUM, "rx-csum" },
	{ UR_FEATURE_RX_VLAN, "rx-vlan" },
	{ UR_FEATURE_TX_VLAN, "tx-vlan" },
	{ UR_FEATURE_RX_HASH, "rx-hash" },
	{ UR_FEATURE_DIRECT,  "direct" },
	{ UR_FEATURE_HOST,    "host" },
};

#define N_FEATURES	(sizeof(features) / sizeof(features[0]))

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

static void hw_text(const struct look_hw *hw)
{
	if (hw->known)
		printf("  nic received %" PRIu64 " packet%s, missed %" PRIu64
		       ", no buffer %" PRIu64 "; tap lost %" PRIu64
		       "; watchdog took %" PRIu64 " queue%s back\n",
		       hw->rx_packets, look_s(hw->rx_packets), hw->rx_missed,
		       hw->rx_no_buffer, hw->tap_dropped, hw->taken,
		       look_s(hw->taken));
}

/* Is it bound at each boot, and by what? */
static void boot_text(const char *address)
{
	char instance[SYSFS_NAME];
	struct pci_dev dev;

	if (pci_read(&dev, address))
		return;
	persist_of(&dev, instance);
	if (instance[0])
		printf("  bound at each boot, by userring@%s.service\n",
		       instance);
	else
		printf("  bound until the next boot\n");
}

static void rings_text(const struct ur_queue_info *q)
{
	printf("    rings rx %" PRIu32 " tx %" PRIu32 ", posted %" PRIu32
	       ", pending %" PRIu32 "; waiting rx %" PRIu32 " fill %" PRIu32
	       " tx %" PRIu32 "\n", q->rx_size, q->tx_size, q->rx_posted,
	       q->tx_pending, q->rx_waiting, q->fill_waiting, q->tx_waiting);
}

/* Where a thread of the queue is best placed. */
static void place_text(const struct ur_queue_info *q)
{
	if (q->irq < 0)
		return;
	printf("    interrupt %" PRId32, q->irq);
	if (q->irq_cpu >= 0)
		printf(" on CPU %" PRId32, q->irq_cpu);
	if (q->numa_node >= 0)
		printf(", NUMA node %" PRId32, q->numa_node);
	printf("\n");
}

static void queue_text(const struct ur_queue_info *q)
{
	const struct ur_counters *n = &q->count;
	char comm[UR_NAME_LEN];

	if (!q->attached) {
		printf("  queue %" PRIu32 ": the kernel\n", q->queue);
	} else {
		printf("  queue %" PRIu32 ": process %" PRId32 " (%s), %s",
		       q->queue, q->pid, look_comm(q, comm),
		       look_state(q->state));
		if (q->sync_period_us)
			printf(", sync period %" PRIu32 " us",
			       q->sync_period_us);
		if (q->watchdog_ms)
			printf(", watchdog %" PRIu32 " ms", q->watchdog_ms);
		printf("%s\n", q->tapped ? ", tapped" : "");
		rings_text(q);
	}
	place_text(q);
	printf("    rx %" PRIu64 " packet%s %" PRIu64 " byte%s, tx %" PRIu64
	       " packet%s %" PRIu64 " byte%s, host %" PRIu64 " packet%s\n",
	       (uint64_t)n->rx_packets, look_s(n->rx_packets),
	       (uint64_t)n->rx_bytes, look_s(n->rx_bytes),
	       (uint64_t)n->tx_packets, look_s(n->tx_packets),
	       (uint64_t)n->tx_bytes, look_s(n->tx_bytes),
	       (uint64_t)n->host_packets, look_s(n->host_packets));
	printf("    refused rx %" PRIu64 " tx %" PRIu64 " index %" PRIu64
	       ", host dropped %" PRIu64 "; syncs %" PRIu64 " timer %" PRIu64
	       "; wakeups %" PRIu64 ", interrupts %" PRIu64 ", resets %" PRIu64
	       "\n",
	       (uint64_t)n->rx_refused, (uint64_t)n->tx_refused,
	       (uint64_t)n->index_refused, (uint64_t)n->host_dropped,
	       (uint64_t)n->syncs, (uint64_t)n->timer_syncs,
	       (uint64_t)n->wakeups, (uint64_t)n->interrupts,
	       (uint64_t)n->resets);
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

static void boot_json(struct json *json, const char *address)
{
	char instance[SYSFS_NAME] = "";
	struct pci_dev dev;

	if (pci_read(&dev, address) == 0)
		persist_of(&dev, instance);
	json_bool(json, "persistent", instance[0]);
}

static void hw_json(struct json *json, const struct look_hw *hw)
{
	if (!hw->known)
		return;
	json_open_object(json, "hardware");
	look_hw_json(json, hw);
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
		boot_json(json, dev.address);
		json_str(json, "error", why);
	} else {
		printf("%s  %s  %s\n  %s\n", node, dev.ifname, dev.address,
		       why);
		boot_text(dev.address);
	}
}

/* Why a node could not be looked at. */
static void why_not(char *text, size_t size, const char *node, int err)
{
	if (err == -EACCES || err == -EPERM)
		snprintf(text, size, "you may not read /dev/%s; urctl doctor says what to type",
			 node);
	else if (err == -EPROTO)
		snprintf(text, size, "the module speaks another contract than this program: build both from the same sources");
	else
		snprintf(text, size, "/dev/%s: %s", node, ur_strerror(err));
}

static void show_queues(struct app *app, struct json *json,
			const struct look *look)
{
	uint32_t i;

	if (app->json)
		json_open_array(json, "queues");
	for (i = 0; i < look->n_queues; i++) {
		if (!app->json) {
			queue_text(&look->queue[i]);
			continue;
		}
		json_open_object(json, NULL);
		look_queue_json(json, &look->queue[i]);
		json_close_object(json);
	}
	if (app->json)
		json_close_array(json);
}

static bool show_node(struct app *app, struct json *json, const char *node)
{
	char why[256] = "not opened: --root";
	struct look look;
	int err = -EINVAL;

	if (app->json) {
		json_open_object(json, NULL);
		json_str(json, "node", node);
	}
	if (!sysfs_root()[0]) {
		err = look_at(&look, node);
		why_not(why, sizeof(why), node, err);
	}
	if (err) {
		from_sysfs(app, json, node, why);
	} else if (app->json) {
		port_json(json, &look.port);
		boot_json(json, look.port.pci);
		hw_json(json, &look.hw);
		show_queues(app, json, &look);
	} else {
		port_text(node, &look.port);
		boot_text(look.port.pci);
		hw_text(&look.hw);
		show_queues(app, json, &look);
	}
	if (app->json)
		json_close_object(json);
	return err == 0;
}

static bool show_sim(struct app *app, struct json *json)
{
	struct ur_error err;
	struct ur_port *port;
	struct look look;
	bool ok;

	if (ur_port_open(&port, app->device, &err)) {
		app_say(app, "%s", err.text);
		return false;
	}
	ok = look_at_port(&look, port) == 0;
	ur_port_close(port);
	if (!ok)
		return false;
	if (app->json) {
		json_open_object(json, NULL);
		json_str(json, "node", app->device);
		port_json(json, &look.port);
	} else {
		port_text(app->device, &look.port);
	}
	show_queues(app, json, &look);
	if (app->json)
		json_close_object(json);
	return true;
}

static const char *no_ports =
	"no NIC belongs to userring; urctl doctor says what to type";

/* One that was named.  Others than ports of the module have no node. */
static bool show_named(struct app *app, struct json *json)
{
	struct ur_error err;
	struct pci_dev dev;

	if (strncmp(app->device, "sim:", 4) == 0 ||
	    strncmp(app->device, "pcap:", 5) == 0)
		return show_sim(app, json);

	if (pci_find(&dev, app->device, &err) ||
	    pci_foreign(&dev, app->device, &err)) {
		app_say(app, "%s", err.text);
		return false;
	}
	if (!dev.node[0]) {
		app_say(app, "%s belongs to %s, not to userring: sudo %s bind %s",
			app->device, dev.driver[0] ? dev.driver : "no driver",
			self_command(), app->device);
		return false;
	}
	return show_node(app, json, dev.node);
}

int urctl_status(struct app *app)
{
	struct name_list ports;
	char path[SYSFS_PATH];
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
			if (!show_node(app, &json, ports.name[i]))
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
	char comm[UR_NAME_LEN];
	struct look look;
	uint32_t i;

	if (!node[0] || sysfs_root()[0] || look_at(&look, node))
		return false;
	for (i = 0; i < look.n_queues; i++) {
		const struct ur_queue_info *q = &look.queue[i];

		if (!q->attached)
			continue;
		snprintf(holder, size, "process %" PRId32 " (%s)", q->pid,
			 look_comm(q, comm));
		return true;
	}
	return false;
}
