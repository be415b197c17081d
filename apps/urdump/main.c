// SPDX-License-Identifier: BSD-2-Clause
/*
 * urdump: shows packets as they come, and writes them to capture files.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libuserring/host.h>

#include "urdump/line.h"
#include "urdump/urdump.h"

#define TX_RETRY_NS	100000	/* between looks at a full TX ring */
#define DROPS_NS	10000000	/* between looks at what the NIC missed */
#define FRAME_MAX	(UR_SLOT_SIZE_MAX + 4)	/* with a tag put back */

/* ------------------------------------------------------------------------
 * Files
 */

static uint64_t real_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

static struct capture_count counts(const struct dump *d)
{
	return (struct capture_count){
		.received = d->app.n.rx_packets + d->missed,
		.dropped = d->missed,
		.accepted = d->taken,
	};
}

/* What the NIC has no place for is told with the next packet. */
static void look_at_drops(struct dump *d)
{
	d->missed = app_missed(&d->app);
	d->next_look = d->app.now + DROPS_NS;
}

/* A reader who has gone has seen enough; all else is said. */
static void file_failed(struct dump *d, const char *name, int err)
{
	d->app.done = true;
	if (err == -EPIPE || d->failed)
		return;
	app_say(&d->app, "%s: %s", name, strerror(-err));
	d->failed = true;
}

static bool open_file(struct dump *d)
{
	const struct capture_count count = counts(d);
	struct capture *c = &d->capture;
	int err;

	if (!c->path)
		return true;
	if (strcmp(c->path, "-") == 0 && isatty(STDOUT_FILENO)) {
		app_say(&d->app, "-w - writes binary data, not to a terminal: pipe it");
		return false;
	}
	c->interface.program = "urdump (userring) " APP_VERSION;
	c->interface.name = d->app.device;
	c->interface.filter = d->filter.text;
	err = capture_open(c, real_time(), &count);
	if (err)
		file_failed(d, c->name[0] ? c->name : c->path, err);
	return !err;
}

/* Who reads along sees what there is. */
static void flush(struct dump *d)
{
	int err = capture_flush(&d->capture);

	if (err)
		file_failed(d, d->capture.name, err);
	if (d->quiet)
		return;
	if (fflush(stdout) || ferror(stdout))
		file_failed(d, "stdout", -errno);
}

static void close_file(struct dump *d)
{
	struct capture_count count;
	int err;

	look_at_drops(d);
	count = counts(d);
	flush(d);
	err = capture_close(&d->capture, real_time(), &count);
	if (err)
		file_failed(d, d->capture.name, err);
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
		 uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / NS_PER_SEC);
	char line[DUMP_LINE];
	struct tm tm;

	localtime_r(&seconds, &tm);
	printf("%02d:%02d:%02d.%06u ", tm.tm_hour, tm.tm_min, tm.tm_sec,
	       (unsigned int)(time_ns % NS_PER_SEC / 1000));
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

/*
 * The frame as it was on the wire: where it lies, or, with a tag that the NIC
 * stripped, a copy in room; the slot stays as it is.
 */
static const uint8_t *on_wire(const struct ur_pkt *pkt, uint8_t room[FRAME_MAX],
			      uint32_t *len)
{
	uint32_t with_tag;

	*len = pkt->len;
	if (!(pkt->flags & UR_PKT_VLAN) || pkt->len > UR_SLOT_SIZE_MAX)
		return pkt->data;
	memcpy(room, pkt->data, pkt->len);
	with_tag = app_insert_vlan(room, pkt->len, FRAME_MAX, pkt->vlan);
	if (!with_tag)
		return pkt->data;
	*len = with_tag;
	return room;
}

static void take_packet(struct dump *d, const struct ur_pkt *pkt,
			uint64_t burst_time)
{
	uint64_t time_ns = pkt->flags & UR_PKT_TIMESTAMP ? pkt->timestamp :
							   burst_time;
	struct capture_count count;
	uint8_t room[FRAME_MAX];
	const uint8_t *frame;
	uint32_t len;
	int err;

	app_add(&d->app.n.rx_packets, 1);
	app_add(&d->app.n.rx_bytes, pkt->len);
	frame = on_wire(pkt, room, &len);
	if (d->capture.full || !filter_takes(&d->filter, frame, len))
		return;
	d->taken++;
	if (!d->quiet)
		show(d, frame, len, time_ns);
	if (!d->capture.file)
		return;
	count = counts(d);
	err = capture_put(&d->capture, frame, len, time_ns, &count);
	if (err)
		file_failed(d, d->capture.name, err);
	if (d->capture.full) {
		/* it would have been the first one of a file too many */
		d->taken--;
		d->app.done = true;
	}
}

static uint32_t take_burst(struct dump *d)
{
	struct ur_pkt pkts[APP_BURST];
	struct app *app = &d->app;
	uint32_t want = APP_BURST;
	uint64_t now;
	uint32_t n, i;

	if (app->count && app->count - d->taken < want)
		want = (uint32_t)(app->count - d->taken);
	/* what cannot be passed on now waits in the RX ring */
	if (app->shares)
		want = ur_tx_make_room(app->queue, want);
	n = ur_rx_burst(app->queue, pkts, want);
	if (!n)
		return 0;

	now = real_time();
	if (d->capture.file && app->now >= d->next_look)
		look_at_drops(d);
	for (i = 0; i < n; i++)
		take_packet(d, &pkts[i], now);
	if (!d->quiet && ferror(stdout))
		flush(d);
	if (app->shares)
		app_pass(app, pkts, n);
	else if (ur_rx_release_kept(app->queue, n))
		ur_rx_release(app->queue, pkts, n);
	if (app->count && d->taken >= app->count)
		app->done = true;
	return n;
}

/* ------------------------------------------------------------------------
 * What there was
 */

/* Behind the rates of a second. */
static void live(const struct app *app, FILE *out)
{
	const struct dump *d = (const struct dump *)app;

	if (d->filter.set)
		fprintf(out, "  taken %" PRIu64, d->taken);
	if (d->capture.path)
		fprintf(out, "  written %.1f MB", (double)d->capture.bytes / 1e6);
	if (d->capture.files > 1)
		fprintf(out, " in %" PRIu64 " files", d->capture.files);
}

static void totals(struct dump *d)
{
	const struct capture *c = &d->capture;
	struct json json;

	if (d->extcap.capture)		/* Wireshark takes words for trouble */
		return;
	if (d->app.json) {
		app_total_json(&d->app, &json);
		json_u64(&json, "taken", d->taken);
		if (c->path) {
			json_str(&json, "file", c->name);
			json_u64(&json, "files", c->files);
			json_u64(&json, "written_bytes", c->bytes);
		}
		json_end(&json);
		return;
	}
	fprintf(stderr, "%" PRIu64 " packets taken\n", d->taken);
	if (c->path)
		fprintf(stderr, "written %" PRIu64 " bytes, %" PRIu64 " file%s\n",
			c->bytes, c->files, c->files == 1 ? "" : "s");
	app_total_text(&d->app, stderr);
}

int main(int argc, char **argv)
{
	static struct dump d;
	struct app *app = &d.app;

	dump_options(&d, argc, argv);
	app->live = live;
	if (!open_file(&d) || app_open(app))
		return APP_FAILED;

	app->shares = !d.take && (app->info.features & UR_FEATURE_HOST);

	while (app_run(app)) {
		if (take_burst(&d)) {
			app_sync(app);
			continue;
		}
		flush(&d);
		if (!app->shares || ur_tx_room(app->queue))
			app_idle(app, 0);
		else
			app_idle_until(app, app->now + TX_RETRY_NS, false);
	}

	close_file(&d);
	totals(&d);
	app_close(app);
	filter_free(&d.filter);
	return app->gone || d.failed ? APP_FAILED : APP_OK;
}
