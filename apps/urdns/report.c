// SPDX-License-Identifier: BSD-2-Clause
/* What is shown: queries, rates every second, totals. */
#include "urdns/urdns.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include <libknot/descriptor.h>
#include <libknot/dname.h>

#define TYPES_SHOWN	6	/* in a line of rates */

static const char *const rcode_name[DNS_RCODES + 1] = {
	[DNS_NOERROR] = "NOERROR",   [DNS_FORMERR] = "FORMERR",
	[DNS_SERVFAIL] = "SERVFAIL", [DNS_NXDOMAIN] = "NXDOMAIN",
	[DNS_NOTIMP] = "NOTIMP",     [DNS_REFUSED] = "REFUSED",
	[DNS_BADVERS] = "BADVERS",
};

static const char *type_name(uint32_t type, char *text, size_t size)
{
	if (!type || knot_rrtype_to_string((uint16_t)type, text, size) < 0)
		return "others";
	return text;
}

static struct dns_sum sum_up(const struct dns_server *s)
{
	const size_t words = sizeof(struct dns_count) / sizeof(uint64_t);
	struct dns_sum sum = { 0 };

	for (uint32_t i = 0; i < s->all.n; i++) {
		const uint64_t *from = (const uint64_t *)&s->lane[i].n;
		const struct app *app = &s->lane[i].q.app;

		sum.packets.rx_packets += app_read(&app->n.rx_packets);
		sum.packets.rx_bytes += app_read(&app->n.rx_bytes);
		sum.packets.tx_packets += app_read(&app->n.tx_packets);
		sum.packets.tx_bytes += app_read(&app->n.tx_bytes);
		sum.host += app_read(&app->n_host);
		for (size_t k = 0; k < words; k++)
			((uint64_t *)&sum.n)[k] += app_read(&from[k]);
	}
	return sum;
}

/* ------------------------------------------------------------------------
 * Queries
 */

static void show_query(const struct dns_seen *seen)
{
	char client[INET6_ADDRSTRLEN] = "", type[16];
	knot_dname_txt_storage_t name = "";

	inet_ntop(seen->is_v6 ? AF_INET6 : AF_INET, seen->client, client,
		  sizeof(client));
	if (seen->asked)
		knot_dname_to_str(name, seen->name, sizeof(name));
	fprintf(stderr, "%s asks %s%s%s: %s, %u bytes%s\n", client,
		seen->asked ? name : "something broken", seen->asked ? " " : "",
		seen->asked ? type_name(seen->type, type, sizeof(type)) : "",
		rcode_name[seen->rcode], seen->len,
		seen->truncated ? ", truncated" : "");
}

void dns_show_queries(struct dns_server *s)
{
	for (uint32_t i = 0; i < s->all.n; i++) {
		struct dns_lane *lane = &s->lane[i];
		uint32_t cons = lane->seen_cons;

		while (s->shown < s->show &&
		       cons != __atomic_load_n(&lane->seen_prod, __ATOMIC_ACQUIRE)) {
			show_query(&lane->seen[cons % SEEN_MAX]);
			s->shown++;
			__atomic_store_n(&lane->seen_cons, ++cons, __ATOMIC_RELEASE);
		}
	}
}

/* ------------------------------------------------------------------------
 * Rates
 */

struct rates {
	double   seconds;
	double   average_us;	/* that a query was here */
	double   slowest_us;
	struct dns_sum sum;	/* of this time */
};

static struct rates rates_of(struct dns_server *s, const struct dns_sum *now)
{
	struct rates r = { (double)(s->all.app.now - s->all.app.last_tick) / 1e9,
			   0, 0, *now };
	const size_t words = sizeof(r.sum) / sizeof(uint64_t);
	uint64_t queries;

	for (size_t k = 0; k < words; k++)
		((uint64_t *)&r.sum)[k] -= ((const uint64_t *)&s->last)[k];
	queries = r.sum.packets.rx_packets;
	if (queries)
		r.average_us = (double)r.sum.n.ns / (double)queries / 1e3;
	for (uint32_t i = 0; i < s->all.n; i++) {
		double us = (double)__atomic_exchange_n(&s->lane[i].slowest, 0,
						__ATOMIC_RELAXED) / 1e3;

		if (us > r.slowest_us)
			r.slowest_us = us;
	}
	return r;
}

/* A second, but for how late we are. */
static double rate(const struct rates *r, uint64_t n)
{
	return (double)n / r->seconds;
}

/* The most frequent types; what is left over is with the others. */
static void rates_types(const struct rates *r)
{
	struct dns_count n = r->sum.n;
	char text[16];
	uint32_t i, k, best;

	for (i = 0; i < TYPES_SHOWN; i++) {
		for (k = 1, best = 0; k < DNS_COUNTED; k++)
			if (n.type[k] && (!best || n.type[k] > n.type[best]))
				best = k;
		if (!best)
			break;
		fprintf(stderr, "  %s %.0f",
			type_name(best, text, sizeof(text)),
			rate(r, n.type[best]));
		n.type[best] = 0;
	}
	for (k = 1; k < DNS_COUNTED; k++)
		n.type[0] += n.type[k];
	if (n.type[0])
		fprintf(stderr, "  others %.0f", rate(r, n.type[0]));
}

static void rates_text(const struct rates *r)
{
	const struct dns_count *n = &r->sum.n;
	uint32_t i;

	fprintf(stderr, "%.0f queries/s", rate(r, r->sum.packets.rx_packets));
	rates_types(r);
	fprintf(stderr, " |");
	for (i = 0; i < DNS_RCODES; i++)
		if (n->rcode[i])
			fprintf(stderr, " %s %.0f", rcode_name[i],
				rate(r, n->rcode[i]));
	if (n->truncated)
		fprintf(stderr, " TC %.0f", rate(r, n->truncated));
	if (n->limited)
		fprintf(stderr, " limited %.0f", rate(r, n->limited));
	if (r->sum.packets.rx_packets)
		fprintf(stderr, " | %.1f us, at most %.0f", r->average_us,
			r->slowest_us);
	if (r->sum.host)
		fprintf(stderr, " | Linux %.0f", rate(r, r->sum.host));
	fputc('\n', stderr);
}

static void rates_json(const struct dns_server *s, const struct rates *r)
{
	const struct app_count none = { 0 };
	struct json json;

	json_begin(&json, stdout);
	json_str(&json, "type", "rates");
	json_double(&json, "seconds", app_seconds(&s->all.app));
	app_put_rates(&json, &r->sum.packets, &none, r->seconds);
	json_double(&json, "host_pps", rate(r, r->sum.host));
	json_double(&json, "average_us", r->average_us);
	json_double(&json, "slowest_us", r->slowest_us);
	json_end(&json);
}

void dns_show_rates(void *arg)
{
	struct dns_server *s = arg;
	struct dns_sum now = sum_up(s);
	struct rates r = rates_of(s, &now);

	if (app_wants_rates(&s->all.app,
			    !r.sum.packets.rx_packets && !r.sum.host)) {
		if (s->all.app.json)
			rates_json(s, &r);
		else
			rates_text(&r);
	}
	s->last = now;
	s->shown = 0;
}

/* ------------------------------------------------------------------------
 * Totals
 */

static void json_names(struct json *json, const struct dns_count *n)
{
	char text[16];
	uint32_t i;

	json_open_object(json, "types");
	for (i = 0; i < DNS_COUNTED; i++)
		if (n->type[i])
			json_u64(json, type_name(i, text, sizeof(text)),
				 n->type[i]);
	json_close_object(json);
	json_open_object(json, "rcodes");
	for (i = 0; i < DNS_RCODES; i++)
		if (rcode_name[i])
			json_u64(json, rcode_name[i], n->rcode[i]);
	json_close_object(json);
}

static void totals_json(const struct dns_server *s, const struct dns_count *n)
{
	struct json json;

	queues_put_total(&s->all, &json);
	json_u64(&json, "zones", s->zone ? s->zone->zones : 0);
	json_u64(&json, "names", s->zone ? s->zone->names : 0);
	json_u64(&json, "records", s->zone ? s->zone->records : 0);
	json_u64(&json, "reloads", s->reloads);
	json_u64(&json, "reloads_failed", s->reloads_failed);
	json_u64(&json, "truncated", n->truncated);
	json_u64(&json, "dropped", n->dropped);
	json_u64(&json, "limited", n->limited);
	json_u64(&json, "slipped", n->slipped);
	json_u64(&json, "unsent", n->unsent);
	json_names(&json, n);
	json_end(&json);
}

/* One of a line that begins when there is something to say. */
static void put_word(bool *begun, const char *line, const char *word,
		     uint64_t n)
{
	printf("%s %s %" PRIu64, *begun ? "" : line, word, n);
	*begun = true;
}

static void end_line(const bool *begun)
{
	if (*begun)
		putchar('\n');
}

static void totals_text(const struct dns_server *s, const struct dns_count *n)
{
	bool asked = false, answered = false;
	char text[16];
	uint32_t i;

	queues_print_total(&s->all, stdout);
	for (i = 0; i < DNS_COUNTED; i++)
		if (n->type[i])
			put_word(&asked, "asked:",
				 type_name(i, text, sizeof(text)), n->type[i]);
	end_line(&asked);
	for (i = 0; i < DNS_RCODES; i++)
		if (n->rcode[i])
			put_word(&answered, "answered:", rcode_name[i],
				 n->rcode[i]);
	if (n->truncated)
		put_word(&answered, "answered:", "truncated", n->truncated);
	end_line(&answered);
	printf("not answered: no query %" PRIu64
	       ", limited %" PRIu64 " (slipped %" PRIu64 "), unsent %" PRIu64
	       "\n", n->dropped, n->limited, n->slipped, n->unsent);
}

void dns_totals(const struct dns_server *s)
{
	struct dns_sum sum = sum_up(s);

	if (s->all.app.json)
		totals_json(s, &sum.n);
	else
		totals_text(s, &sum.n);
}
