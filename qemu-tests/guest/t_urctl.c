// SPDX-License-Identifier: GPL-2.0-only
/* urctl: what it says of the ports and what is wrong with them; moves between drivers. */
#include "apps.h"

/* Where in "ports" the port is, -1 if it is not. */
static int port_index(const char *status, const struct port *port)
{
	char path[32];
	const char *p;

	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "ports.%d.pci", i);
		p = json_at(status, path);
		if (!p)
			break;
		if (!strncmp(p + 1, port->pci, strlen(port->pci)))
			return i;
	}
	return -1;
}

TEST_F(apps, urctl_status)
{
	char path[64];
	const char *status;
	int i;

	ASSERT_TRUE(app_start(&self->app, "urecho --period 5000 --rx-size 256 --ip 10.0.2.15 %s",
			      self->other.netdev));
	ASSERT_TRUE(wait_attached(&self->other, &self->app));
	ASSERT_TRUE(app_start(&self->second, "urctl --json"));
	ASSERT_TRUE(app_ends(&self->second, 0, 0));
	status = slurp(self->second.out, NULL);
	ASSERT_TRUE(json_valid(status));
	EXPECT_EQ(NULL, json_at(status, "ports.2"));

	i = port_index(status, &self->other);
	ASSERT_GE(i, 0);
#define AT(name) (snprintf(path, sizeof(path), "ports.%d." name, i), path)
	EXPECT_TRUE(json_is(status, AT("node"), self->other.node + 5));
	EXPECT_TRUE(json_is(status, AT("ifname"), self->other.netdev));
	EXPECT_TRUE(json_is(status, AT("queues.0.consumer"), "process"));
	EXPECT_EQ(self->app.pid, json_int(status, AT("queues.0.pid")));
	EXPECT_TRUE(json_is(status, AT("queues.0.comm"), "urecho"));
	EXPECT_TRUE(json_is(status, AT("queues.0.state"), "attached"));
	EXPECT_EQ(256, json_int(status, AT("queues.0.rx_size")));
	EXPECT_EQ(1024, json_int(status, AT("queues.0.tx_size")));
	EXPECT_EQ(255, json_int(status, AT("queues.0.rx_posted")));
	EXPECT_EQ(5000, json_int(status, AT("queues.0.sync_period_us")));
	EXPECT_EQ(NULL, json_at(status, AT("queues.1")));
	i = port_index(status, &self->port);
	ASSERT_GE(i, 0);
	EXPECT_TRUE(json_is(status, AT("node"), self->port.node + 5));
	EXPECT_TRUE(json_is(status, AT("ifname"), self->port.netdev));
	EXPECT_TRUE(json_is(status, AT("queues.0.consumer"), "kernel"));
	EXPECT_EQ(NULL, json_at(status, AT("queues.0.pid")));
#undef AT

	/* what the NIC counted; nothing binds it at boot */
	ASSERT_TRUE(app_start(&self->second, "urctl show -j %s", self->port.netdev));
	ASSERT_TRUE(app_ends(&self->second, 0, 0));
	status = slurp(self->second.out, NULL);
	ASSERT_TRUE(json_valid(status));
	EXPECT_EQ(ethtool_stat(self->port.netdev, "rx_missed"), json_int(status, "ports.0.hardware.rx_missed"));
	EXPECT_EQ(0, json_int(status, "ports.0.hardware.watchdog"));
	EXPECT_EQ(0, strncmp("false", json_at(status, "ports.0.persistent"), 5));

	/* a line each */
	ASSERT_TRUE(app_start(&self->second, "urctl -br"));
	ASSERT_TRUE(app_ends(&self->second, 0, 0));
	EXPECT_TRUE(says(self->second.out, "%-16s UP          %-11s userring  0:urecho[%d]\n", self->other.netdev,
		 self->other.node + 5, self->app.pid));
	EXPECT_TRUE(says(self->second.out, "%-16s UP          %-11s userring  0:kernel\n", self->port.netdev,
		 self->port.node + 5));

	/* a queue that is not there */
	ASSERT_TRUE(app_start(&self->second, "urdump %s@99", self->port.netdev));
	ASSERT_TRUE(app_ends(&self->second, 0, 1));
	EXPECT_TRUE(says(self->second.err, "%s has no queue 99: it has 1 queue, 0", self->port.netdev));

	/* in words, and only the one */
	ASSERT_TRUE(app_start(&self->second, "urctl status %s", self->other.netdev));
	ASSERT_TRUE(app_ends(&self->second, 0, 0));
	EXPECT_TRUE(says(self->second.out, "queue 0: process %d (urecho), attached, sync period 5000 us, watchdog 2000 ms\n",
		 self->app.pid));
	EXPECT_EQ(NULL, strstr(slurp(self->second.out, NULL), self->port.pci));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
}

/* ------------------------------------------------------------------------
 * top
 */

/* The whole lines that top has written so far; NULL behind the last one. */
static int top_lines(const struct app *app, char **line, int room)
{
	char *text = slurp(app->out, NULL), *end;
	int n = 0;

	for (; n < room && (end = strchr(text, '\n')); text = end + 1) {
		*end = '\0';
		line[n++] = text;
	}
	return n;
}

/* Waits for a line, from number @from on, that has these words. */
static int top_says(const struct app *app, int from, const char *words)
{
	int64_t end = now_ms() + at_most_ms(5000);
	char *line[256];
	int n;

	do {
		n = top_lines(app, line, ARRAY_SIZE(line));
		for (int i = from; i < n; i++)
			if (strstr(line[i], words))
				return i;
		sleep_ms(20);
	} while (now_ms() < end);
	printf("# top does not say \"%s\" in: %s\n", words, slurp(app->out, NULL));
	return -1;
}

TEST_F(apps, urctl_top)
{
	int64_t end = now_ms() + at_most_ms(15000);
	char *line[64], path[64];
	int n, i, port;
	double most = 0, rate;

	ASSERT_TRUE(app_start(&self->app, "urdump -q --rx-size 256 %s", self->port.netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	ASSERT_TRUE(app_start(&self->second, "urctl top --json --interval 0.4"));
	ASSERT_GE(top_says(&self->second, 0, "\"ports\""), 0);
	ASSERT_EQ(0, far_send("count=1000 rate=2000"));
	/* however long it takes: until all have come, and no more do */
#define AT(name) (snprintf(path, sizeof(path), "ports.%d." name, port), path)
	do {
		ASSERT_LT(now_ms(), end);
		sleep_ms(100);
		n = top_lines(&self->second, line, ARRAY_SIZE(line));
		port = port_index(line[n - 1], &self->port);
		ASSERT_GE(port, 0);
	} while (json_int(line[n - 1], AT("queues.0.rx_packets")) != 1000 ||
		 json_int(line[n - 1], AT("queues.0.rates.rx_pps")) != 0);
	EXPECT_TRUE(app_ends(&self->second, SIGINT, 0));
	for (i = 0; i < n; i++) {
		ASSERT_TRUE(json_valid(line[i]));
		port = port_index(line[i], &self->port);
		ASSERT_GE(port, 0);
		EXPECT_TRUE(json_is(line[i], AT("ifname"), self->port.netdev));
		EXPECT_TRUE(json_is(line[i], AT("queues.0.comm"), "urdump"));
		EXPECT_EQ(self->app.pid, json_int(line[i], AT("queues.0.pid")));
		EXPECT_EQ(256, json_int(line[i], AT("queues.0.rx_size")));
		rate = strtod(json_at(line[i], AT("queues.0.rates.rx_pps")), NULL);
		if (rate > most)
			most = rate;
	}
	printf("# at most %.0f packets a second\n", most);
	EXPECT_GT(most, 300);
	EXPECT_LT(most, 2600);
	EXPECT_EQ(ethtool_stat(self->port.netdev, "rx_missed"),
		  json_int(line[n - 1], AT("hardware.rx_missed")));
	/* the other one is the kernel's */
	port = port_index(line[0], &self->other);
	ASSERT_GE(port, 0);
	EXPECT_TRUE(json_is(line[0], AT("queues.0.consumer"), "kernel"));
#undef AT

	/* so many and no more */
	ASSERT_TRUE(app_start(&self->second, "urctl top --json --interval 0.1 --count 3"));
	ASSERT_TRUE(app_ends(&self->second, 0, 0));
	EXPECT_EQ(3, top_lines(&self->second, line, ARRAY_SIZE(line)));

	/* a line a queue, where no terminal is */
	ASSERT_TRUE(app_start(&self->second, "urctl top --count 1 --interval 0.1 %s",
			      self->port.netdev));
	ASSERT_TRUE(app_ends(&self->second, 0, 0));
	EXPECT_TRUE(says(self->second.out, " %s q0 urdump[%d] attached, 1000 Mb/s; rx 0 pps ",
		 self->port.netdev, self->app.pid));
	EXPECT_EQ(1, top_lines(&self->second, line, ARRAY_SIZE(line)));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));
}

/* Names, consumers and whole ports change under its eyes; the module can go. */
TEST_F(apps, urctl_top_goes_on)
{
	char words[64];
	int at;

	ASSERT_TRUE(app_start(&self->second, "urctl top --json --interval 0.1"));
	ASSERT_TRUE(app_start(&self->app, "urdump -q %s", self->port.netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	snprintf(words, sizeof(words), "\"pid\": %d,", self->app.pid);
	ASSERT_GE(at = top_says(&self->second, 0, words), 0);
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));

	ASSERT_EQ(0, if_flags(self->port.netdev, 0, IFF_UP));
	ASSERT_EQ(0, run(NULL, 0, "/bin/ip link set %s name wan7", self->port.netdev));
	EXPECT_GE(at = top_says(&self->second, at, "\"ifname\": \"wan7\""), 0);
	ASSERT_EQ(0, run(NULL, 0, "/bin/ip link set wan7 name %s", self->port.netdev));

	/* it may just be looking */
	for (int i = 0; i < 50 && run(NULL, 0, "rmmod userring"); i++)
		sleep_ms(10);
	EXPECT_GE(at = top_says(&self->second, at, "\"ports\": []"), 0);
	ASSERT_EQ(0, run(NULL, 0, "insmod /lib/userring.ko"));
	EXPECT_GE(top_says(&self->second, at, "\"node\": \"userring1\""), 0);
	EXPECT_TRUE(app_ends(&self->second, SIGINT, 0));
	ASSERT_EQ(0, port_find(&self->other, "nic1"));
	ASSERT_EQ(0, port_up(&self->other));
}

/* Who may only read the node sees all of it, and cannot have the queue. */
TEST_F(apps, urctl_top_reads)
{
	const char *commands[] = { "exec urctl top --count 1 --interval 0.1 >/tmp/ro0 2>&1",
				   "exec urdump -c 1 /dev/userring0 >/tmp/ro1 2>&1" };
	pid_t pid;

	ASSERT_EQ(0, run(NULL, 0, "chmod 644 /dev/userring0 /dev/userring1"));
	for (int i = 0; i < 2; i++) {
		pid = spawn();
		if (!pid) {
			if (!setuid(65534))
				execl("/bin/sh", "sh", "-c", commands[i], NULL);
			_exit(127);
		}
		EXPECT_EQ(i, finish(pid, 5000));
	}
	EXPECT_TRUE(says("/tmp/ro0", " %s q0 kernel, 1000 Mb/s; rx 0 pps", self->port.netdev));
	EXPECT_TRUE(says("/tmp/ro0", " %s q0 kernel, 1000 Mb/s;", self->other.netdev));
	EXPECT_TRUE(says("/tmp/ro1", "permission denied"));
	ASSERT_EQ(0, run(NULL, 0, "chmod 600 /dev/userring0 /dev/userring1"));
}

/* ------------------------------------------------------------------------
 * doctor
 */

TEST_F(apps, urctl_doctor)
{
	const bool iommu = !strcmp(boot_option("iommu"), "on");
	struct port *ports[] = { &self->port, &self->other };
	const char *found;

	ASSERT_TRUE(app_start(&self->app, "urctl doctor"));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	EXPECT_TRUE(says(self->app.out, "\nno problem\n"));
	EXPECT_EQ(NULL, strstr(slurp(self->app.out, NULL), "PROBLEM"));
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(says(self->app.out, " %s belongs to userring: %s, %s\n", ports[i]->pci,
			 ports[i]->netdev, ports[i]->node));
		EXPECT_TRUE(says(self->app.out, "ok       you may open %s, and it speaks contract %d\n",
			 ports[i]->node, UR_ABI_VERSION));
		EXPECT_TRUE(says(self->app.out, "ok       %s is up and has a link\n",
			 ports[i]->netdev));
		EXPECT_TRUE(says(self->app.out, iommu ? "ok       %s is behind an IOMMU" :
			 "note     %s is not behind an IOMMU", ports[i]->pci));
	}
	ASSERT_TRUE(app_start(&self->app, "urctl doctor --json"));
	EXPECT_TRUE(app_ends(&self->app, 0, 0));
	found = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(found));
	EXPECT_EQ(0, json_int(found, "problems"));

	/* down, and without a cable */
	ASSERT_EQ(0, if_flags(self->other.netdev, 0, IFF_UP));
	ASSERT_TRUE(app_start(&self->app, "urctl doctor"));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	EXPECT_TRUE(says(self->app.out, "PROBLEM  %s is down\n         type: sudo ip link set %s up\n",
		 self->other.netdev, self->other.netdev));
	EXPECT_TRUE(says(self->app.out, "\n1 problem\n"));
	ASSERT_EQ(0, port_up(&self->other));
	ASSERT_EQ(0, far(NULL, 0, "link 1 off"));
	EXPECT_GE(wait_carrier(self->other.netdev, 0, 5000), 0);
	ASSERT_TRUE(app_start(&self->app, "urctl doctor --json %s", self->other.pci));
	EXPECT_TRUE(app_ends(&self->app, 0, 1));
	ASSERT_EQ(0, far(NULL, 0, "link 1 on"));
	EXPECT_GE(wait_carrier(self->other.netdev, 1, 5000), 0);
	found = slurp(self->app.out, NULL);
	ASSERT_TRUE(json_valid(found));
	EXPECT_EQ(1, json_int(found, "problems"));
	EXPECT_NE(NULL, strstr(found, "is up, but has no link"));
}

/* A process that stands still, one that gives nothing back, one that lost its queue. */
TEST_F(apps, urctl_doctor_of_a_process)
{
	struct ur_queue_opts opts = { .size = sizeof(opts), .rx_size = 64,
				      .flags = UR_QUEUE_NO_FILL };
	struct ur_error err = { "" };
	struct ur_port *port;
	struct ur_pool *pool;
	struct ur_queue *q;

	ASSERT_TRUE(app_start(&self->app, "urdump -q %s", self->port.netdev));
	ASSERT_TRUE(wait_attached(&self->port, &self->app));
	ASSERT_TRUE(app_start(&self->second, "urctl doctor %s", self->port.netdev));
	EXPECT_TRUE(app_ends(&self->second, 0, 0));
	EXPECT_TRUE(says(self->second.out, "process %d (urdump) has queue 0 of %s: its packets are",
		 self->app.pid, self->port.netdev));
	EXPECT_TRUE(says(self->second.out, "%s took no frame in ", self->port.netdev));
	EXPECT_EQ(0, kill(self->app.pid, SIGSTOP));
	ASSERT_EQ(0, far_send("count=5"));
	ASSERT_EQ(0, far_wait_sent(5000));
	ASSERT_TRUE(app_start(&self->second, "urctl doctor %s", self->port.netdev));
	EXPECT_TRUE(app_ends(&self->second, 0, 1));
	EXPECT_TRUE(says(self->second.out, "PROBLEM  process %d (urdump) hangs: 5 packets wait in queue 0",
		 self->app.pid));
	EXPECT_TRUE(says(self->second.out, "type: sudo kill -9 %d\n", self->app.pid));
	EXPECT_EQ(0, kill(self->app.pid, SIGCONT));
	EXPECT_TRUE(app_ends(&self->app, SIGINT, 0));

	ASSERT_EQ(0, ur_port_open(&port, self->port.netdev, &err));
	ASSERT_EQ(0, ur_pool_create(&pool, port, NULL, &err));
	ASSERT_EQ(0, ur_queue_attach(&q, port, pool, &opts, &err));
	ASSERT_TRUE(app_start(&self->second, "urctl doctor %s", self->port.netdev));
	EXPECT_TRUE(app_ends(&self->second, 0, 1));
	EXPECT_TRUE(says(self->second.out, "PROBLEM  process %d (t_urctl) gives no buffers to queue 0",
		 getpid()));
	ur_queue_detach(q);

	opts.flags = 0;
	opts.watchdog_ms = 50;
	ASSERT_EQ(0, ur_queue_attach(&q, port, pool, &opts, &err));
	ASSERT_EQ(getpid(), holder(&self->port));
	ASSERT_EQ(0, far_send("count=5"));
	for (int i = 0; i < 200 && holder(&self->port); i++)
		sleep_ms(10);
	EXPECT_EQ(UR_STATE_TAKEN, ur_queue_state(q));
	ur_queue_detach(q);
	ur_pool_destroy(pool);
	ur_port_close(port);
	ASSERT_TRUE(app_start(&self->second, "urctl doctor %s", self->port.netdev));
	EXPECT_TRUE(app_ends(&self->second, 0, 0));
	EXPECT_TRUE(says(self->second.out, "the watchdog took a queue of %s back from a process",
		 self->port.netdev));
}

static const char *stock(void)
{
	return nic_family();
}

/* Runs urctl, which ends with exit code @want. */
__attribute__((format(printf, 3, 4)))
static bool urctl(struct app *app, int want, const char *fmt, ...)
{
	char args[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	return app_start(app, "urctl %s", args) && app_ends(app, 0, want);
}

static bool driver_is(const struct port *port, const char *want)
{
	char driver[32];

	driver_of(port->pci, driver, sizeof(driver));
	return !strcmp(driver, want);
}

/* To the stock driver and back, by each name; nothing that is in use. */
TEST_F_TIMEOUT(apps, urctl_moves, 60)
{
	struct port *port = &self->port;
	struct app *app = &self->app;
	char text[512];

	EXPECT_TRUE(urctl(app, 1, "unbind %s", port->netdev));
	EXPECT_TRUE(says(app->err, "the stock driver of %s is not loaded: sudo modprobe %s",
		 port->netdev, stock()));
	ASSERT_EQ(0, run(text, sizeof(text), "modprobe %s", stock())) {
		TH_LOG("%s", text);
	}
	ASSERT_TRUE(driver_is(port, "userring"));

	/* a process has it */
	ASSERT_TRUE(app_start(&self->second, "urdump --json %s", port->netdev));
	ASSERT_TRUE(wait_attached(port, &self->second));
	EXPECT_TRUE(urctl(app, 1, "unbind %s", port->netdev));
	EXPECT_TRUE(says(app->err, "process %d (urdump) has a queue of %s; stop it first, or --force",
		 self->second.pid, port->netdev));
	EXPECT_TRUE(driver_is(port, "userring"));
	EXPECT_EQ(self->second.pid, holder(port));
	EXPECT_TRUE(app_ends(&self->second, SIGINT, 0));

	/* an address */
	ASSERT_EQ(0, port_addr(port, "10.99.0.2/24", true));
	EXPECT_TRUE(urctl(app, 1, "unbind %s", port->netdev));
	EXPECT_TRUE(says(app->err, "%s is up and has the address 10.99.0.2; moving it would cut that",
		 port->netdev));
	EXPECT_TRUE(driver_is(port, "userring"));
	ASSERT_TRUE(urctl(app, 0, "unbind --force %s", port->netdev));
	EXPECT_TRUE(driver_is(port, stock()));
	EXPECT_TRUE(driver_is(&self->other, "userring"));
	ASSERT_EQ(0, netdev_of_pci(port->pci, port->netdev, sizeof(port->netdev)));
	EXPECT_TRUE(says(app->out, "%s moved from userring to %s: interface %s\n", port->pci,
		 stock(), port->netdev));
	EXPECT_EQ(-1, access(port->node, F_OK));
	ASSERT_EQ(0, port_up(port));
	EXPECT_TRUE(kernel_hears(port));

	/* the stock driver's, as others see it */
	ASSERT_TRUE(app_start(app, "urdump %s", port->netdev));
	EXPECT_TRUE(app_ends(app, 0, 1));
	EXPECT_TRUE(says(app->err, "%s is driven by %s, not by userring: type urctl bind %s\n",
		 port->netdev, stock(), port->netdev));
	EXPECT_TRUE(urctl(app, 1, "status %s", port->netdev));
	EXPECT_TRUE(says(app->err, "not to userring: sudo urctl bind"));

	/* back: not with an address, unless one insists */
	ASSERT_EQ(0, port_addr(port, "10.99.0.2/24", true));
	EXPECT_TRUE(urctl(app, 1, "bind %s", port->netdev));
	EXPECT_TRUE(says(app->err, "%s is up and has the address 10.99.0.2; moving it would cut that",
		 port->netdev));
	EXPECT_TRUE(driver_is(port, stock()));
	ASSERT_TRUE(urctl(app, 0, "bind --force %s", port->netdev));
	ASSERT_TRUE(driver_is(port, "userring"));
	ASSERT_EQ(0, port_find(port, "nic0"));
	EXPECT_TRUE(says(app->out, "%s moved from %s to userring: interface %s, node %s\n",
		 port->pci, stock(), port->netdev, port->node));
	ASSERT_EQ(0, read_line(text, sizeof(text), "/sys/bus/pci/devices/%s/driver_override",
			       port->pci));
	EXPECT_STREQ("userring", text);

	/* once more, by node and by PCI address, with nothing to force */
	ASSERT_TRUE(urctl(app, 0, "unbind %s", port->node));
	EXPECT_TRUE(driver_is(port, stock()));
	ASSERT_EQ(0, read_line(text, sizeof(text), "/sys/bus/pci/devices/%s/driver_override",
			       port->pci));
	EXPECT_STREQ("(null)", text);
	ASSERT_TRUE(urctl(app, 0, "bind %s", port->pci));
	EXPECT_TRUE(driver_is(port, "userring"));
	EXPECT_TRUE(urctl(app, 0, "bind %s", port->pci));
	EXPECT_TRUE(says(app->out, "belongs to userring already"));
	ASSERT_EQ(0, port_find(port, "nic0"));
	ASSERT_EQ(0, port_up(port));

	/* and it works */
	ASSERT_TRUE(app_start(app, "urdump -c 10 %s", port->netdev));
	ASSERT_TRUE(wait_attached(port, app));
	ASSERT_EQ(0, far_send("count=10"));
	EXPECT_TRUE(app_ends(app, 0, 0));

	/* taken away from a process by force: it says so and ends */
	ASSERT_TRUE(app_start(&self->second, "urdump --json %s", port->netdev));
	ASSERT_TRUE(wait_attached(port, &self->second));
	ASSERT_TRUE(urctl(app, 0, "unbind --force %s", port->netdev));
	EXPECT_TRUE(driver_is(port, stock()));
	EXPECT_TRUE(app_ends(&self->second, 0, 1));
	EXPECT_TRUE(says(self->second.err, "urdump: %s is gone\n", port->netdev));
	ASSERT_TRUE(urctl(app, 0, "bind %s", port->pci));
	EXPECT_TRUE(driver_is(port, "userring"));
	EXPECT_EQ(0, run(NULL, 0, "rmmod %s", stock()));
	write_line("\n", "/sys/bus/pci/devices/%s/driver_override", port->pci);
}

/*
 * The module is loaded for the one NIC that is bound: what waits for its stock driver
 * stays without one.
 */
TEST_F(apps, urctl_loads_the_module)
{
	struct port *port = &self->port, *other = &self->other;
	struct app *app = &self->app;
	char text[512];

	ASSERT_EQ(0, run(text, sizeof(text), "rmmod userring")) {
		TH_LOG("%s", text);
	}
	EXPECT_TRUE(urctl(app, 1, "bind %s", port->pci));
	EXPECT_TRUE(says(app->err, "the module userring is not loaded, and not installed for this kernel, "));
	EXPECT_TRUE(says(app->err, "; urctl doctor says what to type\n"));
	ASSERT_EQ(0, run(text, sizeof(text),
			 "d=/lib/modules/$(uname -r) && mkdir -p $d/updates && cp /lib/userring.ko $d/updates && "
			 "ln -sf /bin/kmod /tmp/depmod && /tmp/depmod")) {
		TH_LOG("%s", text);
	}
	EXPECT_TRUE(urctl(app, 1, "doctor"));
	EXPECT_TRUE(says(app->out, "the module userring is installed, but not loaded"));
	/* what is to last cannot, without systemd: then nothing is done */
	EXPECT_TRUE(urctl(app, 1, "bind --persist %s", port->pci));
	EXPECT_TRUE(says(app->err, "--persist needs systemd, which does not run here"));
	EXPECT_TRUE(driver_is(port, ""));

	ASSERT_TRUE(urctl(app, 0, "bind %s", port->pci + strlen("0000:")));
	EXPECT_TRUE(driver_is(port, "userring"));
	EXPECT_TRUE(driver_is(other, ""));
	ASSERT_EQ(0, read_line(text, sizeof(text), "/sys/bus/pci/devices/%s/driver_override", other->pci));
	EXPECT_STREQ("(null)", text);

	EXPECT_EQ(0, run(NULL, 0, "rm /lib/modules/$(uname -r)/updates/userring.ko && /tmp/depmod"));
	write_line("\n", "/sys/bus/pci/devices/%s/driver_override", port->pci);
	ASSERT_EQ(0, write_line(other->pci, "/sys/bus/pci/drivers_probe"));
	ASSERT_EQ(0, port_find(port, "nic0"));
	ASSERT_EQ(0, port_find(other, "nic1"));
	ASSERT_EQ(0, port_up(port));
	ASSERT_EQ(0, port_up(other));
}

/* A default route is not cut unless one insists; what the sentence says is another way. */
TEST_F(apps, urctl_default_route)
{
	struct port *port = &self->port;
	char text[512];

	ASSERT_EQ(0, run(text, sizeof(text), "/bin/ip route add default dev %s", port->netdev)) {
		TH_LOG("%s", text);
	}
	EXPECT_EQ(0, run(NULL, 0, "modprobe %s", stock()));
	EXPECT_TRUE(urctl(&self->app, 1, "unbind %s", port->netdev));
	EXPECT_TRUE(says(self->app.err, "%s carries the default route of this machine; moving it would cut that: "
		 "type ip link set %s down first, or give --force\n", port->netdev, port->netdev));
	ASSERT_EQ(0, run(NULL, 0, "/bin/ip link set %s down", port->netdev));
	ASSERT_TRUE(urctl(&self->app, 0, "unbind %s", port->netdev));
	EXPECT_TRUE(driver_is(port, stock()));
	ASSERT_TRUE(urctl(&self->app, 0, "bind %s", port->pci));
	ASSERT_EQ(0, port_find(port, "nic0"));
	ASSERT_EQ(0, port_up(port));
	EXPECT_EQ(0, run(NULL, 0, "rmmod %s", stock()));
	write_line("\n", "/sys/bus/pci/devices/%s/driver_override", port->pci);
}

TEST_HARNESS_MAIN
