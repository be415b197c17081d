// SPDX-License-Identifier: BSD-2-Clause
/*
 * urkeep: starts a command, keeps the descriptors that it hands over (the
 * protocol of fdstore.h), and when it crashes starts it again with them.  So
 * the queue of a NIC stays attached, its rings go on filling, and the next
 * process finds in them what came meanwhile.
 *
 * systemd does the same, and more: FileDescriptorStoreMax= in a unit.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/common.h"

#define KEEP_MAX	64	/* descriptors: a queue each */
#define NAME_MAX_LEN	64
#define UNREADY_MAX	5	/* starts in a row that came to nothing */
#define FIRST_FD	3
/* the shell's words for a command that it cannot start */
#define CANNOT_EXECUTE	126
#define CANNOT_FIND	127

/*
 * A restart costs a second of the time that the command has run, of which 20 are
 * given.  One that cannot be paid for waits, each time twice as long.
 */
#define RESTART_MS	1000
#define CREDIT_MS	20000
#define PAUSE_MIN_MS	100
#define PAUSE_MAX_MS	30000

static const char help[] =
"usage: urkeep [--max-restarts N] -- COMMAND [ARGUMENT...]\n"
"\n"
"Starts COMMAND and, when it crashes (a signal, or an exit code that is not 0),\n"
"starts it again at once, with the queue that it had: Linux keeps the queue\n"
"attached meanwhile, and packets wait in its ring. Ends when COMMAND ends with 0;\n"
"SIGTERM, SIGINT and SIGHUP are passed on. COMMAND speaks the protocol of\n"
"systemd's descriptor store (FDSTORE=1), as urdns, urdump, urecho and urgen do;\n"
"of urfwd and urids, whose queues have their memory in common, none is kept.\n"
"\n"
"  --max-restarts N     give up after so many (no limit); in any case after 5\n"
"                       starts in a row that did not get as far as READY=1, and\n"
"                       at once if COMMAND cannot be executed (codes 126, 127)\n"
"                       or does not like its command line (2)\n"
"  -h --help, -V --version\n"
"\n"
"example:\n"
"  urkeep -- urecho --port 7 eth1\n";

struct kept {
	char name[NAME_MAX_LEN];
	int  fd;
};

struct keep {
	struct app app;
	char **command;
	uint64_t max_restarts;
	uint64_t restarts;
	unsigned unready;	/* starts in a row */

	int   sock;		/* what the command says comes here */
	char  address[128];	/* NOTIFY_SOCKET */
	int   signals;
	sigset_t before;	/* signal mask for the command */
	pid_t pid;
	bool  ready;		/* this process said so */
	int   stop;		/* signal that was passed on, to end it */
	bool  hung_up;		/* SIGHUP was passed on */

	uint64_t started;	/* ms */
	uint64_t credit;	/* ms */
	uint64_t pause;		/* ms, the last one */
	uint64_t due;		/* ms: the next start; 0: it runs */
	int   code;		/* of the last one's end */

	struct kept kept[KEEP_MAX];
	unsigned n;
};

/* ------------------------------------------------------------------------
 * The store
 */

static void forget(struct keep *k, const char *name)
{
	unsigned i = 0;

	while (i < k->n) {
		if (strcmp(k->kept[i].name, name) != 0) {
			i++;
			continue;
		}
		close(k->kept[i].fd);
		k->kept[i] = k->kept[--k->n];
	}
}

static void store(struct keep *k, const char *name, int fd)
{
	forget(k, name);
	if (k->n == KEEP_MAX) {
		app_say(&k->app, "no room for a descriptor named %s", name);
		close(fd);
		return;
	}
	snprintf(k->kept[k->n].name, NAME_MAX_LEN, "%s", name);
	k->kept[k->n++].fd = fd;
}

/* "KEY=value" lines; the value of one of them, or NULL. */
static const char *value_of(char *text, const char *key, char *buf, size_t size)
{
	size_t len = strlen(key);
	char *line = text;

	while (line && *line) {
		if (strncmp(line, key, len) == 0 && line[len] == '=') {
			line += len + 1;
			snprintf(buf, size, "%.*s", (int)strcspn(line, "\n"),
				 line);
			return buf;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return NULL;
}

static bool says(char *text, const char *key)
{
	char value[8];

	return value_of(text, key, value, sizeof(value)) &&
	       strcmp(value, "1") == 0;
}

/* One message of our command; fd: what came with it, or -1. */
static void take_message(struct keep *k, char *text, int fd)
{
	char name[NAME_MAX_LEN];

	/* a colon would be the end of it in LISTEN_FDNAMES */
	if (!value_of(text, "FDNAME", name, sizeof(name)) || !name[0] ||
	    strchr(name, ':'))
		strcpy(name, "stored");
	if (says(text, "FDSTOREREMOVE"))
		forget(k, name);
	if (says(text, "FDSTORE") && fd >= 0) {
		store(k, name, fd);
		fd = -1;
	}
	if (says(text, "READY"))
		k->ready = true;
	if (fd >= 0)
		close(fd);
}

/* Return: false when there is no message. */
static bool next_message(struct keep *k)
{
	char text[4096], control[256];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(k->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;
	pid_t sender = 0;
	int fd = -1;

	if (len < 0)
		return false;
	text[len] = '\0';
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		int *fds = (int *)(void *)CMSG_DATA(c);
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		struct ucred cred;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			sender = cred.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			/* one is stored, the rest is not ours to leak */
			while (n--) {
				if (fd >= 0)
					close(fd);
				fd = fds[n];
			}
		}
	}
	/* the socket has a name that anybody may send to */
	if (sender == k->pid)
		take_message(k, text, fd);
	else if (fd >= 0)
		close(fd);
	return true;
}

/* ------------------------------------------------------------------------
 * The command
 */

/* In the child: the descriptors from 3 on, the variables, the command. */
static _Noreturn void become_command(struct keep *k)
{
	char names[KEEP_MAX * NAME_MAX_LEN] = "", number[16];
	int high[KEEP_MAX], err;
	unsigned i;

	/* out of the way first: one may lie where another is to go */
	for (i = 0; i < k->n; i++)
		high[i] = fcntl(k->kept[i].fd, F_DUPFD_CLOEXEC,
				FIRST_FD + KEEP_MAX);
	for (i = 0; i < k->n; i++) {
		if (high[i] < 0 || dup2(high[i], FIRST_FD + (int)i) < 0)
			_exit(CANNOT_EXECUTE);
		snprintf(names + strlen(names), sizeof(names) - strlen(names),
			 "%s%s", i ? ":" : "", k->kept[i].name);
	}
	setenv("NOTIFY_SOCKET", k->address, 1);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (k->n) {
		snprintf(number, sizeof(number), "%d", getpid());
		setenv("LISTEN_PID", number, 1);
		snprintf(number, sizeof(number), "%u", k->n);
		setenv("LISTEN_FDS", number, 1);
		setenv("LISTEN_FDNAMES", names, 1);
	}
	/* a signal that comes right now ends it, and is not forgotten by exec */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &k->before, NULL);
	execvp(k->command[0], k->command);
	err = errno;
	app_say(&k->app, "cannot start %s: %s", k->command[0], strerror(err));
	/* as shells tell one from the other */
	_exit(err == ENOENT ? CANNOT_FIND : CANNOT_EXECUTE);
}

static uint64_t now_ms(void)
{
	return app_clock() / 1000000;
}

static bool start(struct keep *k)
{
	k->ready = false;
	k->due = 0;
	k->started = now_ms();
	k->pid = fork();
	if (k->pid == 0)
		become_command(k);
	if (k->pid < 0)
		app_say(&k->app, "no process: %s", strerror(errno));
	return k->pid > 0;
}

/* ------------------------------------------------------------------------
 * Its end
 */

static const char *how(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "was ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(buf, size, "ended with code %d", WEXITSTATUS(status));
	return buf;
}

static int code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/* Of an end that would be the same each time; NULL: it may have been a crash. */
static const char *why_in_vain(const struct keep *k, int status)
{
	if (!WIFEXITED(status))
		return NULL;
	if (WEXITSTATUS(status) == CANNOT_EXECUTE ||
	    WEXITSTATUS(status) == CANNOT_FIND)
		return "it cannot be executed";
	/* who was ready has understood his command line */
	if (WEXITSTATUS(status) == APP_USAGE && !k->ready)
		return "its command line is wrong";
	return NULL;
}

/* Is it to be started again?  If not, says why when that is not plain. */
static bool again(struct keep *k, int status)
{
	const char *why = why_in_vain(k, status);
	char text[96];

	if (code_of(status) == 0 || k->stop)
		return false;
	/* what takes no SIGHUP is meant to end by it */
	if (k->hung_up && WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP)
		return false;
	how(status, text, sizeof(text));
	k->unready = k->ready ? 0 : k->unready + 1;
	if (why)
		app_say(&k->app, "%s[%d] %s: %s, and it is not started again",
			k->command[0], k->pid, text, why);
	else if (k->unready >= UNREADY_MAX)
		app_say(&k->app, "%s[%d] %s; given up: %u times in a row it did not get ready",
			k->command[0], k->pid, text, k->unready);
	else if (k->restarts == k->max_restarts)
		app_say(&k->app, "%s[%d] %s; given up after %" PRIu64 " restart%s",
			k->command[0], k->pid, text, k->restarts,
			app_s(k->restarts));
	else
		return true;
	return false;
}

/* How long the next start is to wait. */
static uint64_t pause_ms(struct keep *k)
{
	k->credit += now_ms() - k->started;
	if (k->credit > CREDIT_MS)
		k->credit = CREDIT_MS;
	if (k->credit >= RESTART_MS) {
		k->credit -= RESTART_MS;
		k->pause = 0;
	} else if (!k->pause) {
		k->pause = PAUSE_MIN_MS;
	} else if (k->pause < PAUSE_MAX_MS) {
		k->pause = k->pause * 2 < PAUSE_MAX_MS ? k->pause * 2 :
							 PAUSE_MAX_MS;
	}
	return k->pause;
}

/* Return: the exit code, or -1 to go on. */
static int start_again(struct keep *k, pid_t old, const char *text)
{
	if (!start(k))
		return APP_FAILED;
	k->restarts++;
	app_say(&k->app, "%s[%d] %s; started again as %d with %u descriptor%s",
		k->command[0], old, text, k->pid, k->n, app_s(k->n));
	return -1;
}

/* Return: the exit code, or -1 to go on. */
static int child_ended(struct keep *k)
{
	pid_t old = k->pid;
	char text[96];
	uint64_t ms;
	int status;

	/* what it said before it ended counts */
	while (next_message(k))
		;
	if (k->due || waitpid(k->pid, &status, WNOHANG) != k->pid)
		return -1;
	k->code = code_of(status);
	if (!again(k, status))
		return k->code;
	how(status, text, sizeof(text));
	ms = pause_ms(k);
	if (!ms)
		return start_again(k, old, text);
	k->due = now_ms() + ms;
	app_say(&k->app, "%s[%d] %s; it does not last: started again in %" PRIu64 " ms",
		k->command[0], old, text, ms);
	return -1;
}

/* A start that had to wait, when it is time. */
static int look_at_pause(struct keep *k)
{
	if (!k->due || now_ms() < k->due)
		return -1;
	return start_again(k, k->pid, "has ended");
}

/* Until a start is due: ms for poll(). */
static int until_due(const struct keep *k)
{
	uint64_t now = now_ms();

	if (!k->due)
		return -1;
	return k->due > now ? (int)(k->due - now) : 0;
}

static int next_signal(struct keep *k)
{
	struct signalfd_siginfo info;

	if (read(k->signals, &info, sizeof(info)) != sizeof(info))
		return -1;
	if (info.ssi_signo == SIGCHLD)
		return child_ended(k);
	if (info.ssi_signo == SIGHUP)
		k->hung_up = true;
	else
		k->stop = (int)info.ssi_signo;
	/* there may be nobody to pass it on to, and nobody to start any more */
	if (k->due)
		return k->stop ? k->code : -1;
	kill(k->pid, (int)info.ssi_signo);
	return -1;
}

/* ------------------------------------------------------------------------
 * Set-up
 */

/* An abstract socket whose name the kernel chooses. */
static bool open_socket(struct keep *k)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(addr);
	int on = 1;

	k->sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (k->sock < 0 ||
	    setsockopt(k->sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ||
	    bind(k->sock, (struct sockaddr *)&addr, sizeof(sa_family_t)) ||
	    getsockname(k->sock, (struct sockaddr *)&addr, &len)) {
		app_say(&k->app, "no socket: %s", strerror(errno));
		return false;
	}
	len -= (socklen_t)offsetof(struct sockaddr_un, sun_path);
	snprintf(k->address, sizeof(k->address), "@%.*s", (int)len - 1,
		 addr.sun_path + 1);
	return true;
}

static bool open_signals(struct keep *k)
{
	struct sigaction hup;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* nohup: neither we nor the command end with the terminal */
	sigaction(SIGHUP, NULL, &hup);
	if (hup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &k->before);
	k->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (k->signals < 0)
		app_say(&k->app, "no signalfd: %s", strerror(errno));
	return k->signals >= 0;
}

static void parse_options(struct keep *k, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help",         no_argument,       NULL, 'h' },
		{ "version",      no_argument,       NULL, 'V' },
		{ "max-restarts", required_argument, NULL, APP_OPT_OWN },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	app_init(&k->app, "urkeep", help);
	k->max_restarts = UINT64_MAX;
	k->credit = CREDIT_MS;
	while ((c = app_getopt(&k->app, argc, argv, "+hV", options)) != -1) {
		if (c == APP_OPT_OWN)
			k->max_restarts = app_number(&k->app, "--max-restarts",
						     optarg, 0, UINT64_MAX);
		else
			app_option(&k->app, c);
	}
	if (optind >= argc)
		app_usage(&k->app, "which command? urkeep -- urecho --port 7 eth1");
	k->command = argv + optind;
}

int main(int argc, char **argv)
{
	static struct keep k;
	int code = -1;

	parse_options(&k, argc, argv);
	if (!open_socket(&k) || !open_signals(&k) || !start(&k))
		return APP_FAILED;
	while (code < 0) {
		struct pollfd fds[2] = { { k.sock, POLLIN, 0 },
					 { k.signals, POLLIN, 0 } };

		if (poll(fds, 2, until_due(&k)) < 0)
			continue;
		if (fds[0].revents)
			next_message(&k);
		if (fds[1].revents)
			code = next_signal(&k);
		if (code < 0)
			code = look_at_pause(&k);
	}
	return code;
}
