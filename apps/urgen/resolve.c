// SPDX-License-Identifier: BSD-2-Clause
/* Whom urgen sends to, and from which address. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <string.h>

#include "urgen/urgen.h"
#include "common/wire.h"

#define RESOLVE_TRIES	3

/* The IP of an address, of the version that is needed; NULL: of another. */
static const void *ip_of(const struct gen *g, const struct sockaddr *addr)
{
	if (!addr || addr->sa_family != (g->version == 4 ? AF_INET : AF_INET6))
		return NULL;
	if (g->version == 4)
		return &((const struct sockaddr_in *)(const void *)addr)->sin_addr;
	return &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
}

/* Does Linux have this address on the interface?  wanted NULL: takes the first. */
static bool interface_address(const struct gen *g, const uint8_t *wanted,
			      uint8_t *found)
{
	const size_t len = g->version == 4 ? 4 : 16;
	const char *ifname = g->all.app.info.ifname;
	struct ifaddrs *list, *a;
	bool has = false;

	if (!ifname[0] || getifaddrs(&list))
		return false;
	for (a = list; a && !has; a = a->ifa_next) {
		const void *ip = ip_of(g, a->ifa_addr);

		if (!ip || strcmp(a->ifa_name, ifname) != 0)
			continue;
		has = !wanted || memcmp(ip, wanted, len) == 0;
		if (has && found)
			memcpy(found, ip, len);
	}
	freeifaddrs(list);
	return has;
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
	if (!g->src_version && !interface_address(g, NULL, g->src)) {
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
	uint32_t i;

	memcpy(g->answer.mac, app->info.mac, 6);
	g->answer.port = ECHO_NO_UDP;
	if (!g->src_version)
		return;
	g->version = g->src_version;
	for (i = 0; i < g->hosts; i++) {
		struct echo_addr *addr = &g->answer.addrs[g->answer.n_addrs];

		host_address(g, i, addr->ip);
		/* Linux answers for its own */
		if (app->shares && interface_address(g, addr->ip, NULL))
			continue;
		addr->version = g->version;
		g->answer.n_addrs++;
		if (g->version == 6)
			app_join_neighbours(app, addr->ip);
	}
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

bool resolve(struct gen *g)
{
	const struct app *app = &g->all.app;
	char text[INET6_ADDRSTRLEN];
	int try;

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
