// SPDX-License-Identifier: BSD-2-Clause
/* Whom urgen sends to, and from which address. */
#include <arpa/inet.h>
#include <string.h>

#include "urgen/urgen.h"
#include "common/addrs.h"
#include "common/wire.h"

#define RESOLVE_TRIES	3

/* The address of the port that Linux would send from, of the version needed. */
static bool first_address(const struct gen *g, uint8_t ip[16])
{
	const struct app *app = &g->all.app;
	struct addr_list *list = app->info.ifindex ? addrs_read(&app->info) : NULL;
	const struct echo_addr *a = NULL;
	uint32_t i;

	if (list && g->version == 4)
		a = list->primary4;
	for (i = 0; list && g->version == 6 && i < list->n && !a; i++)
		/* a link-local one is of use where the target is */
		if (list->addr[i].version == 6 &&
		    (list->addr[i].ip[0] == 0xfe) == (g->dst[0] == 0xfe))
			a = &list->addr[i];
	if (a)
		memcpy(ip, a->ip, 16);
	addrs_put(list);
	return a;
}

void host_address(const struct gen *g, uint32_t i, uint8_t ip[16])
{
	uint8_t *low = ip + (g->version == 4 ? 0 : 12);

	memcpy(ip, g->src, 16);
	ur_put_be32(low, ur_get_be32(low) + i);
}

static bool is_software(const struct gen *g)
{
	return strncmp(g->all.app.device, "sim:", 4) == 0 ||
	       strncmp(g->all.app.device, "pcap:", 5) == 0;
}

bool find_source(struct gen *g)
{
	if (!g->src_version && is_software(g)) {
		inet_pton(g->version == 4 ? AF_INET : AF_INET6,
			  g->version == 4 ? "192.0.2.1" : "2001:db8::1", g->src);
		g->src_version = g->version;
	}
	if (!g->src_version && !first_address(g, g->src)) {
		app_say(&g->all.app, "%s has no address to send from: give one with --src",
			g->all.app.info.ifname);
		return false;
	}
	g->src_version = g->version;
	return true;
}

void set_up_answers(struct gen *g)
{
	struct app *app = &g->all.app;
	struct addr_list *linux_has = NULL;
	uint32_t i;

	memcpy(g->answer.mac, app->info.mac, 6);
	g->answer.port = ECHO_NO_UDP;
	g->answer.addrs = g->answer_addrs;
	if (!g->src_version)
		return;
	g->version = g->src_version;
	if (app->shares && app->info.ifindex)
		linux_has = addrs_read(&app->info);
	for (i = 0; i < g->hosts; i++) {
		struct echo_addr *addr = &g->answer_addrs[g->answer.n_addrs];

		host_address(g, i, addr->ip);
		/* Linux answers for its own */
		if (linux_has && echo_addr_find(linux_has->addr, linux_has->n,
						g->version, addr->ip))
			continue;
		addr->version = g->version;
		g->answer.n_addrs++;
		if (g->version == 6)
			app_join_neighbours(app, addr->ip);
	}
	addrs_put(linux_has);
}

/* Is it the answer to our question?  Then .dst_mac is set. */
static void look_for_answer(struct gen *g, const struct ur_pkt *pkt)
{
	struct ur_cursor c = ur_cursor(pkt->data, pkt->len);
	struct ur_icmp icmp;
	struct ur_eth eth;
	struct ur_arp arp;
	struct ur_ip ip;

	if (ur_parse_eth(&c, &eth) != UR_PARSE_OK)
		return;
	if (g->version == 4) {
		if (eth.type == UR_ETH_ARP &&
		    ur_parse_arp(&c, &arp) == UR_PARSE_OK &&
		    arp.op == ARP_REPLY &&
		    memcmp(arp.sender_ip, g->dst, 4) == 0) {
			memcpy(g->dst_mac, arp.sender_mac, 6);
			g->have_mac = true;
		}
		return;
	}
	if (ur_parse_ip(&c, &eth, &ip) == UR_PARSE_OK && ip.ttl == 255 &&
	    ur_parse_icmp(&c, &ip, &icmp) == UR_PARSE_OK &&
	    icmp.type == ICMPV6_NA &&
	    icmp.payload_len >= ND_LEN_MAC - UR_ICMP_LEN &&
	    icmp.payload[16] == ND_OPT_TARGET_MAC &&
	    memcmp(icmp.payload, g->dst, 16) == 0) {
		memcpy(g->dst_mac, icmp.payload + 18, 6);
		g->have_mac = true;
	}
}

uint32_t write_eth(const struct gen *g, uint8_t *p, const uint8_t *to,
		   uint16_t type)
{
	uint32_t at = 12;

	memcpy(p, to, 6);
	memcpy(p + 6, g->all.app.info.mac, 6);
	if (g->vlan >= 0) {
		ur_put_be16(p + at, UR_ETH_VLAN);
		ur_put_be16(p + at + 2, (uint16_t)g->vlan);
		at += 4;
	}
	ur_put_be16(p + at, type);
	return at + 2;
}

static uint32_t write_arp_request(const struct gen *g, uint8_t *p)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t request[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	uint32_t at = write_eth(g, p, all, UR_ETH_ARP);

	memset(p + at, 0, 46);
	memcpy(p + at, request, 8);
	memcpy(p + at + 8, g->all.app.info.mac, 6);
	memcpy(p + at + 14, g->src, 4);
	memcpy(p + at + 24, g->dst, 4);
	return at + 46;
}

static uint32_t write_solicitation(const struct gen *g, uint8_t *p)
{
	uint8_t to[6] = { 0x33, 0x33, 0xff };
	static const uint8_t solicited[13] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0,
					       0, 1, 0xff };
	uint32_t at;
	uint8_t *ip, *ns;

	memcpy(to + 3, g->dst + 13, 3);
	at = write_eth(g, p, to, UR_ETH_IPV6);
	ip = p + at;
	ns = ip + 40;
	memset(ip, 0, 72);
	ip[0] = 0x60;
	ur_put_be16(ip + 4, ND_LEN_MAC);
	ip[6] = UR_IP_ICMPV6;
	ip[7] = 255;
	memcpy(ip + 8, g->src, 16);
	memcpy(ip + 24, solicited, 13);
	memcpy(ip + 37, g->dst + 13, 3);
	ns[0] = ICMPV6_NS;
	memcpy(ns + 8, g->dst, 16);
	ns[24] = ND_OPT_SOURCE_MAC;
	ns[25] = 1;
	memcpy(ns + 26, g->all.app.info.mac, 6);
	ur_put_be16(ns + 2, csum_icmpv6(ip, ND_LEN_MAC));
	return at + 72;
}

static void ask_for_mac(struct gen *g)
{
	struct app *app = &g->lane[0].q.app;
	struct ur_pkt pkt = { .slot = ur_slot_alloc(app->pool) };

	if (pkt.slot == UR_NO_SLOT)
		return;
	pkt.data = ur_slot_data(app->pool, pkt.slot);
	pkt.len = g->version == 4 ? write_arp_request(g, pkt.data) :
				    write_solicitation(g, pkt.data);
	if (!ur_tx_burst(app->queue, &pkt, 1))
		ur_slot_free(app->pool, pkt.slot);
	app_sync(app);
}

/* The answer may come by any queue. */
static bool look_at_queue(struct gen *g, struct gen_lane *lane)
{
	struct app *app = &lane->q.app;
	struct ur_pkt pkts[APP_BURST];
	uint32_t n, i;

	app_tick(app);
	if (app->gone)
		return false;
	n = ur_rx_burst(app->queue, pkts,
			ur_tx_make_room(app->queue, APP_BURST));
	for (i = 0; i < n; i++)
		look_for_answer(g, &pkts[i]);
	if (!n)
		return false;
	answer_others(lane, pkts, n);
	app_sync(app);
	return true;
}

static void wait_for_answer(struct gen *g)
{
	struct app *first = &g->lane[0].q.app;
	uint64_t until = app_clock() + NS_PER_SEC;

	while (!g->have_mac && app_clock() < until && !app_stopped() &&
	       !first->gone) {
		bool came = false;
		uint32_t i;

		for (i = 0; i < g->all.n; i++)
			came = look_at_queue(g, &g->lane[i]) || came;
		if (!came)
			app_idle(first, 10000);
	}
}

/* A group has its MAC address by rule (RFC 1112, 6.4; RFC 2464, 7). */
static bool group_mac(const struct gen *g, uint8_t mac[6])
{
	static const uint8_t all[4] = { 255, 255, 255, 255 };

	if (g->version == 6 && g->dst[0] == 0xff) {
		memcpy(mac, "\x33\x33", 2);
		memcpy(mac + 2, g->dst + 12, 4);
		return true;
	}
	if (g->version == 4 && !memcmp(g->dst, all, 4)) {
		memset(mac, 0xff, 6);
		return true;
	}
	if (g->version == 4 && g->dst[0] >> 4 == 0xe) {
		memcpy(mac, "\x01\x00\x5e", 3);
		memcpy(mac + 3, g->dst + 1, 3);
		mac[3] &= 0x7f;
		return true;
	}
	return false;
}

bool resolve(struct gen *g)
{
	const struct app *app = &g->all.app;
	char text[INET6_ADDRSTRLEN];
	int try;

	if (!g->have_mac)
		g->have_mac = group_mac(g, g->dst_mac);
	if (is_software(g) && !g->have_mac) {
		memcpy(g->dst_mac, app->info.mac, 6);
		g->have_mac = true;
	}
	for (try = 0; try < RESOLVE_TRIES && !g->have_mac && !app_stopped() &&
	     !queues_gone(&g->all); try++) {
		ask_for_mac(g);
		wait_for_answer(g);
	}
	if (!g->have_mac && !app_stopped() && !queues_gone(&g->all)) {
		inet_ntop(g->version == 4 ? AF_INET : AF_INET6, g->dst, text,
			  sizeof(text));
		app_say(app, "nobody at %s answers %s; is it on this wire? Give the MAC address of it, or of the router, with --dst-mac",
			text, g->version == 4 ? "ARP" :
						"neighbour solicitations");
	}
	return g->have_mac;
}
