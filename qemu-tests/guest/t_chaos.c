// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can happen to a port and to the process that has it, in an order that a seed
 * draws, with packets on both NICs all the while. After each event the process goes on
 * or has ended as it should, and the stack is heard and answered by way of both ports.
 *
 * On the kernel's command line: ur.seed=N repeats a run, ur.rounds=N makes it longer.
 */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "chaos.h"
#include "ctl.h"
#include "gone.h"
#include "module.h"
#include "net.h"
#include "port.h"
#include "raw.h"
#include "victim.h"

#define GUEST_IP	"10.0.2.15/24"
#define HOST_MAC	"52:55:0a:00:02:02"
#define LEAK_KIB	2048
#define WARM_UP		20	/* rounds, after which all caches are filled */

/* A port and what the test did with it. */
struct place {
	const char *nic;
	struct port port;
	bool up;
	pid_t pid;		/* of the process that has it, or 0 */
	int way;
	int tap;		/* a listener, or -1 */
	struct chaos *c;
};

struct world {
	struct place place[2];
	uint64_t seed;
	uint32_t attached, handed, taken, pulled, done;
	const char *what;	/* the event that came last */
	int wrong;
};

static struct world world;

#define WRONG(fmt, ...) do { \
	printf("# %s on %s: " fmt "\n", w->what, p->nic, ##__VA_ARGS__); \
	w->wrong++; \
} while (0)

/* ------------------------------------------------------------------------
 * Parts of events
 */

static void ifup(struct world *w, struct place *p)
{
	int err = port_up(&p->port);

	if (err)
		WRONG("does not come up: %d", err);
	p->up = true;
}

/* A device that is new to the stack has no address. */
static void settle(struct world *w, struct place *p)
{
	ifup(w, p);
	if (p->nic[3] != '1')
		return;
	port_addr(&p->port, GUEST_IP, true);
	run(NULL, 0, "/bin/ip neigh replace " HOST " lladdr " HOST_MAC " dev %s nud permanent",
	    p->port.netdev);
}

/* It is dead, and its status is still there to be asked for. */
static bool is_over(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

static void begin(struct world *w, struct place *p, int fd)
{
	int64_t end = now_ms() + at_most_ms(5000);

	memset(p->c, 0, sizeof(*p->c));
	p->c->fd = -1;
	p->pid = spawn();
	if (!p->pid) {
		for (int i = 0; i < 2; i++)
			if (w->place[i].tap >= 0)
				close(w->place[i].tap);
		chaos_process(&p->port, p->way, w->seed, fd, p->c);
	}
	while (!p->c->beats && now_ms() < end && !is_over(p->pid))
		sleep_ms(1);
	if (!p->c->beats) {
		WRONG("the process did not begin: %d, %d %s", finish(p->pid, 0), p->c->error,
		      p->c->said);
		p->pid = 0;
	}
}

/* The process has ended, or is about to: as it should? */
static void ended(struct world *w, struct place *p, int want)
{
	int status;

	if (!p->pid)
		return;
	status = finish(p->pid, 5000);
	if (status != want)
		WRONG("ended with %d instead of %d: %d %s", status, want, p->c->error, p->c->said);
	p->pid = 0;
}

/* A copy of the descriptor of its queue. */
static int copy_of_queue(const struct place *p)
{
	int pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0), fd;

	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, p->c->fd, 0);
	if (fd < 0)
		fd = -errno;
	close(pidfd);
	return fd;
}

/* ------------------------------------------------------------------------
 * Events
 */

static void attach_as(struct world *w, struct place *p, int way)
{
	if (p->pid)
		return;
	p->way = way;
	begin(w, p, -1);
	w->attached++;
}

static void attach(struct world *w, struct place *p)
{
	attach_as(w, p, (int)draw(&w->seed, CHAOS_WAYS));
}

static void detach(struct world *w, struct place *p)
{
	p->c->order = DETACH;
	ended(w, p, ENDED_BY_ORDER);
}

static void kill_it(struct world *w, struct place *p)
{
	attach(w, p);
	if (!p->pid)
		return;
	spin_us(draw(&w->seed, 3000));
	kill(p->pid, SIGKILL);
	ended(w, p, 128 + SIGKILL);
}

/* Killed, or told to leave, with a copy of its queue in our hand for the next one. */
static void hand_over(struct world *w, struct place *p)
{
	bool killed = draw(&w->seed, 2);
	int fd;

	attach(w, p);
	if (!p->pid)
		return;
	fd = copy_of_queue(p);
	if (fd < 0) {
		WRONG("no copy of its queue: %d", fd);
		return;
	}
	if (killed)
		kill(p->pid, SIGKILL);
	else
		p->c->order = LEAVE;
	ended(w, p, killed ? 128 + SIGKILL : ENDED_BY_ORDER);
	begin(w, p, fd);
	close(fd);
	w->handed++;
}

static void down(struct world *w, struct place *p)
{
	(void)w;
	if_flags(p->port.netdev, 0, IFF_UP);
	p->up = false;
}

static void up(struct world *w, struct place *p)
{
	ifup(w, p);
}

static void pull(struct world *w, struct place *p)
{
	int err = unplug(&p->port, p->nic);

	if (err)
		WRONG("unplug: %d", err);
	ended(w, p, ENDED_GONE);
	err = replug(&p->port, p->nic);
	if (err)
		WRONG("replug: %d", err);
	settle(w, p);
	w->pulled++;
}

static void unbind(struct world *w, struct place *p)
{
	int err = tell(&p->port, MODULE, "unbind");

	if (err)
		WRONG("unbind: %d", err);
	ended(w, p, ENDED_GONE);
	err = tell(&p->port, MODULE, "bind");
	if (err || port_find(&p->port, p->nic))
		WRONG("bind: %d", err);
	settle(w, p);
}

/* Stopped until the kernel has the queue. */
static void expire(struct world *w, struct place *p)
{
	attach_as(w, p, CHAOS_WATCHED);
	if (!p->pid || p->way != CHAOS_WATCHED || !p->up)
		return;
	kill(p->pid, SIGSTOP);
	/* its answer waits for the process */
	net_ping(HOST, 56, 50);
	if (!becomes_attached(&p->port, 0, 10 * CHAOS_WATCHDOG_MS))
		WRONG("the watchdog lets a process be that stands still");
	kill(p->pid, SIGCONT);
	ended(w, p, ENDED_TAKEN);
	w->taken++;
}

/* Others call through copies of its descriptor, all they like. */
static void storm(struct world *w, struct place *p)
{
	pid_t pid[3];
	int fd;

	attach(w, p);
	if (!p->pid)
		return;
	fd = copy_of_queue(p);
	for (int i = 0; i < 3; i++) {
		pid[i] = spawn();
		if (pid[i])
			continue;
		for (int64_t end = now_ms() + 30; now_ms() < end;) {
			struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };
			struct ur_queue_info info;

			ioctl(fd, UR_IOC_SYNC, (unsigned long)draw(&w->seed, 4));
			poll(&pfd, 1, i == 1);
			if (i == 2)
				raw_queue_info(fd, 0, &info);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		if (finish(pid[i], 3000))
			WRONG("a caller did not come back");
	close(fd);
}

static void listen_in(struct world *w, struct place *p)
{
	(void)w;
	if (p->tap >= 0)
		close(p->tap);
	p->tap = p->tap >= 0 ? -1 : packet_open(p->port.netdev, ETH_P_ALL, SOCK_RAW);
}

static void promiscuous(struct world *w, struct place *p)
{
	bool on = draw(&w->seed, 2);

	if_flags(p->port.netdev, on ? IFF_PROMISC : 0, on ? 0 : IFF_PROMISC);
	ethtool_stat(p->port.netdev, "q0_syncs");
}

static const struct event {
	const char *name;
	void (*happens)(struct world *w, struct place *p);
	uint32_t weight;
} events[] = {
	{ "attach", attach, 10 },
	{ "detach", detach, 4 },
	{ "kill -9", kill_it, 6 },
	{ "hand-over", hand_over, 8 },
	{ "down", down, 3 },
	{ "up", up, 3 },
	{ "unplug", pull, 3 },
	{ "unbind", unbind, 3 },
	{ "watchdog", expire, 6 },
	{ "storm", storm, 5 },
	{ "listener", listen_in, 6 },
	{ "promiscuous", promiscuous, 2 },
};

static const struct event *next_event(struct world *w)
{
	uint32_t all = 0, at;

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		all += events[i].weight;
	at = draw(&w->seed, all);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (at < events[i].weight)
			return &events[i];
		at -= events[i].weight;
	}
	return NULL;
}

/* ------------------------------------------------------------------------
 * What must be so after each event
 */

static bool grows(volatile uint32_t *count, int timeout_ms)
{
	uint32_t was = *count;
	int64_t end = now_ms() + at_most_ms(timeout_ms);

	while (*count == was) {
		if (now_ms() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

static void check(struct world *w, struct place *p)
{
	const bool wired = p->nic[3] == '0';

	if (raw_attached(p->port.node) != !!p->pid)
		WRONG("attached is %d", raw_attached(p->port.node));
	if (p->pid && is_over(p->pid)) {
		WRONG("the process ended by itself: %d %s", p->c->error, p->c->said);
		finish(p->pid, 0);
		p->pid = 0;
	}
	if (p->pid && !grows(&p->c->beats, 3000))
		WRONG("the process does not come round");
	if (!p->up)
		return;
	if (p->pid && wired && !grows(&p->c->moved, 5000))
		WRONG("the process gets no packet");
	if (wired && !kernel_hears(&p->port))
		WRONG("the stack hears nothing");
	if (!wired && net_ping(HOST, 56, 5000) < 0)
		WRONG("the stack gets no answer");
}

/* ------------------------------------------------------------------------
 * The whole
 */

static int vmalloc_areas(void)
{
	char line[256];
	FILE *file = fopen("/proc/vmallocinfo", "re");
	int n = 0;

	while (file && fgets(line, sizeof(line), file))
		n += strstr(line, "urk_") != NULL;
	if (file)
		fclose(file);
	return n;
}

struct memory {
	int64_t free, slab;
	int areas;
};

/* With nothing attached and nobody listening. */
static struct memory quiet(struct world *w)
{
	struct memory m;

	w->what = "the end of a part";
	for (int i = 0; i < 2; i++) {
		struct place *p = &w->place[i];

		if (p->pid)
			detach(w, p);
		if (p->tap >= 0)
			listen_in(w, p);
		if_flags(p->port.netdev, 0, IFF_PROMISC);
		ifup(w, p);
	}
	sleep_ms(200);
	m.free = free_kib();
	m.slab = meminfo_kib("Slab");
	m.areas = vmalloc_areas();
	return m;
}

/* From the kernel, by NIC 1, all the time. */
static pid_t kernel_traffic(void)
{
	pid_t pid = spawn();

	while (!pid) {
		net_ping(HOST, 1000, 100);
		sleep_ms(2);
	}
	return pid;
}

static uint64_t number_of(const char *option, uint64_t otherwise)
{
	const char *text = boot_option(option);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void play(struct world *w, uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds && !w->wrong; i++) {
		struct place *p = &w->place[draw(&w->seed, 2)];
		const struct event *e = next_event(w);

		w->what = e->name;
		/* the last line of a guest that hangs */
		printf("# round %ju: %s on %s\n", (uintmax_t)i, e->name, p->nic);
		e->happens(w, p);
		check(w, &w->place[0]);
		check(w, &w->place[1]);
		w->done++;
	}
}

FIXTURE(chaos)
{
	uint64_t seed, rounds;
};

FIXTURE_SETUP(chaos)
{
	struct world *w = &world;

	self->rounds = number_of("rounds", quick() ? 20 : 40);
	self->seed = number_of("seed", (uint64_t)now_us() % 1000000);
	printf("# ur.seed=%ju ur.rounds=%ju\n", (uintmax_t)self->seed, (uintmax_t)self->rounds);
	w->seed = self->seed * 0x9e3779b97f4a7c15u + 1;
	w->what = "the beginning";
	for (int i = 0; i < 2; i++) {
		struct place *p = &w->place[i];

		p->nic = i ? "nic1" : "nic0";
		p->tap = -1;
		p->c = mmap(NULL, sizeof(*p->c), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, p->c);
		ASSERT_EQ(0, port_find(&p->port, p->nic));
		settle(w, p);
	}
	ASSERT_EQ(0, w->wrong);
}

FIXTURE_TEARDOWN(chaos)
{
	struct world *w = &world;

	far(NULL, 0, "stop");
	for (int i = 0; i < 2; i++)
		if (w->place[i].pid)
			finish(w->place[i].pid, 0);
	port_addr(&w->place[1].port, GUEST_IP, false);
	run(NULL, 0, "/bin/ip neigh del " HOST " dev %s", w->place[1].port.netdev);
	EXPECT_EQ(0, module_refs());
}

TEST_F_TIMEOUT(chaos, rounds, 230)
{
	const uint64_t warm_up = self->rounds < 2 * WARM_UP ? self->rounds / 2 : WARM_UP;
	struct memory before, after;
	struct world *w = &world;
	pid_t pinger = kernel_traffic();

	ASSERT_EQ(0, far_send("count=1000000000 len=60,1514 rate=3000"));
	play(w, warm_up);
	before = quiet(w);
	play(w, self->rounds - warm_up);
	after = quiet(w);
	printf("# %u events: %u attached, %u handed over, %u taken by the watchdog, %u unplugged\n",
	       w->done, w->attached, w->handed, w->taken, w->pulled);
	printf("# less free: %lld KiB; slab: %lld KiB more; areas: %d more\n",
	       (long long)(before.free - after.free), (long long)(after.slab - before.slab),
	       after.areas - before.areas);
	EXPECT_EQ(0, w->wrong) {
		TH_LOG("again: --args 'ur.seed=%ju ur.rounds=%ju'", (uintmax_t)self->seed,
		       (uintmax_t)self->rounds);
	}
	EXPECT_EQ(self->rounds, w->done);
	EXPECT_LE(leaked_kib(before.free, LEAK_KIB), LEAK_KIB);
	EXPECT_LE(after.slab - before.slab, LEAK_KIB);
	EXPECT_EQ(before.areas, after.areas);
	EXPECT_TRUE(kernel_hears(&w->place[0].port));
	EXPECT_GE(net_ping(HOST, 56, 3000), 0);
	kill(pinger, SIGKILL);
	finish(pinger, 1000);
}

TEST_HARNESS_MAIN
