// SPDX-License-Identifier: GPL-2.0-only
/*
 * urecho answers for the addresses that Linux has on the port, wherever those are:
 * on the port, on the bond or bridge that it is part of; and says so where it
 * cannot. The host's stack asks 10.0.2.15.
 */
#include "apps.h"
#include "net.h"

#define ADDRESS	"10.0.2.15/24"

/* A command, of the shell; "/bin/ip", because the shell has a smaller one of its own. */
__attribute__((format(printf, 1, 2)))
static int sh(const char *fmt, ...)
{
	char command[512];
	va_list ap;
	int ret;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	fflush(NULL);
	ret = system(command);
	if (ret)
		printf("# %d: %s\n", ret, command);
	return ret;
}

static bool start(FIXTURE_DATA(apps) *self)
{
	return app_start(&self->app, "urecho --json %s", self->other.netdev) &&
	       wait_attached(&self->other, &self->app);
}

/* It says so, sooner or later. */
__attribute__((format(printf, 2, 3)))
static bool will_say(const struct app *app, const char *fmt, ...)
{
	int64_t end = now_ms() + at_most_ms(5000);
	char words[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	while (!strstr(slurp(app->err, NULL), words)) {
		if (now_ms() > end)
			return says(app->err, "%s", words);
		sleep_ms(20);
	}
	return true;
}

/* Datagrams come back, all of them by urecho. */
static bool serves(struct app *app, int count)
{
	const char *total;

	if (!echoed(count, 100, 4) || !app_ends(app, SIGINT, 0))
		return false;
	total = slurp(app->out, NULL);
	if (json_valid(total) && json_int(total, "verdicts.udp") == count)
		return true;
	printf("# not %d: %s\n", count, total);
	return false;
}

/* The port is as it was, whatever a test has made of it. */
static void restore(FIXTURE_DATA(apps) *self)
{
	app_kill(&self->app);
	sh("/bin/ip link del bond0 2>/dev/null; /bin/ip link del br0 2>/dev/null; /bin/ip link del v5 2>/dev/null; "
	   "/bin/ip link del m1 2>/dev/null; /bin/ip addr flush dev %s; /bin/ip link set %s nomaster; "
	   "/bin/ip link set %s up; true",
	   self->other.netdev, self->other.netdev, self->other.netdev);
}

TEST_F(apps, added_later)
{
	const char *eth = self->other.netdev;

	restore(self);
	ASSERT_TRUE(start(self));
	EXPECT_TRUE(will_say(&self->app, " has no address yet: type ip addr add"));
	/* with a label, as the last of more than a claim has room for, in whichever order */
	ASSERT_EQ(0, sh("for i in $(seq 100); do echo addr add 10.0.1.$i/24 dev %s; done >/tmp/batch; "
			"/bin/ip -batch /tmp/batch && /bin/ip addr add " ADDRESS " label %s:x dev %s",
			eth, eth, eth));
	EXPECT_LT(0, net_ping(HOST, 56, 10000));
	/* it waits for changes to settle, and says nothing when it has them */
	sleep_ms(at_most_ms(500));
	EXPECT_TRUE(serves(&self->app, 200));
	restore(self);
}

TEST_F(apps, bond)
{
	const char *eth = self->other.netdev;

	restore(self);
	ASSERT_EQ(0, sh("modprobe bonding max_bonds=0; /bin/ip link set %s down; "
			"/bin/ip link add bond0 type bond mode active-backup miimon 100 && "
			"/bin/ip link set %s master bond0 && /bin/ip addr add " ADDRESS " dev bond0 && "
			"/bin/ip link set bond0 up", eth, eth));
	EXPECT_LT(0, net_ping(HOST, 56, 10000));
	ASSERT_TRUE(start(self));
	EXPECT_TRUE(will_say(&self->app, "is part of bond0: the addresses of bond0 count"));
	/* the host's stack may ask for us first */
	EXPECT_LT(0, net_ping(HOST, 56, 10000));
	EXPECT_TRUE(serves(&self->app, 200));

	ASSERT_TRUE(app_start(&self->app, "urecho bond0"));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	EXPECT_TRUE(says(self->app.err, "bond0 is no NIC; it lies on %s: name one of these", eth));
	ASSERT_TRUE(app_start(&self->app, "urctl doctor %s", eth));
	app_ends(&self->app, 0, 0);
	EXPECT_TRUE(says(self->app.out, "%s is part of bond0: the addresses of bond0 count", eth));
	restore(self);
}

/* Its MAC address is the bridge's own; it comes and goes while urecho runs. */
TEST_F(apps, bridge)
{
	const char *eth = self->other.netdev;

	restore(self);
	ASSERT_EQ(0, sh("modprobe bridge; /bin/ip link add br0 type bridge forward_delay 0 && "
			"/bin/ip link set br0 address 02:00:00:00:77:01 && "
			"/bin/ip addr add " ADDRESS " dev br0 && /bin/ip link set br0 up"));
	ASSERT_TRUE(start(self));
	ASSERT_EQ(0, sh("/bin/ip link set %s master br0", eth));
	EXPECT_TRUE(will_say(&self->app, "is part of br0: the addresses of br0 count"));
	EXPECT_LT(0, net_ping(HOST, 56, 10000));
	EXPECT_TRUE(serves(&self->app, 200));
	restore(self);
}

TEST_F(apps, vlan_and_macvlan)
{
	const char *eth = self->other.netdev;

	restore(self);
	ASSERT_EQ(0, sh("modprobe 8021q; modprobe macvlan; /bin/ip addr add " ADDRESS " dev %s && "
			"/bin/ip link add v5 link %s type vlan id 5 && /bin/ip addr add 10.5.0.1/24 dev v5 && "
			"/bin/ip link add m1 link %s type macvlan && /bin/ip addr add 10.6.0.1/24 dev m1",
			eth, eth, eth));
	ASSERT_TRUE(start(self));
	EXPECT_TRUE(will_say(&self->app, "v5 (vlan on %s) has addresses of its own: they are Linux's to answer for", eth));
	EXPECT_TRUE(will_say(&self->app, "m1 (macvlan on %s) has addresses of its own", eth));
	/* the host's stack hears by which MAC address */
	EXPECT_LT(0, net_ping(HOST, 56, 10000));
	EXPECT_TRUE(serves(&self->app, 200));
	restore(self);
}

/* An interface of the same name in the namespace of the process is another one. */
TEST_F(apps, another_namespace)
{
	const char *eth = self->other.netdev;
	pid_t pid;

	restore(self);
	ASSERT_EQ(0, sh("/bin/ip addr add " ADDRESS " dev %s", eth));
	pid = spawn();
	if (!pid) {
		execlp("unshare", "unshare", "-n", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	ASSERT_TRUE(start(self));
	sleep_ms(300);
	ASSERT_EQ(0, sh("/bin/ip link set %s netns %d", eth, pid));
	EXPECT_TRUE(will_say(&self->app, "is in another network namespace, and so are its addresses"));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	kill(pid, SIGKILL);
	finish(pid, 5000);
	/* an interface of hardware comes back when its namespace ends */
	for (int i = 0; i < 500 && !if_nametoindex(eth); i++)
		sleep_ms(10);
	ASSERT_NE(0, if_nametoindex(eth));
	restore(self);
}

/* RFC 4862: nobody answers for an address that another host may have. */
TEST_F(apps, tentative)
{
	const char *eth = self->other.netdev;

	restore(self);
	ASSERT_EQ(0, sh("echo 0 >/proc/sys/net/ipv6/conf/%s/disable_ipv6; "
			"echo 50 >/proc/sys/net/ipv6/conf/%s/dad_transmits; "
			"/bin/ip addr flush dev %s; /bin/ip addr add fec0::15/64 dev %s", eth, eth, eth, eth));
	ASSERT_TRUE(start(self));
	EXPECT_TRUE(will_say(&self->app, " has no address yet"));
	ASSERT_EQ(0, sh("echo 1 >/proc/sys/net/ipv6/conf/%s/dad_transmits; /bin/ip addr flush dev %s; "
			"/bin/ip addr add fec0::15/64 nodad dev %s", eth, eth, eth));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
	ASSERT_TRUE(start(self));
	sleep_ms(500);
	EXPECT_EQ(NULL, strstr(slurp(self->app.err, NULL), "has no address yet"));
	sh("echo 1 >/proc/sys/net/ipv6/conf/%s/disable_ipv6", eth);
	restore(self);
}

TEST_HARNESS_MAIN
