// SPDX-License-Identifier: BSD-2-Clause
/* urctl: shows ports, moves NICs between drivers, says what is missing. */
#include <stdlib.h>
#include <signal.h>
#include <string.h>

#include "urctl/urctl.h"

static const char help[] =
"usage: urctl [status [DEV]]       ports, their queues and who has them\n"
"       urctl top [DEV]            the same with rates, again every second\n"
"       urctl bind DEV             move a NIC from its driver to userring\n"
"       urctl unbind DEV           give it back to its stock driver\n"
"       urctl doctor [DEV]         why no packets come, and what to type\n"
"       urctl help [COMMAND]       more on one of these\n"
"\n"
"DEV is an interface (eth1), a PCI address (00:04.0), /dev/userring0 or, for\n"
"status, sim: or pcap:FILE.  A command may be shortened: urctl st.\n"
"\n"
"  --persist    bind, unbind: at each boot as well, or not any more\n"
"  --force      bind, unbind: even if the interface is in use\n"
"  --wait S     bind, unbind: wait so long for DEV to be there (0)\n"
"  -br --brief  status: a line for each NIC, as ip -br has\n"
"  -j --json    status, doctor: one JSON object; top: one for each interval\n"
"  --interval S, -c --count N   top: seconds between looks (1); end after N\n"
"  --root DIR   look at a copy of /sys, /proc, /dev and the like below DIR\n"
"  -h --help, -V --version\n"
"\n"
"example:\n"
"  urctl doctor\n"
"  sudo urctl bind eth1 && sudo ip link set eth1 up && sudo urdump eth1\n";

enum {
	OPT_FORCE = APP_OPT_OWN,
	OPT_ROOT,
	OPT_INTERVAL,
	OPT_PERSIST,
	OPT_WAIT,
	OPT_BRIEF,
};

static const struct option options[] = {
	{ "help",    no_argument,       NULL, 'h' },
	{ "version", no_argument,       NULL, 'V' },
	{ "json",    no_argument,       NULL, APP_OPT_JSON },
	{ "brief",   no_argument,       NULL, OPT_BRIEF },
	{ "br",      no_argument,       NULL, OPT_BRIEF },
	{ "force",   no_argument,       NULL, OPT_FORCE },
	{ "persist", no_argument,       NULL, OPT_PERSIST },
	{ "wait",    required_argument, NULL, OPT_WAIT },
	{ "root",    required_argument, NULL, OPT_ROOT },
	{ "count",   required_argument, NULL, 'c' },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ NULL, 0, NULL, 0 }
};

/* What was asked for. */
struct asked {
	struct app app;
	struct move move;
	double interval;
	bool brief;
	bool help;
};

/* ------------------------------------------------------------------------
 * Commands
 */

static int run_status(struct asked *a)
{
	return a->brief && !a->app.json ? urctl_brief(&a->app) :
					  urctl_status(&a->app);
}

static int run_top(struct asked *a)
{
	return urctl_top(&a->app, a->interval);
}

static int run_doctor(struct asked *a)
{
	return urctl_doctor(&a->app);
}

static void check_move(struct asked *a, const char *command)
{
	if (!a->app.device)
		app_usage(&a->app, "%s which NIC? Name an interface (eth1) or a PCI address",
			  command);
	if (a->app.json)
		app_usage(&a->app, "--json goes with status, top and doctor");
}

static int run_bind(struct asked *a)
{
	check_move(a, "bind");
	return urctl_bind(&a->app, &a->move);
}

static int run_unbind(struct asked *a)
{
	check_move(a, "unbind");
	return urctl_unbind(&a->app, &a->move);
}

static int run_help(struct asked *a);

static const struct command {
	const char *name;
	int (*run)(struct asked *a);
	const char *help;
} commands[] = {
	{ "status", run_status,
"usage: urctl status [DEV] [-j | -br]\n"
"\n"
"All ports, or one: interface, link, features, what the NIC missed, and of each\n"
"queue who has it, its rings and its counters.  -br says it in a line each, also\n"
"of NICs that userring could have: name, state, node, driver, owners of queues.\n"
"\n"
"example:\n"
"  urctl -br\n" },
	{ "show", run_status, NULL },	/* status */
	{ "top", run_top,
"usage: urctl top [DEV] [--interval S] [-c N] [-j]\n"
"\n"
"What status shows, with rates, again and again until q or ^C.  Elsewhere than\n"
"on a terminal each queue is a line.\n"
"\n"
"example:\n"
"  urctl top eth1 --interval 0.5\n" },
	{ "bind", run_bind,
"usage: urctl bind DEV [--persist] [--force] [--wait S]\n"
"\n"
"Moves a NIC from the driver that it has to userring, and loads the module if\n"
"need be.  Not if the interface is in use, or if something else reserved the NIC:\n"
"--force does it all the same.  The machine forgets it when it is started anew;\n"
"--persist has it bound at each boot, by userring@ADDRESS.service of systemd.\n"
"\n"
"example:\n"
"  sudo urctl bind --persist eth1\n" },
	{ "unbind", run_unbind,
"usage: urctl unbind DEV [--persist] [--force] [--wait S]\n"
"\n"
"Gives a NIC back to its stock driver.  Not while a process has a queue of it, or\n"
"the interface is in use: --force does it all the same.  With --persist it is not\n"
"bound at boot any more; also for a NIC that is not there, by its PCI address.\n"
"\n"
"example:\n"
"  sudo urctl unbind --persist eth1\n" },
	{ "doctor", run_doctor,
"usage: urctl doctor [DEV] [-j]\n"
"\n"
"Goes through all that a process needs to receive a packet: the module and\n"
"whether this kernel loads it, the NIC, its driver, the node, the interface, the\n"
"link, the process that has a queue.  Says what is missing and what to type.\n"
"\n"
"example:\n"
"  urctl doctor eth1\n" },
	{ "help", run_help, NULL },
};

#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* By its name or the beginning of it; the ways to say one count as one. */
static const struct command *find_command(const struct app *app,
					  const char *name)
{
	const struct command *found = NULL;
	size_t i;

	for (i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (strcmp(name, c->name) == 0)
			return c;
		if (!*name || strncmp(name, c->name, strlen(name)))
			continue;
		if (found && found->run != c->run)
			app_usage(app, "\"%s\" may be %s or %s", name,
				  found->name, c->name);
		found = found ? found : c;
	}
	if (!found)
		app_usage(app, "there is no command \"%s\": status, top, bind, unbind, doctor and help are",
			  name);
	return found;
}

static int run_help(struct asked *a)
{
	const struct command *c = a->app.device ?
		find_command(&a->app, a->app.device) : NULL;

	/* show is status */
	if (c && !c->help && c->run == run_status)
		c = commands;
	fputs(c && c->help ? c->help : help, stdout);
	return APP_OK;
}

/* ------------------------------------------------------------------------
 * The command line
 */

static double seconds_of(const struct app *app, const char *option,
			 const char *text, double min)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !(s >= min) || s > 86400)
		app_usage(app, "%s takes seconds, from %g to 86400, not \"%s\"",
			  option, min, text);
	return s;
}

/* Options of one letter have it in optopt, others are in the argument. */
static const char *wrong_option(char **argv, char one[3])
{
	if (!optopt || optopt > 0x7f)
		return argv[optind - 1];
	one[0] = '-';
	one[1] = (char)optopt;
	one[2] = '\0';
	return argv[optind - 1][0] == '-' ? argv[optind - 1] : one;
}

static void take_option(struct asked *a, int c, char **argv)
{
	char one[3];

	switch (c) {
	case 'h':
		a->help = true;
		break;
	case 'j':
		a->app.json = true;
		break;
	case OPT_BRIEF:
		a->brief = true;
		break;
	case OPT_FORCE:
		a->move.force = true;
		break;
	case OPT_PERSIST:
		a->move.persist = true;
		break;
	case OPT_WAIT:
		a->move.wait = seconds_of(&a->app, "--wait", optarg, 0);
		break;
	case OPT_ROOT:
		sysfs_set_root(optarg);
		break;
	case OPT_INTERVAL:
		a->interval = seconds_of(&a->app, "--interval", optarg, 0.05);
		break;
	case ':':
		app_usage(&a->app, "%s wants a value behind it", wrong_option(argv, one));
	case '?':
		app_usage(&a->app, "unrecognized option %s",
			  wrong_option(argv, one));
	default:
		app_option(&a->app, c);
	}
}

int main(int argc, char **argv)
{
	struct asked a = { .interval = 1 };
	const struct command *command = NULL;
	int c;

	app_init(&a.app, "urctl", help);
	/* the reader of a table has seen enough: so have we */
	signal(SIGPIPE, SIG_DFL);
	opterr = 0;
	/* -br is one option, as of ip */
	while ((c = getopt_long_only(argc, argv, ":hVjc:", options, NULL)) != -1)
		take_option(&a, c, argv);

	if (optind < argc)
		command = find_command(&a.app, argv[optind++]);
	if (optind < argc)
		a.app.device = argv[optind++];
	if (optind < argc)
		app_usage(&a.app, "one device, please: \"%s\" is too much",
			  argv[optind]);
	if (a.help) {
		/* of the command, if one was said */
		a.app.device = command ? command->name : NULL;
		return run_help(&a);
	}
	return command ? command->run(&a) : run_status(&a);
}
