// SPDX-License-Identifier: BSD-2-Clause
/*
 * The software NIC itself.
 */
#include <poll.h>

#include "common.h"

static void bad_names(void **state)
{
	static const struct {
		const char *name;
		const char *says;
	} bad[] = {
		{ "sim:format=old", "format is legacy" },
		{ "sim:format", "format is legacy" },
		{ "sim:nonsense", "no option \"nonsense\"" },
		{ "sim:gen=tcp", "gen is udp" },
		{ "sim:size=59", "size takes a number from 60 to 1514" },
		{ "sim:size=1515", "size takes a number" },
		{ "sim:size=", "size takes a number" },
		{ "sim:size=-1", "size takes a number" },
		{ "sim:size=60x", "size takes a number" },
		{ "sim:flows=0", "flows takes a number" },
		{ "sim:vlan=65536", "vlan takes a number" },
		{ "sim:loop=1", "no option" },
	};
	struct ur_error err;
	struct ur_port *port;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		assert_int_equal(ur_port_open(&port, bad[i].name, &err),
				 -EINVAL);
		assert_null(port);
		if (!strstr(err.text, bad[i].says))
			fail_msg("%s: %s", bad[i].name, err.text);
		assert_int_equal(ur_port_open(&port, bad[i].name, NULL),
				 -EINVAL);
	}
}

static void bad_sizes(void **state)
{
	struct ur_pool_opts po = { .size = sizeof(po) };
	struct ur_queue_opts qo = { .size = sizeof(qo) };
	static const uint32_t rings[] = { 1, 32, 63, 65, 100, 8192, 0x80000000 };
	struct ur_error err;
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;
	size_t i;

	(void)state;
	assert_int_equal(ur_port_open(&port, "sim", &err), 0);
	po.slot_size = 1024;
	assert_int_equal(ur_pool_create(&pool, port, &po, &err), -EINVAL);
	po.slot_size = 3000;
	assert_int_equal(ur_pool_create(&pool, port, &po, &err), -EINVAL);
	po.slot_size = 32768;
	assert_int_equal(ur_pool_create(&pool, port, &po, &err), -EINVAL);
	po.slot_size = 4096;
	po.slot_count = UR_POOL_SLOTS_MAX;
	assert_int_equal(ur_pool_create(&pool, port, &po, &err), -EINVAL);
	assert_non_null(strstr(err.text, "too large"));
	po.size = 0;
	assert_int_equal(ur_pool_create(&pool, port, &po, &err), -EINVAL);
	assert_null(pool);
	assert_int_equal(ur_pool_create(&pool, port, NULL, &err), 0);
	for (i = 0; i < COUNT(rings); i++) {
		qo.rx_size = rings[i];
		qo.tx_size = 64;
		assert_int_equal(ur_queue_attach(&q, port, pool, &qo, &err),
				 -EINVAL);
		qo.rx_size = 64;
		qo.tx_size = rings[i];
		assert_int_equal(ur_queue_attach(&q, port, pool, &qo, &err),
				 -EINVAL);
	}
	qo.tx_size = 64;
	qo.queue = 1;
	assert_int_equal(ur_queue_attach(&q, port, pool, &qo, &err), -EINVAL);
	qo.queue = 0;
	qo.watchdog_ms = UR_WATCHDOG_MIN_MS - 1;
	assert_int_equal(ur_queue_attach(&q, port, pool, &qo, &err), -EINVAL);
	assert_non_null(strstr(err.text, "watchdog"));
	qo.watchdog_ms = UR_WATCHDOG_MAX_MS + 1;
	assert_int_equal(ur_queue_attach(&q, port, pool, &qo, &err), -EINVAL);
	qo.watchdog_ms = 0;
	qo.flags = 2;
	assert_int_equal(ur_queue_attach(&q, port, pool, &qo, &err), -EINVAL);
	qo.flags = 0;
	qo.size = 0;
	assert_int_equal(ur_queue_attach(&q, port, pool, &qo, &err), -EINVAL);
	qo.size = sizeof(qo);
	qo.queue = UR_QUEUE_ANY;
	assert_int_equal(ur_queue_attach(&q, port, pool, &qo, &err), 0);
	assert_int_equal(ur_queue_number(q), 0);
	ur_queue_detach(q);
	/* an older program, whose struct ended earlier */
	qo = (struct ur_queue_opts){
		.size = offsetof(struct ur_queue_opts, sync_period_us),
		.sync_period_us = 3, .flags = 0xffff,
	};
	assert_int_equal(ur_queue_attach(&q, port, pool, &qo, &err), 0);
	ur_queue_detach(q);
	ur_pool_destroy(pool);
	ur_port_close(port);
	ur_pool_destroy(NULL);
	ur_queue_detach(NULL);
	ur_port_close(NULL);
}

/* UR_QUEUE_ANY begins with the last one, and the queue knows its number. */
static void any_queue(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .queue = UR_QUEUE_ANY,
	};
	struct ur_queue_info qi;
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;
	uint32_t i;

	(void)state;
	assert_int_equal(ur_port_open(&port, "sim:queues=3", NULL), 0);
	assert_int_equal(ur_pool_create(&pool, port, NULL, NULL), 0);
	assert_int_equal(ur_queue_attach(&q, port, pool, &opts, NULL), 0);
	assert_int_equal(ur_queue_number(q), 2);
	for (i = 0; i < 3; i++) {
		assert_int_equal(ur_port_queue_info(port, i, &qi), 0);
		assert_int_equal(qi.attached, i == 2);
		assert_int_equal(qi.irq, -1);
		assert_int_equal(qi.irq_cpu, -1);
		assert_int_equal(qi.numa_node, -1);
	}
	ur_queue_detach(q);
	ur_pool_destroy(pool);
	ur_port_close(port);
}

static void info(void **state)
{
	struct ur_queue_info qi;
	struct ur_port_info pi;
	struct env e;

	*state = (void *)(uintptr_t)"extended";
	env_open_small(&e, state, "");
	assert_int_equal(ur_port_info(e.port, &pi), 0);
	assert_int_equal(pi.abi_version, UR_ABI_VERSION);
	assert_int_equal(pi.rx_format, UR_DESC_EXTENDED);
	assert_int_equal(pi.tx_format, UR_DESC_LEGACY);
	assert_int_equal(pi.up, 1);
	assert_int_equal(pi.queues, 1);
	assert_int_equal(pi.queues_max, 1);
	assert_int_equal(ur_port_queue_info(e.port, 0, &qi), 0);
	assert_int_equal(qi.attached, 1);
	assert_int_equal(qi.rx_size, 64);
	assert_int_equal(qi.rx_posted, 63);
	assert_int_equal(qi.state, UR_STATE_ATTACHED);
	assert_int_equal(ur_port_queue_info(e.port, 1, &qi), -EINVAL);
	assert_int_equal(qi.watchdog_ms, 0);
	env_close(&e);
}

/* What waits on either side. */
static void info_of_what_waits(void **state)
{
	const struct ur_queue_opts opts = {
		.size = sizeof(opts), .rx_size = 64, .tx_size = 64,
		.watchdog_ms = UR_WATCHDOG_MAX_MS,
	};
	struct ur_queue_info qi;
	struct ur_pkt pkts[20];
	struct env e;
	uint32_t i;

	*state = (void *)(uintptr_t)"extended";
	env_open(&e, state, "", &opts, 256);
	for (i = 0; i < 20; i++)
		assert_int_equal(inject(&e, i, 60, NULL), 0);
	assert_int_equal(ur_rx_burst(e.q, pkts, 7), 7);
	out_of_order(e.pool, pkts, 5);
	ur_rx_release(e.q, pkts, 5);
	assert_int_equal(ur_tx_burst(e.q, pkts + 5, 1), 1);
	assert_int_equal(ur_to_host(e.q, pkts + 6, 1), 1);
	assert_int_equal(ur_port_queue_info(e.port, 0, &qi), 0);
	assert_int_equal(qi.rx_waiting, 13);
	assert_int_equal(qi.fill_waiting, 1 + 5);
	assert_int_equal(qi.tx_waiting, 2);
	assert_int_equal(qi.tx_pending, 0);
	assert_int_equal(qi.watchdog_ms, UR_WATCHDOG_MAX_MS);
	assert_int_equal(qi.tapped, 0);
	assert_int_equal(qi.kernel_tx_pending, 0);
	ur_sim_set_tx(e.port, false);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_port_queue_info(e.port, 0, &qi), 0);
	assert_int_equal(qi.rx_waiting, 13);
	assert_int_equal(qi.fill_waiting, 1);
	assert_int_equal(qi.tx_waiting, 0);
	assert_int_equal(qi.tx_pending, 2);
	assert_int_equal(qi.count.host_packets, 1);
	assert_int_equal(e.q->kernel->rx_limit, e.q->kernel->rx_tail);
	env_close(&e);
}

/* The generator's frames: all of them sound, tagged, in flows. */
static void generated(void **state)
{
	struct ur_pkt pkts[32];
	uint32_t n, i, next = 0, lap;
	struct ur_udp udp;
	struct env e;

	*state = (void *)(uintptr_t)"advanced";
	env_open_small(&e, state,
		       "gen=udp,size=1514,flows=7,count=333,vlan=0x2064,seed=9");
	for (lap = 0; lap < 30; lap++) {
		n = ur_rx_burst(e.q, pkts, 32);
		for (i = 0; i < n; i++, next++) {
			assert_int_equal(pkts[i].len, 1514);
			assert_int_equal(pkts[i].flags, UR_PKT_VLAN |
					 UR_PKT_IP_CSUM_OK | UR_PKT_L4_CSUM_OK);
			assert_int_equal(pkts[i].vlan, 0x2064);
			assert_int_equal(ur_parse_udp(pkts[i].data, pkts[i].len,
						      &udp), UR_PARSE_OK);
			assert_int_equal(udp.sport, 1024 + next % 7);
			assert_int_equal(udp.dport, 9);
			assert_int_equal(ur_csum(pkts[i].data + 14, 20), 0);
			assert_int_equal(ur_csum_udp4(udp.src, udp.dst,
					 pkts[i].data + 34, 1480), 0);
		}
		ur_rx_release(e.q, pkts, n);
		ur_sync(e.q);
	}
	assert_int_equal(next, 333);
	env_close(&e);
}

/* It is told once all came, were taken and what was written is sent. */
static void end_of_count(void **state)
{
	struct pollfd p = { .events = POLLIN };
	struct ur_pkt pkts[64];
	struct env e;

	*state = (void *)(uintptr_t)"extended";
	env_open_small(&e, state, "gen=udp,count=100");
	assert_true(ur_sim_ends(e.port));
	p.fd = ur_fd(e.q);
	assert_int_equal(ur_wait(e.q, -1), 1);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 63);
	ur_rx_release(e.q, pkts, 63);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_sync(e.q), 0);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 37);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(ur_tx_burst(e.q, pkts, 37), 37);
	assert_int_equal(ur_wait(e.q, -1), -ENODATA);
	assert_int_equal(ur_sim_sent(e.port), 37);
	assert_int_equal(ur_sync(e.q), -ENODATA);
	assert_int_equal(poll(&p, 1, 0), 0);
	/* the wire is still there */
	assert_int_equal(inject(&e, 0, 60, NULL), 0);
	assert_int_equal(ur_wait(e.q, -1), 1);
	assert_int_equal(ur_rx_burst(e.q, pkts, 64), 1);
	ur_rx_release(e.q, pkts, 1);
	assert_int_equal(ur_wait(e.q, -1), -ENODATA);
	env_close(&e);
}

static void no_end(void **state)
{
	static const char *const options[] = {
		"", "gen=udp", "gen=udp,count=0", "count=5", "loop",
		"gen=udp,count=5,loop",
	};
	struct ur_pkt pkts[64];
	struct env e;
	uint32_t n;
	size_t i;

	*state = (void *)(uintptr_t)"extended";
	for (i = 0; i < COUNT(options); i++) {
		env_open_small(&e, state, options[i]);
		assert_false(ur_sim_ends(e.port));
		n = ur_rx_burst(e.q, pkts, 64);
		ur_rx_release(e.q, pkts, n);
		assert_int_equal(ur_sync(e.q), 0);
		assert_int_equal(ur_sync(e.q), 0);
		env_close(&e);
	}
}

/* An address outside the pool is caught, whoever wrote it. */
static void bad_addresses(void **state)
{
	const uint64_t bad[] = {
		0, 0x1000, SIM_IOVA - 1, SIM_IOVA - 2048,
		SIM_IOVA + 256 * 2048,			/* the gap */
		SIM_IOVA + 256 * 2048 - 2047,		/* into it */
		SIM_IOVA + (1ULL << 40), UINT64_MAX,
	};
	uint64_t faults = 0;
	struct env e;
	size_t i;

	*state = (void *)(uintptr_t)"legacy";
	env_open_small(&e, state, "");
	for (i = 0; i < COUNT(bad); i++) {
		e.sim->nic.rx[e.sim->nic.rx_head].word[0] = cpu_to_le64(bad[i]);
		assert_int_equal(inject(&e, 0, 60, NULL), -EFAULT);
		assert_int_equal(ur_sim_faults(e.port), ++faults);
	}
	ur_queue_detach(e.q);
	ur_pool_destroy(e.pool);
	ur_port_close(e.port);
}

static void kept_frames_are_bounded(void **state)
{
	struct ur_pkt pkt;
	uint8_t frame[128];
	struct env e;
	uint32_t i;

	*state = (void *)(uintptr_t)"legacy";
	env_open_small(&e, state, "");
	for (i = 0; i < UR_SIM_KEPT_MAX + 10; i++) {
		pkt = make_pkt(&e, i, 0, 60);
		assert_int_equal(ur_tx_burst(e.q, &pkt, 1), 1);
		assert_int_equal(ur_sync(e.q), 0);
	}
	assert_int_equal(ur_sim_sent(e.port), UR_SIM_KEPT_MAX + 10);
	for (i = 0; i < UR_SIM_KEPT_MAX; i++)
		assert_int_equal(ur_sim_collect(e.port, frame, i % 3 * 10), 60);
	assert_int_equal(ur_sim_collect(e.port, frame, 128), -ENOENT);
	assert_int_equal(ur_sim_inject(e.port, frame, 0, NULL), -EMSGSIZE);
	assert_int_equal(ur_sim_inject(e.port, frame, SIM_FRAME_MAX + 1, NULL),
			 -EMSGSIZE);
	env_close(&e);
}

/* Not inline, so that what it stores is seen to be what the call writes over. */
static noinline uint64_t count(const struct ur_queue *q,
			       struct ur_counters *c)
{
	c->rx_packets = 0;
	c->syncs = 0;
	ur_queue_counters(q, c);
	return c->rx_packets + c->syncs;
}

static void counters_are_read(void **state)
{
	struct ur_counters *c = malloc(sizeof(*c));
	struct ur_pkt pkts[64];
	uint32_t i, n;
	struct env e;

	*state = (void *)(uintptr_t)"extended";
	env_open_small(&e, state, "gen=udp,count=100");
	for (i = 0; i < 10; i++) {
		n = ur_rx_burst(e.q, pkts, 64);
		ur_rx_release(e.q, pkts, n);
		ur_sync(e.q);
	}
	/* and that of attach */
	assert_int_equal(count(e.q, c), 100 + 11);
	free(c);
	env_close(&e);
}

static void sentences(void **state)
{
	/* what the library, the module and the calls between them answer with */
	static const int ours[] = {
		EACCES, EAGAIN, EBADF, EBADMSG, EBUSY, EFAULT, EINTR, EINVAL,
		EIO, EISDIR, ELOOP, EMFILE, EMSGSIZE, ENAMETOOLONG, ENETDOWN,
		ENFILE, ENOBUFS, ENODATA, ENODEV, ENOENT, ENOMEM, ENOSPC,
		ENOTCONN, ENOTDIR, ENOTTY, ENXIO, EOPNOTSUPP, EPERM, EPROTO,
		EPROTONOSUPPORT, ERANGE, EROFS, ESTALE, ETIMEDOUT,
	};
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < COUNT(ours); i++)
		if (strstr(ur_strerror(ours[i]), "no sentence"))
			fail_msg("%s", strerror(ours[i]));
	assert_non_null(strstr(ur_strerror(4000), "no sentence"));
#ifdef __GLIBC__
	/* others as the system has them */
	assert_string_equal(ur_strerror(-EXDEV), strerror(EXDEV));
#endif
	for (err = 0; err < 200; err++) {
		assert_true(strlen(ur_strerror(err)) > 5);
		assert_ptr_equal(ur_strerror(err), ur_strerror(-err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_names),
		cmocka_unit_test(bad_sizes),
		cmocka_unit_test(any_queue),
		cmocka_unit_test(info),
		cmocka_unit_test(info_of_what_waits),
		cmocka_unit_test(generated),
		cmocka_unit_test(end_of_count),
		cmocka_unit_test(no_end),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(kept_frames_are_bounded),
		cmocka_unit_test(counters_are_read),
		cmocka_unit_test(sentences),
	};

	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
