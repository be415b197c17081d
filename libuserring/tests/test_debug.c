// SPDX-License-Identifier: BSD-2-Clause
/*
 * UR_DEBUG: a slot that the application does not hold ends the program with a
 * sentence, in each call that takes one; whoever holds what it gives away sees
 * nothing of it.
 */
#ifndef UR_DEBUG
#define UR_DEBUG
#endif
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libuserring/forward.h>

#include "common.h"

/*
 * The same in a process of its own, whose stderr is read.  Return: it was ended
 * with a sentence that has both words.
 */
static bool stops(struct env *e, void (*misuse)(struct env *), const char *call,
		  const char *wrong)
{
	char text[4096];
	size_t len = 0;
	ssize_t n;
	int fd[2], status;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		/* as a program without cmocka, which would catch the signal */
		signal(SIGABRT, SIG_DFL);
		dup2(fd[1], STDERR_FILENO);
		misuse(e);
		_exit(0);
	}
	close(fd[1]);
	while ((n = read(fd[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
	    strstr(text, call) && strstr(text, wrong))
		return true;
	print_message("status %#x, stderr: %s\n", status, text);
	return false;
}

/* A packet from queue to hand. */
static struct ur_pkt receive(struct env *e)
{
	struct ur_pkt pkt;

	assert_int_equal(inject(e, 1, 60, NULL), 0);
	assert_int_equal(ur_rx_burst(e->q, &pkt, 1), 1);
	return pkt;
}

static void release_twice(struct env *e)
{
	struct ur_pkt pkt = receive(e);

	ur_rx_release(e->q, &pkt, 1);
	ur_rx_release(e->q, &pkt, 1);
}

/* The second half of a burst was given back already. */
static void release_some_twice(struct env *e)
{
	struct ur_pkt pkts[8];
	uint32_t i;

	for (i = 0; i < 8; i++)
		inject(e, i, 60, NULL);
	if (ur_rx_burst(e->q, pkts, 8) != 8)
		return;
	ur_rx_release(e->q, pkts + 4, 4);
	ur_rx_release(e->q, pkts, 8);
}

static void free_twice(struct env *e)
{
	uint32_t slot = ur_slot_alloc(e->pool);

	ur_slot_free(e->pool, slot);
	ur_slot_free(e->pool, slot);
}

static void send_after_release(struct env *e)
{
	struct ur_pkt pkt = receive(e);

	ur_rx_release(e->q, &pkt, 1);
	ur_tx_burst(e->q, &pkt, 1);
}

static void send_twice(struct env *e)
{
	struct ur_pkt pkt = make_pkt(e, 1, 0, 60);

	ur_tx_burst(e->q, &pkt, 1);
	ur_tx_burst(e->q, &pkt, 1);
}

static void to_host_after_free(struct env *e)
{
	struct ur_pkt pkt = receive(e);

	ur_slot_free(e->pool, pkt.slot);
	ur_to_host(e->q, &pkt, 1);
}

static void release_foreign(struct env *e)
{
	/* of a ring, and never received */
	struct ur_pkt pkt = { .slot = 17 };

	ur_rx_release(e->q, &pkt, 1);
}

static void free_beyond(struct env *e)
{
	ur_slot_free(e->pool, e->pool->slot_count);
}

/* A program without UR_DEBUG in another file gave a held slot to the ring. */
static void arrives_while_held(struct env *e)
{
	struct ur_pkt pkt = receive(e), again[64];
	uint32_t i;

	__ur_rx_fill(e->q, &pkt.slot, 0, 1);
	for (i = 0; i < 64; i++) {
		ur_sync(e->q);
		inject(e, i, 60, NULL);
		ur_rx_burst(e->q, again, 1);
	}
}

static void misuse(void **state)
{
	const char *not_held = "is not held";
	struct env e;

	env_open_small(&e, state, "");
	assert_true(stops(&e, release_twice, "ur_rx_release()", not_held));
	assert_true(stops(&e, release_some_twice, "ur_rx_release()", not_held));
	assert_true(stops(&e, free_twice, "ur_slot_free()", not_held));
	assert_true(stops(&e, send_after_release, "ur_tx_burst()", not_held));
	assert_true(stops(&e, send_twice, "ur_tx_burst()", not_held));
	assert_true(stops(&e, to_host_after_free, "ur_to_host()", not_held));
	assert_true(stops(&e, release_foreign, "ur_rx_release()", "slot 17"));
	assert_true(stops(&e, free_beyond, "ur_slot_free()", "does not exist"));
	assert_true(stops(&e, arrives_while_held, "ur_rx_burst()", "arrives"));
	env_close(&e);
}

static uint32_t build(void *arg, uint8_t *data)
{
	return make_frame(data, (*(uint64_t *)arg)++, 60);
}

static bool pass(void *arg, struct ur_pkt *pkt)
{
	(void)pkt;
	return ++*(uint64_t *)arg % 2;
}

/* Each way that a slot can go. */
static void use(void **state)
{
	struct ur_claim claim;
	struct ur_pkt pkts[64];
	uint64_t made = 0, passed = 0;
	uint32_t i, n, lap, hosts;
	struct env e;

	env_open_small(&e, state, "");
	ur_claim_init(&claim, NULL);
	for (lap = 0; lap < 200; lap++) {
		for (i = 0; i < 30; i++)
			inject(&e, i, 60, NULL);
		n = ur_rx_burst(e.q, pkts, 12);
		i = ur_tx_burst(e.q, pkts, n / 3);
		i += ur_to_host(e.q, pkts + i, n / 3);
		if (i < n)
			ur_slot_free(e.pool, pkts[i++].slot);
		/* one that went elsewhere is named by no number */
		pkts[0].slot = UR_NO_SLOT;
		ur_rx_release(e.q, pkts, 1);
		ur_rx_release(e.q, pkts + i, n - i);
		n = ur_rx_claim(e.q, &claim, pkts, 8, &hosts);
		ur_rx_release(e.q, pkts, n);
		ur_forward(e.q, e.q, 8, pass, &passed);
		ur_tx_each(e.q, 5, build, &made);
		if (lap % 50 == 49)
			assert_int_equal(ur_sim_reset(e.port), 0);
		assert_int_equal(ur_sync(e.q), 0);
		if (lap % 20 == 19) {
			ur_sync(e.q);
			check_slots(&e, NULL, 0);
		}
	}
	for (i = 0; i < e.pool->slot_count; i++)
		assert_int_equal(e.pool->held[i], 0);
	env_close(&e);
}

int main(void)
{
	static const struct test tests[] = { TEST(misuse), TEST(use) };

	return run_formats("debug", tests, COUNT(tests));
}
