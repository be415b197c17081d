// SPDX-License-Identifier: BSD-2-Clause
#include "common/common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libuserring/sim.h>

#define DEFAULT_RING	1024
#define DEFAULT_SPIN_US	50
#define MAX_SLEEP_MS	200	/* to look at the clock and at signals */
#define DOWN_SLEEP_MS	50
#define WAKE_UP_NS	60000	/* from the end of a sleep to running */

static int stop;

static void on_signal(int sig)
{
	(void)sig;
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
}

bool app_stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------------------
 * Sentences
 */

bool app_can_write(FILE *out)
{
	struct pollfd fd = { .fd = fileno(out), .events = POLLOUT };

	/* errors are for who writes */
	return fd.fd < 0 || poll(&fd, 1, 0) != 0;
}

void app_say(const struct app *app, const char *format, ...)
{
	va_list args;

	if (!app_can_write(stderr))
		return;
	/* threads do not write into each other's sentences */
	flockfile(stderr);
	fprintf(stderr, "%s: ", app->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

_Noreturn void app_usage(const struct app *app, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", app->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (%s --help tells more)\n", app->name);
	exit(APP_USAGE);
}

/* ------------------------------------------------------------------------
 * Options
 */

uint64_t app_number(const struct app *app, const char *option, const char *text,
		    uint64_t min, uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || strchr(text, '-') ||
	    value < min || value > max)
		app_usage(app, "%s takes a number from %" PRIu64 " to %" PRIu64
			  ", not \"%s\"", option, min, max, text);
	return value;
}

bool app_either(const struct app *app, const char *option, const char *first,
		const char *second)
{
	if (strcmp(optarg, first) && strcmp(optarg, second))
		app_usage(app, "%s takes %s or %s, not \"%s\"", option, first,
			  second, optarg);
	return !strcmp(optarg, second);
}

void app_not_both(const struct app *app, const char *one, bool given,
		  const char *other, bool other_given)
{
	if (given && other_given)
		app_usage(app, "%s and %s contradict each other: say one of them",
			  one, other);
}

static double number_of_seconds(const struct app *app, const char *text)
{
	double value;
	char *end;

	value = strtod(text, &end);
	if (end == text || *end || !(value > 0) || value > 1e9)
		app_usage(app, "--seconds takes a number above 0, not \"%s\"",
			  text);
	return value;
}

static uint32_t ring_size(const struct app *app, const char *option,
			  const char *text)
{
	uint64_t size = app_number(app, option, text, UR_RING_SIZE_MIN,
				   UR_RING_SIZE_MAX);

	if (size & (size - 1))
		app_usage(app, "%s takes a power of two, not %s", option, text);
	return (uint32_t)size;
}

void app_init(struct app *app, const char *name, const char *help)
{
	struct sigaction action = { .sa_handler = on_signal }, before;

	*app = (struct app){
		.name = name,
		.help = help,
		.rx_size = DEFAULT_RING,
		.tx_size = DEFAULT_RING,
		.spin_us = DEFAULT_SPIN_US,
		.watchdog_ms = APP_WATCHDOG_UNSAID,
	};
	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* a program whose parent has had it ignored, nohup for one, is to stay */
	sigaction(SIGHUP, NULL, &before);
	if (before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void app_option(struct app *app, int option)
{
	switch (option) {
	case 'h':
		fputs(app->help, stdout);
		exit(APP_OK);
	case APP_OPT_VERSION:
	case 'V':
		printf("%s (userring) %s, contract %d\n", app->name,
		       APP_VERSION, UR_ABI_VERSION);
		exit(APP_OK);
	case 'c':
		app->count = app_number(app, "--count", optarg, 1, UINT64_MAX);
		break;
	case APP_OPT_JSON:
		app->json = true;
		break;
	case APP_OPT_RATES:
		app->rates = true;
		break;
	case APP_OPT_PERIOD:
		app->period_us = (uint32_t)app_number(app, "--period", optarg,
						      UR_SYNC_PERIOD_MIN_US,
						      UR_SYNC_PERIOD_MAX_US);
		break;
	case APP_OPT_RX_SIZE:
		app->rx_size = ring_size(app, "--rx-size", optarg);
		break;
	case APP_OPT_TX_SIZE:
		app->tx_size = ring_size(app, "--tx-size", optarg);
		break;
	case APP_OPT_SPIN:
		app->spin_us = (uint32_t)app_number(app, "--spin", optarg, 0,
						    1000000);
		app->spin_said = true;
		app_not_both(app, "--spin", true, "--busy", app->busy);
		break;
	case APP_OPT_WATCHDOG:
		app->watchdog_ms = strcmp(optarg, "0") ?
				   (uint32_t)app_number(app, "--watchdog", optarg,
							UR_WATCHDOG_MIN_MS,
							UR_WATCHDOG_MAX_MS) : 0;
		break;
	case APP_OPT_BUSY:
		app->busy = true;
		app_not_both(app, "--busy", true, "--spin", app->spin_said);
		break;
	case APP_OPT_SECONDS:
		app->seconds = number_of_seconds(app, optarg);
		break;
	default:
		/* getopt_long() has said what it did not like */
		fprintf(stderr, "%s: --help lists the options\n", app->name);
		exit(APP_USAGE);
	}
}

void app_device(struct app *app, int argc, char **argv)
{
	if (optind >= argc)
		app_usage(app, "which device? Name an interface (eth1), a PCI address, /dev/userring0, sim: or pcap:FILE");
	if (optind + 1 < argc)
		app_usage(app, "one device, please: \"%s\" is too much",
			  argv[optind + 1]);
	app->device = argv[optind];
}

bool app_parse_mac(const char *text, uint8_t mac[6])
{
	unsigned int b[6];
	int len = 0;
	int i;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2],
		   &b[3], &b[4], &b[5], &len) != 6 || text[len])
		return false;
	for (i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return true;
}

int app_parse_ip(const char *text, uint8_t ip[16], int *prefix)
{
	char buf[INET6_ADDRSTRLEN + 5];
	char *slash, *end;
	long len = -1;
	int version;

	if (strlen(text) >= sizeof(buf))
		return 0;
	strcpy(buf, text);

	slash = strchr(buf, '/');
	if (slash) {
		*slash++ = '\0';
		len = strtol(slash, &end, 10);
		if (!prefix || end == slash || *end || len < 0)
			return 0;
	}

	memset(ip, 0, 16);
	if (inet_pton(AF_INET, buf, ip) == 1)
		version = 4;
	else if (inet_pton(AF_INET6, buf, ip) == 1)
		version = 6;
	else
		return 0;

	if (len > (version == 4 ? 32 : 128))
		return 0;
	if (prefix)
		*prefix = len < 0 ? (version == 4 ? 32 : 128) : (int)len;
	return version;
}

/* ------------------------------------------------------------------------
 * Open and close
 */

uint64_t app_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

double app_seconds(const struct app *app)
{
	return (double)(app->now - app->start) / 1e9;
}

/* ------------------------------------------------------------------------
 * The loop
 */

bool app_say_missing(const struct app *app, const struct ur_pcap_info *info)
{
	char too_long[96] = "", empty[48] = "";

	if (info->too_long)
		snprintf(too_long, sizeof(too_long),
			 "%" PRIu64 " frame%s longer than a slot of %" PRIu32 " bytes%s",
			 info->too_long, app_s(info->too_long),
			 ur_slot_size(app->pool), info->empty ? ", " : "");
	if (info->empty)
		snprintf(empty, sizeof(empty), "%" PRIu64 " empty frame%s",
			 info->empty, app_s(info->empty));
	if (!too_long[0] && !empty[0])
		return false;
	app_say(app, "%s: not all came: %s%s", app->device, too_long, empty);
	return true;
}

/* What is not there of a capture is said, and makes the exit code. */
static void no_more(struct app *app, int err)
{
	struct ur_pcap_info info;

	if (app->done)
		return;
	app->done = true;
	if (ur_pcap_info(app->port, &info))
		return;
	if (err == -EBADMSG) {
		app_say(app, "%s ends early: %s", app->device, info.why[0] ?
			info.why : "it cannot be read again");
		app->partial = true;
	}
	if (app_say_missing(app, &info))
		app->partial = true;
}

/* What ur_sync() or ur_wait() said, in words, once. */
static void trouble(struct app *app, int err)
{
	if (err == -ENODEV) {
		if (!app->gone)
			app_say(app, "%s is gone", app->device);
		app->gone = true;
	} else if (err == -ENETDOWN) {
		if (!app->said_down && !app->beside)
			app_say(app, "%s is down, waiting for it to come up: ip link set %s up",
				app->device, app->info.ifname[0] ?
				app->info.ifname : app->device);
		app->said_down = true;
	} else if (err == -ENODATA || err == -EBADMSG) {
		no_more(app, err);
	} else if (err == -ETIMEDOUT) {
		app_taken_back(app);
	} else if (err != -EINTR && err != -ESTALE) {
		app_say(app, "%s: %s", app->device, ur_strerror(err));
		app->gone = true;
	}
}

void app_look_after(struct app *app)
{
	struct ur_queue_stats stats;
	int err;

	err = ur_sync(app->queue);
	if (err)
		trouble(app, err);
	if (app->gone)
		return;
	if (!err && app->said_down) {
		if (!app->beside)
			app_say(app, "%s is up again", app->device);
		app->said_down = false;
	}

	if (app->beside)
		return;
	ur_queue_stats(app->queue, &stats);
	if (stats.recovered != app->said_recovered) {
		app_say(app, "%s was reset; packets in its rings were lost",
			app->device);
		app->said_recovered = stats.recovered;
	}

	if (app->said_down)
		return;
	if (!ur_queue_link(app->queue)) {
		if (!app->said_no_link)
			app_say(app, "%s has no link", app->device);
		app->said_no_link = true;
	} else if (app->said_no_link) {
		app_say(app, "%s has a link again", app->device);
		app->said_no_link = false;
	}
}

bool app_tick(struct app *app)
{
	app->now = app_clock();
	if (app->now < app->next_tick)
		return false;
	app_look_after(app);
	app->next_tick += NS_PER_SEC;
	if (app->next_tick <= app->now)
		app->next_tick = app->now + NS_PER_SEC;
	return true;
}

bool app_run(struct app *app)
{
	if (app_tick(app))
		app_show_rates(app);
	if (app->seconds > 0 && app_seconds(app) >= app->seconds)
		app->done = true;
	return !app->done && !app->gone && !app_stopped();
}

void app_sync(struct app *app)
{
	int err;

	if (app->gone)
		return;
	err = ur_sync(app->queue);
	if (err)
		trouble(app, err);
}

uint32_t app_burst(const struct app *app)
{
	uint64_t left = app->count - app->n.rx_packets;

	return app->count && left < APP_BURST ? (uint32_t)left : APP_BURST;
}

static void sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

void app_idle(struct app *app, uint64_t max_us)
{
	uint64_t tick_us = app->next_tick > app->now ?
			   (app->next_tick - app->now) / 1000 : 0;
	int timeout_ms = MAX_SLEEP_MS;
	int r;

	if (tick_us < MAX_SLEEP_MS * 1000)
		timeout_ms = (int)(tick_us / 1000) + 1;
	if (max_us && max_us < (uint64_t)timeout_ms * 1000)
		timeout_ms = (int)(max_us / 1000);
	if (app->busy)
		timeout_ms = 0;

	r = ur_wait(app->queue, timeout_ms);
	if (r >= 0)
		return;
	trouble(app, r);
	if (r == -ENETDOWN)
		sleep_ms(DOWN_SLEEP_MS);
}

void app_idle_until(struct app *app, uint64_t when, bool or_packet)
{
	struct pollfd fd = { .fd = -1, .events = POLLIN };
	struct timespec ts;
	uint64_t ns;

	if (when > app->next_tick)
		when = app->next_tick;
	if (app->busy || when <= app->now + WAKE_UP_NS) {
		/* it does not empty by waiting alone */
		if (!ur_tx_room(app->queue))
			app_sync(app);
		return;
	}
	/* what was written so far goes out before we sleep */
	app_sync(app);
	if (app->gone || (or_packet && ur_rx_ready(app->queue)))
		return;
	if (or_packet)
		fd.fd = ur_fd(app->queue);
	ns = when - app->now - WAKE_UP_NS;
	ts.tv_sec = (time_t)(ns / NS_PER_SEC);
	ts.tv_nsec = (long)(ns % NS_PER_SEC);
	ppoll(&fd, 1, &ts, NULL);
}
