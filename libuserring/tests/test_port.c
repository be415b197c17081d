// SPDX-License-Identifier: BSD-2-Clause
/*
 * From a name to a node, in a copy of /sys of our own.
 */
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

static char root[64];

static void run(const char *format, ...)
{
	char command[1024];
	va_list args;
	int n;

	n = snprintf(command, sizeof(command), "cd %s && ", root);
	va_start(args, format);
	vsnprintf(command + n, sizeof(command) - (size_t)n, format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/userring-sys-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	run("mkdir -p bus/pci/devices/0000:00:04.0 bus/pci/devices/0000:00:05.0 "
	    "bus/pci/devices/0000:0a:00.1 bus/pci/drivers/e1000e "
	    "bus/pci/drivers/userring class/net/eth1 class/net/eth2 "
	    "class/net/eth3 class/net/lo class/net/virtio0 class/net/usb0 "
	    "class/net/br0 class/net/wan bus/virtio virtio0 bus/usb usb1");
	run("for d in 04 05; do cd %s/bus/pci/devices/0000:00:$d.0 && "
	    "echo 0x8086 >vendor && echo 0x10d3 >device; done", root);
	run("cd bus/pci/devices/0000:0a:00.1 && echo 0x8086 >vendor && echo 0x10c9 >device");
	run("ln -s ../../../bus/pci/devices/0000:00:04.0 class/net/eth1/device");
	run("ln -s ../../../bus/pci/devices/0000:00:05.0 class/net/eth2/device");
	run("ln -s ../../../bus/pci/devices/0000:0a:00.1 class/net/eth3/device");
	run("ln -s ../../../virtio0 class/net/virtio0/device");
	run("ln -s ../bus/virtio virtio0/subsystem && ln -s ../bus/virtio/drivers/virtio_net virtio0/driver");
	run("ln -s ../../../usb1 class/net/usb0/device");
	run("ln -s ../bus/usb usb1/subsystem && ln -s ../bus/usb/drivers/r8152 usb1/driver");
	run("printf 'DEVTYPE=bridge\nINTERFACE=br0\n' >class/net/br0/uevent");
	run("ln -s ../../drivers/e1000e bus/pci/devices/0000:00:04.0/driver");
	run("ln -s ../../drivers/userring bus/pci/devices/0000:00:05.0/driver");
	return 0;
}

static int remove_root(void **state)
{
	(void)state;
	run("rm -rf bus class module virtio0 usb1 && cd / && rmdir %s", root);
	return 0;
}

static int find(const char *name, char *node, struct ur_error *err)
{
	const struct ur_paths paths = { .sys = root, .dev = "/dev" };

	node[0] = err->text[0] = '\0';
	return ur_port_find(&paths, name, node, 64, err);
}

static void check_says(const char *name, const char *says)
{
	struct ur_error err;
	char node[64];

	assert_int_equal(find(name, node, &err), -ENODEV);
	assert_string_equal(err.text, says);
}

static void not_loaded(void **state)
{
	(void)state;
	check_says("eth1", "eth1 is driven by e1000e and the module userring is not loaded: urctl doctor says what to type");
	check_says("eth3", "eth3 has no driver and the module userring is not loaded: urctl doctor says what to type");
}

static void loaded(void **state)
{
	struct ur_error err;
	char node[64];

	(void)state;
	run("mkdir -p module/userring class/userring/userring0 "
	    "class/userring/userring1");
	check_says("eth1", "eth1 is driven by e1000e, not by userring: type urctl bind eth1");
	check_says("0000:00:04.0", "0000:00:04.0 is driven by e1000e, not by userring: type urctl bind 0000:00:04.0");
	check_says("eth3", "eth3 has no driver: type urctl bind eth3");
	check_says("eth2", "eth2 is driven by userring, but has no node: see dmesg");
	run("ln -s ../../../bus/pci/devices/0000:00:05.0 class/userring/userring1/device");
	run("ln -s ../../../bus/pci/devices/0000:0a:00.1 class/userring/userring0/device");
	assert_int_equal(find("eth2", node, &err), 0);
	assert_string_equal(node, "/dev/userring1");
	assert_int_equal(find("00:05.0", node, &err), 0);
	assert_string_equal(node, "/dev/userring1");
	assert_int_equal(find("0a:00.1", node, &err), 0);
	assert_string_equal(node, "/dev/userring0");
	assert_int_equal(find("0000:0A:00.1", node, &err), 0);
	assert_string_equal(node, "/dev/userring0");
	assert_int_equal(find("eth3", node, &err), 0);
	assert_string_equal(node, "/dev/userring0");
}

static void no_such(void **state)
{
	char much[130] = "";
	struct ur_error err;
	char node[64];

	(void)state;
	check_says("eth7", "no interface eth7: ip link lists them");
	check_says("0000:00:1f.7", "no PCI device 0000:00:1f.7: lspci -nn lists them");
	check_says("00:1f.7", "no PCI device 0000:00:1f.7: lspci -nn lists them");
	check_says("00:1f.g", "no interface 00:1f.g: ip link lists them");
	run("mkdir class/net/bond0 && ln -s ../eth1 class/net/bond0/lower_eth1");
	check_says("bond0", "bond0 is no NIC; it lies on eth1: name one of these");
	assert_int_equal(find("", node, &err), -EINVAL);
	assert_int_equal(find("../eth1", node, &err), -EINVAL);
	assert_int_equal(find("..", node, &err), -EINVAL);
	memset(much, 'a', sizeof(much) - 1);
	assert_int_equal(find(much, node, &err), -EINVAL);
}

#define NAMES "Intel 82540EM, 82545EM, 82574L, 82576 and 82576 virtual function NICs"

/* What another driver has, on whatever bus. */
static void of_another_kind(void **state)
{
	(void)state;
	check_says("lo", "lo is a virtual interface, with no NIC behind it; userring drives " NAMES);
	check_says("br0", "br0 is a virtual interface (bridge), with no NIC behind it; userring drives " NAMES);
	check_says("virtio0", "virtio0 is driven by virtio_net, a NIC that only virtual machines have; userring drives "
		   NAMES "; in QEMU: -device e1000e");
	check_says("usb0", "usb0 is a USB NIC and is driven by r8152; userring drives " NAMES);
	run("mkdir -p bus/pci/devices/0000:00:06.0 class/net/eth6 && cd bus/pci/devices/0000:00:06.0 && "
	    "ln -s ../../drivers/r8169 driver && echo 0x10ec >vendor && echo 0x8168 >device && echo 0x020000 >class");
	run("ln -s ../../../bus/pci/devices/0000:00:06.0 class/net/eth6/device");
	check_says("eth6", "eth6 (10ec:8168) is driven by r8169; userring drives " NAMES);
	run("cd bus/pci/devices/0000:00:06.0 && rm driver && echo 0x1af4 >vendor && echo 0x1000 >device");
	check_says("00:06.0", "00:06.0 (1af4:1000) has no driver; userring drives "
		   NAMES "; in QEMU: -device e1000e");
	run("echo 0x010601 >bus/pci/devices/0000:00:06.0/class");
	check_says("00:06.0", "00:06.0 (1af4:1000) is a PCI device, but no NIC: ip link lists interfaces");
}

/* As ip link property add altname gives: the kernel knows them. */
static void alternative_names(void **state)
{
	const char *altname = "a-name-longer-than-fifteen";
	struct ur_error err;
	char node[64];

	(void)state;
	if (unshare(CLONE_NEWNET) || system("ip link set lo name wan && "
			"ip link property add dev wan altname a-name-longer-than-fifteen")) {
		print_message("no network namespace here: %s\n", strerror(errno));
		skip();
	}
	run("ln -s ../../../bus/pci/devices/0000:00:05.0 class/net/wan/device");
	run("mkdir -p class/userring/userring1 && "
	    "ln -sfn ../../../bus/pci/devices/0000:00:05.0 class/userring/userring1/device");
	assert_int_equal(find(altname, node, &err), 0);
	assert_string_equal(node, "/dev/userring1");
	assert_int_equal(find("another-name", node, &err), -ENODEV);
	/* what the tree has not is not there */
	run("rm -r class/net/wan");
	assert_int_equal(find(altname, node, &err), -ENODEV);
}

static int two_queues(struct ur_port *port, struct ur_port_info *info)
{
	(void)port;
	memset(info, 0, sizeof(*info));
	info->queues = port->queue;
	strcpy(info->ifname, "no-such-nic");
	return 0;
}

/* Each wish that the module refuses has a sentence of its own. */
static void refused_says_which(void **state)
{
	static const struct ur_backend backend = { .port_info = two_queues };
	struct ur_port port = { .backend = &backend, .label = "eth1", .queue = 2 };
	const struct ur_attach well = { .rx_size = 1024, .tx_size = 1024, .queue = 1 };
	struct ur_attach a = well;
	struct ur_error err;

	(void)state;
#define REFUSED(field, value, says) do { \
		a = well; \
		a.field = value; \
		assert_int_equal(ur_attach_invalid(&port, &a, &err), -EINVAL); \
		assert_string_equal(err.text, says); \
	} while (0)
	REFUSED(queue, 5, "eth1 has no queue 5: it has 2 queues, 0 to 1");
	REFUSED(rx_size, 1000, "rings of 1000 and 1024 places: say powers of two from 64 to 4096");
	REFUSED(tx_size, 8192, "rings of 1024 and 8192 places: say powers of two from 64 to 4096");
	REFUSED(sync_period_us, 1, "a sync period of 1 us: say 0, or 50 to 1000000");
	REFUSED(watchdog_ms, 1, "a watchdog of 1 ms: say 0, or 10 to 600000");
	REFUSED(queue, 1, "eth1 does not know what was asked of the queue: build module and library from the same sources");
	port.queue = 1;
	REFUSED(queue, 1, "eth1 has no queue 1: it has 1 queue, 0");
#undef REFUSED
}

static void open_says_why(void **state)
{
	static const struct {
		const char *name;
		const char *says;
	} bad[] = {
		{ "nosuch0", "no interface nosuch0" },
		{ "nosuch0@1", "no interface nosuch0" },
		{ "nosuch0@x", "is not the number of a queue" },
		{ "nosuch0@", "is not the number of a queue" },
		{ "nosuch0@-1", "is not the number of a queue" },
		{ "", "is not a name of a port" },
		{ "/dev/null", "/dev/null is not a node of userring" },
		{ "/dev/userring99", NULL },
	};
	struct ur_error err;
	struct ur_port *port;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		assert_true(ur_port_open(&port, bad[i].name, &err) < 0);
		assert_null(port);
		assert_true(strlen(err.text) > 10);
		if (bad[i].says && !strstr(err.text, bad[i].says) &&
		    (kernel_is_there() || strcmp(bad[i].name, "/dev/null")))
			fail_msg("%s: %s", bad[i].name, err.text);
	}
	assert_int_equal(ur_port_open(&port, NULL, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_loaded),
		cmocka_unit_test(loaded),
		cmocka_unit_test(no_such),
		cmocka_unit_test(of_another_kind),
		cmocka_unit_test(open_says_why),
		cmocka_unit_test(refused_says_which),
		cmocka_unit_test(alternative_names),
	};

	return cmocka_run_group_tests_name("port", tests, make_root,
					   remove_root);
}
