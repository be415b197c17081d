// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which addresses count for a port: of made-up interfaces, and of "lo" in a
 * network namespace of the test's own.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/addrs.h"

#define PCI	"0000:00:04.0"

static const struct ur_port_info port = {
	.ifindex = 2, .ifname = "eth1", .pci = PCI, .mac = { 2, 0, 0, 0, 0, 2 },
};

static const struct nl_link eth1 = {
	.index = 2, .name = "eth1", .device = PCI, .mac = { 2, 0, 0, 0, 0, 2 },
};

/* ------------------------------------------------------------------------
 * What lies on what
 */

static struct nl_link links[8];
static struct nl_addr addrs[8];
static struct nl_state state;

static struct nl_link *link_add(const struct nl_link *l)
{
	links[state.links] = *l;
	return &links[state.links++];
}

/* 10.0.0.N on the interface of that index. */
static void addr_add(uint32_t index, uint8_t n)
{
	addrs[state.addrs++] = (struct nl_addr){
		.link = index, .addr = { 4, 24, { 10, 0, 0, n } },
	};
}

static int begin(void **unused)
{
	(void)unused;
	state = (struct nl_state){ .link = links, .addr = addrs };
	link_add(&eth1);
	addr_add(2, 9);
	addr_add(7, 7);
	addr_add(2, 2);
	return 0;
}

/* 10.0.0.N alone, or none (0), for frames to the MAC that ends in mac. */
static void expect(uint8_t n, uint8_t mac, const char *says)
{
	struct addr_list *list = addrs_list(&state, &port);

	assert_non_null(list);
	assert_int_equal(list->n, n ? 1 : 0);
	if (n)
		assert_int_equal(list->addr[0].ip[3], n);
	assert_int_equal(list->mac[5], mac);
	if (!strstr(list->text, says))
		fail_msg("\"%s\" is not in: %s", says, list->text);
	addrs_put(list);
}

static void test_own(void **unused)
{
	struct addr_list *list = addrs_list(&state, &port);

	(void)unused;
	assert_non_null(list);
	assert_int_equal(list->n, 2);
	assert_int_equal(list->addr[0].ip[3], 2);
	assert_int_equal(list->addr[1].ip[3], 9);
	/* the order to look them up in is not that of Linux */
	assert_ptr_equal(list->primary4, &list->addr[1]);
	assert_string_equal(list->text, "");
	addrs_put(list);
}

static void test_bond(void **unused)
{
	const struct nl_link bond = {
		.index = 7, .name = "bond0", .kind = "bond", .mac = { [5] = 7 },
	};

	(void)unused;
	links[0].master = 7;
	link_add(&bond);
	expect(7, 2, "eth1 is part of bond0: the addresses of bond0 count");
	links[0].idle = true;
	expect(0, 2, "bond0, which takes no packets from it now");
}

static void test_bridge(void **unused)
{
	const struct nl_link bridge = {
		.index = 7, .name = "br0", .kind = "bridge", .mac = { [5] = 7 },
	};

	(void)unused;
	links[0].master = 7;
	link_add(&bridge);
	expect(7, 7, "eth1 is part of br0: the addresses of br0 count");
	links[1].filters_vlans = true;
	expect(0, 2, "br0, which filters by VLAN");
}

static void test_bond_in_bridge(void **unused)
{
	const struct nl_link bond = {
		.index = 5, .name = "bond0", .kind = "bond", .master = 7,
	};
	const struct nl_link bridge = {
		.index = 7, .name = "br0", .kind = "bridge", .mac = { [5] = 7 },
	};

	(void)unused;
	links[0].master = 5;
	link_add(&bond);
	link_add(&bridge);
	expect(7, 7, "bond0 is part of br0: the addresses of br0 count");
}

static void test_other_master(void **unused)
{
	const struct nl_link ovs = {
		.index = 7, .name = "ovs-system", .kind = "openvswitch",
	};

	(void)unused;
	links[0].master = 7;
	link_add(&ovs);
	expect(0, 2, "ovs-system (openvswitch): which addresses that leads to is not known");
}

static void test_vrf(void **unused)
{
	const struct nl_link vrf = { .index = 7, .name = "red", .kind = "vrf" };

	(void)unused;
	links[0].master = 7;
	link_add(&vrf);
	state.addrs = 1;
	expect(9, 2, "");
}

/* Their packets are tagged, or for another MAC address. */
static void test_uppers(void **unused)
{
	const struct nl_link vlan = {
		.index = 7, .name = "eth1.5", .kind = "vlan", .lower = 2,
	};
	const struct nl_link idle = {
		.index = 8, .name = "eth1.6", .kind = "vlan", .lower = 2,
	};
	struct addr_list *list;

	(void)unused;
	link_add(&vlan);
	link_add(&idle);
	state.addrs = 2;
	expect(9, 2, "eth1.5 (vlan on eth1) has addresses of its own: they are Linux's to answer for");
	list = addrs_list(&state, &port);
	assert_null(strstr(list->text, "eth1.6"));
	addrs_put(list);
}

static void test_elsewhere(void **unused)
{
	(void)unused;
	/* an interface of that index and name, but not this one */
	strcpy(links[0].device, "0000:00:05.0");
	expect(0, 2, "eth1 is in another network namespace");
	links[0].index = 3;
	expect(0, 2, "eth1 is in another network namespace");
}

static void test_none_yet(void **unused)
{
	(void)unused;
	state.addrs = 0;
	expect(0, 2, "eth1 has no address yet: type ip addr add ADDRESS/LENGTH dev eth1");
}

/* ------------------------------------------------------------------------
 * lo
 */

static const struct ur_port_info lo = { .ifindex = 1, .ifname = "lo" };

static struct addr_list *read_lo(void)
{
	struct addr_list *list = addrs_read(&lo);

	assert_non_null(list);
	return list;
}

static void expect_lo(uint32_t n, const uint8_t ip[16], int version, bool there)
{
	struct addr_list *list = read_lo();

	assert_int_equal(list->n, n);
	assert_int_equal(echo_addr_find(list->addr, list->n, version, ip) != NULL,
			 there);
	addrs_put(list);
}

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* Labels, and many of them; addresses that are tentative: see t_addrs of the guest. */
static void test_lo(void **unused)
{
	static const uint8_t labelled[16] = { 10, 1, 1, 1 }, last[16] = { 10, 2, 0, 200 };
	static const uint8_t sure[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };

	(void)unused;
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		fail_msg("no network namespace: %s", strerror(errno));
	run("ip addr add 10.1.1.1/24 label lo:dns dev lo");
	expect_lo(1, labelled, 4, true);
	run("for i in $(seq 200); do echo addr add 10.2.0.$i/24 dev lo; done | ip -batch -");
	expect_lo(201, last, 4, true);
	run("ip addr flush dev lo");
	run("ip addr add 2001:db8::2/64 dev lo");
	expect_lo(1, sure, 6, true);
}

/* A change is taken without anybody asking the kernel for it. */
static void test_watch(void **unused)
{
	static struct app app = { .name = "test", .device = "lo" };
	struct addr_list *held = NULL;
	struct echo_cfg cfg = { 0 };
	struct addrs *a;
	int i;

	(void)unused;
	assert_int_equal(ur_port_open(&app.port, "sim:", NULL), 0);
	assert_int_equal(addrs_open(&a, &app), 0);
	assert_null(a);
	addrs_take(a, &held, &cfg);
	assert_true(cfg.any_addr);

	/* a port of the module: its ioctl is the test's */
	app.info = lo;
	assert_int_equal(addrs_open(&a, &app), 0);
	assert_non_null(a);
	assert_true(addrs_changed(a, held));
	addrs_take(a, &held, &cfg);
	assert_false(cfg.any_addr);
	assert_false(addrs_changed(a, held));
	run("ip addr flush dev lo; ip addr add 10.3.0.1/24 dev lo");
	for (i = 0; i < 500; i++) {
		if (addrs_changed(a, held))
			addrs_take(a, &held, &cfg);
		if (cfg.n_addrs == 1 && cfg.addrs[0].ip[1] == 3)
			break;
		usleep(10000);
	}
	assert_int_equal(cfg.n_addrs, 1);
	assert_non_null(cfg.primary4);
	addrs_close(a);
	addrs_put(held);
	ur_port_close(app.port);
}

/* What the module would say of a port that is "lo". */
int __wrap_ur_port_info(struct ur_port *p, struct ur_port_info *info);

int __wrap_ur_port_info(struct ur_port *p, struct ur_port_info *info)
{
	(void)p;
	*info = lo;
	return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, begin)
	const struct CMUnitTest tests[] = {
		TEST(test_own),
		TEST(test_bond),
		TEST(test_bridge),
		TEST(test_bond_in_bridge),
		TEST(test_other_master),
		TEST(test_vrf),
		TEST(test_uppers),
		TEST(test_elsewhere),
		TEST(test_none_yet),
		TEST(test_lo),
		TEST(test_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
