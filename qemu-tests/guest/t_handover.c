// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue goes from process to process with packets in its rings. Numbered frames come
 * in at full rate and others go out: none is lost, none comes twice, no slot is lost;
 * when the former owner was killed, what it had in hand is missing, and nothing else.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libuserring.h>

#include "kselftest_harness.h"

#include "../pattern.h"
#include "ctl.h"
#include "handover.h"
#include "module.h"
#include "port.h"
#include "raw.h"
#include "release.h"
#include "traffic.h"
#include "victim.h"

#define BURST		32
#define RX		1024
#define TX		256
#define SLOTS		(RX + TX + 4 * BURST)
#define IDLE_MS		2000
#define TX_FIRST	9000000

struct way {
	enum back back;
	uint32_t period_us;
	bool sends;
};

/* What the processes share. */
struct shared {
	struct way way;
	uint32_t turns, turns_max;
	uint64_t expected;		/* frames that come in all */
	struct pat_track in;
	uint64_t out;			/* frames sent so far */
	int wrong;			/* the line that went otherwise, or 0 */
	int slots_wrong, names_wrong;
	/* of processes that are killed: one store says that a frame was seen */
	volatile uint64_t seen;
	uint64_t log[1 << 20];
};

FIXTURE(handover)
{
	struct port port;
	struct shared *s;
	int64_t changes;
};

FIXTURE_SETUP(handover)
{
	void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, p);
	self->s = p;
	ASSERT_EQ(0, port_find(&self->port, "nic0"));
	ASSERT_EQ(0, port_up(&self->port));
	ASSERT_TRUE(kernel_hears(&self->port));
	self->changes = if_number(self->port.netdev, "carrier_changes");
}

FIXTURE_TEARDOWN(handover)
{
	far(NULL, 0, "stop");
	EXPECT_TRUE(kernel_hears(&self->port));
	if (self->changes >= 0)
		EXPECT_EQ(self->changes, if_number(self->port.netdev, "carrier_changes"));
	EXPECT_EQ(0, module_refs());
	munmap(self->s, sizeof(struct shared));
}

/* ------------------------------------------------------------------------
 * One process's turn
 */

static uint32_t some(uint32_t n)
{
	static uint64_t state;

	if (!state)
		state = (uint64_t)getpid() * 0x9e3779b97f4a7c15u;
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static int queue_open(const struct port *port, const struct way *way, struct ur_port **p,
		      struct ur_pool **pool, struct ur_queue **q)
{
	const struct ur_pool_opts pool_opts = { .size = sizeof(pool_opts), .slot_count = SLOTS };
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = RX, .tx_size = TX,
		.sync_period_us = way->period_us,
	};
	int err = ur_port_open(p, port->netdev, NULL);

	if (!err)
		err = ur_pool_create(pool, *p, &pool_opts, NULL);
	return err ? err : ur_queue_attach(q, *p, *pool, &opts, NULL);
}

/* Every slot is free or in a ring, when nothing is in hand. */
static bool slots_complete(const struct ur_queue *q, const struct ur_pool *pool)
{
	uint32_t in_rx = q->fill_place - q->user->rx_pos;
	uint32_t in_tx = q->user->tx_prod - q->user->tx_reaped;

	return pool->free_count + in_rx + in_tx == pool->slot_count;
}

static void send_some(struct ur_queue *q, struct ur_pool *pool, struct shared *s, uint32_t n)
{
	const struct pat_flow in = pat_flow_default(), flow = pat_flow_reverse(&in);
	struct ur_pkt pkt = { 0 };

	while (n--) {
		pkt.slot = ur_tx_room(q) ? ur_slot_alloc(pool) : UR_NO_SLOT;
		if (pkt.slot == UR_NO_SLOT)
			return;
		pkt.data = ur_slot_data(pool, pkt.slot);
		pkt.len = (uint32_t)pat_build(pkt.data, 60 + some(900), TX_FIRST + s->out, &flow);
		/* what is announced is sent, whatever becomes of us */
		s->out++;
		if (!ur_tx_burst(q, &pkt, 1))
			s->wrong = __LINE__;
	}
}

/* Some bursts, and sometimes without a sync after the last one. */
static void turn(struct ur_queue *q, struct ur_pool *pool, struct shared *s)
{
	uint64_t want = s->in.good + 1 + some(64);
	bool last = s->turns == s->turns_max;
	int64_t since = now_ms();
	struct ur_pkt pkts[BURST];

	/* turns may want more than there is in all */
	if (last || want > s->expected)
		want = s->expected;
	while (s->in.good < want && now_ms() - since < at_most_ms(IDLE_MS)) {
		uint32_t n = ur_rx_burst(q, pkts, 1 + some(BURST));

		for (uint32_t i = 0; i < n; i++)
			pat_track(&s->in, pkts[i].data, pkts[i].len);
		if (n) {
			release_as(q, pkts, n, s->way.back);
			since = now_ms();
		}
		if (s->way.sends && n)
			send_some(q, pool, s, n);
		if ((!s->way.period_us && (!n || some(3))) || last)
			if (ur_sync(q))
				s->wrong = __LINE__;
	}
	if (s->in.good < want)
		s->wrong = __LINE__;
}

/* ------------------------------------------------------------------------
 * From one to the other
 */

/* Leaves the queue to the one at the other end; by turns in either way. */
static int pass_on(struct ur_queue *q, struct ur_pool *pool, int sock, uint32_t turns)
{
	int fd = dup(ur_fd(q)), err;
	struct message m = { .pid = getpid(), .fd = turns % 2 ? fd : -1 };
	char got;

	ur_queue_leave(q);
	ur_pool_destroy(pool);
	err = message_send(sock, &m, m.fd < 0 ? fd : -1);
	/* until then our copy is the only one */
	if (!err && read(sock, &got, 1) != 1)
		err = -EPIPE;
	close(fd);
	return err;
}

static int take_on(struct ur_queue **q, struct ur_pool **pool, int sock, struct shared *s)
{
	struct ur_queue_info info;
	struct ur_error error;
	int fd = message_take(sock), err;

	if (fd < 0)
		return fd;
	err = ur_queue_adopt(q, pool, fd, NULL, &error);
	if (err)
		printf("# adopt: %s\n", error.text);
	else if (raw_queue_info(fd, 0, &info) || info.pid != getpid())
		s->names_wrong++;
	if (write(sock, "x", 1) != 1)
		return -EPIPE;
	return err;
}

/* One of the two; the first has the queue at the beginning. */
static int relay(const struct port *port, struct shared *s, int sock, bool first)
{
	struct ur_port *p = NULL;
	struct ur_queue *q;
	struct ur_pool *pool;
	int err;

	err = first ? queue_open(port, &s->way, &p, &pool, &q) : take_on(&q, &pool, sock, s);
	if (first && !err)
		err = far(NULL, 0, "send count=%ju len=60,300,1514 seq=0", (uintmax_t)s->expected);
	while (!err) {
		turn(q, pool, s);
		s->slots_wrong += !slots_complete(q, pool);
		if (s->turns == s->turns_max)
			break;
		s->turns++;
		err = pass_on(q, pool, sock, s->turns);
		if (!err)
			err = take_on(&q, &pool, sock, s);
	}
	if (err == -ECHILD)
		return 0;
	if (err)
		return 1;
	/* detached, what the module has not taken is not sent */
	while (q->user->tx_reaped != q->user->tx_prod && !err)
		err = ur_sync(q);
	ur_queue_detach(q);
	s->slots_wrong += pool->free_count != pool->slot_count;
	ur_pool_destroy(pool);
	ur_port_close(p);
	return message_send(sock, &(struct message){ .fd = -2 }, -1) ? 2 : 0;
}

static void relay_all(struct __test_metadata *_metadata, const struct port *port,
		      struct shared *s, struct way way, uint32_t turns)
{
	int64_t start = now_ms();
	pid_t pid[2];
	int sock[2];

	memset(s, 0, offsetof(struct shared, log));
	s->way = way;
	s->turns_max = turns;
	s->expected = 50ull * turns;
	pat_track_reset(&s->in, 0);
	ASSERT_EQ(0, far(NULL, 0, "expect seq=%d", TX_FIRST));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock));
	for (int i = 0; i < 2; i++) {
		pid[i] = spawn();
		if (!pid[i])
			_exit(relay(port, s, sock[i], i == 0));
	}
	close(sock[0]);
	close(sock[1]);
	EXPECT_EQ(0, finish(pid[0], 60000));
	EXPECT_EQ(0, finish(pid[1], 5000));
	printf("# %u hand-overs in %lld ms: in %ju of %ju, lost %ju, double %ju, reordered %ju, bad %ju; out %ju\n",
	       s->turns, (long long)(now_ms() - start), (uintmax_t)s->in.good,
	       (uintmax_t)s->expected, (uintmax_t)s->in.lost, (uintmax_t)s->in.dup,
	       (uintmax_t)s->in.reordered, (uintmax_t)s->in.corrupt, (uintmax_t)s->out);
	EXPECT_EQ(turns, s->turns);
	EXPECT_EQ(0, s->wrong);
	EXPECT_EQ(0, s->slots_wrong);
	EXPECT_EQ(0, s->names_wrong);
	EXPECT_EQ(s->expected, s->in.good);
	EXPECT_EQ(0, s->in.lost + s->in.dup + s->in.reordered + s->in.corrupt);
	if (way.sends) {
		EXPECT_GT(s->out, s->expected / 2);
		EXPECT_TRUE(far_got(TX_FIRST, s->out));
	}
}

TEST_F_TIMEOUT(handover, nothing_is_lost, 90)
{
	relay_all(_metadata, &self->port, self->s, (struct way){ .back = MIXED },
		  quick() ? 100 : 1000);
}

TEST_F_TIMEOUT(handover, with_kept_slots, 60)
{
	relay_all(_metadata, &self->port, self->s, (struct way){ .back = KEPT }, 100);
}

TEST_F_TIMEOUT(handover, while_sending, 60)
{
	relay_all(_metadata, &self->port, self->s, (struct way){ .back = LISTED, .sends = true },
		  quick() ? 50 : 300);
}

TEST_F_TIMEOUT(handover, with_a_period, 60)
{
	relay_all(_metadata, &self->port, self->s,
		  (struct way){ .back = MIXED, .period_us = 100, .sends = true },
		  quick() ? 50 : 300);
}

/* ------------------------------------------------------------------------
 * Killed
 */

/* Adopts what its parent holds, and goes on until it is killed. */
static void __attribute__((noreturn)) heir(struct shared *s, int fd)
{
	struct ur_pkt pkts[BURST];
	struct ur_error error;
	struct ur_queue *q;
	struct ur_pool *pool;
	uint64_t number;

	if (ur_queue_adopt(&q, &pool, fd, NULL, &error)) {
		printf("# adopt: %s\n", error.text);
		_exit(1);
	}
	s->slots_wrong += !slots_complete(q, pool);
	for (;;) {
		uint32_t n = ur_rx_burst(q, pkts, BURST);

		for (uint32_t i = 0; i < n; i++) {
			if (pat_check(pkts[i].data, pkts[i].len, &number, NULL) != PAT_OK)
				s->wrong = __LINE__;
			s->log[s->seen % (1 << 20)] = number;
			s->seen++;
		}
		if (n)
			release_as(q, pkts, n, MIXED);
		if (n)
			send_some(q, pool, s, some(4));
		if (ur_sync(q))
			_exit(2);
	}
}

/* Numbers that the log passes over; -1 if one comes twice or too late. */
static int64_t log_gap(const struct shared *s, uint64_t from, uint64_t to)
{
	int64_t gap = 0;

	for (uint64_t i = from ? from : 1; i < to; i++) {
		if (s->log[i] <= s->log[i - 1])
			return -1;
		gap += s->log[i] - s->log[i - 1] - 1;
	}
	return gap;
}

TEST_F_TIMEOUT(handover, killed, 100)
{
	const int rounds = quick() ? 30 : 200;
	struct shared *s = self->s;
	int64_t gap, most = 0, all = 0;
	uint64_t before;
	struct ur_port *p;
	struct ur_pool *pool;
	struct ur_queue *q;
	char reply[512];
	int held;
	pid_t pid;

	/* what a supervisor does: it attaches, keeps a copy, and touches nothing more */
	ASSERT_EQ(0, queue_open(&self->port, &s->way, &p, &pool, &q));
	held = dup(ur_fd(q));
	ASSERT_GE(held, 0);
	ur_queue_leave(q);
	ur_pool_destroy(pool);
	ur_port_close(p);
	ASSERT_EQ(0, far(NULL, 0, "expect seq=%d", TX_FIRST));
	ASSERT_EQ(0, far_send("count=1000000000 len=60,300,1514 seq=0 rate=20000"));
	for (int i = 0; i < rounds; i++) {
		int64_t end = now_ms() + at_most_ms(5000);

		before = s->seen;
		pid = spawn();
		if (!pid)
			heir(s, dup(held));
		while (s->seen < before + 100 && now_ms() < end)
			sleep_ms(1);
		ASSERT_GE(s->seen, before + 100) {
			TH_LOG("round %d: the heir ended with %d", i, finish(pid, 0));
		}
		spin_us((i * 7919) % 3000);
		kill(pid, SIGKILL);
		ASSERT_EQ(128 + SIGKILL, finish(pid, 5000));
		ASSERT_LT(s->seen, 1 << 20);
		/* up to the first one that this heir saw: what its predecessor had */
		gap = log_gap(s, before, before + 1);
		EXPECT_GE(gap, 0);
		EXPECT_LE(gap, BURST);
		EXPECT_EQ(0, log_gap(s, before + 1, s->seen));
		most = gap > most ? gap : most;
		all += gap;
	}
	printf("# killed %d times over %ju frames: %lld were in hand, %lld at most\n", rounds,
	       (uintmax_t)s->seen, (long long)all, (long long)most);
	EXPECT_EQ(0, s->wrong);
	EXPECT_EQ(0, s->slots_wrong);
	EXPECT_EQ(1, raw_attached(self->port.node));
	ASSERT_EQ(0, far(NULL, 0, "stop"));
	/* what was written down as sent and not announced may be missing, nothing comes twice */
	EXPECT_EQ(0, far(reply, sizeof(reply), "status"));
	EXPECT_EQ(0, far_value(reply, "rx_dup") + far_value(reply, "rx_bad") +
		  far_value(reply, "rx_reordered"));
	EXPECT_LE(far_value(reply, "rx_lost"), rounds);
	EXPECT_GT(far_value(reply, "rx"), 100);
	close(held);
	EXPECT_TRUE(becomes_attached(&self->port, 0, 3000));
}

/* The port goes down and up while nobody looks after the queue. */
TEST_F(handover, across_a_reset)
{
	struct shared *s = self->s;
	struct ur_error error;
	struct ur_port *p;
	struct ur_pool *pool;
	struct ur_queue *q;
	int fd;

	self->changes = -1;
	ASSERT_EQ(0, queue_open(&self->port, &s->way, &p, &pool, &q));
	for (uint32_t i = 0; i < 3; i++) {
		pat_track_reset(&s->in, i * 1000);
		s->expected = 500;
		ASSERT_EQ(0, far_send("count=500 len=60,1514 seq=%u", i * 1000));
		turn(q, pool, s);
		EXPECT_EQ(500, s->in.good);
		EXPECT_EQ(0, s->wrong);
		fd = dup(ur_fd(q));
		ur_queue_leave(q);
		ur_pool_destroy(pool);
		if (i != 1)
			ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
		if (i == 0)
			ASSERT_EQ(0, port_up(&self->port));
		/* up again, not down at all, or still down */
		ASSERT_EQ(0, ur_queue_adopt(&q, &pool, fd, NULL, &error)) {
			TH_LOG("%u: %s", i, error.text);
		}
		EXPECT_TRUE(slots_complete(q, pool));
		ASSERT_EQ(0, port_up(&self->port));
		EXPECT_EQ(0, ur_sync(q));
		EXPECT_TRUE(slots_complete(q, pool));
	}
	ur_queue_detach(q);
	EXPECT_EQ(pool->slot_count, pool->free_count);
	ur_pool_destroy(pool);
	ur_port_close(p);
}

TEST_F(handover, adopt_refused)
{
	struct ur_adopt good = { .argsz = sizeof(good) }, arg;
	struct { struct ur_adopt adopt; uint8_t beyond[16]; } big;
	struct rlimit limit, old;
	struct raw_queue q;
	int files, reader;

	ASSERT_EQ(0, raw_open(&q, self->port.node));
	arg = good;
	EXPECT_EQ(-ENOTCONN, raw_call(q.node, UR_IOC_ADOPT, &arg));
	ASSERT_EQ(0, raw_pool(&q, 2048, 256));
	q.at = raw_attach_args(q.pool, 64, 64);
	q.at.watchdog_ms = 600000;
	q.at.sync_period_us = 1000000;
	ASSERT_EQ(0, raw_call(q.node, UR_IOC_ATTACH, &q.at));
	files = open_files();

	for (size_t i = 0; i < sizeof(good); i++) {
		const size_t attach = offsetof(struct ur_adopt, attach);

		/* what is only answered, the call does not look at */
		if (i < 4 || (i >= 8 && i < offsetof(struct ur_adopt, reserved0)) ||
		    (i >= attach && i < offsetof(struct ur_adopt, reserved)))
			continue;
		/* pool_fd is answered too */
		if (i >= offsetof(struct ur_adopt, pool_fd) &&
		    i < offsetof(struct ur_adopt, epoch))
			continue;
		arg = good;
		((uint8_t *)&arg)[i] = 1;
		EXPECT_EQ(-EINVAL, raw_call(q.node, UR_IOC_ADOPT, &arg)) {
			TH_LOG("byte %zu", i);
		}
	}
	for (uint32_t size = 0; size < sizeof(good); size += 4) {
		arg = good;
		arg.argsz = size;
		EXPECT_EQ(-EINVAL, raw_call(q.node, UR_IOC_ADOPT, &arg));
	}
	EXPECT_EQ(-EFAULT, raw_call(q.node, UR_IOC_ADOPT, NULL));
	EXPECT_EQ(-EFAULT, raw_call(q.node, UR_IOC_ADOPT, (void *)-4096L));
	reader = open(self->port.node, O_RDONLY | O_CLOEXEC);
	EXPECT_EQ(-EACCES, raw_call(reader, UR_IOC_ADOPT, &good));
	close(reader);
	EXPECT_EQ(-ENOTTY, raw_call(q.pool, UR_IOC_ADOPT, &good));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	limit = old;
	limit.rlim_cur = (rlim_t)dup(0);
	close((int)limit.rlim_cur);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	arg = good;
	EXPECT_EQ(-EMFILE, raw_call(q.node, UR_IOC_ADOPT, &arg));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(files, open_files());

	/* a newer caller; and all that ATTACH said is said again */
	memset(&big, 0x5a, sizeof(big));
	memset(&big.adopt, 0, sizeof(big.adopt));
	big.adopt.argsz = sizeof(big);
	ASSERT_EQ(0, raw_call(q.node, UR_IOC_ADOPT, &big));
	EXPECT_EQ(sizeof(good), big.adopt.argsz);
	EXPECT_EQ(0x5a, big.beyond[0]);
	EXPECT_EQ(files + 1, open_files());
	EXPECT_EQ(FD_CLOEXEC, fcntl(big.adopt.pool_fd, F_GETFD));
	big.adopt.attach.pool_fd = q.at.pool_fd;
	EXPECT_EQ(0, memcmp(&q.at, &big.adopt.attach, sizeof(q.at)));
	EXPECT_EQ(1, big.adopt.epoch);
	close(big.adopt.pool_fd);
	raw_detach(&q);
	arg = good;
	EXPECT_EQ(-ENOTCONN, raw_call(q.node, UR_IOC_ADOPT, &arg));
	raw_close(&q);
}

TEST_HARNESS_MAIN
