// SPDX-License-Identifier: BSD-2-Clause
/*
 * urdump: shows packets as they come, and writes them to capture files.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libuserring/host.h>

#include "urdump/urdump.h"

#define TX_RETRY_NS	100000	/* between looks at a full TX ring */
#define DROPS_NS	10000000	/* between looks at what the NIC missed */
#define SPACE_MS	100	/* between looks at signals */
#define FRAME_MAX	(UR_SLOT_SIZE_MAX + 4)	/* with a tag put back */

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
		.accepted = d->taken + d->lost,
		.lost = d->lost,
	};
}

/* What the NIC has no place for is told with the next packet. */
static void look_at_drops(struct dump *d)
{
	d->missed = app_missed(&d->app);
	d->next_look = d->app.now + DROPS_NS;
}

/* ------------------------------------------------------------------------
 * Packets
 */

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

/*
 * For a NIC the packet's way goes on, whether there is room or not; a capture that
 * is read can wait.
 */
static bool put(struct dump *d, const struct spool_packet *pkt,
		const uint8_t *frame)
{
	struct spool *s = &d->out.spool;

	while (!spool_put(s, pkt, frame)) {
		if (!d->app.ends || app_stopped() || output_is_over(&d->out))
			return false;
		spool_wait_space(s, SPACE_MS);
	}
	return true;
}

static void take_packet(struct dump *d, const struct ur_pkt *pkt,
			uint64_t burst_time)
{
	struct spool_packet p = {
		.time = pkt->flags & UR_PKT_TIMESTAMP ? pkt->timestamp :
							burst_time,
	};
	uint32_t wire_len;
	uint8_t room[FRAME_MAX];
	const uint8_t *frame;

	app_add(&d->app.n.rx_packets, 1);
	app_add(&d->app.n.rx_bytes, pkt->len);
	frame = on_wire(pkt, room, &p.captured);
	app_capture_head(&d->app, pkt, &p.time, &wire_len);
	p.len = wire_len + (p.captured - pkt->len);
	if (!filter_takes(&d->filter, frame, p.captured, p.len))
		return;
	d->taken++;
	if (!output_wants(&d->out))
		return;
	p.count = counts(d);
	if (put(d, &p, frame))
		return;
	d->taken--;
	d->lost++;
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
	if (d->out.capture.path && app->now >= d->next_look)
		look_at_drops(d);
	for (i = 0; i < n; i++)
		take_packet(d, &pkts[i], now);
	if (output_wants(&d->out))
		spool_publish(&d->out.spool);
	if (app->shares)
		app_pass(app, pkts, n);
	else
		ur_rx_release(app->queue, pkts, n);
	if ((app->count && d->taken >= app->count) || output_is_over(&d->out))
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
	if (d->out.capture.path)
		fprintf(out, "  written %s",
			app_size(app_read(&d->out.written)).text);
	if (app_read(&d->out.files) > 1)
		fprintf(out, " in %" PRIu64 " files", app_read(&d->out.files));
	if (d->lost)
		fprintf(out, "  lost %" PRIu64, d->lost);
}

/* Packets that came out, and those that should have. */
static void settle(struct dump *d)
{
	uint64_t done = app_read(&d->out.done);

	if (!output_wants(&d->out))
		return;
	/* who has seen enough, or cannot write, does not miss them */
	if (!output_is_over(&d->out))
		d->lost += d->taken - done;
	d->taken = done;
}

static void totals(struct dump *d)
{
	const struct output *o = &d->out;
	const char *name = o->capture.name;
	struct json json;

	if (d->extcap.capture)		/* Wireshark takes words for trouble */
		return;
	if (d->app.json) {
		app_total_json(&d->app, &json);
		json_u64(&json, "taken", d->taken);
		json_u64(&json, "lost", d->lost);
		if (o->capture.path) {
			json_str(&json, "file", name);
			json_u64(&json, "files", app_read(&o->files));
			json_u64(&json, "written_bytes", app_read(&o->written));
		}
		json_end(&json);
		return;
	}
	fprintf(stderr, "%" PRIu64 " packet%s taken\n", d->taken,
		app_s(d->taken));
	if (d->lost)
		fprintf(stderr, "%" PRIu64 " packet%s lost: they came faster than they could be %s\n",
			d->lost, app_s(d->lost), o->lines ? "shown" : "written");
	if (o->capture.path)
		fprintf(stderr, "written %" PRIu64 " bytes, %" PRIu64 " file%s\n",
			app_read(&o->written), app_read(&o->files),
			app_s(app_read(&o->files)));
	app_total_text(&d->app, stderr);
}

/* What it is that one will see; and that half of a conversation is missing in it. */
static void say_start(const struct dump *d)
{
	const struct app *app = &d->app;
	const char *does = d->out.capture.path ? "writes" :
			   d->quiet ? "counts" : "shows";
	char has[32] = "";

	if (app->json || d->extcap.capture)
		return;
	if (!strncmp(app->device, "pcap:", 5)) {
		app_say(app, "reading %s, link-type Ethernet", app->device + 5);
		return;
	}
	if (app->info.queues > 1)
		snprintf(has, sizeof(has), " (it has %u)", app->info.queues);
	app_say(app, "listening on queue %u of %s%s, link-type Ethernet: %s what the queue receives, not what is sent",
		ur_queue_number(app->queue), app->device, has, does);
}

static void run(struct dump *d)
{
	struct app *app = &d->app;

	while (app_run(app)) {
		if (take_burst(d))
			app_sync(app);
		else if (output_is_over(&d->out))
			app->done = true;
		else if (!app->shares || ur_tx_room(app->queue))
			app_idle(app, 0);
		else
			app_idle_until(app, app->now + TX_RETRY_NS, false);
	}
}

int main(int argc, char **argv)
{
	static struct dump d;
	struct app *app = &d.app;
	struct capture_count count;
	bool ended;
	int code;

	dump_options(&d, argc, argv);
	app->live = live;
	if (!output_open(&d.out, app) || app_open(app))
		return APP_FAILED;
	app->shares = app->shares && app->info.features & UR_FEATURE_HOST;

	say_start(&d);
	run(&d);

	look_at_drops(&d);
	count = counts(&d);
	/* Linux has the port again, however long the output takes */
	app_leave(app);
	ended = output_close(&d.out, &count);
	settle(&d);
	totals(&d);
	app_close(app);
	filter_free(&d.filter);
	code = app->gone || app->partial || d.out.failed ? APP_FAILED : APP_OK;
	/* what holds the thread up would hold up exit() as well */
	if (!ended)
		_exit(code);
	return code;
}
