// SPDX-License-Identifier: BSD-2-Clause
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_RING	1024
#define DEFAULT_SPIN_US	50
#define MAX_SLEEP_MS	200	/* to look at the clock and at signals */
#define DOWN_SLEEP_MS	50
#define WAKE_UP_NS	60000	/* from the end of a sleep to running */

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

bool app_stopped(void)
{
	return stop;
}

/* ------------------------------------------------------------------------
 * Sentences
 */

void app_say(const struct app *app, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", app->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
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
	struct sigaction action = { .sa_handler = on_signal };

	*app = (struct app){
		.name = name,
		.help = help,
		.rx_size = DEFAULT_RING,
		.tx_size = DEFAULT_RING,
		.spin_us = DEFAULT_SPIN_US,
	};
	stop = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
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
		break;
	case APP_OPT_BUSY:
		app->busy = true;
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
		app_usage(app, "which device? Name an interface (eth1), a PCI address, /dev/userring0 or sim:");
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

int app_open(struct app *app)
{
	struct ur_queue_opts queue_opts = {
		.size = sizeof(queue_opts),
		.rx_size = app->rx_size,
		.tx_size = app->tx_size,
		.sync_period_us = app->period_us,
		.spin_us = app->spin_us,
	};
	struct ur_pool_opts pool_opts = {
		.size = sizeof(pool_opts),
		/* both rings full, and as much in the hands of the app */
		.slot_count = 2 * (app->rx_size + app->tx_size),
	};
	struct ur_error err = { "" };
	int r;

	r = ur_port_open(&app->port, app->device, &err);
	if (r)
		goto err_say;
	r = ur_port_info(app->port, &app->info);
	if (r) {
		snprintf(err.text, sizeof(err.text), "%s: %s", app->device,
			 ur_strerror(r));
		goto err_close_port;
	}
	r = ur_pool_create(&app->pool, app->port, &pool_opts, &err);
	if (r)
		goto err_close_port;
	r = ur_queue_attach(&app->queue, app->port, app->pool, &queue_opts,
			    &err);
	if (r)
		goto err_destroy_pool;

	app->missed_at_start = app_read_missed(app);
	app->now = app_clock();
	app->start = app->now;
	app->last_tick = app->now;
	app->next_tick = app->now + NS_PER_SEC;
	return 0;

err_destroy_pool:
	ur_pool_destroy(app->pool);
err_close_port:
	ur_port_close(app->port);
err_say:
	app_say(app, "%s", err.text[0] ? err.text : ur_strerror(r));
	return -1;
}

void app_close(struct app *app)
{
	ur_queue_detach(app->queue);
	ur_pool_destroy(app->pool);
	ur_port_close(app->port);
}

/* ------------------------------------------------------------------------
 * The loop
 */

/* What ur_sync() or ur_wait() said, in words, once. */
static void trouble(struct app *app, int err)
{
	if (err == -ENODEV) {
		if (!app->gone)
			app_say(app, "%s is gone", app->device);
		app->gone = true;
	} else if (err == -ENETDOWN) {
		if (!app->said_down)
			app_say(app, "%s is down, waiting for it to come up: ip link set %s up",
				app->device, app->info.ifname[0] ?
				app->info.ifname : app->device);
		app->said_down = true;
	} else if (err != -EINTR && err != -ESTALE) {
		app_say(app, "%s: %s", app->device, ur_strerror(err));
		app->gone = true;
	}
}

/* Once a second: what changed about the port? */
static void look_after_port(struct app *app)
{
	struct ur_queue_stats stats;
	int err;

	err = ur_sync(app->queue);
	if (err)
		trouble(app, err);
	else if (app->said_down) {
		app_say(app, "%s is up again", app->device);
		app->said_down = false;
	}

	ur_queue_stats(app->queue, &stats);
	if (stats.recovered != app->said_recovered) {
		app_say(app, "%s was reset; packets in its rings were lost",
			app->device);
		app->said_recovered = stats.recovered;
	}

	if (app->said_down || app->gone)
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

bool app_run(struct app *app)
{
	app->now = app_clock();

	if (app->now >= app->next_tick) {
		look_after_port(app);
		app_show_rates(app);
		app->next_tick += NS_PER_SEC;
		if (app->next_tick <= app->now)
			app->next_tick = app->now + NS_PER_SEC;
	}
	if (app->seconds > 0 && app_seconds(app) >= app->seconds)
		app->done = true;
	return !app->done && !app->gone && !stop;
}

void app_sync(struct app *app)
{
	int err;

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
	struct pollfd fd = { .fd = or_packet ? ur_fd(app->queue) : -1,
			     .events = POLLIN };
	struct timespec ts;
	uint64_t ns;

	if (when > app->next_tick)
		when = app->next_tick;
	if (app->busy || when <= app->now + WAKE_UP_NS)
		return;
	ns = when - app->now - WAKE_UP_NS;
	ts.tv_sec = (time_t)(ns / NS_PER_SEC);
	ts.tv_nsec = (long)(ns % NS_PER_SEC);

	/* what was written so far goes out before we sleep */
	app_sync(app);
	if (or_packet && ur_rx_ready(app->queue))
		return;
	if (app->gone)
		return;
	ppoll(&fd, 1, &ts, NULL);
}

/*
 * Filters are the kernel's: a membership lasts as long as its socket, which is
 * never closed and, with protocol 0, receives nothing.
 */
void app_join_neighbours(struct app *app, const uint8_t ip[16])
{
	struct packet_mreq group = {
		.mr_ifindex = (int)app->info.ifindex,
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = 6,
		.mr_address = { 0x33, 0x33, 0xff, ip[13], ip[14], ip[15] },
	};
	int fd;

	if (!app->info.ifindex)
		return;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group,
				  sizeof(group)) == 0)
		return;
	app_say(app, "%s: neighbours will not find the IPv6 address (%s); as root: ip maddress add 33:33:ff:%02x:%02x:%02x dev %s",
		app->device, strerror(errno), ip[13], ip[14], ip[15],
		app->info.ifname);
	if (fd >= 0)
		close(fd);
}

/* Bytes from the beginning of a packet to the end of its slot. */
static uint32_t room_of(const struct ur_pool *pool, const struct ur_pkt *pkt)
{
	return ur_slot_size(pool) -
	       (uint32_t)(pkt->data - ur_slot_data(pool, pkt->slot));
}

static bool tag_in_frame(struct app *app, struct ur_pkt *pkt)
{
	uint32_t len = app_insert_vlan(pkt->data, pkt->len,
				       room_of(app->pool, pkt), pkt->vlan);

	if (!len || len > app->info.tx_len_max)
		return false;
	pkt->len = len;
	pkt->flags &= (uint16_t)~UR_PKT_VLAN;
	return true;
}

uint32_t app_answer(struct app *app, struct ur_pkt *send, uint32_t n_send,
		    struct ur_pkt *back, uint32_t n_back)
{
	bool nic_tags = app->info.features & UR_FEATURE_TX_VLAN;
	uint32_t ready = 0, sent, i;

	for (i = 0; i < n_send; i++) {
		struct ur_pkt pkt = send[i];

		if ((pkt.flags & UR_PKT_VLAN) && !nic_tags &&
		    !tag_in_frame(app, &pkt))
			back[n_back++] = pkt;
		else
			send[ready++] = pkt;
	}

	sent = ur_tx_burst(app->queue, send, ready);
	for (i = 0; i < ready; i++) {
		if (i < sent) {
			uint32_t slot = ur_slot_alloc(app->pool);

			app->n.tx_packets++;
			app->n.tx_bytes += send[i].len;
			if (slot != UR_NO_SLOT)
				back[n_back++].slot = slot;
		} else {
			back[n_back++] = send[i];
		}
	}
	ur_rx_release(app->queue, back, n_back);
	return sent;
}

uint32_t app_insert_vlan(uint8_t *frame, uint32_t len, uint32_t room,
			 uint16_t tci)
{
	if (len < 12 || len + 4 > room)
		return 0;
	memmove(frame + 16, frame + 12, len - 12);
	frame[12] = 0x81;
	frame[13] = 0x00;
	frame[14] = (uint8_t)(tci >> 8);
	frame[15] = (uint8_t)tci;
	return len + 4;
}
