// SPDX-License-Identifier: BSD-2-Clause
/*
 * urids: an inline intrusion prevention system between two ports, or one in front
 * of Linux on one port.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "urids/urids.h"

static const char help[] =
"usage: urids --rules FILE [options] DEV1 [DEV2]\n"
"\n"
"Forwards between two ports and drops, or tells of, what the rules hit; with one\n"
"port, what is left goes up to Linux. DEV: eth1, PCI address, node, sim:, pcap:.\n"
"\n"
"  --rules FILE, --var NAME=VALUE   rules (docs/urids.md); their variables\n"
"  --skip-unsupported   leave out rules that ask for what is not there\n"
"  --check              only read the rules\n"
"  --alerts FILE        lines as of Suricata's EVE (-: stdout)\n"
"  --alert-rate N       so many a second, of a rule and queue (10; 0: all)\n"
"  --fragments, --unparsable, --checksums pass|drop   (pass; drop; pass)\n"
"  --fail closed|open   when urids dies, nothing passes, or all does (closed)\n"
"  --cpus LIST          where the threads, one a queue, run: 0,2,4-7\n"
APP_HELP
"\n"
"example: urids --rules a.rules --var HOME_NET=10.0.0.0/8 eth1 eth2\n";

#define ALERT_RATE	10	/* lines a second, rule and queue */

enum {
	OPT_RULES = APP_OPT_OWN,
	OPT_VAR,
	OPT_SKIP,
	OPT_CHECK,
	OPT_ALERTS,
	OPT_ALERT_RATE,
	OPT_FRAGMENTS,
	OPT_UNPARSABLE,
	OPT_CHECKSUMS,
	OPT_FAIL,
};

static const struct option options[] = {
	APP_OPTIONS,
	{ "rules",            required_argument, NULL, OPT_RULES },
	{ "var",              required_argument, NULL, OPT_VAR },
	{ "skip-unsupported", no_argument,       NULL, OPT_SKIP },
	{ "check",            no_argument,       NULL, OPT_CHECK },
	{ "alerts",           required_argument, NULL, OPT_ALERTS },
	{ "alert-rate",       required_argument, NULL, OPT_ALERT_RATE },
	{ "fragments",        required_argument, NULL, OPT_FRAGMENTS },
	{ "unparsable",       required_argument, NULL, OPT_UNPARSABLE },
	{ "checksums",        required_argument, NULL, OPT_CHECKSUMS },
	{ "fail",             required_argument, NULL, OPT_FAIL },
	{ "cpus",             required_argument, NULL, APP_OPT_CPUS },
	{ NULL, 0, NULL, 0 }
};

/* ------------------------------------------------------------------------
 * Options
 */

static void take_option(struct ids *ids, int c)
{
	switch (c) {
	case OPT_RULES:
		ids->rules_path = optarg;
		break;
	case OPT_VAR:
		if (!rule_var_add(&ids->vars, optarg))
			app_usage(&ids->app, "--var takes NAME=VALUE, such as HOME_NET=10.0.0.0/8, %d times",
				  RULE_VARS_MAX);
		break;
	case OPT_SKIP:
		ids->skip_unsupported = true;
		break;
	case OPT_CHECK:
		ids->check = true;
		break;
	case OPT_ALERTS:
		ids->alerts_path = optarg;
		break;
	case OPT_ALERT_RATE:
		ids->alert_rate = (uint32_t)app_number(&ids->app, "--alert-rate",
						       optarg, 0, 1000000000);
		break;
	case OPT_FRAGMENTS:
		ids->drop_kind[DETECT_FRAGMENT] =
			app_either(&ids->app, "--fragments", "pass", "drop");
		break;
	case OPT_UNPARSABLE:
		ids->drop_kind[DETECT_UNPARSABLE] =
			app_either(&ids->app, "--unparsable", "pass", "drop");
		break;
	case OPT_CHECKSUMS:
		ids->drop_bad_csum = app_either(&ids->app, "--checksums", "pass",
						"drop");
		break;
	case OPT_FAIL:
		ids->fail = app_either(&ids->app, "--fail", "closed", "open") ?
			    FAIL_OPEN : FAIL_CLOSED;
		break;
	default:
		lanes_option(&ids->lanes, c);
	}
}

static void parse_options(struct ids *ids, int argc, char **argv)
{
	int c, i;

	*ids = (struct ids){ .eve.fd = -1 };
	app_init(&ids->app, "urids", help);
	lanes_init(&ids->lanes, &ids->app);
	ids->alerts_path = "-";
	ids->alert_rate = ALERT_RATE;
	ids->drop_kind[DETECT_UNPARSABLE] = true;
	while ((c = app_getopt(&ids->app, argc, argv, APP_SHORT_OPTIONS,
			       options)) != -1)
		take_option(ids, c);
	if (!ids->rules_path)
		app_usage(&ids->app, "which rules? --rules FILE");
	ids->ports = argc - optind;
	if (ids->check ? ids->ports : ids->ports != 1 && ids->ports != 2)
		app_usage(&ids->app, ids->check ? "--check opens no device" :
			  "which device, or which two? Name interfaces (eth1 eth2), PCI addresses, nodes, sim: or pcap:");
	for (i = 0; i < ids->ports; i++)
		ids->device[i] = argv[optind + i];
	if (ids->app.json && ids->alerts_path[0] == '-' && !ids->check)
		app_usage(&ids->app, "alerts and --json cannot both have stdout: --alerts FILE");
	if (ids->fail == FAIL_OPEN && ids->ports == 1)
		app_usage(&ids->app, "--fail is about two ports: with one, Linux has it when urids ends");
}

/* ------------------------------------------------------------------------
 * Open
 */

/*
 * Whose device reaches the least: that of e1000, with its old descriptors, has
 * 32 address bits, and what it reaches all do.
 */
static struct ur_port *pool_port(const struct ids *ids)
{
	const struct ids_way *way = ids->lane[0].way;

	return way[ids->ports == 2 &&
		   way[1].app.info.rx_format == UR_DESC_LEGACY].app.port;
}

static int make_pool(struct ids *ids)
{
	const struct app *app = &ids->app;
	const uint32_t lanes = ids->lanes.n;
	struct ur_pool_opts opts = {
		.size = sizeof(opts),
		/* of each lane: all rings full, bursts in hand, what its handle
		 * keeps
		 */
		.slot_count = lanes * (uint32_t)ids->ports *
			      (app->rx_size + app->tx_size + APP_BURST) +
			      (lanes + 1) * UR_POOL_KEPT,
	};
	struct ur_error err = { "" };
	uint32_t i;

	if (ur_pool_create(&ids->lane[0].pool, pool_port(ids), &opts, &err))
		goto err_say;
	ids->slots = ids->lane[0].pool->slot_count;
	for (i = 1; i < lanes; i++)
		if (ur_pool_share(&ids->lane[i].pool, ids->lane[0].pool, &err))
			goto err_say;
	return 0;

err_say:
	app_say(app, "%s", err.text);
	return -1;
}

/* At its end the ports are free, also while the program reads rules. */
static void serve(struct lane *base)
{
	struct ids_lane *lane = (struct ids_lane *)base;

	ids_lane_main(base);
	for (int port = 0; port < lane->ids->ports; port++)
		app_detach(&lane->way[port].app);
}

static int open_lane(struct ids *ids, uint32_t i)
{
	struct ids_lane *lane = &ids->lane[i];

	lane->ids = ids;
	lane->lane.main = serve;
	lane->lane.number = i;
	lanes_place(&ids->lanes, i, &lane->lane);
	for (int port = 0; port < ids->ports; port++) {
		struct app *app = &lane->way[port].app;

		*app = ids->app;
		app->number = i;
		app->beside = i > 0;
		app->shares = ids->ports == 1;
		app->device = ids->device[port];
		if (app_open_port(app))
			return -1;
	}
	return 0;
}

/*
 * All queues of the ports: what came by another one would pass without being
 * looked at, or not at all.
 */
static int count_queues(const struct ids *ids, uint32_t *queues)
{
	const struct ids_way *way = ids->lane[0].way;
	uint32_t n = way[0].app.info.queues;

	if (ids->ports == 2 && way[1].app.info.queues != n) {
		app_say(&ids->app, "%s has %u queue%s and %s has %u: all are to be looked at, so make it one number: ethtool -L",
			ids->device[0], n, app_s(n), ids->device[1],
			way[1].app.info.queues);
		return -1;
	}
	if (n > LANES_MAX) {
		app_say(&ids->app, "%s has %u queues, and urids serves %d: ethtool -L",
			ids->device[0], n, LANES_MAX);
		return -1;
	}
	*queues = n;
	return 0;
}

static int check_ports(const struct ids *ids)
{
	const struct ur_port_info *one = &ids->lane[0].way[0].app.info;
	const struct ur_port_info *two = &ids->lane[0].way[1].app.info;
	char why[FAIL_WHY_MAX];
	int i;

	if (ids->ports == 1)
		return 0;
	if (!fail_ready(ids->fail, "/sys", one->ifname, two->ifname, why)) {
		app_say(&ids->app, "%s", why);
		return -1;
	}
	for (i = 0; i < 2; i++)
		if (!(i ? two : one)->promisc)
			app_say(&ids->app, "%s takes only what is for its own address; as root: ip link set %s promisc on",
				ids->device[i], (i ? two : one)->ifname);
	return 0;
}

static int open_ports(struct ids *ids)
{
	const size_t size = LANES_MAX * sizeof(*ids->lane);
	uint32_t i, n;

	ids->lane = aligned_alloc(_Alignof(struct ids_lane), size);
	if (!ids->lane) {
		app_say(&ids->app, "no memory");
		return -1;
	}
	memset(ids->lane, 0, size);
	/* the first one knows how many there are */
	if (open_lane(ids, 0) || count_queues(ids, &n) || check_ports(ids))
		return -1;
	ids->lanes.n = n;
	for (i = 1; i < n; i++)
		if (open_lane(ids, i))
			return -1;
	return 0;
}

static int attach_all(struct ids *ids)
{
	if (make_pool(ids))
		return -1;
	for (uint32_t i = 0; i < ids->lanes.n; i++)
		for (int port = 0; port < ids->ports; port++)
			if (app_attach(&ids->lane[i].way[port].app,
				       ids->lane[i].pool))
				return -1;
	app_ready();
	return 0;
}

/* ------------------------------------------------------------------------
 * Close
 */

static void detach_all(struct ids *ids)
{
	for (uint32_t i = 0; ids->lane && i < ids->lanes.n; i++)
		for (int port = 0; port < ids->ports; port++)
			app_detach(&ids->lane[i].way[port].app);
}

/* All queues are detached: every slot is in the pool, or was lost. */
static void count_slots(struct ids *ids)
{
	uint32_t i, n = 0;

	for (i = 1; i < ids->lanes.n; i++) {
		ur_pool_destroy(ids->lane[i].pool);
		ids->lane[i].pool = NULL;
	}
	while (ur_slot_alloc(ids->lane[0].pool) != UR_NO_SLOT)
		n++;
	ids->slots_lost = ids->slots - n;
	if (ids->slots_lost)
		app_say(&ids->app, "%u of %u slots were lost: this is a bug",
			ids->slots_lost, ids->slots);
}

static void close_all(struct ids *ids)
{
	detach_all(ids);
	for (uint32_t i = 0; ids->lane && i < ids->lanes.n; i++) {
		ur_pool_destroy(ids->lane[i].pool);
		for (int port = 0; port < ids->ports; port++)
			ur_port_close(ids->lane[i].way[port].app.port);
	}
	free(ids->lane);
	ruleset_free(ids->old);
	ruleset_free(ids->set);
}

static bool any_gone(const struct ids *ids)
{
	for (uint32_t i = 0; i < ids->lanes.n; i++)
		for (int port = 0; port < ids->ports; port++)
			if (ids->lane[i].way[port].app.gone ||
			    ids->lane[i].way[port].app.partial)
				return true;
	return false;
}

/* A file that takes no lines is said, once until it takes some again. */
static void look_at_alerts(struct ids *ids)
{
	int err = __atomic_load_n(&ids->eve.error, __ATOMIC_RELAXED);

	if (err && !ids->said_error)
		app_say(&ids->app, "cannot write alerts to %s: %s; alerts are lost",
			ids->alerts_path, strerror(err));
	ids->said_error = err;
}

static void tick(void *arg)
{
	struct ids *ids = arg;

	ids_show_rates(ids);
	look_at_alerts(ids);
	ruleset_tick(ids);
}

static int check_rules(struct ids *ids)
{
	struct ruleset *set = ruleset_load(ids);
	uint32_t rules;

	if (!set)
		return APP_FAILED;
	rules = detect_rules(set->detect);
	printf("%u rule%s, %u left out\n", rules, app_s(rules), ids->skipped);
	ruleset_free(set);
	return APP_OK;
}

int main(int argc, char **argv)
{
	static struct ids ids;
	int err, code;
	bool ended;

	parse_options(&ids, argc, argv);
	if (ids.check)
		return check_rules(&ids);
	err = eve_open(&ids.eve, ids.alerts_path);
	if (err) {
		app_say(&ids.app, "cannot write alerts to %s: %s",
			ids.alerts_path, strerror(-err));
		return APP_FAILED;
	}
	ruleset_catch_sighup();
	/* the queues are taken when all else is well */
	if (open_ports(&ids) || !(ids.set = ruleset_load(&ids)) ||
	    attach_all(&ids) || lanes_start(&ids.lanes)) {
		close_all(&ids);
		eve_close(&ids.eve);
		return APP_FAILED;
	}
	lanes_watch(&ids.lanes, tick, &ids);
	detach_all(&ids);
	ended = eve_close(&ids.eve);
	look_at_alerts(&ids);
	count_slots(&ids);
	ids_totals(&ids);
	code = any_gone(&ids) || ids.slots_lost ? APP_FAILED : APP_OK;
	close_all(&ids);
	/* what holds the thread up would hold up exit() as well */
	if (!ended)
		_exit(code);
	return code;
}
