// SPDX-License-Identifier: BSD-2-Clause
/*
 * From a name to a node, in a copy of /sys of our own.
 */
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
	    "class/net/eth3 class/net/lo class/net/virtio0");
	run("ln -s ../../../bus/pci/devices/0000:00:04.0 class/net/eth1/device");
	run("ln -s ../../../bus/pci/devices/0000:00:05.0 class/net/eth2/device");
	run("ln -s ../../../bus/pci/devices/0000:0a:00.1 class/net/eth3/device");
	run("ln -s ../../../virtio0 class/net/virtio0/device");
	run("ln -s ../../drivers/e1000e bus/pci/devices/0000:00:04.0/driver");
	run("ln -s ../../drivers/userring bus/pci/devices/0000:00:05.0/driver");
	return 0;
}

static int remove_root(void **state)
{
	(void)state;
	run("rm -rf bus class module && cd / && rmdir %s", root);
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
	check_says("eth1", "eth1 is driven by e1000e and the module userring is not loaded: type insmod userring.ko, then urctl bind eth1");
	check_says("eth3", "eth3 has no driver and the module userring is not loaded: type insmod userring.ko, then urctl bind eth3");
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
	assert_int_equal(find("0000:0A:00.1", node, &err), 0);
	assert_string_equal(node, "/dev/userring0");
	assert_int_equal(find("eth3", node, &err), 0);
	assert_string_equal(node, "/dev/userring0");
}

static void no_such(void **state)
{
	struct ur_error err;
	char node[64];

	(void)state;
	check_says("eth7", "no interface eth7");
	check_says("0000:00:1f.7", "no PCI device 0000:00:1f.7");
	check_says("lo", "lo is not a PCI device: userring drives Intel NICs on PCI");
	check_says("virtio0", "virtio0 is not a PCI device: userring drives Intel NICs on PCI");
	assert_int_equal(find("", node, &err), -EINVAL);
	assert_int_equal(find("../eth1", node, &err), -EINVAL);
	assert_int_equal(find("..", node, &err), -EINVAL);
	assert_int_equal(find("a-name-that-is-much-too-long-for-an-interface",
			      node, &err), -EINVAL);
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
		if (bad[i].says && !strstr(err.text, bad[i].says))
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
		cmocka_unit_test(open_says_why),
	};

	return cmocka_run_group_tests_name("port", tests, make_root,
					   remove_root);
}
