// SPDX-License-Identifier: BSD-2-Clause
/*
 * urecho: sends UDP back to where it came from.  The slot that came is the slot
 * that goes.
 *
 * Without --ip it shares the port with Linux: it answers for the addresses that
 * Linux has there, and all but UDP to its port is passed on.  With --ip it has
 * addresses of its own, and answers ARP and ping for them as well.
 */
#include <inttypes.h>
#include <string.h>

#include <libuserring/host.h>

#include "common/common.h"
#include "urecho/addrs.h"
#include "common/reply.h"

#define ECHO_PORT	7
#define TX_RETRY_NS	100000	/* between looks at a full TX ring */
#define ADDRS_NS	NS_PER_SEC	/* between looks at Linux's addresses */
#define ADDRS_SOON_NS	100000000ULL	/* if one is not known */

static const char help[] =
"usage: urecho [--port N] [options] DEV\n"
"       urecho --ip ADDR[/LEN] [options] DEV\n"
"\n"
"Sends UDP packets to a port back to their sender, for all addresses that Linux\n"
"has on DEV; all else goes on to Linux. With --ip it answers for addresses of\n"
"its own instead, also ARP and ping. DEV is an interface (eth1), a PCI address,\n"
"/dev/userring0 or sim:[options].\n"
"\n"
"  --port N             UDP port to answer on (7), 0: all ports (with --ip)\n"
"  --ip ADDR[/LEN]      an IPv4 or IPv6 address to answer for (repeatable)\n"
"  --take               Linux gets nothing: what is not answered ends here\n"
APP_HELP
"\n"
"example, and on the other machine: urgen --both --dst 10.0.0.2 eth1\n"
"  ip addr add 10.0.0.2/24 dev eth1 && urecho eth1\n";

enum {
	OPT_IP = APP_OPT_OWN,
	OPT_PORT,
	OPT_TAKE,
};

static const struct option options[] = {
	APP_OPTIONS,
	{ "ip",   required_argument, NULL, OPT_IP },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "take", no_argument,       NULL, OPT_TAKE },
	{ NULL, 0, NULL, 0 }
};

struct echo {
	struct app app;
	struct echo_cfg cfg;
	bool     take;		/* --take */
	bool     linux_addrs;	/* no --ip: for Linux's addresses */
	struct ur_claim claim;
	uint64_t next_addrs;
	uint64_t verdicts[ECHO_VERDICTS];
	uint64_t unsent;	/* answers that the TX ring had no room for */
};

static void add_ip(struct echo *e, const char *text)
{
	struct echo_addr *addr = &e->cfg.addrs[e->cfg.n_addrs];

	if (e->cfg.n_addrs == ECHO_MAX_ADDRS)
		app_usage(&e->app, "%d addresses are the most", ECHO_MAX_ADDRS);
	addr->version = app_parse_ip(text, addr->ip, &addr->prefix);
	if (!addr->version)
		app_usage(&e->app, "\"%s\" is no IP address", text);
	e->cfg.n_addrs++;
}

static void parse_options(struct echo *e, int argc, char **argv)
{
	int c;

	*e = (struct echo){ .cfg.port = ECHO_PORT };
	app_init(&e->app, "urecho", help);
	while ((c = getopt_long(argc, argv, APP_SHORT_OPTIONS, options,
				NULL)) != -1) {
		switch (c) {
		case OPT_IP:
			add_ip(e, optarg);
			break;
		case OPT_PORT:
			e->cfg.port = (uint32_t)app_number(&e->app, "--port",
							   optarg, 0, 65535);
			break;
		case OPT_TAKE:
			e->take = true;
			break;
		default:
			app_option(&e->app, c);
		}
	}
	app_device(&e->app, argc, argv);
	e->linux_addrs = !e->cfg.n_addrs;
	if (e->linux_addrs && e->take)
		app_usage(&e->app, "--take needs addresses of its own, or nobody answers ARP: urecho --take --ip 10.0.0.2/24 %s",
			  e->app.device);
	if (e->linux_addrs && e->cfg.port == ECHO_ALL_PORTS)
		app_usage(&e->app, "--port 0 would take all UDP from Linux; give it addresses of its own: urecho --port 0 --ip 10.0.0.2/24 %s",
			  e->app.device);
}

/* ------------------------------------------------------------------------
 * For the addresses of Linux
 */

/* They may have changed, as may the interface's name and MAC address. */
static void look_at_addrs(struct echo *e)
{
	struct app *app = &e->app;

	e->next_addrs = app->now + ADDRS_NS;
	if (ur_port_info(app->port, &app->info))
		return;
	if (memcmp(e->cfg.mac, app->info.mac, 6) != 0 || !e->claim.mac_mask) {
		memcpy(e->cfg.mac, app->info.mac, 6);
		ur_claim_init(&e->claim, app->info.mac);
		ur_claim_udp(&e->claim, (uint16_t)e->cfg.port);
	}
	echo_addrs(&e->cfg, app->info.ifindex ? app->info.ifname : "");
}

/* Claimed, and not answered: perhaps to an address that is new. */
static void pass_on(struct echo *e, struct ur_pkt *pkts, uint32_t n)
{
	app_pass(&e->app, pkts, n);
	if (e->next_addrs > e->app.now + ADDRS_SOON_NS)
		e->next_addrs = e->app.now + ADDRS_SOON_NS;
}

/* ------------------------------------------------------------------------
 * Bursts
 */

/* What was received: answers go out, the rest to Linux or nowhere. */
static void answer(struct echo *e, struct ur_pkt *pkts, uint32_t n)
{
	struct ur_pkt send[APP_BURST], host[APP_BURST], back[2 * APP_BURST];
	uint32_t n_send = 0, n_host = 0, n_back = 0, i;
	struct app *app = &e->app;

	for (i = 0; i < n; i++) {
		struct ur_pkt *pkt = &pkts[i];
		enum echo_verdict verdict;

		app->n.rx_packets++;
		app->n.rx_bytes += pkt->len;
		/* a tag of 4 bytes may have to go back in */
		verdict = echo_reply(&e->cfg, pkt->data, &pkt->len,
				     pkt->len + 16, pkt->flags);
		e->verdicts[verdict]++;
		if (verdict <= ECHO_LAST_ANSWER)
			send[n_send++] = *pkt;
		else if (app->shares)
			host[n_host++] = *pkt;
		else
			back[n_back++] = *pkt;
	}
	if (n_host)
		pass_on(e, host, n_host);
	e->unsent += n_send - app_answer(app, send, n_send, back, n_back);
}

/* With addresses of its own: looks at every packet. */
static uint32_t burst(struct echo *e)
{
	struct ur_pkt pkts[APP_BURST];
	struct app *app = &e->app;
	uint32_t n;

	/* what cannot be answered now waits in the RX ring */
	n = ur_rx_burst(app->queue, pkts,
			ur_tx_make_room(app->queue, app_burst(app)));
	if (n)
		answer(e, pkts, n);
	return n;
}

/* With those of Linux: looks at what is for its UDP port. */
static uint32_t claim_burst(struct echo *e)
{
	struct ur_pkt pkts[APP_BURST];
	struct app *app = &e->app;
	uint32_t n, passed;

	n = ur_rx_claim(app->queue, &e->claim, pkts, app_burst(app), &passed);
	app->n_host += passed;
	if (n)
		answer(e, pkts, n);
	return n + passed;
}

static void totals(struct echo *e)
{
	struct json json;
	int i;

	if (e->app.json) {
		app_total_json(&e->app, &json);
		json_open_object(&json, "verdicts");
		for (i = 0; i < ECHO_VERDICTS; i++)
			json_u64(&json, echo_name[i], e->verdicts[i]);
		json_close_object(&json);
		json_u64(&json, "unsent", e->unsent);
		json_end(&json);
		return;
	}
	app_total_text(&e->app, stdout);
	printf("answered: ");
	for (i = 0; i < ECHO_VERDICTS; i++) {
		if (i == ECHO_LAST_ANSWER + 1)
			printf("\nnot answered: ");
		printf("%s %" PRIu64 "%s", echo_name[i], e->verdicts[i],
		       i == ECHO_LAST_ANSWER || i == ECHO_VERDICTS - 1 ? "" :
									 ", ");
	}
	printf(", unsent %" PRIu64 "\n", e->unsent);
}

static bool prepare(struct echo *e)
{
	struct app *app = &e->app;
	bool can_share = app->info.features & UR_FEATURE_HOST;
	uint32_t i;

	if (e->linux_addrs && !can_share) {
		app_say(app, "%s cannot share its queue with Linux; give urecho addresses of its own: urecho --ip 10.0.0.2/24 %s",
			app->device, app->device);
		return false;
	}
	app->shares = can_share && !e->take;
	memcpy(e->cfg.mac, app->info.mac, 6);
	for (i = 0; i < e->cfg.n_addrs; i++)
		if (e->cfg.addrs[i].version == 6)
			app_join_neighbours(app, e->cfg.addrs[i].ip);
	if (e->linux_addrs)
		look_at_addrs(e);
	return true;
}

static void run(struct echo *e)
{
	struct app *app = &e->app;

	while (app_run(app)) {
		if (e->linux_addrs && app->now >= e->next_addrs)
			look_at_addrs(e);
		if (e->linux_addrs ? claim_burst(e) : burst(e))
			app_sync(app);
		else if (ur_tx_room(app->queue))
			app_idle(app, 0);
		else
			app_idle_until(app, app->now + TX_RETRY_NS, false);
		if (app->count && app->n.rx_packets >= app->count)
			app->done = true;
	}
}

int main(int argc, char **argv)
{
	static struct echo e;
	struct app *app = &e.app;

	parse_options(&e, argc, argv);
	if (app_open(app))
		return APP_FAILED;
	if (!prepare(&e)) {
		app_close(app);
		return APP_FAILED;
	}
	run(&e);
	totals(&e);
	app_close(app);
	return app->gone ? APP_FAILED : APP_OK;
}
