// SPDX-License-Identifier: BSD-2-Clause
/*
 * urfwd: what comes on one port leaves by the other, from where it lies.
 */
#include <string.h>

#include "urfwd/urfwd.h"

static const char help[] =
"usage: urfwd [options] DEV1 DEV2\n"
"\n"
"Forwards between two ports, both ways, without a copy: a bump in the wire, or\n"
"with new MAC addresses. DEV1, DEV2: interface (eth1), PCI address, node, sim:.\n"
"\n"
"  --queues N|all       so many queues of each port, a thread for a pair (1)\n"
"  --cpus LIST          where the threads run: 0,2,4-7 (by their interrupts)\n"
"  --mac-rewrite        forward what is for the port, from the other's address\n"
"  --next-hop1 MAC, --next-hop2 MAC   to whom, behind DEV1 and behind DEV2\n"
"  --checksums pass|drop   packets whose checksum the NIC found wrong (pass)\n"
"  -v, --verbose        say where each thread runs, and why\n"
APP_HELP
"\n"
"example: ip link set eth1 promisc on; ip link set eth2 promisc on\n"
"  urfwd --rates eth1 eth2\n";

enum {
	OPT_REWRITE = APP_OPT_OWN,
	OPT_HOP1,
	OPT_HOP2,
	OPT_CHECKSUMS,
};

static const struct option options[] = {
	APP_OPTIONS,
	LANES_OPTIONS,
	{ "mac-rewrite", no_argument,       NULL, OPT_REWRITE },
	{ "next-hop1",   required_argument, NULL, OPT_HOP1 },
	{ "next-hop2",   required_argument, NULL, OPT_HOP2 },
	{ "checksums",   required_argument, NULL, OPT_CHECKSUMS },
	{ "verbose",     no_argument,       NULL, 'v' },
	{ NULL, 0, NULL, 0 }
};

/* ------------------------------------------------------------------------
 * Options
 */

static void parse_hop(struct fwd *f, int i, const char *text)
{
	if (!app_parse_mac(text, f->hop[i]))
		app_usage(&f->app, "\"%s\" is no MAC address", text);
	f->has_hop[i] = true;
}

static void take_devices(struct fwd *f, int argc, char **argv)
{
	int i;

	if (optind + 2 != argc)
		app_usage(&f->app, "which two devices? Name interfaces (eth1 eth2), PCI addresses, nodes or sim:");
	for (i = 0; i < 2; i++)
		f->device[i] = argv[optind + i];
}

static void parse_options(struct fwd *f, int argc, char **argv)
{
	int c;

	app_init(&f->app, "urfwd", help);
	lanes_init(&f->lanes, &f->app);
	while ((c = app_getopt(&f->app, argc, argv, APP_SHORT_OPTIONS "v",
			       options)) != -1) {
		switch (c) {
		case OPT_REWRITE:
			f->rewrite = true;
			break;
		case OPT_HOP1:
		case OPT_HOP2:
			parse_hop(f, c - OPT_HOP1, optarg);
			break;
		case 'v':
			f->verbose = true;
			break;
		case OPT_CHECKSUMS:
			f->drop_bad_csum = app_either(&f->app, "--checksums",
						      "pass", "drop");
			break;
		default:
			lanes_option(&f->lanes, c);
		}
	}
	take_devices(f, argc, argv);
	if (f->rewrite && !(f->has_hop[0] && f->has_hop[1]))
		app_usage(&f->app, "--mac-rewrite needs to know to whom: --next-hop1 MAC --next-hop2 MAC");
	if (!f->rewrite && (f->has_hop[0] || f->has_hop[1]))
		app_usage(&f->app, "--next-hop1 and --next-hop2 are for --mac-rewrite");
}

/* ------------------------------------------------------------------------
 * Open and close
 */

/*
 * Whose device reaches the least: that of e1000, with its old descriptors, has
 * 32 address bits, and what it reaches all do.
 */
static struct ur_port *pool_port(const struct fwd *f)
{
	const struct fwd_way *way = f->lane[0].way;

	return way[way[1].app.info.rx_format == UR_DESC_LEGACY].app.port;
}

static int make_pool(struct fwd *f)
{
	const struct app *app = &f->app;
	const uint32_t lanes = f->lanes.n;
	struct ur_pool_opts opts = {
		.size = sizeof(opts),
		/* of each lane: all rings full, bursts in hand, what its handle
		 * keeps
		 */
		.slot_count = lanes * 2 * (app->rx_size + app->tx_size +
					   APP_BURST) +
			      (lanes + 1) * UR_POOL_KEPT,
	};
	struct ur_error err = { "" };
	uint32_t i;

	if (ur_pool_create(&f->lane[0].pool, pool_port(f), &opts, &err))
		goto err_say;
	f->slots = f->lane[0].pool->slot_count;
	for (i = 1; i < lanes; i++)
		if (ur_pool_share(&f->lane[i].pool, f->lane[0].pool, &err))
			goto err_say;
	return 0;

err_say:
	app_say(app, "%s", err.text);
	return -1;
}

static int open_way(struct fwd *f, uint32_t i, int port)
{
	struct fwd_way *way = &f->lane[i].way[port];

	way->app = f->app;
	way->app.number = i;
	way->app.device = f->device[port];
	if (app_open_port(&way->app))
		return -1;
	return 0;
}

/* Of both ports, now that they can be asked. */
static int settle_number(struct fwd *f)
{
	struct lanes *lanes = &f->lanes;
	uint32_t have[2];
	int port;

	for (port = 0; port < 2; port++)
		have[port] = f->lane[0].way[port].app.info.queues;
	if (lanes->n == LANES_ALL) {
		lanes->n = have[0] < have[1] ? have[0] : have[1];
		if (lanes->n > LANES_MAX)
			lanes->n = LANES_MAX;
	}
	for (port = 0; port < 2; port++) {
		if (have[port] >= lanes->n)
			continue;
		app_say(&f->app, "%s has %u of the %u queues that --queues asks for: ethtool -L may set more",
			f->device[port], have[port], lanes->n);
		return -1;
	}
	return 0;
}

/* What is said of them names the queue. */
static void name_queues(struct fwd *f)
{
	uint32_t i;
	int port;

	for (i = 0; f->lanes.n > 1 && i < f->lanes.n; i++)
		for (port = 0; port < 2; port++) {
			struct fwd_way *way = &f->lane[i].way[port];

			snprintf(way->label, sizeof(way->label), "%s queue %u",
				 f->device[port], i);
			way->app.device = way->label;
		}
}

/* At its end the ports are free, whatever else the program is at. */
static void serve(struct lane *base)
{
	struct fwd_lane *lane = (struct fwd_lane *)base;

	fwd_lane_main(base);
	app_detach(&lane->way[0].app);
	app_detach(&lane->way[1].app);
}

static int open_lane(struct fwd *f, uint32_t i)
{
	struct fwd_lane *lane = &f->lane[i];

	lane->fwd = f;
	lane->lane.main = serve;
	lane->lane.number = i;
	return open_way(f, i, 0) || open_way(f, i, 1) ? -1 : 0;
}

static void warn_promisc(const struct fwd *f, int port)
{
	const struct ur_port_info *info = &f->lane[0].way[port].app.info;

	if (!f->rewrite && !info->promisc)
		app_say(&f->app, "%s takes only what is for its own address; as root: ip link set %s promisc on",
			f->device[port], info->ifname);
}

static int open_all(struct fwd *f)
{
	uint32_t i;
	int port;

	/* the first one knows how many there are */
	if (open_lane(f, 0) || settle_number(f))
		return -1;
	for (i = 1; i < f->lanes.n; i++)
		if (open_lane(f, i))
			return -1;
	name_queues(f);
	if (make_pool(f))
		return -1;
	for (i = 0; i < f->lanes.n; i++)
		for (port = 0; port < 2; port++)
			if (app_attach(&f->lane[i].way[port].app,
				       f->lane[i].pool))
				return -1;
	for (port = 0; port < 2; port++)
		warn_promisc(f, port);
	fwd_place(f);
	app_ready();
	return 0;
}

/* All queues are detached: every slot is in the pool, or was lost. */
static void count_slots(struct fwd *f)
{
	uint32_t i, n = 0;

	for (i = 1; i < f->lanes.n; i++) {
		ur_pool_destroy(f->lane[i].pool);
		f->lane[i].pool = NULL;
	}
	while (ur_slot_alloc(f->lane[0].pool) != UR_NO_SLOT)
		n++;
	f->slots_lost = f->slots - n;
	if (f->slots_lost)
		app_say(&f->app, "%u of %u slots were lost: this is a bug",
			f->slots_lost, f->slots);
}

static void detach_all(struct fwd *f)
{
	uint32_t i;

	for (i = 0; i < f->lanes.n; i++) {
		app_detach(&f->lane[i].way[0].app);
		app_detach(&f->lane[i].way[1].app);
	}
}

static void close_all(struct fwd *f)
{
	uint32_t i;
	int port;

	detach_all(f);
	for (i = 0; i < f->lanes.n; i++) {
		ur_pool_destroy(f->lane[i].pool);
		for (port = 0; port < 2; port++)
			ur_port_close(f->lane[i].way[port].app.port);
	}
}

static void tick(void *arg)
{
	fwd_show_rates(arg);
}

static bool any_gone(const struct fwd *f)
{
	for (uint32_t i = 0; i < f->lanes.n; i++)
		for (int port = 0; port < 2; port++)
			if (f->lane[i].way[port].app.gone ||
			    f->lane[i].way[port].app.partial)
				return true;
	return false;
}

int main(int argc, char **argv)
{
	static struct fwd f;

	parse_options(&f, argc, argv);
	if (open_all(&f) || lanes_start(&f.lanes)) {
		close_all(&f);
		return APP_FAILED;
	}
	lanes_watch(&f.lanes, tick, &f);
	detach_all(&f);
	count_slots(&f);
	fwd_totals(&f);
	close_all(&f);
	return any_gone(&f) || f.slots_lost ? APP_FAILED : APP_OK;
}
