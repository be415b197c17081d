// SPDX-License-Identifier: BSD-2-Clause
#include "urids/eve.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/json.h"

#define ROOM_FOR_MSG	2048	/* of a line, for what the rule says */

/* ------------------------------------------------------------------------
 * A line
 */

static void put_time(struct json *json, const struct timespec *when)
{
	char text[64], whole[96];
	struct tm tm;

	gmtime_r(&when->tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(whole, sizeof(whole), "%s.%06ld+0000", text,
		 when->tv_nsec / 1000);
	json_str(json, "timestamp", whole);
}

static void put_addr(struct json *json, const char *key, uint8_t family,
		     const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
	json_str(json, key, text);
}

static void put_proto(struct json *json, uint8_t proto)
{
	char number[8];

	switch (proto) {
	case UR_IP_TCP:
		json_str(json, "proto", "TCP");
		break;
	case UR_IP_UDP:
		json_str(json, "proto", "UDP");
		break;
	case UR_IP_ICMP:
		json_str(json, "proto", "ICMP");
		break;
	case UR_IP_ICMPV6:
		json_str(json, "proto", "IPv6-ICMP");
		break;
	default:
		snprintf(number, sizeof(number), "%u", proto);
		json_str(json, "proto", number);
	}
}

static void put_packet(struct json *json, const struct detect_packet *p)
{
	bool ports = p->proto == UR_IP_TCP || p->proto == UR_IP_UDP;

	if (p->vlans) {
		json_open_array(json, "vlan");
		for (uint8_t i = 0; i < p->vlans; i++)
			json_u64(json, NULL, p->tci[i] & 0xfff);
		json_close_array(json);
	}
	put_addr(json, "src_ip", p->family, p->src);
	if (ports)
		json_u64(json, "src_port", p->sport);
	put_addr(json, "dest_ip", p->family, p->dst);
	if (ports)
		json_u64(json, "dest_port", p->dport);
	put_proto(json, p->proto);
	if (p->proto == UR_IP_ICMP || p->proto == UR_IP_ICMPV6) {
		json_u64(json, "icmp_type", p->icmp_type);
		json_u64(json, "icmp_code", p->icmp_code);
	}
}

static void put_rule(struct json *json, const struct rule *rule)
{
	char msg[ROOM_FOR_MSG / 6];	/* a character may take six */

	snprintf(msg, sizeof(msg), "%s", rule->msg ? rule->msg : "");
	json_open_object(json, "alert");
	json_str(json, "action",
		 rule->action == RULE_DROP ? "blocked" : "allowed");
	json_u64(json, "gid", 1);
	json_u64(json, "signature_id", rule->sid);
	json_u64(json, "rev", rule->rev);
	json_str(json, "signature", msg);
	json_str(json, "category", "");
	json_u64(json, "severity", rule->priority);
	json_close_object(json);
}

size_t eve_line(char out[EVE_LINE_MAX], const struct timespec *when,
		const char *device, const struct detect_packet *p,
		const struct rule *rule)
{
	FILE *file = fmemopen(out, EVE_LINE_MAX, "w");
	struct json json;
	char name[64];
	long len;

	if (!file)
		return 0;
	snprintf(name, sizeof(name), "%s", device);
	json_begin(&json, file);
	put_time(&json, when);
	json_str(&json, "in_iface", name);
	json_str(&json, "event_type", "alert");
	put_packet(&json, p);
	put_rule(&json, rule);
	json_end(&json);
	len = ftell(file);
	fclose(file);
	return len < 0 ? 0 : (size_t)len;
}
