// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/top.h"

#include <inttypes.h>
#include <string.h>

/* ------------------------------------------------------------------------
 * Rates
 */

const struct look *top_before(const struct top_sample *before,
			      const struct look *now)
{
	uint32_t i;

	for (i = 0; i < before->n_ports; i++) {
		const struct look *l = &before->port[i];

		if (strcmp(l->node, now->node) == 0 &&
		    strncmp(l->port.pci, now->port.pci, UR_NAME_LEN) == 0 &&
		    l->port.ifindex == now->port.ifindex)
			return l;
	}
	return NULL;
}

static double seconds_between(const struct look *now, const struct look *before)
{
	uint64_t ns = now->at - before->at;

	return ns ? (double)ns / 1e9 : 1e-9;
}

/* Counters only grow, unless they are those of another consumer. */
static bool went_on(const struct ur_counters *now,
		    const struct ur_counters *before)
{
	const __u64 *a = (const __u64 *)now, *b = (const __u64 *)before;
	size_t i;

	for (i = 0; i < sizeof(*now) / sizeof(*a); i++)
		if (a[i] < b[i])
			return false;
	return true;
}

static double refused(const struct ur_counters *n)
{
	return (double)(n->rx_refused + n->tx_refused + n->index_refused);
}

void top_queue_rates(struct top_rates *r, const struct look *now,
		     const struct look *before, uint32_t queue)
{
	const struct ur_queue_info *q = &now->queue[queue], *p;
	const struct ur_counters *n = &q->count;
	struct ur_counters zero = { 0 };
	const struct ur_counters *b = &zero;
	double s;

	memset(r, 0, sizeof(*r));
	if (!before || queue >= before->n_queues)
		return;
	p = &before->queue[queue];
	if (p->attached == q->attached && went_on(n, &p->count))
		b = &p->count;
	else if (!q->attached)
		return;	/* all that the queue ever counted is here now */

	s = seconds_between(now, before);
	r->known = true;
	r->rx_pps = (double)(n->rx_packets - b->rx_packets) / s;
	r->rx_mbit = (double)(n->rx_bytes - b->rx_bytes) * 8 / 1e6 / s;
	r->tx_pps = (double)(n->tx_packets - b->tx_packets) / s;
	r->tx_mbit = (double)(n->tx_bytes - b->tx_bytes) * 8 / 1e6 / s;
	r->host_pps = (double)(n->host_packets - b->host_packets) / s;
	r->wakeups = (double)(n->wakeups - b->wakeups) / s;
	r->interrupts = (double)(n->interrupts - b->interrupts) / s;
	r->syncs = (double)(n->syncs - b->syncs) / s;
	r->timer_syncs = (double)(n->timer_syncs - b->timer_syncs) / s;
	r->refused = (refused(n) - refused(b)) / s;
}

static double since(uint64_t now, uint64_t before, double s)
{
	return now > before ? (double)(now - before) / s : 0;
}

void top_port_drops(struct top_drops *d, const struct look *now,
		    const struct look *before)
{
	double s;

	memset(d, 0, sizeof(*d));
	if (!before || !before->hw.known || !now->hw.known)
		return;
	s = seconds_between(now, before);
	d->known = true;
	d->rx_pps = since(now->hw.rx_packets, before->hw.rx_packets, s);
	d->missed = since(now->hw.rx_missed, before->hw.rx_missed, s);
	d->no_buffer = since(now->hw.rx_no_buffer, before->hw.rx_no_buffer, s);
	d->tap_dropped = since(now->hw.tap_dropped, before->hw.tap_dropped, s);
}

/* ------------------------------------------------------------------------
 * Text
 */

static const char *link_words(const struct ur_port_info *info, char *buf,
			      size_t size)
{
	if (!info->up)
		return "down";
	if (!info->link_up)
		return "no link";
	if (!info->link_mbps)
		return "link";
	snprintf(buf, size, "%" PRIu32 " Mb/s", info->link_mbps);
	return buf;
}

static void holder_words(FILE *out, const struct ur_queue_info *q)
{
	char comm[UR_NAME_LEN];

	if (!q->attached)
		fprintf(out, "kernel%s", q->state == UR_STATE_DOWN ? " down" :
								     "");
	else
		fprintf(out, "%s[%" PRId32 "] %s", look_comm(q, comm), q->pid,
			look_state(q->state));
}

/* A rate, or "-" while it is not known. */
static void rate(FILE *out, const char *before, int width, int digits,
		 bool known, double value, const char *behind)
{
	if (known)
		fprintf(out, "%s%*.*f%s", before, width, digits, value, behind);
	else
		fprintf(out, "%s%*s%s", before, width, "-", behind);
}

static void queue_block(FILE *out, const struct ur_queue_info *q,
			const struct top_rates *r)
{
	fprintf(out, " q%-2" PRIu32 " ", q->queue);
	holder_words(out, q);
	if (q->watchdog_ms)
		fprintf(out, ", watchdog %" PRIu32 " ms", q->watchdog_ms);
	if (q->sync_period_us)
		fprintf(out, ", period %" PRIu32 " us", q->sync_period_us);
	if (q->tapped)
		fputs(", tapped", out);
	rate(out, "\n   rx ", 9, 0, r->known, r->rx_pps, " pps");
	rate(out, " ", 8, 1, r->known, r->rx_mbit, " Mb/s");
	fprintf(out, "  ring %" PRIu32 ": posted %" PRIu32 " waiting %" PRIu32
		" fill %" PRIu32, q->rx_size, q->rx_posted, q->rx_waiting,
		q->fill_waiting);
	rate(out, "\n   tx ", 9, 0, r->known, r->tx_pps, " pps");
	rate(out, " ", 8, 1, r->known, r->tx_mbit, " Mb/s");
	fprintf(out, "  ring %" PRIu32 ": pending %" PRIu32 " waiting %" PRIu32
		" kernel's %" PRIu32, q->tx_size, q->tx_pending, q->tx_waiting,
		q->kernel_tx_pending);
	rate(out, "\n   host ", 7, 0, r->known, r->host_pps, "/s");
	rate(out, "  wake-ups ", 1, 0, r->known, r->wakeups, "/s");
	rate(out, "  interrupts ", 1, 0, r->known, r->interrupts, "/s");
	rate(out, "  syncs ", 1, 0, r->known, r->syncs, "/s");
	rate(out, "  by timer ", 1, 0, r->known, r->timer_syncs, "/s");
	rate(out, "\n   refused ", 4, 0, r->known, r->refused, "/s");
	fprintf(out, "  in all: rx %" PRIu64 " tx %" PRIu64 " index %" PRIu64
		" host %" PRIu64 "; resets %" PRIu64 "\n",
		(uint64_t)q->count.rx_refused, (uint64_t)q->count.tx_refused,
		(uint64_t)q->count.index_refused,
		(uint64_t)q->count.host_dropped, (uint64_t)q->count.resets);
}

static void port_block(FILE *out, const struct look *l, const struct look *b)
{
	struct top_rates r;
	struct top_drops d;
	char words[32];
	uint32_t i;

	top_port_drops(&d, l, b);
	fprintf(out, "%s %s %.*s  %s\n", l->node, l->port.ifname, UR_NAME_LEN,
		l->port.pci, link_words(&l->port, words, sizeof(words)));
	rate(out, " nic", 10, 0, d.known, d.rx_pps, " pps received");
	rate(out, "  missed ", 1, 0, d.known, d.missed, "/s");
	rate(out, "  no buffer ", 1, 0, d.known, d.no_buffer, "/s");
	rate(out, "  tap ", 1, 0, d.known, d.tap_dropped, "/s");
	if (l->hw.known)
		fprintf(out, "  in all: missed %" PRIu64 " watchdog %" PRIu64,
			l->hw.rx_missed, l->hw.taken);
	fputc('\n', out);
	for (i = 0; i < l->n_queues; i++) {
		top_queue_rates(&r, l, b, i);
		queue_block(out, &l->queue[i], &r);
	}
}

static void what_is_missing(FILE *out, const struct top_sample *now)
{
	if (now->n_closed)
		fprintf(out, "/dev/%s: %s%s\n", now->closed,
			strerror(now->closed_error),
			now->n_closed > 1 ? ", and others" : "");
	else if (!now->n_ports)
		fputs("no NIC belongs to userring; urctl doctor says what to type\n",
		      out);
}

void top_screen(FILE *out, const struct top_sample *now,
		const struct top_sample *before)
{
	uint32_t i;

	for (i = 0; i < now->n_ports; i++)
		port_block(out, &now->port[i],
			   top_before(before, &now->port[i]));
	what_is_missing(out, now);
}

static void queue_line(FILE *out, const struct look *l,
		       const struct ur_queue_info *q, const struct top_rates *r,
		       const struct top_drops *d)
{
	char words[32];

	fprintf(out, "%s %s q%" PRIu32 " ", l->node, l->port.ifname, q->queue);
	holder_words(out, q);
	fprintf(out, ", %s;", link_words(&l->port, words, sizeof(words)));
	rate(out, " rx ", 1, 0, r->known, r->rx_pps, " pps");
	rate(out, " ", 1, 1, r->known, r->rx_mbit, " Mb/s,");
	rate(out, " tx ", 1, 0, r->known, r->tx_pps, " pps");
	rate(out, " ", 1, 1, r->known, r->tx_mbit, " Mb/s;");
	fprintf(out, " posted %" PRIu32 " waiting %" PRIu32 " pending %" PRIu32
		";", q->rx_posted, q->rx_waiting, q->tx_pending);
	rate(out, " missed ", 1, 0, d->known, d->missed, "/s");
	rate(out, " refused ", 1, 0, r->known, r->refused, "/s");
	rate(out, " host ", 1, 0, r->known, r->host_pps, "/s;");
	rate(out, " wake-ups ", 1, 0, r->known, r->wakeups, "/s");
	rate(out, " interrupts ", 1, 0, r->known, r->interrupts, "/s");
	rate(out, " syncs ", 1, 0, r->known, r->syncs, "/s");
	rate(out, " by timer ", 1, 0, r->known, r->timer_syncs, "/s");
	fprintf(out, "%s\n", q->tapped ? "; tapped" : "");
}

void top_lines(FILE *out, const char *clock, const struct top_sample *now,
	       const struct top_sample *before)
{
	uint32_t i, j;

	for (i = 0; i < now->n_ports; i++) {
		const struct look *l = &now->port[i];
		const struct look *b = top_before(before, l);
		struct top_drops d;

		top_port_drops(&d, l, b);
		for (j = 0; j < l->n_queues; j++) {
			struct top_rates r;

			top_queue_rates(&r, l, b, j);
			fprintf(out, "%s ", clock);
			queue_line(out, l, &l->queue[j], &r, &d);
		}
	}
	what_is_missing(out, now);
}

void top_cut(FILE *out, const char *text, unsigned rows, unsigned columns,
	     const char *end)
{
	while (*text && rows--) {
		size_t len = strcspn(text, "\n");

		fwrite(text, 1, len < columns ? len : columns, out);
		fputs(end, out);
		text += len + (text[len] == '\n');
	}
}

/* ------------------------------------------------------------------------
 * JSON
 */

static void rates_json(struct json *json, const struct top_rates *r)
{
	json_open_object(json, "rates");
	json_double(json, "rx_pps", r->rx_pps);
	json_double(json, "rx_mbit", r->rx_mbit);
	json_double(json, "tx_pps", r->tx_pps);
	json_double(json, "tx_mbit", r->tx_mbit);
	json_double(json, "host_pps", r->host_pps);
	json_double(json, "wakeups", r->wakeups);
	json_double(json, "interrupts", r->interrupts);
	json_double(json, "syncs", r->syncs);
	json_double(json, "timer_syncs", r->timer_syncs);
	json_double(json, "refused", r->refused);
	json_close_object(json);
}

static void hw_json(struct json *json, const struct look *l,
		    const struct look *b)
{
	struct top_drops d;

	if (!l->hw.known)
		return;
	json_open_object(json, "hardware");
	look_hw_json(json, &l->hw);
	top_port_drops(&d, l, b);
	if (d.known) {
		json_open_object(json, "rates");
		json_double(json, "rx_pps", d.rx_pps);
		json_double(json, "missed", d.missed);
		json_double(json, "no_buffer", d.no_buffer);
		json_double(json, "tap_dropped", d.tap_dropped);
		json_close_object(json);
	}
	json_close_object(json);
}

static void port_json(struct json *json, const struct look *l,
		      const struct look *b)
{
	char pci[UR_NAME_LEN + 1];
	uint32_t i;

	snprintf(pci, sizeof(pci), "%.*s", UR_NAME_LEN, l->port.pci);
	json_open_object(json, NULL);
	json_str(json, "node", l->node);
	json_str(json, "ifname", l->port.ifname);
	json_str(json, "pci", pci);
	json_bool(json, "up", l->port.up);
	json_bool(json, "link", l->port.link_up);
	json_u64(json, "link_mbps", l->port.link_mbps);
	hw_json(json, l, b);
	json_open_array(json, "queues");
	for (i = 0; i < l->n_queues; i++) {
		struct top_rates r;

		json_open_object(json, NULL);
		look_queue_json(json, &l->queue[i]);
		top_queue_rates(&r, l, b, i);
		if (r.known)
			rates_json(json, &r);
		json_close_object(json);
	}
	json_close_array(json);
	json_close_object(json);
}

void top_json(FILE *out, double time, const struct top_sample *now,
	      const struct top_sample *before)
{
	struct json json;
	uint32_t i;

	json_begin(&json, out);
	json_str(&json, "type", "top");
	json_double(&json, "time", time);
	json_open_array(&json, "ports");
	for (i = 0; i < now->n_ports; i++)
		port_json(&json, &now->port[i],
			  top_before(before, &now->port[i]));
	json_close_array(&json);
	if (now->n_closed)
		json_str(&json, "error", strerror(now->closed_error));
	json_end(&json);
}
