// SPDX-License-Identifier: BSD-2-Clause
/*
 * userring: the library alone, and with the module's half.
 */
#include <stdio.h>
#include <stdlib.h>

#include <libuserring/forward.h>

#include "device.h"
#include "userring.h"

#define RING		1024
#define DEVICES_MAX	64

/* ------------------------------------------------------------------------
 * Steps: what an app does with one burst, by the calls that see each packet
 */

static void look(void *arg, const struct ur_pkt *pkt)
{
	bench_look(arg, pkt->data, pkt->len);
}

static uint32_t step_each(void *device, uint32_t batch)
{
	struct device *d = device;

	return ur_rx_each(d->q, batch, look, &d->tally);
}

static uint32_t build(void *arg, uint8_t *data)
{
	struct device *d = arg;

	memcpy(data, d->frame, FRAME_LEN);
	bench_number(data, d->built++);
	return FRAME_LEN;
}

static uint32_t step_send_each(void *device, uint32_t batch)
{
	struct device *d = device;

	return ur_tx_each(d->q, batch, build, d);
}

static bool pass(void *arg, struct ur_pkt *pkt)
{
	struct device *d = arg;

	(void)pkt;
	d->tally.next++;
	return true;
}

static uint32_t step_forward_each(void *device, uint32_t batch)
{
	struct device *d = device;

	return ur_forward(d->q, d->out->q, batch, pass, d);
}

/* ------------------------------------------------------------------------
 * Steps, by the calls that take arrays
 */

uint32_t step_array(void *device, uint32_t batch)
{
	struct device *d = device;
	struct ur_pkt pkts[BATCH_MAX];
	uint32_t n = ur_rx_burst(d->q, pkts, batch);
	uint32_t i;

	for (i = 0; i < n; i++)
		bench_look(&d->tally, pkts[i].data, pkts[i].len);
	ur_rx_release(d->q, pkts, n);
	return n;
}

/* Not in the order in which they came, so that the module gets a list. */
static uint32_t step_list(void *device, uint32_t batch)
{
	struct device *d = device;
	struct ur_pkt pkts[BATCH_MAX];
	uint32_t n = ur_rx_burst(d->q, pkts, batch);
	uint32_t i;

	for (i = 0; i < n; i++)
		bench_look(&d->tally, pkts[i].data, pkts[i].len);
	if (n) {
		uint32_t slot = pkts[0].slot;

		pkts[0].slot = pkts[n - 1].slot;
		pkts[n - 1].slot = slot;
	}
	ur_rx_release(d->q, pkts, n);
	return n;
}

/* Nobody looks at a packet: what is left is the library's. */
static uint32_t step_blind(void *device, uint32_t batch)
{
	struct device *d = device;
	struct ur_pkt pkts[BATCH_MAX];
	uint32_t n = ur_rx_burst(d->q, pkts, batch);

	ur_rx_release(d->q, pkts, n);
	d->tally.next += n;
	return n;
}

static uint32_t step_send(void *device, uint32_t batch)
{
	struct device *d = device;
	struct ur_pkt pkts[BATCH_MAX];
	uint32_t i;

	for (i = 0; i < batch; i++) {
		struct ur_pkt *pkt = &pkts[i];

		pkt->slot = ur_slot_alloc(d->pool);
		pkt->data = ur_slot_data(d->pool, pkt->slot);
		pkt->len = FRAME_LEN;
		pkt->flags = 0;
		memcpy(pkt->data, d->frame, FRAME_LEN);
		bench_number(pkt->data, d->built++);
	}
	return ur_tx_burst(d->q, pkts, batch);
}

/* What the library does in ur_sync(), which the rows without it leave out. */
static uint32_t step_send_reap(void *device, uint32_t batch)
{
	ur_tx_reap(((struct device *)device)->q);
	return step_send(device, batch);
}

static uint32_t step_forward(void *device, uint32_t batch)
{
	struct device *d = device;
	struct ur_pkt pkts[BATCH_MAX];
	uint32_t n = ur_rx_burst(d->q, pkts, batch);

	d->tally.next += n;
	return ur_tx_burst(d->out->q, pkts, n);
}

static uint32_t step_forward_reap(void *device, uint32_t batch)
{
	struct device *d = device;
	uint32_t n = step_forward(d, batch);
	struct ur_pkt back[BATCH_MAX];
	uint32_t i;

	ur_tx_reap(d->out->q);
	for (i = 0; i < n; i++)
		back[i].slot = ur_slot_alloc(d->pool);
	ur_rx_release(d->q, back, n);
	return n;
}

/* ------------------------------------------------------------------------
 * A lap
 */

static void nic_receive(void *device)
{
	struct device *d = device;

	device_receive(d, d->burst);
}

static void nic_transmit(void *device)
{
	device_transmit(device);
}

/* On this CPU, or on the other one. */
static void nic(const struct row *row, void (*half)(void *device),
		struct device *d)
{
	if (row->pool >= POOL_NEAR)
		far_call(half, d);
	else
		half(d);
}

/* Where frames leave, or NULL. */
static struct device *way_out(const struct row *row, struct device *d)
{
	return row->flags & ROW_SENDS ? d : d->out;
}

/* The timed part: n packets, burst after burst. */
static __attribute__((noinline)) uint32_t
run_steps(const struct row *row, struct device *d, uint32_t n)
{
	struct device *to = way_out(row, d);
	uint32_t got = 0, step;

	/* what left behind the lap before comes back */
	if (row->flags & ROW_MODULE && to)
		ur_sync(to->q);
	while (got < n) {
		step = row->step(d, row->batch);
		if (row->flags & ROW_MODULE) {
			if (d->out)
				ur_sync(d->out->q);
			ur_sync(d->q);
		}
		if (!step)
			break;
		got += step;
	}
	return got;
}

static const char *check(struct device *d, uint32_t asked, uint32_t got)
{
	const struct tally *t = &d->tally;

	if (got != asked)
		return "packets are missing";
	if (t->gaps || t->other || t->next != d->made)
		return "a packet came that is not the one that was due";
	if (d->wrong)
		return d->wrong;
	return d->out ? d->out->wrong : NULL;
}

/* What a row without the module's half leaves to be done outside of its time. */
static void serve(const struct row *row, struct device *d)
{
	if (row->flags & ROW_MODULE)
		return;
	device_serve(d);
	if (d->out)
		device_serve(d->out);
}

static void before(const struct row *row, struct device *d, uint32_t n)
{
	if (row->flags & ROW_SCATTER)
		device_scatter(d);
	serve(row, d);
	d->burst = n;
	if (!(row->flags & ROW_SENDS))
		nic(row, nic_receive, d);
	if (row->pool != POOL_COLD)
		return;
	if (row->flags & ROW_SENDS)
		device_flush_tx(d, n);
	else
		device_flush_rx(d);
}

static const char *behind(const struct row *row, struct device *d, uint32_t got)
{
	struct device *to = way_out(row, d);

	serve(row, d);
	if (to)
		nic(row, nic_transmit, to);
	if (to && to->sent != (to == d ? d->built : d->made))
		return "frames did not leave";
	return check(d, d->burst, got);
}

const char *userring_lap(struct row *row, struct lap *lap)
{
	struct device *d = row->priv, *to = way_out(row, d);
	uint32_t room = to ? device_tx_room(to) : d->q->rx_mask;
	uint32_t n = room / row->batch * row->batch, got;
	uint64_t start;

	before(row, d, n);
	start = bench_ticks();
	got = run_steps(row, d, n);
	lap->ticks += bench_ticks() - start - bench_clock_cost;
	lap->packets += got;
	return behind(row, d, got);
}

/* The parser by itself: it is in all rows that look at packets. */
static const char *parse_lap(struct row *row, struct lap *lap)
{
	static struct ur_pkt pkts[RING];
	struct device *d = row->priv;
	uint32_t n = d->q->rx_mask, i, got;
	uint64_t start;

	device_receive(d, n);
	got = ur_rx_burst(d->q, pkts, n);
	start = bench_ticks();
	for (i = 0; i < got; i++)
		bench_look(&d->tally, pkts[i].data, pkts[i].len);
	lap->ticks += bench_ticks() - start - bench_clock_cost;
	lap->packets += got;
	ur_rx_release(d->q, pkts, got);
	device_serve(d);
	return check(d, n, got);
}

/* ------------------------------------------------------------------------
 * Devices: opened when a row asks for one, closed at the end
 */

static struct {
	struct device_opts opts;
	bool forwards;
	struct device d, out;
} *device[DEVICES_MAX];
static unsigned int devices;

struct device *userring_device(const struct device_opts *opts, bool forwards)
{
	struct ur_error err;
	unsigned int i;

	for (i = 0; i < devices; i++)
		if (!strcmp(device[i]->opts.format, opts->format) &&
		    device[i]->opts.ring == opts->ring &&
		    device[i]->opts.slots == opts->slots &&
		    device[i]->opts.huge == opts->huge &&
		    device[i]->forwards == forwards)
			return &device[i]->d;
	if (devices == DEVICES_MAX)
		return NULL;
	device[i] = calloc(1, sizeof(*device[i]));
	if (!device[i])
		return NULL;
	device[i]->opts = *opts;
	device[i]->forwards = forwards;
	if (device_open(&device[i]->d, opts, &err))
		goto err_free;
	if (forwards && device_open_out(&device[i]->out, &device[i]->d, opts,
					&err)) {
		device_close(&device[i]->d);
		goto err_free;
	}
	devices++;
	return &device[i]->d;

err_free:
	fprintf(stderr, "bench-native: %s\n", err.text);
	free(device[i]);
	return NULL;
}

void userring_close(void)
{
	while (devices--) {
		device_close(&device[devices]->d);
		free(device[devices]);
	}
	devices = 0;
}

/* ------------------------------------------------------------------------
 * Rows
 */

/* As small as can be, with some batches in a lap. */
static uint32_t hot_ring(const struct row *row, uint32_t batch)
{
	if (batch < 32)
		return UR_RING_SIZE_MIN;
	/* some places of a TX ring are the kernel's */
	return row->flags & (ROW_SENDS | ROW_FORWARDS) ? 4 * batch : 2 * batch;
}

/* A row for each pool and batch. */
static int add_rows(struct bench *b, struct row *row, bool forwards)
{
	struct device_opts opts = { .format = row->format };
	const uint32_t *batch;

	for (row->pool = POOL_HOT; row->pool < POOLS; row->pool++) {
		if (row->pool >= POOL_NEAR && !b->far)
			continue;
		for (batch = b->batches; *batch; batch++) {
			row->batch = *batch;
			opts.ring = row->pool == POOL_HOT ?
				    hot_ring(row, *batch) : RING;
			/* for both rings, and for what is in hand */
			opts.slots = row->pool == POOL_HOT ? 3 * opts.ring :
				     8 * RING;
			row->ring = opts.ring;
			row->priv = userring_device(&opts, forwards);
			if (!row->priv)
				return -1;
			bench_add(b, row);
		}
	}
	return 0;
}

static int add_parser(struct bench *b)
{
	const struct device_opts opts = {
		.format = "extended", .ring = RING, .slots = 8 * RING,
	};
	struct row row = {
		.method = "userring", .variant = "parser alone", .op = "parse",
		.format = "extended", .pool = POOL_WARM, .batch = RING - 1,
		.ring = RING, .lap = parse_lap,
	};

	row.priv = userring_device(&opts, false);
	if (!row.priv)
		return -1;
	bench_add(b, &row);
	return 0;
}

int userring_rows(struct bench *b)
{
	static const char *const formats[] = { "legacy", "extended", "advanced" };
	static const struct {
		const char *op;
		const char *variant;
		uint32_t (*step)(void *device, uint32_t batch);
		unsigned int flags;
	} kinds[] = {
		{ "rx", "each", step_each, 0 },
		{ "rx", "each + module", step_each, ROW_MODULE },
		{ "rx", "array", step_array, 0 },
		{ "rx", "array + module", step_array, ROW_MODULE },
		{ "rx", "list", step_list, 0 },
		{ "rx", "list + module", step_list, ROW_MODULE },
		{ "rx", "blind", step_blind, 0 },
		{ "tx", "each", step_send_each, ROW_SENDS },
		{ "tx", "each + module", step_send_each,
		  ROW_SENDS | ROW_MODULE },
		{ "tx", "array", step_send_reap, ROW_SENDS },
		{ "tx", "array + module", step_send, ROW_SENDS | ROW_MODULE },
		{ "fwd", "each + module", step_forward_each,
		  ROW_FORWARDS | ROW_MODULE },
		{ "fwd", "array", step_forward_reap, ROW_FORWARDS },
		{ "fwd", "array + module", step_forward,
		  ROW_FORWARDS | ROW_MODULE },
	};
	size_t k, f;

	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (f = 0; f < 3; f++) {
			struct row row = {
				.method = "userring",
				.variant = kinds[k].variant,
				.op = kinds[k].op,
				.format = formats[f],
				.lap = userring_lap,
				.step = kinds[k].step,
				.flags = kinds[k].flags,
			};

			/* EXTENDED sends as LEGACY does */
			if (row.flags & ROW_SENDS && f == 1)
				continue;
			if (add_rows(b, &row, row.flags & ROW_FORWARDS))
				return -1;
		}
	return add_parser(b);
}
