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

#include "common/addrs.h"
#include "common/fdstore.h"
#include "urdns/urdns.h"

#define DNS_PORT	53
#define SHOW		5	/* queries a second, on a terminal */
#define SLIP		2
#define LOAD_LOOK_MS	10

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

	memset(s, 0, sizeof(*s));
	queues_init(&s->all, "urdns", help);
	s->port = DNS_PORT;
	s->slip = SLIP;
	while ((c = app_getopt(&s->all.app, argc, argv, APP_SHORT_OPTIONS,
			       options)) != -1) {
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
			s->slip_said = true;
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
	if (s->slip_said && !s->rrl)
		app_usage(&s->all.app, "--slip says how replies are limited, and --rrl that they are: --rrl N");
	if (check && optind < argc)
		app_usage(&s->all.app, "--check opens no device: leave %s out",
			  argv[optind]);
	if (!check)
		app_device(&s->all.app, argc, argv);
	return check;
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
	app->shares = true;
	if (queues_open(&s->all))
		return -1;
	if (!(app->info.features & UR_FEATURE_HOST)) {
		app_say(app, "%s cannot share its queue with Linux, which has the addresses to answer for",
			app->device);
		return -1;
	}
	if (addrs_open(&s->addrs, &s->all.queue[0]->app))
		return -1;
	for (i = 0; i < s->all.n; i++)
		if (prepare(s, &s->lane[i]))
			return -1;
	dns_say_tcp(s);
	return 0;
}

void dns_close(struct dns_server *s)
{
	uint32_t i;

	/* its thread asks the port */
	addrs_close(s->addrs);
	/* Linux has its port back before anything that takes time */
	queues_close(&s->all);
	dns_load_stop(s);
	for (i = 0; i < LANES_MAX; i++) {
		addrs_put(s->lane[i].list);
		free(s->lane[i].rrl);
	}
	dns_zone_free(s->zone);
}

/* ------------------------------------------------------------------------
 * All of them
 */

/* Several times a second, while the lanes answer. */
static void look(void *arg)
{
	struct dns_server *s = arg;

	/* a signal that comes meanwhile is for the next one */
	if (!s->loader.runs && (!s->zone ||
				__atomic_exchange_n(&hang_up, 0, __ATOMIC_RELAXED)))
		dns_load_start(s);
	if (s->loader.runs && dns_load_ended(s) && !dns_load_finish(s) && !s->zone) {
		s->failed = true;
		lanes_stop(&s->all.lanes);
	}
	dns_show_queries(s);
}

static int run(struct dns_server *s)
{
	s->all.lanes.look = look;
	if (queues_start(&s->all, dns_lane_run))
		return -1;
	lanes_watch(&s->all.lanes, dns_show_rates, s);
	dns_show_queries(s);
	return 0;
}

/* While nobody waits for the queue. */
static bool load_first(struct dns_server *s)
{
	dns_load_start(s);
	while (s->loader.runs && !dns_load_ended(s)) {
		if (app_stopped())
			dns_load_stop(s);
		poll(NULL, 0, LOAD_LOOK_MS);
	}
	return s->loader.runs && dns_load_finish(s);
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
	/* a queue that was kept has Linux's packets in it, too: those cannot wait */
	if ((check || !fdstore_has_kept()) && !load_first(&s))
		return app_stopped() ? APP_OK : APP_FAILED;
	if (check) {
		dns_zone_free(s.zone);
		return APP_OK;
	}
	if (!dns_open(&s) && !run(&s)) {
		dns_totals(&s);
		code = s.failed || queues_gone(&s.all) ? APP_FAILED : APP_OK;
	}
	dns_close(&s);
	return code;
}
