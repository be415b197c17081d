// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queues of a port are strangers to each other: processes and threads with one each
 * come, go and are killed, and the others neither lose a packet nor notice; the kernel
 * has what nobody holds.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libuserring.h>

#include "../pattern.h"
#include "ctl.h"
#include "net.h"
#include "port.h"
#include "streams.h"

#define RATE		4000	/* frames a second, all streams */
#define MARK		1	/* in what a process writes of itself */

/* ------------------------------------------------------------------------
 * Processes
 */

/* What a process with a queue saw, in memory that it shares with the test. */
struct life {
	volatile uint32_t here;		/* it receives */
	volatile uint64_t frames;
	volatile uint64_t lost;		/* numbers of its stream that never came */
	volatile uint64_t wrong;	/* another's, spoilt, twice, out of order */
	volatile uint64_t resets;
	volatile int error;
};

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

/* Seen by the test and by the processes that it starts. */
static struct life *life_map(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static pid_t life_start(const struct port *names, struct life *life, uint32_t queue, uint32_t n)
{
	int64_t end = now_ms() + at_most_ms(5000);
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
	int64_t end = now_ms() + at_most_ms(5000);

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
	struct life *life = life_map();
	uint64_t frames = 0, lost = 0, switches = 0;
	pid_t pid[STREAMS];

	if (self->n == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	ASSERT_NE(NULL, life);
	for (uint32_t i = 0; i < self->n; i++) {
		pid[i] = life_start(&self->names, &life[i], i, self->n);
		ASSERT_GT(pid[i], 0);
	}
	ASSERT_EQ(0, far_send("count=1000000000 len=60,500 rate=%d hosts=%u udp=" FROM_HOSTS, RATE,
			      self->n));
	for (int round = 0; round < rounds; round++) {
		uint32_t at = (uint32_t)random() % self->n;

		for (uint32_t i = 0; i < self->n; i++)
			ASSERT_TRUE(life_receives(&life[i], 20));
		spin_us(random() % 5000);
		ASSERT_EQ(0, kill(pid[at], SIGKILL));
		ASSERT_EQ(128 + SIGKILL, finish(pid[at], 5000));
		frames += life[at].frames;
		lost += life[at].lost;
		EXPECT_EQ(0, life[at].wrong + life[at].resets);
		/* the kernel has it meanwhile */
		if (round % 2)
			sleep_ms(20);
		pid[at] = life_start(&self->names, &life[at], at, self->n);
		ASSERT_GT(pid[at], 0);
		switches += 2;
		EXPECT_EQ(1, carrier(self->names.netdev));
	}
	for (uint32_t i = 0; i < self->n; i++) {
		ASSERT_TRUE(life_receives(&life[i], 20));
		EXPECT_EQ(0, life[i].wrong + life[i].resets);
		EXPECT_EQ(0, life[i].error);
		frames += life[i].frames;
		lost += life[i].lost;
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
	int64_t end = now_ms() + at_most_ms(10000), want;

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
	struct life *life = life_map();
	struct ur_queue_info info;
	struct ur_port *port;
	struct port host;
	pid_t pid[STREAMS], talker;

	if (self->n == 1) {
		EXPECT_TRUE(one_queue(self));
		return;
	}
	ASSERT_NE(NULL, life);
	ASSERT_EQ(0, port_find(&host, "nic1"));
	ASSERT_TRUE(set_channels(&host, self->n));
	/* all that comes is for queue 0; what is sent may go by any */
	ASSERT_TRUE(rss_equal(host.netdev, 1));
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
		for (int64_t end = now_ms() + at_most_ms(3000); now_ms() < end; sleep_ms(1)) {
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
	for (int64_t end = now_ms() + at_most_ms(3000); now_ms() < end; sleep_ms(5)) {
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
