// SPDX-License-Identifier: GPL-2.0-only
/*
 * The apps do on a NIC what they do on pcap: and sim:. The far end sends the frames of
 * /same/wire.pcap; what leaves, what is written and what is counted is held against the
 * one result that apps/tests/run.sh compares with as well. What is typed, and what of
 * the result is left out, is in apps/tests/same/same.sh.
 *
 * What a NIC cannot help: frames of less than 60 bytes get zeros behind them; checksums
 * are looked at or not, as the family does; and Linux, which is there too, would speak. It
 * is kept quiet here, but for what its IPv6 tells its neighbours.
 */
#include "wires.h"

#define WIRE		"/same/wire.pcap"
#define DIR		"/tmp/same"

/* The layout of libpcap's files, as this machine writes them. */
struct cap_file {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, type;
};

struct cap_frame {
	uint32_t sec, usec, caplen, len;
};

FIXTURE(same)
{
	struct port port[2];
	uint8_t mac[6];
	struct app app;
};

/* Has the addresses that the frames are for, and no way to answer to anybody. */
static bool be_quiet(const struct port *port, const uint8_t *mac)
{
	const char *dev = port->netdev;

	return !if_flags(dev, 0, IFF_UP) && !if_set_mac(dev, mac) &&
	       !write_line("8", "/proc/sys/net/ipv4/conf/%s/arp_ignore", dev) &&
	       !write_line("1", "/proc/sys/net/ipv4/conf/%s/rp_filter", dev) &&
	       !write_line("0", "/proc/sys/net/ipv6/conf/%s/accept_ra", dev) &&
	       !write_line("1", "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", dev);
}

static bool add_addresses(const struct port *port)
{
	return !write_line("0", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", port->netdev) &&
	       !run(NULL, 0, "/bin/ip address add 10.0.0.2/32 dev %s", port->netdev) &&
	       !run(NULL, 0, "/bin/ip -6 address add 2001:db8::2/128 dev %s nodad",
		    port->netdev);
}

FIXTURE_SETUP(same)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };	/* as of sim: */

	ASSERT_TRUE(boot_option("nic2")) {
		TH_LOG("this guest has no NIC 2: run.sh --nic2");
	}
	ASSERT_EQ(0, port_find(&self->port[0], "nic0"));
	ASSERT_EQ(0, if_mac(self->port[0].netdev, self->mac));
	ASSERT_TRUE(be_quiet(&self->port[0], mac));
	ASSERT_TRUE(wires_up(self->port));
	ASSERT_TRUE(add_addresses(&self->port[0]));
	ASSERT_TRUE(kernel_hears(&self->port[0]));
	ASSERT_EQ(0, run(NULL, 0, "rm -rf " DIR "; mkdir " DIR));
}

FIXTURE_TEARDOWN(same)
{
	app_kill(&self->app);
	for (int i = 0; i < 2; i++) {
		far_use(i);
		far(NULL, 0, "capture off");
	}
	far_use(0);
	run(NULL, 0, "/bin/ip address flush dev %s", self->port[0].netdev);
	EXPECT_EQ(0, if_flags(self->port[0].netdev, 0, IFF_UP));
	EXPECT_EQ(0, if_set_mac(self->port[0].netdev, self->mac));
	EXPECT_TRUE(wires_down(self->port));
}

/* ------------------------------------------------------------------------
 * The wires
 */

static void to_hex(char *hex, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", data[i]);
}

/* All frames, one after the other, to NIC 0. */
static bool feed(void)
{
	FILE *file = fopen(WIRE, "re");
	struct cap_frame head;
	uint8_t data[2048];
	char hex[2 * sizeof(data) + 1];
	bool right = file && !fseek(file, sizeof(struct cap_file), SEEK_SET);

	while (right && fread(&head, sizeof(head), 1, file) == 1) {
		right = head.caplen <= sizeof(data) &&
			fread(data, head.caplen, 1, file) == 1;
		if (!right)
			break;
		to_hex(hex, data, head.caplen);
		right = !far(NULL, 0, "raw %s", hex);
	}
	if (file)
		fclose(file);
	return right;
}

/* One that left; false: there is none. IPv6 tells groups of routers which it is in. */
static bool take_sent(FILE *file, bool *ours)
{
	char reply[2 * 2048 + 16];
	uint8_t data[2048];
	struct cap_frame head = { 0 };
	const char *hex;

	if (far(reply, sizeof(reply), "getraw"))
		return false;
	hex = reply + strlen("hex=");
	while (head.len < sizeof(data) && sscanf(hex + 2 * head.len, "%2hhx", data + head.len) == 1)
		head.len++;
	head.caplen = head.len;
	*ours = memcmp(data, "\x33\x33", 2);
	if (*ours) {
		fwrite(&head, sizeof(head), 1, file);
		fwrite(data, head.len, 1, file);
	}
	return true;
}

/* Until so many have left, or no more do; into a capture file. */
static bool collect(FILE *file, int wire, int count)
{
	int64_t end = now_ms() + at_most_ms(IDLE_MS);
	int n = 0;
	bool ours;

	far_use(wire);
	do {
		while (take_sent(file, &ours)) {
			n += ours;
			end = now_ms() + at_most_ms(IDLE_MS);
		}
		if (n < count)
			sleep_ms(5);
	} while (n < count && now_ms() < end);
	far_use(0);
	return n == count;
}

static FILE *begin_capture(int wire)
{
	const struct cap_file head = { 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1 };
	FILE *file = fopen(DIR "/sent", "we");

	if (file)
		fwrite(&head, sizeof(head), 1, file);
	far_use(wire);
	if (far(NULL, 0, "capture on")) {
		printf("# the far end captures nothing\n");
		file = NULL;
	}
	far_use(0);
	return file;
}

/* ------------------------------------------------------------------------
 * The apps
 */

/* Ready for what comes, if anything does: else it may be through already. */
static bool same_start(FIXTURE_DATA(same) *self, const char *name, bool two, bool fed)
{
	char command[512] = "";

	if (run(command, sizeof(command), "/same/same.sh command %s " DIR " %s %s", name,
		self->port[0].netdev, self->port[1].netdev))
		return false;
	command[strcspn(command, "\n")] = '\0';
	return app_start(&self->app, "%s", command) &&
	       (!fed || wait_attached(&self->port[0], &self->app)) &&
	       (!two || wait_attached(&self->port[1], &self->app));
}

static bool judge(const char *name, const char *kind)
{
	static char text[16384];
	bool right = !run(text, sizeof(text), "/same/same.sh judge %s %s " DIR, name, kind);

	for (char *line = strtok(text, "\n"); !right && line; line = strtok(NULL, "\n"))
		printf("# %s\n", line);
	return right;
}

/* One that comes in by NIC 0 and leaves by it, or, with @two, by NIC 2. */
static bool same(FIXTURE_DATA(same) *self, const char *name, bool two)
{
	const char *kind = nic_checks_sums() ? "checked" : "unchecked";
	char number[16] = "";
	bool right, fed = strcmp(name, "urgen") != 0;
	FILE *file;
	int count;

	if (run(number, sizeof(number), "/same/same.sh sent %s %s", name, kind))
		return false;
	count = atoi(number);
	file = begin_capture(two);
	if (!file || !same_start(self, name, two, fed))
		return false;
	right = (!fed || feed()) && collect(file, two, count);
	right = app_ends(&self->app, count ? SIGINT : 0, 0) && right;
	/* more than that */
	collect(file, two, 0);
	fclose(file);
	run(NULL, 0, "mv %s " DIR "/total", self->app.out);
	return judge(name, kind) && right;
}

TEST_F_TIMEOUT(same, urdump, 60)
{
	EXPECT_TRUE(same(self, "urdump", false));
}

TEST_F_TIMEOUT(same, urecho, 60)
{
	EXPECT_TRUE(same(self, "urecho", false));
}

TEST_F_TIMEOUT(same, urgen, 60)
{
	EXPECT_TRUE(same(self, "urgen", false));
}

TEST_F_TIMEOUT(same, urfwd, 60)
{
	EXPECT_TRUE(same(self, "urfwd", true));
}

TEST_F_TIMEOUT(same, urids, 60)
{
	EXPECT_TRUE(same(self, "urids", true));
}

TEST_F_TIMEOUT(same, urdns, 60)
{
	EXPECT_TRUE(same(self, "urdns", false));
}

TEST_HARNESS_MAIN
