// SPDX-License-Identifier: GPL-2.0-only
/* Commands of the guest, as main.c lists them: a line each, and a line in answer. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "farend.h"

#define LINE_ROOM	(2 * FRAME_ROOM + 64)

int control_fd = -1;

static void __attribute__((format(printf, 1, 2))) reply(const char *fmt, ...)
{
	static char line[LINE_ROOM];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[len++] = '\n';
	write_all(control_fd, line, (size_t)len);
}

static bool parse_mac(const char *s, uint8_t *mac)
{
	return sscanf(s, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2,
		      mac + 3, mac + 4, mac + 5) == 6;
}

static bool parse_ip(const char *s, uint32_t *ip)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, s, &addr) != 1)
		return false;
	*ip = ntohl(addr.s_addr);
	return true;
}

static bool parse_udp(const char *s, struct pat_flow *flow)
{
	char sip[16], dip[16];

	return sscanf(s, "%15[0-9.],%15[0-9.],%hu,%hu", sip, dip, &flow->sport,
		      &flow->dport) == 4 &&
	       parse_ip(sip, &flow->sip) && parse_ip(dip, &flow->dip);
}

static bool parse_lengths(const char *s, struct sender *t)
{
	char *end;

	for (t->n_lengths = 0; t->n_lengths < MAX_LENGTHS; s = end + 1) {
		size_t len = strtoul(s, &end, 10);

		if (len < PAT_MIN_LEN || len > PAT_MAX_LEN)
			return false;
		t->lengths[t->n_lengths++] = len;
		if (*end != ',')
			return !*end;
	}
	return false;
}

/* One "key=value" of send. */
static bool parse_send(const char *key, const char *value, struct sender *t)
{
	if (!strcmp(key, "count"))
		return sscanf(value, "%" SCNu64, &t->count) == 1;
	if (!strcmp(key, "len"))
		return parse_lengths(value, t);
	if (!strcmp(key, "seq"))
		return sscanf(value, "%" SCNu64, &t->seq) == 1;
	if (!strcmp(key, "rate"))
		return sscanf(value, "%" SCNu64, &t->rate) == 1;
	if (!strcmp(key, "delay_us")) {
		t->start += strtoul(value, NULL, 10) * 1000;
		return true;
	}
	if (!strcmp(key, "dst"))
		return parse_mac(value, t->flow.dst);
	if (!strcmp(key, "src"))
		return parse_mac(value, t->flow.src);
	if (!strcmp(key, "vlan"))
		return sscanf(value, "%d", &t->flow.vlan) == 1;
	if (!strcmp(key, "qinq"))
		return sscanf(value, "%d,%d", &t->flow.outer, &t->flow.vlan) == 2;
	if (!strcmp(key, "udp"))
		return parse_udp(value, &t->flow);
	if (!strcmp(key, "flows"))
		return sscanf(value, "%u", &t->flows) == 1 && t->flows;
	if (!strcmp(key, "hosts"))
		return sscanf(value, "%u", &t->hosts) == 1 && t->hosts;
	if (!strcmp(key, "bad")) {
		t->flow.bad = !strcmp(value, "ipcsum") ? PAT_BAD_IPCSUM :
			      !strcmp(value, "udpcsum") ? PAT_BAD_UDPCSUM : 0;
		return t->flow.bad;
	}
	return false;
}

static void do_send(char *args)
{
	struct sender t = {
		.active = true,
		.count = 1,
		.lengths = { PAT_MIN_LEN },
		.n_lengths = 1,
		.flows = 1,
		.hosts = 1,
		.start = now_ns(),
		.flow = pat_flow_default(),
	};
	char *save, *key, *value;

	if (wire.tx.active)
		return reply("err already sending");
	if (!connect_wire())
		return reply("err the wire is not connected");
	for (key = strtok_r(args, " ", &save); key; key = strtok_r(NULL, " ", &save)) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		if (!value || !parse_send(key, value, &t))
			return reply("err bad argument of send: %s", key);
	}
	wire.tx = t;
	reply("ok started");
}

static void do_raw(const char *hex)
{
	uint8_t data[FRAME_ROOM];
	size_t len = 0;

	for (; sscanf(hex, "%2hhx", &data[len]) == 1 && hex[1]; hex += 2)
		if (++len == sizeof(data))
			break;
	if (!len || *hex)
		return reply("err not a frame in hex");
	reply(send_frame(data, len) ? "ok" : "err the wire takes nothing");
}

static void do_getraw(void)
{
	static char hex[2 * FRAME_ROOM + 1];
	const struct frame *frame = wire_kept();

	if (!frame)
		return reply("err nothing was kept");
	for (size_t i = 0; i < frame->len; i++)
		sprintf(hex + 2 * i, "%02x", frame->data[i]);
	reply("ok hex=%s", hex);
}

static void do_capture(const char *args)
{
	unsigned int type = 0;
	bool on = !strncmp(args, "on", 2);

	if (on && args[2] && sscanf(args, "on type=%x", &type) != 1)
		return reply("err usage: capture on [type=HEX] | off");
	wire_keep(on ? (int)type : -1);
	reply("ok");
}

static void do_arp(const char *args)
{
	wire.arp_ip = 0;
	if (strcmp(args, "off") && (strncmp(args, "on ip=", 6) || !parse_ip(args + 6, &wire.arp_ip)))
		return reply("err usage: arp on ip=IP | off");
	reply("ok");
}

static void do_link(const char *args)
{
	char text[512], state[4];
	unsigned int nic;

	if (sscanf(args, "%u %3s", &nic, state) != 2)
		return reply("err usage: link N on|off");
	if (!hmp(text, sizeof(text), "set_link nic%u %s", nic, state) || *text)
		return reply("err %s", text);
	reply("ok");
}

static void do_hmp(const char *command)
{
	char text[4096];
	bool done = hmp(text, sizeof(text), "%s", command);

	reply(done ? "ok text=%s" : "err %s", text);
}

static void do_echo_client(const char *args, bool tcp)
{
	struct echo_client c = { .tcp = tcp, .count = 1, .size = 64, .window = 1,
				 .timeout_ms = 1000, .running = true };
	const char *p;

	if ((p = strstr(args, "count=")))
		c.count = strtoul(p + 6, NULL, 10);
	if ((p = strstr(args, "size=")))
		c.size = strtoul(p + 5, NULL, 10);
	if ((p = strstr(args, "window=")))
		c.window = strtoul(p + 7, NULL, 10);
	if ((p = strstr(args, "timeout_ms=")))
		c.timeout_ms = atoi(p + 11);
	if (!c.count || !c.window || c.size < 8 || (!tcp && c.size > 65000))
		return reply("err bad numbers");
	c.port = forwarded_port(tcp ? "TCP[HOST_FORWARD]" : "UDP[HOST_FORWARD]");
	if (!c.port)
		return reply("err QEMU forwards no port");
	reply(client_start(&c) ? "ok started" : "err an echo client is running");
}

static void do_echostat(void)
{
	struct echo_client c;

	client_look(&c);
	reply("ok running=%d sent=%" PRIu64 " received=%" PRIu64 " bad=%" PRIu64
	      " rtt_median_us=%" PRIu64, c.running, c.sent, c.received, c.bad, c.median_us);
}

static void do_status(void)
{
	reply("ok sending=%d sent=%" PRIu64 " rx=%" PRIu64 " rx_bad=%" PRIu64
	      " rx_lost=%" PRIu64 " rx_reordered=%" PRIu64 " rx_dup=%" PRIu64
	      " rx_other=%" PRIu64 " rx_overtaken=%" PRIu64 " first=%" PRIu64
	      " last=%" PRIu64 " bytes=%" PRIu64,
	      wire.tx.active, wire.tx.sent, wire.rx.good, wire.rx.corrupt, wire.rx.lost,
	      wire.rx.reordered, wire.rx.dup, wire.rx.other, wire.rx_overtaken,
	      wire.rx.first, wire.rx.last, wire.rx_bytes);
}

static void do_expect(const char *args)
{
	unsigned int flows = 0;
	uint64_t seq;

	if (sscanf(args, "seq=%" SCNu64 " flows=%u", &seq, &flows) < 1 || flows > MAX_FLOWS) {
		reply("err expect seq=S [flows=N], N up to %d", MAX_FLOWS);
		return;
	}
	wire_expect(seq, flows);
	reply("ok");
}

static void do_command(char *line)
{
	char *args = strchr(line, ' ');

	if (args)
		*args++ = '\0';
	else
		args = line + strlen(line);

	if (!strcmp(line, "send")) {
		do_send(args);
	} else if (!strcmp(line, "stop")) {
		wire.tx.active = false;
		reply("ok");
	} else if (!strcmp(line, "status")) {
		do_status();
	} else if (!strcmp(line, "expect")) {
		do_expect(args);
	} else if (!strcmp(line, "echo")) {
		wire.echoing = !strcmp(args, "on");
		reply("ok");
	} else if (!strcmp(line, "raw")) {
		do_raw(args);
	} else if (!strcmp(line, "capture")) {
		do_capture(args);
	} else if (!strcmp(line, "getraw")) {
		do_getraw();
	} else if (!strcmp(line, "arp")) {
		do_arp(args);
	} else if (!strcmp(line, "link")) {
		do_link(args);
	} else if (!strcmp(line, "hmp")) {
		do_hmp(args);
	} else if (!strcmp(line, "udp") || !strcmp(line, "tcp")) {
		do_echo_client(args, *line == 't');
	} else if (!strcmp(line, "echostat")) {
		do_echostat();
	} else if (!strcmp(line, "quit")) {
		reply("ok");
		exit(0);
	} else {
		reply("err no such command: %s", line);
	}
}

void read_control(void)
{
	static char line[LINE_ROOM];
	static size_t len;
	ssize_t n = read(control_fd, line + len, sizeof(line) - 1 - len);
	char *end;

	if (n <= 0)	/* QEMU has ended, and so do we */
		exit(0);
	len += (size_t)n;
	line[len] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		do_command(line);
		len -= (size_t)(end + 1 - line);
		memmove(line, end + 1, len + 1);
	}
	if (len == sizeof(line) - 1)
		len = 0;
}
