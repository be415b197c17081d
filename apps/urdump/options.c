// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "urdump/devices.h"
#include "urdump/urdump.h"

static const char help[] =
"usage: urdump [options] DEV [filter]\n"
"\n"
"Shows the packets that a NIC queue receives, none that are sent, if they pass a\n"
"filter (as tcpdump's), or writes them to a file; passes all on to Linux. DEV, or\n"
"-i DEV: eth1, PCI address, /dev/userring0, sim:[options], pcap:FILE (-r FILE).\n"
"\n"
"  -w FILE              write pcapng instead (nanoseconds, drops); -: stdout\n"
"  -C MB, -G S, -W N    a new file after 10^6 bytes, after seconds; N files\n"
"  -s, --snaplen N      only so many bytes of each packet (0: all)\n"
"  -e, -x, -X, -A       show MAC addresses; bytes; also as text; payload as text\n"
"  -B KIB, -D           keep so much for a slow reader; list the devices\n"
"  -q, --take           show no packets, only count; Linux gets none of them\n"
APP_HELP
"\n"
"example: urdump -w - eth1 udp port 53 | wireshark -k -i -\n";

/* -n, -l, -p, -U, -v are tcpdump's, and ask for what is so anyway. */
#define LETTERS	APP_SHORT_OPTIONS "w:C:G:W:s:B:qexXAi:r:DnlpUvQ:tSNKu#"

enum {
	OPT_TAKE = APP_OPT_OWN,
	OPT_EXTCAP_INTERFACES,
	OPT_EXTCAP_VERSION,
	OPT_EXTCAP_INTERFACE,
	OPT_EXTCAP_DLTS,
	OPT_EXTCAP_CONFIG,
	OPT_EXTCAP_FILTER,
	OPT_CAPTURE,
	OPT_FIFO,
};

static const struct option options[] = {
	APP_OPTIONS,
	{ "take",    no_argument,       NULL, OPT_TAKE },
	{ "write",   required_argument, NULL, 'w' },
	{ "quiet",   no_argument,       NULL, 'q' },
	{ "snaplen", required_argument, NULL, 's' },
	{ "extcap-interfaces", no_argument,       NULL, OPT_EXTCAP_INTERFACES },
	{ "extcap-version",    optional_argument, NULL, OPT_EXTCAP_VERSION },
	{ "extcap-interface",  required_argument, NULL, OPT_EXTCAP_INTERFACE },
	{ "extcap-dlts",       no_argument,       NULL, OPT_EXTCAP_DLTS },
	{ "extcap-config",     no_argument,       NULL, OPT_EXTCAP_CONFIG },
	{ "extcap-capture-filter", required_argument, NULL, OPT_EXTCAP_FILTER },
	{ "capture", no_argument,       NULL, OPT_CAPTURE },
	{ "fifo",    required_argument, NULL, OPT_FIFO },
	{ NULL, 0, NULL, 0 }
};

/* Units of 10^6 bytes; k, M and G are 2^10, 2^20 and 2^30, as for tcpdump. */
static uint64_t file_size(const struct app *app, char *text)
{
	static const char suffixes[] = "kMG";
	size_t len = strlen(text);
	uint64_t unit = 1000000;
	const char *suffix;

	suffix = len > 1 ? strchr(suffixes, text[len - 1]) : NULL;
	if (suffix) {
		unit = 1ULL << (10 * (suffix - suffixes + 1));
		text[len - 1] = '\0';
	}
	return unit * app_number(app, "-C", text, 1, 1000000);
}

static bool parse_extcap(struct extcap *x, int c)
{
	switch (c) {
	case OPT_EXTCAP_INTERFACES:
		x->interfaces = true;
		return true;
	case OPT_EXTCAP_VERSION:
		return true;
	case OPT_EXTCAP_INTERFACE:
		x->interface = optarg;
		return true;
	case OPT_EXTCAP_DLTS:
		x->link_types = true;
		return true;
	case OPT_EXTCAP_CONFIG:
		x->config = true;
		return true;
	case OPT_EXTCAP_FILTER:
		x->filter = optarg;
		return true;
	case OPT_CAPTURE:
		x->capture = true;
		return true;
	case OPT_FIFO:
		x->fifo = optarg;
		return true;
	default:
		return false;
	}
}

/* -i DEV, -r FILE */
static void take_device(struct dump *d, int c)
{
	static char name[5 + 4096];
	struct app *app = &d->app;

	if (app->device)
		app_usage(app, "one device, please: \"%s\" is too much", optarg);
	app->device = optarg;
	if (c == 'i' && strcmp(optarg, "any"))
		return;
	if (c == 'i')
		app_usage(app, "there is no device for all: urdump has one queue of one port; -D lists the ports");
	if (strchr(optarg, ','))
		app_usage(app, "-r takes no file with a comma in its name, which pcap: has for its options: give it another name, by a link");
	if (snprintf(name, sizeof(name), "pcap:%s", optarg) >= (int)sizeof(name))
		app_usage(app, "the name of the file is too long");
	app->device = name;
}

static void parse_option(struct dump *d, int c)
{
	struct app *app = &d->app;

	switch (c) {
	case 'w':
		d->out.capture.path = optarg;
		break;
	case 'C':
		d->out.capture.max_bytes = file_size(app, optarg);
		break;
	case 'G':
		d->out.capture.max_ns = NS_PER_SEC *
				    app_number(app, "-G", optarg, 1, 1000000000);
		break;
	case 'W':
		d->out.capture.max_files = (uint32_t)app_number(app, "-W", optarg,
							    1, 1000000);
		break;
	case 's':
		d->out.capture.interface.snap_len =
			(uint32_t)app_number(app, "--snaplen", optarg, 0,
					     DUMP_SNAP_MAX);
		if (!d->out.capture.interface.snap_len)
			d->out.capture.interface.snap_len = DUMP_SNAP_MAX;
		break;
	case 'B':
		d->buffer_said = true;
		d->out.buffer = 1024 * (size_t)app_number(app, "-B", optarg, 64,
							  4 << 20);
		break;
	case 'q':
		d->quiet = true;
		break;
	case 'e':
		d->out.macs = true;
		break;
	case 'X':
		d->out.characters = true;
		__attribute__((fallthrough));
	case 'x':
		d->out.hex = true;
		break;
	case 'A':
		d->out.text = true;
		break;
	case 'i':
	case 'r':
		take_device(d, c);
		break;
	case 'D':
		devices_list();
		exit(APP_OK);
	case 'n':
	case 'l':
	case 'p':
	case 'U':
	case 'v':
		break;
	case 'Q':
		if (strcmp(optarg, "in"))
			app_usage(app, "-Q %s: a queue has what is received, so it is -Q in",
				  optarg);
		break;
	case 't':
	case 'S':
	case 'N':
	case 'K':
	case 'u':
	case '#':
		app_usage(app, "-%c is tcpdump's alone: write a file with -w FILE, and tcpdump -%c -r FILE shows it so",
			  c, c);
	case OPT_TAKE:
		d->take = true;
		break;
	default:
		if (!parse_extcap(&d->extcap, c))
			app_option(app, c);
	}
}

/* What does not go together. */
static void check_files(const struct dump *d)
{
	const struct capture *c = &d->out.capture;
	const struct app *app = &d->app;

	if ((c->path || d->quiet || app->json) &&
	    (d->out.macs || d->out.hex || d->out.text))
		app_usage(app, "-e, -x, -X and -A are about lines, and with -w, -q or --json there are none");
	if (!c->path && (d->quiet || app->json) && d->buffer_said)
		app_usage(app, "-B is about what is shown or written, and here nothing is");
	if (!c->path && (c->max_bytes || c->max_ns || c->max_files))
		app_usage(app, "-C, -G and -W are for files: -w says their name");
	if (!c->path)
		return;
	if (strcmp(c->path, "-") == 0) {
		if (app->json)
			app_usage(app, "--json and -w - cannot both have stdout");
		if (c->max_bytes || c->max_ns)
			app_usage(app, "-C and -G are for files, not for stdout");
	}
	if (c->max_files && !c->max_bytes && !c->max_ns)
		app_usage(app, "-W says how many files there are: -C or -G when the next one begins");
	if (c->max_ns && !strchr(c->path, '%'))
		app_usage(app, "-G wants the time in the name, or each file overwrites the last: -w dump-%%H%%M%%S.pcapng");
}

static void parse_arguments(struct dump *d, int argc, char **argv)
{
	struct app *app = &d->app;

	if (d->extcap.capture) {
		if (!d->extcap.interface || !d->extcap.fifo)
			app_usage(app, "--capture wants --extcap-interface NAME and --fifo FILE");
		app->device = extcap_device(d->extcap.interface);
		d->out.capture.path = d->extcap.fifo;
		if (d->extcap.filter &&
		    !filter_words(&d->filter, (char **)&d->extcap.filter, 1))
			app_usage(app, "the filter is too long");
		return;
	}
	if (!app->device) {
		app_device(app, optind < argc ? optind + 1 : argc, argv);
		optind++;
	}
	if (!filter_words(&d->filter, argv + optind, argc - optind))
		app_usage(app, "the filter is too long");
}

void dump_options(struct dump *d, int argc, char **argv)
{
	struct app *app = &d->app;
	const char *why;
	int c;

	app_init(app, "urdump", help);
	d->out.capture.interface.snap_len = DUMP_SNAP_MAX;
	d->out.buffer = DUMP_BUFFER;
	while ((c = app_getopt(app, argc, argv, LETTERS, options)) != -1)
		parse_option(d, c);
	if (extcap_asked(&d->extcap))
		exit(extcap_answer(&d->extcap));
	parse_arguments(d, argc, argv);
	check_files(d);
	why = filter_compile(&d->filter, app->device);
	if (why)
		app_usage(app, "the filter \"%s\" is not one: %s",
			  d->filter.text, why);
	if (app->json || d->out.capture.path)
		d->quiet = true;
	d->out.lines = !d->quiet;
	d->out.capture.interface.filter = d->filter.text;
	/* Linux waits for what is not passed on to it */
	app->shares = !d->take;
	app->no_live = !d->quiet || d->extcap.capture;
}
