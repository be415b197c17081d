// SPDX-License-Identifier: BSD-2-Clause
/*
 * Waiting: time, signals, wake-ups from another thread, poll().
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

#define MS	1000000ULL

static void time_is_up(void **state)
{
	uint64_t start, took;
	struct env e;

	env_open_small(&e, state, "");
	start = ur_now_ns();
	assert_int_equal(ur_wait(e.q, 0), 0);
	assert_int_equal(stats(&e).waits, 0);
	assert_int_equal(ur_wait(e.q, 30), 0);
	took = ur_now_ns() - start;
	assert_true(took >= 30 * MS && took < 2000 * MS);
	assert_int_equal(stats(&e).waits, 1);
	env_close(&e);
}

static void there_already(void **state)
{
	struct ur_pkt pkt;
	struct env e;

	env_open_small(&e, state, "");
	inject(&e, 0, 60, NULL);
	assert_int_equal(ur_wait(e.q, 0), 1);
	assert_int_equal(ur_wait(e.q, -1), 1);
	assert_int_equal(stats(&e).waits, 0);
	assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
	ur_rx_release(e.q, &pkt, 1);
	assert_int_equal(ur_wait(e.q, 0), 0);
	env_close(&e);
}

static void nap(void)
{
	const struct timespec t = { .tv_nsec = 20 * MS };

	nanosleep(&t, NULL);
}

/* The other thread has gone to sleep, or will with its next step. */
static void nap_until_it_waits(const struct env *e)
{
	do
		nap();
	while (!__atomic_load_n(&e->q->stats.waits, __ATOMIC_RELAXED));
	nap();
}

static void *inject_later(void *arg)
{
	nap();
	inject(arg, 77, 60, NULL);
	return NULL;
}

static void *inject_to_sleeper(void *arg)
{
	nap_until_it_waits(arg);
	inject(arg, 77, 60, NULL);
	return NULL;
}

static void woken(struct env *e, bool slept)
{
	struct ur_pkt pkt;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, slept ? inject_to_sleeper :
					inject_later, e), 0);
	assert_int_equal(ur_wait(e->q, -1), 1);
	pthread_join(thread, NULL);
	assert_int_equal(ur_rx_burst(e->q, &pkt, 1), 1);
	check_frame(pkt.data, 77, 60);
	assert_int_equal(!!stats(e).waits, slept);
	ur_rx_release(e->q, &pkt, 1);
}

static void woken_from_sleep(void **state)
{
	struct env e;

	env_open_small(&e, state, "");
	woken(&e, true);
	env_close(&e);
}

static void woken_from_spin(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
		.spin_us = 20000000,
	};
	struct env e;

	env_open(&e, state, "", &opts, 256);
	woken(&e, false);
	env_close(&e);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void signal_comes(void **state)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	/* again and again: the first may come before the sleep */
	const struct itimerval timer = { .it_value = { .tv_usec = 20000 },
					 .it_interval = { .tv_usec = 20000 } };
	const struct itimerval none = { .it_value = { .tv_usec = 0 } };
	struct env e;

	env_open_small(&e, state, "");
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
	assert_int_equal(ur_wait(e.q, -1), -EINTR);
	assert_int_equal(setitimer(ITIMER_REAL, &none, NULL), 0);
	env_close(&e);
}

static void *up_later(void *arg)
{
	struct env *e = arg;

	nap();
	ur_sim_set_up(e->port, true);
	return NULL;
}

static void down(void **state)
{
	struct ur_pkt pkt;
	pthread_t thread;
	struct env e;

	env_open_small(&e, state, "");
	ur_sim_set_up(e.port, false);
	assert_int_equal(ur_wait(e.q, 20), -ENETDOWN);
	assert_int_equal(pthread_create(&thread, NULL, up_later, &e), 0);
	assert_int_equal(ur_wait(e.q, 1000), 0);
	pthread_join(thread, NULL);
	assert_int_equal(stats(&e).recovered, 1);
	inject(&e, 0, 60, NULL);
	assert_int_equal(ur_wait(e.q, 0), 1);
	assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
	ur_rx_release(e.q, &pkt, 1);
	env_close(&e);
}

static void *take_later(void *arg)
{
	struct env *e = arg;

	nap_until_it_waits(e);
	sim_take(e->sim, UR_STATE_TAKEN);
	return NULL;
}

static void *detach_later(void *arg)
{
	struct env *e = arg;

	nap_until_it_waits(e);
	sim_take(e->sim, UR_STATE_GONE);
	return NULL;
}

/* The queue is taken away from a sleeper, who learns by whom. */
static void taken_while_asleep(void **state)
{
	pthread_t thread;
	struct env e;

	env_open_small(&e, state, "");
	assert_int_equal(pthread_create(&thread, NULL, take_later, &e), 0);
	assert_int_equal(ur_wait(e.q, -1), -ETIMEDOUT);
	pthread_join(thread, NULL);
	assert_int_equal(stats(&e).waits, 1);
	assert_int_equal(ur_wait(e.q, -1), -ETIMEDOUT);
	assert_int_equal(ur_queue_state(e.q), UR_STATE_TAKEN);
	env_close(&e);

	env_open_small(&e, state, "");
	assert_int_equal(pthread_create(&thread, NULL, detach_later, &e), 0);
	assert_int_equal(ur_wait(e.q, -1), -ENODEV);
	pthread_join(thread, NULL);
	env_close(&e);
}

/* Who only looks learns of it as well. */
static void looks_and_tells(void **state)
{
	struct ur_pkt pkt;
	struct env e;

	env_open_small(&e, state, "");
	ur_sim_set_up(e.port, false);
	assert_int_equal(ur_wait(e.q, 0), -ENETDOWN);
	ur_sim_set_up(e.port, true);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_wait(e.q, 0), 0);
	/* a packet goes first */
	inject(&e, 0, 60, NULL);
	sim_take(e.sim, UR_STATE_GONE);
	assert_int_equal(ur_wait(e.q, 0), 1);
	assert_int_equal(ur_rx_burst(e.q, &pkt, 1), 1);
	ur_rx_release(e.q, &pkt, 1);
	assert_int_equal(ur_wait(e.q, 0), -ENODEV);
	assert_int_equal(stats(&e).waits, 0);
	env_close(&e);

	env_open_small(&e, state, "");
	sim_take(e.sim, UR_STATE_TAKEN);
	assert_int_equal(ur_wait(e.q, 0), -ETIMEDOUT);
	env_close(&e);
}

static short events_of(const struct env *e)
{
	struct pollfd p = {
		.fd = ur_fd(e->q), .events = POLLIN | POLLOUT | POLLPRI,
	};

	assert_true(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/* Does the kernel have out of band data for sockets of this kind? */
static bool has_urgent(void)
{
	bool has;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	has = send(fd[0], "", 1, MSG_OOB) == 1;
	close(fd[0]);
	close(fd[1]);
	return has;
}

/* The descriptor says what the module's does. */
static void events(void **state)
{
	const short reset = has_urgent() ? POLLIN | POLLOUT | POLLPRI :
					   POLLIN | POLLOUT;
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t i, lap;

	env_open_small(&e, state, "");
	assert_int_equal(events_of(&e), POLLOUT);
	for (lap = 0; lap < 3; lap++) {
		/* a ring that is full, and one that is not */
		ur_sim_set_tx(e.port, false);
		for (i = 0; i < 64; i++)
			pkts[i] = make_pkt(&e, i, 0, 60);
		assert_int_equal(ur_tx_burst(e.q, pkts, 64), 64);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(events_of(&e), 0);
		inject(&e, 0, 60, NULL);
		assert_int_equal(events_of(&e), POLLIN);
		ur_sim_set_tx(e.port, true);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(events_of(&e), POLLIN | POLLOUT);
		assert_int_equal(ur_rx_burst(e.q, pkts, 1), 1);
		ur_rx_release(e.q, pkts, 1);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(events_of(&e), POLLOUT);
		/* a reset, and a port that is down meanwhile */
		ur_sim_reset(e.port);
		assert_int_equal(events_of(&e), reset);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(events_of(&e), POLLOUT);
		ur_sim_set_up(e.port, false);
		assert_int_equal(events_of(&e), 0);
		ur_sim_set_up(e.port, true);
		assert_int_equal(events_of(&e), reset);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(events_of(&e), POLLOUT);
	}
	sim_take(e.sim, UR_STATE_GONE);
	assert_true(events_of(&e) & POLLHUP);
	env_close(&e);
}

static void descriptor(void **state)
{
	struct pollfd p = { .events = POLLIN };
	struct ur_pkt pkts[2];
	struct env e;

	env_open_small(&e, state, "");
	p.fd = ur_fd(e.q);
	assert_int_equal(poll(&p, 1, 0), 0);
	inject(&e, 0, 60, NULL);
	inject(&e, 1, 60, NULL);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(ur_rx_burst(e.q, pkts, 1), 1);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(ur_rx_burst(e.q, pkts + 1, 1), 1);
	ur_rx_release(e.q, pkts, 2);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	/* the epoch moved: there is something to do */
	ur_sim_reset(e.port);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	env_close(&e);
}

static void generator(void **state)
{
	struct ur_pkt pkts[64];
	uint64_t start = ur_now_ns();
	uint32_t next = 0, n, i;
	struct env e;

	env_open_small(&e, state, "gen=udp,rate=10000,count=500");
	while (next < 500) {
		assert_int_equal(ur_wait(e.q, 5000), 1);
		n = ur_rx_burst(e.q, pkts, 64);
		for (i = 0; i < n; i++, next++)
			assert_int_equal(ur_get_be32(pkts[i].data + 54), next);
		ur_rx_release(e.q, pkts, n);
	}
	assert_true(ur_now_ns() - start >= 49 * MS);
	assert_int_equal(ur_wait(e.q, -1), -ENODATA);
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(time_is_up), TEST(there_already), TEST(woken_from_sleep),
		TEST(woken_from_spin), TEST(signal_comes), TEST(down),
		TEST(taken_while_asleep), TEST(looks_and_tells), TEST(events),
		TEST(descriptor), TEST(generator),
	};

	return run_formats("wait", tests, COUNT(tests));
}
