// SPDX-License-Identifier: BSD-2-Clause
/*
 * Linked with an app, and instead of the library's ur_port_open() and ur_port_close():
 * a wire for its sim:, as SIMWIRE_IN, SIMWIRE_OUT and SIMWIRE_SENT say.  The frames of
 * the capture SIMWIRE_IN arrive at the first port that is opened, with the verdict on
 * their checksums that a NIC has, and when SIMWIRE_SENT frames have left by the last
 * one, or not for a while, the app gets SIGINT.  All that left goes into the capture
 * SIMWIRE_OUT.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libuserring/sim.h>

#include "common/wire.h"

#define WAIT_MS		5000

int __real_ur_port_open(struct ur_port **port, const char *name,
			struct ur_error *err);
int __wrap_ur_port_open(struct ur_port **port, const char *name,
			struct ur_error *err);
void __real_ur_port_close(struct ur_port *port);
void __wrap_ur_port_close(struct ur_port *port);

static struct ur_port *first, *last;	/* NULL, too, when it is closed */
static pthread_t thread;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "simwire: %s\n", what);
	_exit(99);
}

static const char *option(const char *name)
{
	const char *text = getenv(name);

	return text ? text : "";
}

/* ------------------------------------------------------------------------
 * What comes
 */

/* Is there a checksum behind the header of IP, and is it wrong? */
static bool l4_wrong(const struct ur_ip *ip, struct ur_cursor c)
{
	const size_t addrs = ip->version == 4 ? 8 : 32;
	const uint8_t *l4 = c.pos;
	uint32_t len = (uint32_t)ur_cursor_left(&c);
	uint64_t sum = csum_pseudo(ip->src, addrs, ip->proto, len);

	/* the addresses lie one behind the other; UDP may have none */
	if (ip->proto == UR_IP_UDP && (len < 8 || !ur_get_be16(l4 + 6)))
		return false;
	return ur_csum_fold(ur_csum_add(sum, l4, len)) != 0;
}

static struct ur_sim_meta verdict(const uint8_t *frame, uint32_t len)
{
	struct ur_sim_meta meta = { 0 };
	struct ur_cursor c = ur_cursor(frame, len);
	struct ur_eth eth;
	struct ur_ip ip;
	enum ur_parse ret;

	if (ur_parse_eth(&c, &eth) != UR_PARSE_OK)
		return meta;
	if (eth.type == UR_ETH_IPV4) {
		meta.status |= UR_RXD_STAT_IPCS;
		if (ur_csum(c.pos, (c.pos[0] & 15) * 4))
			meta.errors |= UR_RXX_ERR_IPE;
	}
	ret = ur_parse_ip(&c, &eth, &ip);
	if (ret != UR_PARSE_OK ||
	    (ip.proto != UR_IP_UDP && ip.proto != UR_IP_TCP))
		return meta;
	meta.status |= UR_RXD_STAT_L4CS;
	if (l4_wrong(&ip, c))
		meta.errors |= UR_RXX_ERR_L4E;
	return meta;
}

/* As soon as there is a queue, and a place in it. */
static void inject(const uint8_t *frame, uint32_t len)
{
	const struct ur_sim_meta meta = verdict(frame, len);
	int ret, ms;

	for (ms = 0; (ret = ur_sim_inject(first, frame, len, &meta)); ms++) {
		if ((ret != -ENOTCONN && ret != -ENOBUFS) || ms == WAIT_MS)
			fail(strerror(-ret));
		usleep(1000);
	}
}

static void *play(void *arg)
{
	const uint64_t sent = strtoull(option("SIMWIRE_SENT"), NULL, 10);
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *head;
	const u_char *frame;
	pcap_t *in;

	(void)arg;
	in = pcap_open_offline(option("SIMWIRE_IN"), why);
	if (!in)
		fail(why);
	while (pcap_next_ex(in, &head, &frame) == 1)
		inject(frame, head->caplen);
	pcap_close(in);
	if (!sent)
		return NULL;
	for (int ms = 0; ms < WAIT_MS && ur_sim_sent(last) < sent; ms++)
		usleep(1000);
	kill(getpid(), SIGINT);
	return NULL;
}

int __wrap_ur_port_open(struct ur_port **port, const char *name,
			struct ur_error *err)
{
	int ret = __real_ur_port_open(port, name, err);

	if (ret)
		return ret;
	last = *port;
	if (first)
		return 0;
	first = *port;
	if (*option("SIMWIRE_IN") && pthread_create(&thread, NULL, play, NULL))
		fail("no thread");
	return 0;
}

/* ------------------------------------------------------------------------
 * What leaves
 */

static void collect(void)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, 262144);
	pcap_dumper_t *out = pcap_dump_open(dead, option("SIMWIRE_OUT"));
	struct pcap_pkthdr head = { .ts = { 0 } };
	uint8_t frame[2048];
	int len;

	if (!out)
		fail(pcap_geterr(dead));
	while ((len = ur_sim_collect(last, frame, sizeof(frame))) > 0) {
		head.caplen = head.len = (bpf_u_int32)len;
		pcap_dump((u_char *)out, &head, frame);
	}
	pcap_dump_close(out);
	pcap_close(dead);
}

void __wrap_ur_port_close(struct ur_port *port)
{
	if (thread) {
		pthread_join(thread, NULL);
		thread = 0;
	}
	if (port && port == last) {
		collect();
		last = NULL;
	}
	__real_ur_port_close(port);
}
