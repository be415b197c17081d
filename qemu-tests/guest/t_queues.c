// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queues of a port are strangers to each other: processes and threads with one each
 * come, go and are killed, and the others neither lose a packet nor notice; the kernel
 * has what nobody holds. What a queue does, each of them does.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "module.h"
#include "net.h"
#include "port.h"
#include "queues.h"

#define STREAMS		4
#define RATE		4000	/* frames a second, all streams */
#define MARK		1	/* in what a process writes of itself */

/* What a process with a queue saw, in memory that it shares with the test. */
struct life {
	volatile uint32_t here;		/* it receives */
	volatile uint64_t frames;
	volatile uint64_t lost;		/* numbers of its stream that never came */
	volatile uint64_t wrong;	/* another's, spoilt, twice, out of order */
	volatile uint64_t resets;
	volatile int error;
};

FIXTURE(queues)
{
	struct port names;
	struct queues all;
	struct life *life;
	uint32_t n;		/* queues that are used: STREAMS or what there is */
	int64_t changes;
};

FIXTURE_SETUP(queues)
{
	unsigned int seed = (unsigned int)now_us();

	printf("# seed %u\n", seed);
	srandom(seed);
	self->life = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->life);
	ASSERT_EQ(0, port_find(&self->names, "nic0"));
	ASSERT_EQ(0, port_up(&self->names));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	ASSERT_TRUE(kernel_hears(&self->names));
	ASSERT_TRUE(queues_open(&self->all, &self->names));
	self->n = self->all.max < STREAMS ? self->all.max : STREAMS;
	if (self->n > 1) {
		ASSERT_TRUE(set_channels(&self->names, self->n));
		ASSERT_TRUE(rss_steer(&self->names, self->n));
	}
	self->changes = if_number(self->names.netdev, "carrier_changes");
}

FIXTURE_TEARDOWN(queues)
{
	far(NULL, 0, "stop");
	if (self->changes >= 0)
		EXPECT_EQ(self->changes, if_number(self->names.netdev, "carrier_changes"));
	queues_close(&self->all);
	EXPECT_TRUE(queues_reset(&self->names, self->all.max));
	EXPECT_TRUE(kernel_hears(&self->names));
	munmap(self->life, 4096);
	EXPECT_EQ(0, module_refs());
}

/* A port of one queue: there is no other, by number or by chance. */
static bool one_queue(FIXTURE_DATA(queues) *self)
{
	struct ur_queue_opts opts = {
		.size = sizeof(opts), .queue = UR_QUEUE_ANY, .rx_size = 64, .tx_size = 64,
	};
	struct ur_error err = { "" };
	struct ur_queue_info info;
	struct ur_queue *q, *more;
	bool right;

	if (ur_queue_attach(&q, self->all.port, self->all.pool, &opts, &err))
		return false;
	right = !ur_queue_number(q) &&
		ur_queue_attach(&more, self->all.port, self->all.pool, &opts, &err) == -EBUSY &&
		ur_port_queue_info(self->all.port, 1, &info) == -EINVAL;
	opts.queue = 1;
	right = right &&
		ur_queue_attach(&more, self->all.port, self->all.pool, &opts, &err) == -EINVAL;
	ur_queue_detach(q);
	return right;
}

/* ------------------------------------------------------------------------
 * Processes
 */

static int life_look(struct ur_queue *q, struct life *life, uint32_t queue, uint32_t n)
{
	uint64_t next = 0, seq;
	struct ur_queue_stats stats;
	struct ur_pkt pkt[64];
	uint32_t got;
	int err;

	for (;;) {
		got = ur_rx_burst(q, pkt, 64);
		for (uint32_t i = 0; i < got; i++) {
			enum pat_verdict verdict = pat_check(pkt[i].data, pkt[i].len, &seq, NULL);

			if (verdict == PAT_OTHER)
				continue;
			if (verdict != PAT_OK || seq % n != queue || seq < next) {
				life->wrong++;
				continue;
			}
			if (next)
				life->lost += (seq - next) / n;
			next = seq + n;
			life->frames++;
		}
		ur_rx_release(q, pkt, got);
		err = got ? ur_sync(q) : ur_wait(q, 100);
		if (err < 0)
			return err;
		ur_queue_stats(q, &stats);
		life->resets = stats.recovered;
	}
}

/* Lives with queue @queue of @n until it is killed. */
static void __attribute__((noreturn)) live(const struct port *names, struct life *life,
					   uint32_t queue, uint32_t n)
{
	const struct ur_pool_opts pool_opts = { .size = sizeof(pool_opts), .slot_count = 4096 };
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .queue = queue, .rx_size = 2048, .tx_size = 64,
	};
	struct ur_error err = { "" };
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;

	if (ur_port_open(&port, names->netdev, &err) ||
	    ur_pool_create(&pool, port, &pool_opts, &err) ||
	    ur_queue_attach(&q, port, pool, &opts, &err)) {
		printf("# queue %u: %s\n", queue, err.text);
		_exit(1);
	}
	life->here = MARK;
	life->error = life_look(q, life, queue, n);
	_exit(2);
}

static pid_t life_start(const struct port *names, struct life *life, uint32_t queue, uint32_t n)
{
	int64_t end = now_ms() + 5000;
	pid_t pid;

	memset(life, 0, sizeof(*life));
	pid = spawn();
	if (!pid)
		live(names, life, queue, n);
	while (life->here != MARK && now_ms() < end)
		sleep_ms(1);
	if (life->here == MARK)
		return pid;
	printf("# queue %u: the process ended with %d\n", queue, finish(pid, 0));
	return -ECHILD;
}

static bool life_receives(const struct life *life, uint64_t more)
{
	const uint64_t want = life->frames + more;
	int64_t end = now_ms() + 5000;

	while (life->frames < want && now_ms() < end)
		sleep_ms(1);
	return life->frames >= want;
}

/*
 * One after the other, drawn by lot, is killed under traffic and starts anew. Of the
 * others none loses a frame. On an 82574L, whose receiver is stopped as a whole for a
 * moment, QEMU may have one frame in hand then, of either stream.
 */
TEST_F_TIMEOUT(queues, killed_next_door, 90)
{
	const int rounds = quick() ? 10 : 40;
	uint64_t frames = 0, lost = 0, switches = 0;
	pid_t pid[STREAMS];

	if (self->n == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	for (uint32_t i = 0; i < self->n; i++) {
		pid[i] = life_start(&self->names, &self->life[i], i, self->n);
		ASSERT_GT(pid[i], 0);
	}
	ASSERT_EQ(0, far_send("count=1000000000 len=60,500 rate=%d hosts=%u udp=" FROM_HOSTS, RATE,
			      self->n));
	for (int round = 0; round < rounds; round++) {
		uint32_t at = (uint32_t)random() % self->n;

		for (uint32_t i = 0; i < self->n; i++)
			ASSERT_TRUE(life_receives(&self->life[i], 20));
		spin_us(random() % 5000);
		ASSERT_EQ(0, kill(pid[at], SIGKILL));
		ASSERT_EQ(128 + SIGKILL, finish(pid[at], 5000));
		frames += self->life[at].frames;
		lost += self->life[at].lost;
		EXPECT_EQ(0, self->life[at].wrong + self->life[at].resets);
		/* the kernel has it meanwhile */
		if (round % 2)
			sleep_ms(20);
		pid[at] = life_start(&self->names, &self->life[at], at, self->n);
		ASSERT_GT(pid[at], 0);
		switches += 2;
		EXPECT_EQ(1, carrier(self->names.netdev));
	}
	for (uint32_t i = 0; i < self->n; i++) {
		ASSERT_TRUE(life_receives(&self->life[i], 20));
		EXPECT_EQ(0, self->life[i].wrong + self->life[i].resets);
		EXPECT_EQ(0, self->life[i].error);
		frames += self->life[i].frames;
		lost += self->life[i].lost;
		ASSERT_EQ(0, kill(pid[i], SIGKILL));
		ASSERT_EQ(128 + SIGKILL, finish(pid[i], 5000));
	}
	printf("# %d kills: %ju frames in %u streams, %ju lost\n", rounds, (uintmax_t)frames,
	       self->n, (uintmax_t)lost);
	EXPECT_LE(lost, is_igb() ? 0 : switches);
}

/* Is there something to wait for? */
static bool ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

/* TCP to the host and back until it is enough; ends with 1 if a byte was wrong. */
static void __attribute__((noreturn)) talk(struct life *life)
{
	uint64_t mine, theirs;

	while (!life->here) {
		if (net_put(2000000, &mine, &theirs) || mine != theirs ||
		    net_get(2000000, &mine, &theirs) || mine != theirs)
			_exit(1);
		life->frames++;
	}
	_exit(0);
}

/* Does the kernel's connection go on? */
static bool talks(const struct port *port, pid_t talker)
{
	int64_t end = now_ms() + 10000, want;

	want = if_number(port->netdev, "statistics/rx_packets") + 100;
	while (if_number(port->netdev, "statistics/rx_packets") < want) {
		if (ended(talker) || now_ms() > end)
			return false;
		sleep_ms(1);
	}
	return true;
}

/* The kernel with queue 0, and connections that live through the others' deaths. */
TEST_F_TIMEOUT(queues, beside_the_kernel, 90)
{
	/* where a switch may cost the neighbour a frame, TCP asks again, and that takes long */
	const int rounds = (quick() ? 3 : 8) * (is_igb() ? 2 : 1);
	struct life *life = self->life;
	struct ur_queue_info info;
	struct ur_port *port;
	struct port host;
	pid_t pid[STREAMS], talker;

	if (self->n == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	ASSERT_EQ(0, port_find(&host, "nic1"));
	ASSERT_TRUE(set_channels(&host, self->n));
	/* all that comes is for queue 0; what is sent may go by any */
	ASSERT_EQ(0, run(NULL, 0, "ethtool -X %s equal 1", host.netdev));
	ASSERT_EQ(0, port_addr(&host, "10.0.2.15/24", true));
	ASSERT_GE(net_ping(HOST, 56, 5000), 0);
	for (uint32_t i = 1; i < self->n; i++) {
		pid[i] = life_start(&host, &life[i], i, self->n);
		ASSERT_GT(pid[i], 0);
	}
	ASSERT_EQ(0, ur_port_open(&port, host.netdev, NULL));
	ASSERT_EQ(0, ur_port_queue_info(port, 0, &info));
	EXPECT_EQ(0, info.attached);
	/* life[0]: the kernel's */
	memset(&life[0], 0, sizeof(life[0]));
	talker = spawn();
	if (!talker)
		talk(&life[0]);
	for (int round = 0; round < rounds; round++) {
		uint32_t at = 1 + (uint32_t)random() % (self->n - 1);

		ASSERT_TRUE(talks(&host, talker));
		ASSERT_EQ(0, kill(pid[at], SIGKILL));
		ASSERT_EQ(128 + SIGKILL, finish(pid[at], 5000));
		ASSERT_TRUE(talks(&host, talker));
		pid[at] = life_start(&host, &life[at], at, self->n);
		ASSERT_GT(pid[at], 0);
	}
	ASSERT_TRUE(talks(&host, talker));
	life[0].here = MARK;
	EXPECT_EQ(0, finish(talker, 60000));
	printf("# killed %d times beside TCP, %ju MB each way\n", rounds,
	       (uintmax_t)life[0].frames * 2);
	EXPECT_GT(life[0].frames, 0);
	ASSERT_EQ(0, ur_port_queue_info(port, 0, &info));
	EXPECT_EQ(0, info.attached);
	ur_port_close(port);
	for (uint32_t i = 1; i < self->n; i++) {
		EXPECT_EQ(0, life[i].error);
		ASSERT_EQ(0, kill(pid[i], SIGKILL));
		ASSERT_EQ(128 + SIGKILL, finish(pid[i], 5000));
	}
	EXPECT_GE(net_ping(HOST, 56, 5000), 0);
	EXPECT_EQ(0, port_addr(&host, "10.0.2.15/24", false));
	EXPECT_TRUE(queues_reset(&host, self->n));
}

/* ------------------------------------------------------------------------
 * Names and places
 */

/*
 * Queue @i is this process's; its own vector, where the kernel says that it goes, also by
 * urctl.
 */
static bool place_is_right(FIXTURE_DATA(queues) *self, uint32_t i)
{
	const char *netdev = self->names.netdev;
	struct ur_queue_info info;
	char cpu[64], node[64];

	if (ur_port_queue_info(self->all.port, i, &info) || !info.attached ||
	    info.pid != getpid() ||
	    read_line(cpu, sizeof(cpu), "/proc/irq/%d/effective_affinity_list", info.irq) ||
	    read_line(node, sizeof(node), "/sys/bus/pci/devices/%s/numa_node", self->names.pci))
		return false;
	printf("# queue %u: interrupt %d on CPU %d, node %d\n", i, info.irq, info.irq_cpu,
	       info.numa_node);
	return info.irq_cpu == atoi(cpu) && info.numa_node == atoi(node) &&
	       !run(NULL, 0, "grep -q '^ *%d:.* %s-q%u$' /proc/interrupts", info.irq, netdev, i) &&
	       !run(NULL, 0, "urctl status --json %s | grep -qF '\"irq\": %d, \"irq_cpu\": %d, "
		    "\"numa_node\": %d,'", netdev, info.irq, info.irq_cpu, info.numa_node) &&
	       !run(NULL, 0, "urctl status %s | grep -qF 'interrupt %d on CPU %d'", netdev,
		    info.irq, info.irq_cpu);
}

TEST_F(queues, whichever_is_free)
{
	const struct ur_queue_opts any = {
		.size = sizeof(any), .queue = UR_QUEUE_ANY, .rx_size = 64, .tx_size = 64,
	};
	struct ur_queue *q[STREAMS], *more;
	struct ur_error err = { "" };
	struct ur_queue_info info;
	uint32_t free;

	if (self->n == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	/* from the last one down: the kernel keeps queue 0 the longest */
	for (uint32_t i = self->n; i--;) {
		ASSERT_EQ(0, ur_port_queue_info(self->all.port, 0, &info));
		EXPECT_EQ(0, info.attached);
		ASSERT_EQ(0, ur_queue_attach(&q[i], self->all.port, self->all.pool, &any, &err));
		EXPECT_EQ(i, ur_queue_number(q[i]));
		EXPECT_TRUE(place_is_right(self, ur_queue_number(q[i])));
	}
	EXPECT_EQ(-EBUSY, ur_queue_attach(&more, self->all.port, self->all.pool, &any, &err));
	for (int round = 0; round < 10; round++) {
		free = (uint32_t)random() % self->n;
		ur_queue_detach(q[free]);
		ASSERT_EQ(0, ur_port_queue_info(self->all.port, free, &info));
		EXPECT_EQ(0, info.attached);
		ASSERT_EQ(0, ur_queue_attach(&q[free], self->all.port, self->all.pool, &any, &err));
		EXPECT_EQ(free, ur_queue_number(q[free]));
	}
	for (uint32_t i = 0; i < self->n; i++)
		ur_queue_detach(q[i]);
	self->changes = -1;
	ASSERT_EQ(0, if_flags(self->names.netdev, 0, IFF_UP));
	ASSERT_EQ(0, ur_port_queue_info(self->all.port, 0, &info));
	EXPECT_EQ(-1, info.irq_cpu);
	EXPECT_EQ(UR_STATE_DOWN, info.state);
}

/* Frames of one host, which come to the queue of its number. */
static bool far_from(uint32_t host, int count, int seq)
{
	return !far_send("count=%d seq=%d len=60,700 udp=10.99.1.%u,10.99.0.2,7000,7001", count,
			 seq, 16 + host);
}

/* All @count frames from @seq on, in order, in this queue. */
static bool takes(struct ur_queue *q, uint64_t seq, int count, bool to_host)
{
	int64_t end = now_ms() + 5000;
	struct ur_pkt pkt;
	uint64_t is;

	while (count && now_ms() < end) {
		if (!ur_rx_burst(q, &pkt, 1)) {
			if (ur_wait(q, 100) < 0)
				return false;
			continue;
		}
		if (pat_check(pkt.data, pkt.len, &is, NULL) != PAT_OK || is != seq) {
			printf("# frame %ju, not %ju\n", (uintmax_t)is, (uintmax_t)seq);
			return false;
		}
		seq++;
		count--;
		if (!to_host)
			ur_rx_release(q, &pkt, 1);
		else if (ur_to_host(q, &pkt, 1) != 1)
			return false;
		if (ur_sync(q))
			return false;
	}
	return !count;
}

TEST_F(queues, attached_while_down)
{
	struct queues *all = &self->all;
	struct ur_queue_info info;

	if (self->n == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	self->changes = -1;
	ASSERT_EQ(0, if_flags(self->names.netdev, 0, IFF_UP));
	ASSERT_TRUE(queues_attach(all));
	ASSERT_EQ(self->n, all->n);
	for (uint32_t i = 0; i < all->n; i++) {
		EXPECT_EQ(UR_STATE_DOWN, ur_queue_state(all->q[i]));
		EXPECT_EQ(-ENETDOWN, ur_sync(all->q[i]));
	}
	/* one goes before the port comes, and the kernel has that one */
	ur_queue_detach(all->q[--all->n]);
	ASSERT_EQ(0, port_up(&self->names));
	ASSERT_EQ(0, ur_port_queue_info(all->port, self->n - 1, &info));
	EXPECT_EQ(0, info.attached);
	ASSERT_TRUE(queues_sync(all));
	for (uint32_t i = 0; i < all->n; i++) {
		ASSERT_TRUE(far_from(i, 200, 100));
		EXPECT_TRUE(takes(all->q[i], 100, 200, false));
	}
}

/* ------------------------------------------------------------------------
 * What queue 0 can do
 */

/* Numbered frames from @seq on out of a packet socket. */
static bool hears(int sock, uint64_t seq, int count)
{
	uint8_t frame[2048];
	uint64_t is;

	for (int n; count; ) {
		n = packet_recv(sock, frame, sizeof(frame), 3000);
		if (n < 0)
			return false;
		if (pat_check(frame, (size_t)n, &is, NULL) == PAT_OTHER)
			continue;
		if (is != seq++) {
			printf("# frame %ju, not %ju\n", (uintmax_t)is, (uintmax_t)seq - 1);
			return false;
		}
		count--;
	}
	return true;
}

/* Of each queue: to the stack by the exception path, and to a listener. */
TEST_F(queues, host_and_tap)
{
	struct queues *all = &self->all;
	struct ur_queue_info info;
	int sock;

	ASSERT_TRUE(queues_attach(all));
	for (uint32_t i = 0; i < all->n; i++) {
		sock = packet_open(self->names.netdev, ETH_P_IP, SOCK_RAW);
		ASSERT_GE(sock, 0);
		ASSERT_TRUE(far_from(i, 300, 1000));
		EXPECT_TRUE(takes(all->q[i], 1000, 300, true));
		EXPECT_TRUE(hears(sock, 1000, 300));
		close(sock);

		/* a listener's copy, and the process has its own */
		sock = packet_open(self->names.netdev, ETH_P_ALL, SOCK_RAW);
		ASSERT_GE(sock, 0);
		/* from the next SYNC on it sees all */
		ASSERT_EQ(0, ur_sync(all->q[i]));
		ASSERT_EQ(0, ur_port_queue_info(all->port, i, &info));
		EXPECT_EQ(1, info.tapped);
		ASSERT_TRUE(far_from(i, 300, 5000));
		EXPECT_TRUE(takes(all->q[i], 5000, 300, false));
		EXPECT_TRUE(hears(sock, 5000, 300));
		close(sock);
		ASSERT_EQ(0, ur_port_queue_info(all->port, i, &info));
		EXPECT_EQ(300, info.count.host_packets);
	}
}

/* Who lets its packets wait loses its queue; the neighbour keeps its own. */
TEST_F(queues, watchdog)
{
	struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 128, .tx_size = 64, .watchdog_ms = 100,
	};
	struct queues *all = &self->all;
	struct ur_error err = { "" };
	int64_t end;
	int sock;

	for (all->n = 0; all->n < self->n; all->n++) {
		opts.queue = all->n;
		ASSERT_EQ(0, ur_queue_attach(&all->q[all->n], all->port, all->pool, &opts, &err));
	}
	sock = packet_open(self->names.netdev, ETH_P_IP, SOCK_RAW);
	ASSERT_GE(sock, 0);
	for (uint32_t at = self->n - 1; at < self->n; at--) {
		ASSERT_TRUE(far_from(at, 50, 2000));
		for (end = now_ms() + 3000; now_ms() < end;) {
			if (ur_queue_state(all->q[at]) != UR_STATE_ATTACHED)
				break;
			sleep_ms(1);
		}
		EXPECT_EQ(UR_STATE_TAKEN, ur_queue_state(all->q[at]));
		EXPECT_EQ(-ETIMEDOUT, ur_sync(all->q[at]));
		EXPECT_TRUE(hears(sock, 2000, 50));
		/* those below it are there, and receive */
		for (uint32_t i = 0; i < at; i++) {
			EXPECT_EQ(UR_STATE_ATTACHED, ur_queue_state(all->q[i]));
			ASSERT_TRUE(far_from(i, 50, 3000));
			EXPECT_TRUE(takes(all->q[i], 3000, 50, false));
		}
	}
	close(sock);
}

/* ------------------------------------------------------------------------
 * Threads
 */

struct echoer {
	struct ur_port *port;
	uint32_t queue;
	uint64_t want, done;
	int error;
	pthread_t thread;
};

/* Sends back what it receives, in the slots in which it came. */
static int echo(struct echoer *e, struct ur_queue *q)
{
	int64_t last = now_ms();
	struct ur_pkt pkt[32];
	uint8_t mac[6];
	int err = 0;

	while (e->done < e->want && err >= 0 && now_ms() - last < 5000) {
		uint32_t n = ur_rx_burst(q, pkt, 32), sent = 0;

		for (uint32_t i = 0; i < n; i++) {
			memcpy(mac, pkt[i].data, 6);
			memcpy(pkt[i].data, pkt[i].data + 6, 6);
			memcpy(pkt[i].data + 6, mac, 6);
			pkt[i].flags = 0;
		}
		while (sent < n && err >= 0) {
			sent += ur_tx_burst(q, pkt + sent, n - sent);
			err = ur_sync(q);
		}
		e->done += n;
		if (n)
			last = now_ms();
		else if (err >= 0)
			err = ur_wait(q, 100);
	}
	/* all of it is on the wire */
	for (last = now_ms(); err >= 0 && ur_tx_room(q) < 255 && now_ms() - last < 1000;)
		err = ur_sync(q);
	return err < 0 ? err : 0;
}

/* A switch on a device that cannot stop one queue could cost another one a frame. */
static pthread_barrier_t all_done;

static void *echo_thread(void *arg)
{
	const struct ur_pool_opts pool_opts = { .size = sizeof(pool_opts), .slot_count = 4096 };
	struct echoer *e = arg;
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .queue = e->queue, .rx_size = 2048, .tx_size = 256,
	};
	struct ur_error err = { "" };
	struct ur_pool *pool = NULL;
	struct ur_queue *q = NULL;

	e->error = ur_pool_create(&pool, e->port, &pool_opts, &err);
	if (!e->error)
		e->error = ur_queue_attach(&q, e->port, pool, &opts, &err);
	if (!e->error)
		e->error = echo(e, q);
	pthread_barrier_wait(&all_done);
	ur_queue_detach(q);
	ur_pool_destroy(pool);
	return NULL;
}

TEST_F_TIMEOUT(queues, a_thread_each, 60)
{
	enum { EACH = 3000 };
	struct echoer e[STREAMS];
	struct ur_queue_info info;
	char reply[512];

	ASSERT_EQ(0, pthread_barrier_init(&all_done, NULL, self->n));
	for (uint32_t i = 0; i < self->n; i++) {
		e[i] = (struct echoer){ .port = self->all.port, .queue = i, .want = EACH };
		ASSERT_EQ(0, pthread_create(&e[i].thread, NULL, echo_thread, &e[i]));
	}
	for (uint32_t i = 0; i < self->n; i++) {
		for (int64_t end = now_ms() + 3000; now_ms() < end; sleep_ms(1)) {
			ASSERT_EQ(0, ur_port_queue_info(self->all.port, i, &info));
			if (info.attached && info.rx_posted == 2047)
				break;
		}
		ASSERT_EQ(2047, info.rx_posted);
	}
	ASSERT_EQ(0, far(NULL, 0, "expect seq=0"));
	ASSERT_EQ(0, far_send("count=%u len=60,1514 rate=4000 hosts=%u udp=" FROM_HOSTS,
			      EACH * self->n, self->n));
	for (uint32_t i = 0; i < self->n; i++) {
		ASSERT_EQ(0, pthread_join(e[i].thread, NULL));
		EXPECT_EQ(0, e[i].error);
		EXPECT_EQ(EACH, e[i].done);
	}
	for (int64_t end = now_ms() + 3000; now_ms() < end; sleep_ms(5)) {
		ASSERT_EQ(0, far(reply, sizeof(reply), "status"));
		if (far_value(reply, "rx") == (int64_t)(EACH * self->n))
			break;
	}
	printf("# %u threads, %u frames: %s\n", self->n, EACH * self->n, reply);
	EXPECT_EQ((int64_t)(EACH * self->n), far_value(reply, "rx"));
	EXPECT_EQ(0, far_value(reply, "rx_bad") + far_value(reply, "rx_lost") +
		     far_value(reply, "rx_dup"));
}

TEST_HARNESS_MAIN
