// SPDX-License-Identifier: BSD-2-Clause
/*
 * urdns: answers DNS by UDP for zones of its own, on a port that it shares with
 * Linux: for the addresses that Linux has there, and all else is passed on.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "urdns/urdns.h"

#define DNS_PORT	53
#define SHOW		5	/* queries a second, on a terminal */
#define SLIP		2

static const char help[] =
"usage: urdns --zone [ORIGIN=]FILE [options] DEV\n"
"\n"
"Answers DNS queries by UDP from zone files, for all addresses that Linux has on\n"
"DEV; all else goes on to Linux. SIGHUP reads the files again. DEV: interface\n"
"(eth1), PCI address, /dev/userring0, sim:.\n"
"\n"
"  --zone [ORIGIN=]FILE a zone in master format (repeatable)\n"
"  --port N             UDP port (53)\n"
"  --rrl N, --slip N    replies a second to a /24 or /56; each Nth more is TC (2)\n"
"  --show N             show so many queries a second (5 on a terminal, else 0)\n"
"  --version-bind TEXT  what version.bind is answered with (refused)\n"
"  --check              only say whether the files are right\n"
QUEUES_HELP
APP_HELP
"\n"
"example: urdns --zone example.org.zone eth1\n";

enum {
	OPT_ZONE = APP_OPT_OWN,
	OPT_PORT,
	OPT_RRL,
	OPT_SLIP,
	OPT_SHOW,
	OPT_VERSION_BIND,
	OPT_CHECK,
};

static const struct option options[] = {
	APP_OPTIONS,
	LANES_OPTIONS,
	{ "zone",         required_argument, NULL, OPT_ZONE },
	{ "port",         required_argument, NULL, OPT_PORT },
	{ "rrl",          required_argument, NULL, OPT_RRL },
	{ "slip",         required_argument, NULL, OPT_SLIP },
	{ "show",         required_argument, NULL, OPT_SHOW },
	{ "version-bind", required_argument, NULL, OPT_VERSION_BIND },
	{ "check",        no_argument,       NULL, OPT_CHECK },
	{ NULL, 0, NULL, 0 }
};

static uint32_t hang_up;	/* whichever thread gets the signal */

static void on_hang_up(int sig)
{
	(void)sig;
	__atomic_store_n(&hang_up, 1, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------------------
 * Options
 */

/* Before a slash there is no =: a file may have one in its name. */
static void add_zone(struct dns_server *s, char *text)
{
	struct dns_source *source = &s->source[s->sources];
	char *equals = strpbrk(text, "=/");

	if (s->sources == ZONES_MAX)
		app_usage(&s->all.app, "%d zones are the most", ZONES_MAX);
	*source = (struct dns_source){ NULL, text };
	if (equals && *equals == '=') {
		*equals = '\0';
		*source = (struct dns_source){ text, equals + 1 };
	}
	s->sources++;
}

static uint32_t number(const struct dns_server *s, const char *option,
		       uint64_t min, uint64_t max)
{
	return (uint32_t)app_number(&s->all.app, option, optarg, min, max);
}

/* Return: --check was given. */
static bool parse_options(struct dns_server *s, int argc, char **argv)
{
	bool check = false;
	int c;

	queues_init(&s->all, "urdns", help);
	s->port = DNS_PORT;
	s->slip = SLIP;
	while ((c = getopt_long(argc, argv, APP_SHORT_OPTIONS, options,
				NULL)) != -1) {
		switch (c) {
		case OPT_ZONE:
			add_zone(s, optarg);
			break;
		case OPT_PORT:
			s->port = (uint16_t)number(s, "--port", 1, 65535);
			break;
		case OPT_RRL:
			s->rrl = number(s, "--rrl", 1, 1000000);
			break;
		case OPT_SLIP:
			s->slip = number(s, "--slip", 0, 1000);
			break;
		case OPT_SHOW:
			s->show = number(s, "--show", 0, 1000);
			s->show_set = true;
			break;
		case OPT_VERSION_BIND:
			s->version = optarg;
			break;
		case OPT_CHECK:
			check = true;
			break;
		default:
			queues_option(&s->all, c);
		}
	}
	if (!s->sources)
		app_usage(&s->all.app, "which zone? --zone example.org.zone");
	if (!check)
		app_device(&s->all.app, argc, argv);
	return check;
}

/* ------------------------------------------------------------------------
 * Zones
 */

static struct dns_zone *load(struct dns_server *s)
{
	char text[1024];
	struct dns_zone *zone = dns_zone_load(s->source, s->sources, text,
					      sizeof(text));

	if (!zone)
		app_say(&s->all.app, "%s", text);
	return zone;
}

static void say_loaded(const struct dns_server *s)
{
	const struct dns_zone *zone = s->zone;

	app_say(&s->all.app, "serves %u zone%s, %u names, %u records: %.1f MB",
		zone->zones, zone->zones == 1 ? "" : "s", zone->names,
		zone->records, (double)zone->used / 1e6);
}

static bool in_use(const struct dns_server *s, const struct dns_zone *zone)
{
	for (uint32_t i = 0; i < s->all.n; i++)
		if (__atomic_load_n(&s->lane[i].zone, __ATOMIC_ACQUIRE) == zone)
			return true;
	return false;
}

/* The old one is served until the new one is ready. */
static void reload(struct dns_server *s)
{
	struct dns_zone *old = s->zone, *zone = load(s);

	if (!zone) {
		app_say(&s->all.app, "goes on with the zones as they were");
		s->reloads_failed++;
		return;
	}
	__atomic_store_n(&s->zone, zone, __ATOMIC_RELEASE);
	while (in_use(s, old))
		poll(NULL, 0, 1);
	dns_zone_free(old);
	s->reloads++;
	say_loaded(s);
}

/* ------------------------------------------------------------------------
 * Open and close
 */

static int prepare(struct dns_server *s, struct dns_lane *lane)
{
	lane->q.app.shares = true;
	if (s->rrl) {
		lane->rrl = rrl_new(s->rrl, s->slip);
		if (!lane->rrl) {
			app_say(&s->all.app, "there is no memory for --rrl");
			return -1;
		}
	}
	dns_lane_begin(lane, s);
	return 0;
}

int dns_open(struct dns_server *s)
{
	struct app *app = &s->all.app;
	uint32_t i;

	for (i = 0; i < LANES_MAX; i++)
		s->all.queue[i] = &s->lane[i].q;
	if (queues_open(&s->all))
		return -1;
	if (!(app->info.features & UR_FEATURE_HOST)) {
		app_say(app, "%s cannot share its queue with Linux, which has the addresses to answer for",
			app->device);
		return -1;
	}
	app->shares = true;
	for (i = 0; i < s->all.n; i++)
		if (prepare(s, &s->lane[i]))
			return -1;
	return 0;
}

void dns_close(struct dns_server *s)
{
	uint32_t i;

	queues_close(&s->all);
	for (i = 0; i < LANES_MAX; i++)
		free(s->lane[i].rrl);
	dns_zone_free(s->zone);
}

/* ------------------------------------------------------------------------
 * All of them
 */

/* Several times a second, while the lanes answer. */
static void look(void *arg)
{
	struct dns_server *s = arg;

	if (__atomic_exchange_n(&hang_up, 0, __ATOMIC_RELAXED))
		reload(s);
	dns_show_queries(s);
}

static int run(struct dns_server *s)
{
	uint32_t i;

	for (i = 0; i < s->all.n; i++)
		s->lane[i].q.lane.main = dns_lane_run;
	s->all.lanes.look = look;
	if (lanes_start(&s->all.lanes))
		return -1;
	lanes_watch(&s->all.lanes, dns_show_rates, s);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_hang_up };
	static struct dns_server s;
	bool check = parse_options(&s, argc, argv);
	int code = APP_FAILED;

	if (!s.show_set)
		s.show = isatty(STDERR_FILENO) && !s.all.app.json ? SHOW : 0;
	__atomic_store_n(&hang_up, 0, __ATOMIC_RELAXED);
	sigaction(SIGHUP, &action, NULL);
	s.zone = load(&s);
	if (!s.zone)
		return APP_FAILED;
	say_loaded(&s);
	if (check) {
		dns_zone_free(s.zone);
		return APP_OK;
	}
	if (!dns_open(&s) && !run(&s)) {
		dns_totals(&s);
		code = queues_gone(&s.all) ? APP_FAILED : APP_OK;
	}
	dns_close(&s);
	return code;
}
