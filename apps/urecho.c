// SPDX-License-Identifier: BSD-2-Clause
/*
 * urecho: sends UDP back to where it came from, and answers ARP and ping for
 * its addresses.  The slot that came is the slot that goes.
 */
#include <inttypes.h>
#include <string.h>

#include "common.h"
#include "urecho_reply.h"

#define ECHO_PORT	7
#define TX_RETRY_NS	100000	/* between looks at a full TX ring */

static const char help[] =
"usage: urecho --ip ADDR[/LEN] [options] DEV\n"
"\n"
"Sends UDP packets back to their sender, and answers ARP, ping and neighbour\n"
"solicitations for its addresses. DEV is an interface (eth1), a PCI address,\n"
"/dev/userring0 or sim:[options].\n"
"\n"
"  --ip ADDR[/LEN]      an IPv4 or IPv6 address to answer for (repeatable)\n"
"  --port N             UDP port to answer on (7), 0: all ports\n"
APP_HELP
"\n"
"example:\n"
"  urecho --ip 10.0.0.2/24 eth1\n"
"and on the other machine: ping 10.0.0.2; urgen --both --dst 10.0.0.2 eth1\n";

enum {
	OPT_IP = APP_OPT_OWN,
	OPT_PORT,
};

static const struct option options[] = {
	APP_OPTIONS,
	{ "ip",   required_argument, NULL, OPT_IP },
	{ "port", required_argument, NULL, OPT_PORT },
	{ NULL, 0, NULL, 0 }
};

struct echo {
	struct app app;
	struct echo_cfg cfg;
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
		default:
			app_option(&e->app, c);
		}
	}
	app_device(&e->app, argc, argv);
	if (!e->cfg.n_addrs)
		app_usage(&e->app, "which addresses shall it answer for? Type: urecho --ip 10.0.0.2/24 %s",
			  e->app.device);
}

static uint32_t answer_burst(struct echo *e)
{
	struct ur_pkt pkts[APP_BURST], send[APP_BURST], back[2 * APP_BURST];
	struct app *app = &e->app;
	uint32_t n_send = 0, n_back = 0;
	uint32_t room = ur_tx_room(app->queue);
	uint32_t n = app_burst(app);
	uint32_t i;

	/* what cannot be answered now waits in the RX ring */
	if (room < n) {
		ur_tx_reap(app->queue);
		room = ur_tx_room(app->queue);
		if (room < n)
			n = room;
	}
	n = ur_rx_burst(app->queue, pkts, n);
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
		else
			back[n_back++] = *pkt;
	}
	if (n)
		e->unsent += n_send - app_answer(app, send, n_send, back,
						 n_back);
	return n;
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

static void prepare(struct echo *e)
{
	uint32_t i;

	memcpy(e->cfg.mac, e->app.info.mac, 6);
	for (i = 0; i < e->cfg.n_addrs; i++)
		if (e->cfg.addrs[i].version == 6)
			app_join_neighbours(&e->app, e->cfg.addrs[i].ip);
}

int main(int argc, char **argv)
{
	static struct echo e;
	struct app *app = &e.app;

	parse_options(&e, argc, argv);
	if (app_open(app))
		return APP_FAILED;
	prepare(&e);

	while (app_run(app)) {
		if (answer_burst(&e))
			app_sync(app);
		else if (ur_tx_room(app->queue))
			app_idle(app, 0);
		else
			app_idle_until(app, app->now + TX_RETRY_NS, false);
		if (app->count && app->n.rx_packets >= app->count)
			app->done = true;
	}

	totals(&e);
	app_close(app);
	return app->gone ? APP_FAILED : APP_OK;
}
