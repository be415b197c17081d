// SPDX-License-Identifier: BSD-2-Clause
/* Whom urgen sends to, and from which address. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <string.h>

#include "urgen/urgen.h"
#include "common/wire.h"

#define RESOLVE_TRIES	3

/* An address of the interface, of the version that is needed. */
static bool interface_address(struct gen *g)
{
	struct ifaddrs *list, *a;
	bool found = false;

	if (!g->app.info.ifname[0] || getifaddrs(&list))
		return false;
	for (a = list; a && !found; a = a->ifa_next) {
		if (!a->ifa_addr ||
		    strcmp(a->ifa_name, g->app.info.ifname) != 0)
			continue;
		if (g->version == 4 && a->ifa_addr->sa_family == AF_INET) {
			memcpy(g->src, &((struct sockaddr_in *)(void *)
					 a->ifa_addr)->sin_addr, 4);
			found = true;
		} else if (g->version == 6 &&
			   a->ifa_addr->sa_family == AF_INET6) {
			memcpy(g->src, &((struct sockaddr_in6 *)(void *)
					 a->ifa_addr)->sin6_addr, 16);
			found = true;
		}
	}
	freeifaddrs(list);
	return found;
}

static bool is_software(const struct gen *g)
{
	return strncmp(g->app.device, "sim:", 4) == 0 ||
	       strncmp(g->app.device, "pcap:", 5) == 0;
}

bool find_source(struct gen *g)
{
	if (!g->src_version && is_software(g)) {
		inet_pton(g->version == 4 ? AF_INET : AF_INET6,
			  g->version == 4 ? "192.0.2.1" : "2001:db8::1", g->src);
		g->src_version = g->version;
	}
	if (!g->src_version && !interface_address(g)) {
		app_say(&g->app, "%s has no address to send from: give one with --src",
			g->app.info.ifname);
		return false;
	}
	g->src_version = g->version;
	return true;
}

void set_up_answers(struct gen *g)
{
	memcpy(g->answer.mac, g->app.info.mac, 6);
	g->answer.port = ECHO_NO_UDP;
	if (g->src_version) {
		g->answer.n_addrs = 1;
		g->answer.addrs[0].version = g->src_version;
		memcpy(g->answer.addrs[0].ip, g->src, 16);
		if (g->src_version == 6)
			app_join_neighbours(&g->app, g->src);
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
	memcpy(p + 6, g->app.info.mac, 6);
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
	memcpy(p + at + 8, g->app.info.mac, 6);
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
	memcpy(ns + 26, g->app.info.mac, 6);
	ur_put_be16(ns + 2, csum_icmpv6(ip, ND_LEN_MAC));
	return at + 72;
}

static void ask_for_mac(struct gen *g)
{
	struct ur_pool *pool = g->app.pool;
	struct ur_pkt pkt = { .slot = ur_slot_alloc(pool) };

	if (pkt.slot == UR_NO_SLOT)
		return;
	pkt.data = ur_slot_data(pool, pkt.slot);
	pkt.len = g->version == 4 ? write_arp_request(g, pkt.data) :
				    write_solicitation(g, pkt.data);
	if (!ur_tx_burst(g->app.queue, &pkt, 1))
		ur_slot_free(pool, pkt.slot);
	app_sync(&g->app);
}

bool resolve(struct gen *g)
{
	struct app *app = &g->app;
	struct ur_pkt pkts[APP_BURST];
	char text[INET6_ADDRSTRLEN];
	uint32_t n, i;
	int try;

	if (is_software(g) && !g->have_mac) {
		memcpy(g->dst_mac, app->info.mac, 6);
		g->have_mac = true;
	}

	for (try = 0; try < RESOLVE_TRIES && !g->have_mac && !app->gone;
	     try++) {
		uint64_t until = app_clock() + NS_PER_SEC;

		ask_for_mac(g);
		while (!g->have_mac && app_clock() < until && app_run(app)) {
			n = ur_rx_burst(app->queue, pkts, APP_BURST);
			for (i = 0; i < n; i++)
				look_for_answer(g, &pkts[i]);
			if (n) {
				answer_others(g, pkts, n);
				app_sync(app);
			} else {
				app_idle(app, 10000);
			}
		}
	}
	if (!g->have_mac && !app_stopped() && !app->gone) {
		inet_ntop(g->version == 4 ? AF_INET : AF_INET6, g->dst, text,
			  sizeof(text));
		app_say(app, "nobody at %s answers %s; is it on this wire? Give the MAC address of it, or of the router, with --dst-mac",
			text, g->version == 4 ? "ARP" :
						"neighbour solicitations");
	}
	return g->have_mac;
}
