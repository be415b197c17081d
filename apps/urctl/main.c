// SPDX-License-Identifier: BSD-2-Clause
/* urctl: shows ports, moves NICs between drivers, says what is missing. */
#include <stdlib.h>
#include <string.h>

#include "urctl/urctl.h"

static const char help[] =
"usage: urctl [status [DEV]]       ports, their queues and who has them\n"
"       urctl top [DEV]            the same with rates, again every second\n"
"       urctl bind DEV [--force]   move a NIC from its driver to userring\n"
"       urctl unbind DEV [--force] give it back to its stock driver\n"
"       urctl doctor [DEV]         why no packets come, and what to type\n"
"\n"
"DEV is an interface (eth1), a PCI address (0000:00:04.0), /dev/userring0 or,\n"
"for status, sim:\n"
"\n"
"  --json       status, doctor: one JSON object; top: one for each interval\n"
"  --interval S top: seconds between two looks (1)\n"
"  -c --count N top: end after so many intervals\n"
"  --force      bind, unbind: even if the interface is in use\n"
"  --root DIR   look at a copy of /sys, /proc, /dev and /lib below DIR\n"
"  -h --help, -V --version\n"
"\n"
"example:\n"
"  urctl doctor\n"
"  sudo urctl bind eth1 && sudo ip link set eth1 up && sudo urdump eth1\n";

enum {
	OPT_FORCE = APP_OPT_OWN,
	OPT_ROOT,
	OPT_INTERVAL,
};

static const struct option options[] = {
	{ "help",    no_argument,       NULL, 'h' },
	{ "version", no_argument,       NULL, 'V' },
	{ "json",    no_argument,       NULL, APP_OPT_JSON },
	{ "force",   no_argument,       NULL, OPT_FORCE },
	{ "root",    required_argument, NULL, OPT_ROOT },
	{ "count",   required_argument, NULL, 'c' },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ NULL, 0, NULL, 0 }
};

static double interval_of(const struct app *app, const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !(s >= 0.05) || s > 86400)
		app_usage(app, "--interval takes seconds, from 0.05 to 86400, not \"%s\"",
			  text);
	return s;
}

int main(int argc, char **argv)
{
	const char *command = "status";
	double interval = 1;
	bool force = false;
	struct app app;
	int c;

	app_init(&app, "urctl", help);
	while ((c = getopt_long(argc, argv, "hVc:", options, NULL)) != -1) {
		switch (c) {
		case OPT_FORCE:
			force = true;
			break;
		case OPT_ROOT:
			sysfs_set_root(optarg);
			break;
		case OPT_INTERVAL:
			interval = interval_of(&app, optarg);
			break;
		default:
			app_option(&app, c);
		}
	}

	if (optind < argc)
		command = argv[optind++];
	if (optind < argc)
		app.device = argv[optind++];
	if (optind < argc)
		app_usage(&app, "one device, please: \"%s\" is too much",
			  argv[optind]);

	if (strcmp(command, "status") == 0)
		return urctl_status(&app);
	if (strcmp(command, "doctor") == 0)
		return urctl_doctor(&app);
	if (strcmp(command, "top") == 0)
		return urctl_top(&app, interval);

	if (strcmp(command, "bind") && strcmp(command, "unbind"))
		app_usage(&app, "there is no command \"%s\": status, top, bind, unbind and doctor are",
			  command);
	if (!app.device)
		app_usage(&app, "%s which NIC? Name an interface (eth1) or a PCI address",
			  command);
	if (app.json)
		app_usage(&app, "--json goes with status, top and doctor");
	return strcmp(command, "bind") == 0 ? urctl_bind(&app, force) :
					      urctl_unbind(&app, force);
}
