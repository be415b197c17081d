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
#include <stdlib.h>
#include <string.h>

#include <libuserring/host.h>

#include "common/addrs.h"
#include "common/queues.h"
#include "common/reply.h"

#define ECHO_PORT	7
#define TX_RETRY_NS	100000	/* between looks at a full TX ring */
#define PORT_NS		NS_PER_SEC	/* between looks at the port */

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
QUEUES_HELP
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
	LANES_OPTIONS,
	{ "ip",   required_argument, NULL, OPT_IP },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "take", no_argument,       NULL, OPT_TAKE },
	{ NULL, 0, NULL, 0 }
};

/* What a queue has, and its thread alone writes. */
struct echo {
	struct queue q;
	struct echo_cfg cfg;
	bool     linux_addrs;	/* no --ip: for Linux's addresses */
	struct addrs *addrs;	/* these; NULL: a NIC in software */
	struct addr_list *list;	/* of them, in use */
	struct ur_claim claim;
	uint64_t next_look;
	uint64_t verdicts[ECHO_VERDICTS];
	uint64_t unsent;	/* answers that the TX ring had no room for */
};

struct urecho {
	struct queues all;
	struct echo_cfg cfg;
	struct echo_addr own[ECHO_MAX_ADDRS];	/* --ip */
	bool     take;		/* --take */
	bool     linux_addrs;
	struct addrs *addrs;
	struct echo echo[LANES_MAX];
};

static void add_ip(struct urecho *u, const char *text)
{
	struct echo_addr *addr = &u->own[u->cfg.n_addrs];
	struct app *app = &u->all.app;

	if (u->cfg.n_addrs == ECHO_MAX_ADDRS)
		app_usage(app, "%d addresses are the most", ECHO_MAX_ADDRS);
	addr->version = app_parse_ip(text, addr->ip, &addr->prefix);
	if (!addr->version)
		app_usage(app, "\"%s\" is no IP address", text);
	u->cfg.n_addrs++;
}

static int by_order(const void *a, const void *b)
{
	return echo_addr_order(a, b);
}

static void parse_options(struct urecho *u, int argc, char **argv)
{
	struct app *app = &u->all.app;
	int c;

	memset(u, 0, sizeof(*u));
	u->cfg.port = ECHO_PORT;
	queues_init(&u->all, "urecho", help);
	while ((c = app_getopt(app, argc, argv, APP_SHORT_OPTIONS, options)) != -1) {
		switch (c) {
		case OPT_IP:
			add_ip(u, optarg);
			break;
		case OPT_PORT:
			u->cfg.port = (uint32_t)app_number(app, "--port",
							   optarg, 0, 65535);
			break;
		case OPT_TAKE:
			u->take = true;
			break;
		default:
			queues_option(&u->all, c);
		}
	}
	app_device(app, argc, argv);
	qsort(u->own, u->cfg.n_addrs, sizeof(u->own[0]), by_order);
	u->cfg.addrs = u->own;
	u->linux_addrs = !u->cfg.n_addrs;
	app->shares = !u->take;
	if (u->linux_addrs && u->take)
		app_usage(app, "--take needs addresses of its own, or nobody answers ARP: urecho --take --ip 10.0.0.2/24 %s",
			  app->device);
	if (u->linux_addrs && u->cfg.port == ECHO_ALL_PORTS)
		app_usage(app, "--port 0 would take all UDP from Linux; give it addresses of its own: urecho --port 0 --ip 10.0.0.2/24 %s",
			  app->device);
}

/* ------------------------------------------------------------------------
 * For the addresses of Linux
 */

static void claim_port(struct echo *e)
{
	ur_claim_init(&e->claim, e->cfg.mac);
	ur_claim_udp(&e->claim, (uint16_t)e->cfg.port);
}

/* They, or the MAC address, have changed. */
static void take_addrs(struct echo *e)
{
	uint32_t i;

	addrs_take(e->addrs, &e->list, &e->cfg);
	claim_port(e);
	for (i = 0; i < e->cfg.n_addrs; i++) {
		if (ur_claim_ip(&e->claim, e->cfg.addrs[i].version,
				e->cfg.addrs[i].ip)) {
			/* too many for a claim: answer() passes on what is to others */
			claim_port(e);
			break;
		}
	}
}

/* The interface's name and offloads may have changed. */
static void look_at_port(struct echo *e)
{
	struct app *app = &e->q.app;

	e->next_look = app->now + PORT_NS;
	ur_port_info(app->port, &app->info);
}

/* ------------------------------------------------------------------------
 * Bursts
 */

/* What was received: answers go out, the rest to Linux or nowhere. */
static void answer(struct echo *e, struct ur_pkt *pkts, uint32_t n)
{
	struct ur_pkt send[APP_BURST], host[APP_BURST], back[2 * APP_BURST];
	uint32_t n_send = 0, n_host = 0, n_back = 0, i;
	struct app *app = &e->q.app;
	uint64_t bytes = 0;

	for (i = 0; i < n; i++) {
		struct ur_pkt *pkt = &pkts[i];
		enum echo_verdict verdict;

		bytes += pkt->len;
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
	app_add(&app->n.rx_packets, n);
	app_add(&app->n.rx_bytes, bytes);
	if (n_host)
		app_pass(app, host, n_host);
	e->unsent += n_send - app_answer(app, send, n_send, back, n_back);
}

/* With addresses of its own: looks at every packet. */
static uint32_t burst(struct echo *e, uint32_t most)
{
	struct ur_pkt pkts[APP_BURST];
	struct app *app = &e->q.app;
	uint32_t n;

	/* what cannot be answered now waits in the RX ring */
	n = ur_rx_burst(app->queue, pkts, ur_tx_make_room(app->queue, most));
	if (n)
		answer(e, pkts, n);
	lanes_used(e->q.lane.lanes, most, n);
	return n;
}

/* With those of Linux: looks at what is for its UDP port. */
static uint32_t claim_burst(struct echo *e, uint32_t most)
{
	struct ur_pkt pkts[APP_BURST];
	struct app *app = &e->q.app;
	uint32_t n, passed;

	n = ur_rx_claim(app->queue, &e->claim, pkts, most, &passed);
	app_add(&app->n_host, passed);
	if (n)
		answer(e, pkts, n);
	lanes_used(e->q.lane.lanes, most, n);
	return n + passed;
}

/* ------------------------------------------------------------------------
 * A queue
 */

static void prepare(struct echo *e, const struct urecho *u)
{
	struct app *app = &e->q.app;

	app->shares = u->all.app.shares;
	e->cfg = u->cfg;
	memcpy(e->cfg.mac, app->info.mac, 6);
	e->linux_addrs = u->linux_addrs;
	e->addrs = u->addrs;
	if (e->linux_addrs)
		take_addrs(e);
}

static void run(struct lane *lane)
{
	/* the first member of the first member */
	struct echo *e = (struct echo *)lane;
	struct app *app = &e->q.app;

	while (queue_run(&e->q) && !lanes_counted(lane->lanes)) {
		uint32_t most = lanes_reserve(lane->lanes, APP_BURST);

		if (app->now >= e->next_look)
			look_at_port(e);
		if (e->linux_addrs && addrs_changed(e->addrs, e->list))
			take_addrs(e);
		if (e->linux_addrs ? claim_burst(e, most) : burst(e, most))
			app_sync(app);
		else if (ur_tx_room(app->queue))
			app_idle(app, 0);
		else
			app_idle_until(app, app->now + TX_RETRY_NS, false);
	}
}

/* ------------------------------------------------------------------------
 * All of them
 */

static bool prepare_all(struct urecho *u)
{
	struct app *app = &u->all.app;
	bool can_share = app->info.features & UR_FEATURE_HOST;
	uint32_t i;

	if (u->linux_addrs && !can_share) {
		app_say(app, "%s cannot share its queue with Linux; give urecho addresses of its own: urecho --ip 10.0.0.2/24 %s",
			app->device, app->device);
		return false;
	}
	app->shares = can_share && !u->take;
	for (i = 0; i < u->cfg.n_addrs; i++)
		if (u->cfg.addrs[i].version == 6)
			app_join_neighbours(app, u->cfg.addrs[i].ip);
	if (u->linux_addrs && addrs_open(&u->addrs, &u->all.queue[0]->app))
		return false;
	for (i = 0; i < u->all.n; i++)
		prepare(&u->echo[i], u);
	return true;
}

static void totals(const struct urecho *u)
{
	uint64_t verdicts[ECHO_VERDICTS] = { 0 }, unsent = 0;
	struct json json;
	uint32_t i, k;

	for (i = 0; i < u->all.n; i++) {
		unsent += u->echo[i].unsent;
		for (k = 0; k < ECHO_VERDICTS; k++)
			verdicts[k] += u->echo[i].verdicts[k];
	}
	if (u->all.app.json) {
		queues_put_total(&u->all, &json);
		json_open_object(&json, "verdicts");
		for (k = 0; k < ECHO_VERDICTS; k++)
			json_u64(&json, echo_name[k], verdicts[k]);
		json_close_object(&json);
		json_u64(&json, "unsent", unsent);
		json_end(&json);
		return;
	}
	queues_print_total(&u->all, stdout);
	printf("answered: ");
	for (k = 0; k < ECHO_VERDICTS; k++) {
		if (k == ECHO_LAST_ANSWER + 1)
			printf("\nnot answered: ");
		printf("%s %" PRIu64 "%s", echo_name[k], verdicts[k],
		       k == ECHO_LAST_ANSWER || k == ECHO_VERDICTS - 1 ? "" :
									 ", ");
	}
	printf(", unsent %" PRIu64 "\n", unsent);
}

int main(int argc, char **argv)
{
	static struct urecho u;
	int code = APP_FAILED;
	uint32_t i;

	parse_options(&u, argc, argv);
	for (i = 0; i < LANES_MAX; i++)
		u.all.queue[i] = &u.echo[i].q;
	if (!queues_open(&u.all) && prepare_all(&u) &&
	    !queues_run(&u.all, run)) {
		totals(&u);
		code = queues_gone(&u.all) ? APP_FAILED : APP_OK;
	}
	addrs_close(u.addrs);
	queues_close(&u.all);
	for (i = 0; i < LANES_MAX; i++)
		addrs_put(u.echo[i].list);
	return code;
}
