// SPDX-License-Identifier: BSD-2-Clause
/*
 * urdump: shows packets as they come, and writes them to a capture file.
 */
#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libuserring/host.h>

#include "common/common.h"
#include "urdump/line.h"

#define MAX_PORTS	32
#define TX_RETRY_NS	100000	/* between looks at a full TX ring */
#define SNAP_LEN	65535
#define FRAME_MAX	(UR_SLOT_SIZE_MAX + 4)	/* with a tag put back */

static const char help[] =
"usage: urdump [options] DEV\n"
"\n"
"Shows the packets of a NIC queue, one line each, or writes them to a file for\n"
"tcpdump and Wireshark, and passes them on to Linux. DEV is an interface (eth1),\n"
"a PCI address, /dev/userring0 or sim:[options]. Names are never looked up.\n"
"\n"
"  -w FILE              write a pcap file (nanoseconds) instead; -: stdout\n"
"  --port N             only UDP from or to this port (repeatable)\n"
"  -e, -x               show MAC addresses; show the bytes\n"
"  -q                   show no packets, only count\n"
"  --take               packets end here, Linux gets none of them\n"
APP_HELP
"\n"
"examples:\n"
"  urdump -c 10 eth1\n"
"  urdump -w - eth1 | wireshark -k -i -\n";

enum {
	OPT_PORT = APP_OPT_OWN,
	OPT_TAKE,
};

static const struct option options[] = {
	APP_OPTIONS,
	{ "port",  required_argument, NULL, OPT_PORT },
	{ "take",  no_argument,       NULL, OPT_TAKE },
	{ "write", required_argument, NULL, 'w' },
	{ "quiet", no_argument,       NULL, 'q' },
	{ NULL, 0, NULL, 0 }
};

struct dump {
	struct app app;
	const char *file;
	bool     quiet;
	bool     take;
	bool     macs;
	bool     bytes;
	uint16_t ports[MAX_PORTS];
	uint32_t n_ports;

	pcap_t *pcap;
	pcap_dumper_t *out;
	uint64_t taken;		/* packets that passed the filter */
	bool     failed;
};

static void parse_options(struct dump *d, int argc, char **argv)
{
	struct app *app = &d->app;
	int c;

	app_init(app, "urdump", help);
	while ((c = getopt_long(argc, argv, APP_SHORT_OPTIONS "w:qexn", options,
				NULL)) != -1) {
		switch (c) {
		case 'w':
			d->file = optarg;
			break;
		case 'q':
			d->quiet = true;
			break;
		case 'e':
			d->macs = true;
			break;
		case 'x':
			d->bytes = true;
			break;
		case 'n':	/* as one types it for tcpdump */
			break;
		case OPT_TAKE:
			d->take = true;
			break;
		case OPT_PORT:
			if (d->n_ports == MAX_PORTS)
				app_usage(app, "%d ports are the most",
					  MAX_PORTS);
			d->ports[d->n_ports++] =
				(uint16_t)app_number(app, "--port", optarg, 0,
						     65535);
			break;
		default:
			app_option(app, c);
		}
	}
	app_device(app, argc, argv);
	if (app->json && d->file && strcmp(d->file, "-") == 0)
		app_usage(app, "--json and -w - cannot both have stdout");
	if (app->json || d->file)
		d->quiet = true;
	app->no_live = !d->quiet;
}

/* ------------------------------------------------------------------------
 * The capture file
 */

static bool open_file(struct dump *d)
{
	if (!d->file)
		return true;
	if (strcmp(d->file, "-") == 0 && isatty(STDOUT_FILENO)) {
		app_say(&d->app, "-w - writes binary data, not to a terminal: pipe it");
		return false;
	}
	d->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAP_LEN,
						       PCAP_TSTAMP_PRECISION_NANO);
	if (!d->pcap) {
		app_say(&d->app, "no memory");
		return false;
	}
	d->out = pcap_dump_open(d->pcap, d->file);
	if (!d->out) {
		app_say(&d->app, "%s", pcap_geterr(d->pcap));
		pcap_close(d->pcap);
		return false;
	}
	return true;
}

static void check_file(struct dump *d)
{
	FILE *file = d->out ? pcap_dump_file(d->out) : stdout;

	if (fflush(file) == 0 && !ferror(file))
		return;
	if (!d->failed)
		app_say(&d->app, "%s: %s", d->file ? d->file : "stdout",
			strerror(errno));
	d->failed = true;
	d->app.done = true;
}

static void close_file(struct dump *d)
{
	check_file(d);
	if (d->out)
		pcap_dump_close(d->out);
	if (d->pcap)
		pcap_close(d->pcap);
}

/* ------------------------------------------------------------------------
 * Packets
 */

static void show_bytes(const uint8_t *frame, uint32_t len)
{
	uint32_t i, j;

	for (i = 0; i < len; i += 16) {
		printf("\t0x%04" PRIx32 ": ", i);
		for (j = i; j < i + 16 && j < len; j++)
			printf("%s%02x", j & 1 ? "" : " ", frame[j]);
		putchar('\n');
	}
}

static void show(const struct dump *d, const uint8_t *frame, uint32_t len,
		 const struct timespec *ts)
{
	char line[DUMP_LINE];
	struct tm tm;

	localtime_r(&ts->tv_sec, &tm);
	printf("%02d:%02d:%02d.%06ld ", tm.tm_hour, tm.tm_min, tm.tm_sec,
	       ts->tv_nsec / 1000);
	if (d->macs && len >= 12)
		printf("%02x:%02x:%02x:%02x:%02x:%02x > %02x:%02x:%02x:%02x:%02x:%02x, length %" PRIu32 ": ",
		       frame[6], frame[7], frame[8], frame[9], frame[10],
		       frame[11], frame[0], frame[1], frame[2], frame[3],
		       frame[4], frame[5], len);
	dump_line(line, sizeof(line), frame, len);
	puts(line);
	if (d->bytes)
		show_bytes(frame, len);
}

static void take_packet(struct dump *d, const struct ur_pkt *pkt,
			const struct timespec *burst_time)
{
	struct timespec ts = *burst_time;
	const uint8_t *frame = pkt->data;
	uint8_t tagged[FRAME_MAX];
	uint32_t len = pkt->len;

	d->app.n.rx_packets++;
	d->app.n.rx_bytes += len;

	if ((pkt->flags & UR_PKT_VLAN) && len <= UR_SLOT_SIZE_MAX) {
		/* as it was on the wire; the slot stays as it is */
		uint32_t with_tag;

		memcpy(tagged, frame, len);
		with_tag = app_insert_vlan(tagged, len, sizeof(tagged),
					   pkt->vlan);
		if (with_tag) {
			frame = tagged;
			len = with_tag;
		}
	}
	if (d->n_ports && !dump_has_port(frame, len, d->ports, d->n_ports))
		return;
	d->taken++;

	if (pkt->flags & UR_PKT_TIMESTAMP) {
		ts.tv_sec = (time_t)(pkt->timestamp / NS_PER_SEC);
		ts.tv_nsec = (long)(pkt->timestamp % NS_PER_SEC);
	}
	if (d->out) {
		struct pcap_pkthdr header = {
			.ts = { .tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec },
			.caplen = len,
			.len = len,
		};

		pcap_dump((u_char *)d->out, &header, frame);
	}
	if (!d->quiet)
		show(d, frame, len, &ts);
}

static uint32_t take_burst(struct dump *d)
{
	struct ur_pkt pkts[APP_BURST];
	struct app *app = &d->app;
	uint32_t want = APP_BURST;
	struct timespec now;
	uint32_t n, i;

	if (app->count && app->count - d->taken < want)
		want = (uint32_t)(app->count - d->taken);
	/* what cannot be passed on now waits in the RX ring */
	if (app->shares)
		want = ur_tx_make_room(app->queue, want);
	n = ur_rx_burst(app->queue, pkts, want);
	if (!n)
		return 0;

	clock_gettime(CLOCK_REALTIME, &now);
	for (i = 0; i < n; i++)
		take_packet(d, &pkts[i], &now);
	if (app->shares)
		app_pass(app, pkts, n);
	else if (ur_rx_release_kept(app->queue, n))
		ur_rx_release(app->queue, pkts, n);
	if (app->count && d->taken >= app->count)
		app->done = true;
	return n;
}

static void totals(struct dump *d)
{
	struct json json;

	if (d->app.json) {
		app_total_json(&d->app, &json);
		json_u64(&json, "taken", d->taken);
		if (d->file)
			json_str(&json, "file", d->file);
		json_end(&json);
		return;
	}
	fprintf(stderr, "%" PRIu64 " packets taken\n", d->taken);
	app_total_text(&d->app, stderr);
}

int main(int argc, char **argv)
{
	static struct dump d;
	struct app *app = &d.app;

	parse_options(&d, argc, argv);
	if (!open_file(&d))
		return APP_FAILED;
	if (app_open(app)) {
		close_file(&d);
		return APP_FAILED;
	}

	app->shares = !d.take && (app->info.features & UR_FEATURE_HOST);

	while (app_run(app)) {
		if (take_burst(&d)) {
			app_sync(app);
			continue;
		}
		/* who reads along sees it when no more comes */
		check_file(&d);
		if (!app->shares || ur_tx_room(app->queue))
			app_idle(app, 0);
		else
			app_idle_until(app, app->now + TX_RETRY_NS, false);
	}

	close_file(&d);
	totals(&d);
	app_close(app);
	return app->gone || d.failed ? APP_FAILED : APP_OK;
}
