// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process makes the module do is paid by the process: a neighbour on another
 * CPU, in another group, keeps its own.  For a guest with two CPUs.
 */
#include "kselftest_harness.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "ctl.h"
#include "fair.h"

#define TRACE		"/sys/kernel/tracing/"
#define WINDOW_US	200000

FIXTURE(victim)
{
	struct port port;
	uint64_t *shared;	/* with the hostile process */
	pid_t pid;
};

static void group(const char *name, const char *cpu_max)
{
	char path[64];

	mkdir("/tmp/cg", 0755);
	if (access("/tmp/cg/cgroup.procs", F_OK))
		mount("cgroup2", "/tmp/cg", "cgroup2", 0, NULL);
	write_line("+cpu", "/tmp/cg/cgroup.subtree_control");
	snprintf(path, sizeof(path), "/tmp/cg/%s", name);
	mkdir(path, 0755);
	if (cpu_max)
		write_line(cpu_max, "/tmp/cg/%s/cpu.max", name);
}

FIXTURE_SETUP(victim)
{
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	self->shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	group("hostile", "5000 100000");
	group("victim", NULL);
}

FIXTURE_TEARDOWN(victim)
{
	if (self->pid > 0) {
		kill(self->pid, SIGCONT);
		kill(self->pid, SIGKILL);
		finish(self->pid, 3000);
	}
	write_line("0", "/tmp/cg/cgroup.procs");
	EXPECT_EQ(0, port_up(&self->port));
	EXPECT_TRUE(kernel_hears(&self->port));
}

/* Attached on CPU 0, it lives on CPU 1, with 5 % of it, and makes no calls. */
static void hostile(const struct port *port, uint64_t *shared)
{
	struct raw_queue q;

	on_cpu(0);
	if (full_ring(&q, port->node, UR_SYNC_PERIOD_MIN_US))
		_exit(1);
	on_cpu(1);
	write_line("0", "/tmp/cg/hostile/cgroup.procs");
	shared[0] = 1;
	for (;; sleep_ms(2)) {
		if (shared[1])
			again(&q);
		shared[2] = raw_count(&q.k->count.host_packets);
	}
}

/* ------------------------------------------------------------------------
 * What the work behind interrupts takes from CPU 0: the module does its own there
 */

static int trace_init(void)
{
	int err = 0;

	mount("tracefs", TRACE, "tracefs", 0, NULL);
	err |= write_line("0", TRACE "tracing_on");
	err |= write_line("1", TRACE "tracing_cpumask");
	err |= write_line("8192", TRACE "buffer_size_kb");
	err |= write_line("1", TRACE "events/irq/softirq_entry/enable");
	err |= write_line("1", TRACE "events/irq/softirq_exit/enable");
	return err;
}

/* Opening it so empties it. */
static void trace_clear(void)
{
	close(open(TRACE "trace", O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static void trace_end(void)
{
	write_line("0", TRACE "events/enable");
	trace_clear();
	write_line("64", TRACE "buffer_size_kb");
}

/* "task-1 [000] flags 12.345678: event: ..." Return: microseconds; -1: another line. */
static int64_t time_of(const char *line)
{
	const char *cpu = strstr(line, "[000]");
	long long s, us;

	if (*line == '#' || !cpu || sscanf(cpu, "%*s %*s %lld.%lld:", &s, &us) != 2)
		return -1;
	return s * 1000000 + us;
}

static int64_t traced_us(void)
{
	FILE *file = fopen(TRACE "trace", "r");
	int64_t sum = 0, begin = -1, at;
	char line[256];

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		at = time_of(line);
		if (at < 0)
			continue;
		if (strstr(line, " softirq_entry: ")) {
			begin = at;
		} else if (strstr(line, " softirq_exit: ") && begin >= 0) {
			sum += at - begin;
			begin = -1;
		}
	}
	fclose(file);
	return sum;
}

/* ------------------------------------------------------------------------ */

struct window {
	int64_t us, taken, gap;
	uint64_t turns;
};

static void turns(struct window *w)
{
	int64_t begin, last, now;

	trace_clear();
	write_line("1", TRACE "tracing_on");
	begin = now_us();
	last = begin;
	while ((now = now_us()) < begin + WINDOW_US) {
		if (now - last > w->gap)
			w->gap = now - last;
		last = now;
		/* most of a turn is no reading of the clock, which an emulator does with a lock */
		for (volatile int i = 0; i < 1000; i++)
			;
		w->turns++;
	}
	write_line("0", TRACE "tracing_on");
	w->us += now - begin;
	w->taken += traced_us();
}

/*
 * A process on another CPU, in another group, keeps nine tenths of its CPU at least.
 * Windows with and without the hostile one's work take turns. What is judged is the
 * share that softirqs have of them: the machine below takes from these and from the
 * process alike.
 */
TEST_F_TIMEOUT(victim, keeps_its_cpu, 120)
{
	struct window w[2] = { 0 };
	double taken[2];
	uint64_t frames;

	ASSERT_EQ(0, port_addr(&self->port, "10.9.9.1/24", true));
	ASSERT_EQ(0, trace_init());
	self->pid = spawn();
	ASSERT_GE(self->pid, 0);
	if (!self->pid)
		hostile(&self->port, self->shared);
	on_cpu(0);
	write_line("0", "/tmp/cg/victim/cgroup.procs");
	while (!self->shared[0])
		sleep_ms(10);
	frames = self->shared[2];
	for (int i = 0; i < 40; i++) {
		int with = i % 2;

		self->shared[1] = (uint64_t)with;
		kill(self->pid, with ? SIGCONT : SIGSTOP);
		sleep_ms(50);
		turns(&w[with]);
	}
	trace_end();
	for (int i = 0; i < 2; i++)
		taken[i] = 100.0 * (double)w[i].taken / (double)w[i].us;
	printf("# softirqs have %.1f %% of its CPU, else %.1f %%\n", taken[1], taken[0]);
	printf("# %.1f %% of the turns; longest gap %lld us, else %lld us\n",
	       100.0 * (double)w[1].turns / (double)w[0].turns,
	       (long long)w[1].gap, (long long)w[0].gap);
	EXPECT_GT(self->shared[2], frames);
	/* the trace has seen those of the kernel at least */
	EXPECT_GT(w[0].taken, 0);
	EXPECT_LT(taken[1] - taken[0], 10);
	EXPECT_EQ(0, port_addr(&self->port, "10.9.9.1/24", false));
}

TEST_HARNESS_MAIN
