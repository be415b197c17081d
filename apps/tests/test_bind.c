// SPDX-License-Identifier: BSD-2-Clause
/*
 * urctl bind and unbind on a tree of the test's own.  Writes to /sys come here
 * and do what the kernel would do, or fail.
 */
#include <errno.h>
#include <ftw.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "urctl/urctl.h"

#define NIC	"0000:00:04.0"

static char root[64];
static struct app app;

/* The kernel of this test. */
static struct {
	char driver[SYSFS_NAME];	/* that the NIC has */
	char override[SYSFS_NAME];
	bool ours_refuses;		/* probe() of userring fails */
	bool stock_refuses;
	int  unbind_error;
	int  override_error;
	bool held;
	bool has_address;
} k;

/* ------------------------------------------------------------------------
 * The tree
 */

static const char *below(const char *path)
{
	static char buf[512];

	snprintf(buf, sizeof(buf), "%s%s", root, path);
	return buf;
}

static void make_dirs(const char *path)
{
	char buf[512];
	char *p;

	snprintf(buf, sizeof(buf), "%s", below(path));
	for (p = buf + strlen(root) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(buf, 0755);
		*p = '/';
	}
	mkdir(buf, 0755);
}

static void make_file(const char *path, const char *text)
{
	FILE *file = fopen(below(path), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void set_driver(const char *driver)
{
	char target[128];

	unlink(below("/sys/bus/pci/devices/" NIC "/driver"));
	snprintf(k.driver, sizeof(k.driver), "%s", driver);
	if (!*driver)
		return;
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	assert_int_equal(symlink(target, below("/sys/bus/pci/devices/" NIC
					       "/driver")), 0);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int setup(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	strcpy(root, "/tmp/urctl-test-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	make_dirs("/proc/net");
	make_dirs("/sys/class/net/eth9");
	make_dirs("/sys/bus/pci/drivers/e1000");
	make_dirs("/sys/bus/pci/drivers/userring");
	make_dirs("/sys/bus/pci/devices/" NIC "/net/eth9");
	make_file("/sys/bus/pci/drivers/e1000/bind", "");
	make_file("/sys/bus/pci/devices/" NIC "/vendor", "0x8086\n");
	make_file("/sys/bus/pci/devices/" NIC "/device", "0x100e\n");
	if (symlink("../../../bus/pci/devices/" NIC,
		    below("/sys/class/net/eth9/device")))
		return -1;
	set_driver("e1000");
	sysfs_set_root(root);
	app_init(&app, "urctl", "");
	app.device = "eth9";
	return 0;
}

/* ------------------------------------------------------------------------
 * The kernel
 */

int __wrap_sysfs_write(const char *path, const char *text);
int __wrap_getifaddrs(struct ifaddrs **list);
void __wrap_freeifaddrs(struct ifaddrs *list);
int __wrap_usleep(useconds_t us);

static void probe(const char *driver)
{
	bool ours = strcmp(driver, "userring") == 0;

	if (!k.driver[0] && !(ours ? k.ours_refuses : k.stock_refuses))
		set_driver(driver);
}

int __wrap_sysfs_write(const char *path, const char *text)
{
	const char *name = strrchr(path, '/') + 1;

	assert_int_equal(strncmp(path, root, strlen(root)), 0);
	if (strcmp(name, "driver_override") == 0) {
		if (k.override_error)
			return k.override_error;
		snprintf(k.override, sizeof(k.override), "%s",
			 strcmp(text, "\n") ? text : "");
		return 0;
	}
	assert_string_equal(text, NIC);
	if (strcmp(name, "unbind") == 0) {
		assert_non_null(strstr(path, k.driver));
		if (k.unbind_error)
			return k.unbind_error;
		set_driver("");
		return 0;
	}
	if (strcmp(name, "bind") == 0) {
		/* what is reserved for another driver does not match */
		if (k.override[0] || !strstr(path, "/e1000/"))
			return -ENODEV;
		probe("e1000");
		return 0;
	}
	assert_string_equal(name, "drivers_probe");
	probe(k.override[0] ? k.override : "e1000");
	return 0;
}

int __wrap_getifaddrs(struct ifaddrs **list)
{
	static struct sockaddr_in in = { .sin_family = AF_INET };
	static char name[] = "eth9";
	static struct ifaddrs a = { .ifa_name = name, .ifa_flags = IFF_UP,
				    .ifa_addr = (struct sockaddr *)(void *)&in };

	in.sin_addr.s_addr = htonl(0x0a000002);
	*list = k.has_address ? &a : NULL;
	return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
	(void)list;
}

int __wrap_usleep(useconds_t us)
{
	(void)us;
	return 0;
}

bool port_holder(const char *node, char *holder, size_t size)
{
	(void)node;
	snprintf(holder, size, "process 1 (test)");
	return k.held;
}

/* ------------------------------------------------------------------------
 * Tests
 */

static void expect_driver(const char *driver, const char *override)
{
	assert_string_equal(k.driver, driver);
	assert_string_equal(k.override, override);
}

static void test_there_and_back(void **state)
{
	(void)state;
	assert_int_equal(urctl_bind(&app, false), APP_OK);
	expect_driver("userring", "userring");
	/* once more does nothing */
	assert_int_equal(urctl_bind(&app, false), APP_OK);
	expect_driver("userring", "userring");
	app.device = NIC;
	assert_int_equal(urctl_unbind(&app, false), APP_OK);
	expect_driver("e1000", "");
	assert_int_equal(urctl_unbind(&app, false), APP_OK);
	expect_driver("e1000", "");
}

static void test_names(void **state)
{
	(void)state;
	app.device = "00:04.0";
	assert_int_equal(urctl_bind(&app, false), APP_OK);
	app.device = "0000:00:09.0";
	assert_int_equal(urctl_bind(&app, false), APP_FAILED);
	app.device = "../../etc";
	assert_int_equal(urctl_bind(&app, false), APP_FAILED);
	make_dirs("/sys/class/net/veth1");
	app.device = "veth1";
	assert_int_equal(urctl_bind(&app, false), APP_FAILED);
}

static void test_bind_goes_back(void **state)
{
	(void)state;
	k.ours_refuses = true;
	assert_int_equal(urctl_bind(&app, false), APP_FAILED);
	expect_driver("e1000", "");

	k.ours_refuses = false;
	k.unbind_error = -EBUSY;
	assert_int_equal(urctl_bind(&app, false), APP_FAILED);
	expect_driver("e1000", "");

	k.unbind_error = 0;
	k.override_error = -EACCES;
	assert_int_equal(urctl_bind(&app, false), APP_FAILED);
	expect_driver("e1000", "");
}

static void test_bind_without_driver(void **state)
{
	(void)state;
	set_driver("");
	assert_int_equal(urctl_bind(&app, false), APP_OK);
	expect_driver("userring", "userring");

	set_driver("");
	k.override[0] = '\0';
	k.ours_refuses = true;
	assert_int_equal(urctl_bind(&app, false), APP_FAILED);
	expect_driver("", "");
}

static void test_unbind_goes_back(void **state)
{
	(void)state;
	assert_int_equal(urctl_bind(&app, false), APP_OK);
	k.stock_refuses = true;
	assert_int_equal(urctl_unbind(&app, false), APP_FAILED);
	expect_driver("userring", "userring");

	k.stock_refuses = false;
	k.unbind_error = -EBUSY;
	assert_int_equal(urctl_unbind(&app, false), APP_FAILED);
	expect_driver("userring", "userring");
	k.unbind_error = 0;

	/* the stock driver is not there: nothing is touched */
	remove(below("/sys/bus/pci/drivers/e1000/bind"));
	remove(below("/sys/bus/pci/drivers/e1000"));
	assert_int_equal(urctl_unbind(&app, false), APP_FAILED);
	expect_driver("userring", "userring");
}

static void test_unbind_after_unload(void **state)
{
	(void)state;
	set_driver("");
	strcpy(k.override, "userring");
	assert_int_equal(urctl_unbind(&app, false), APP_OK);
	expect_driver("e1000", "");
}

static void test_module_missing(void **state)
{
	(void)state;
	remove(below("/sys/bus/pci/drivers/userring"));
	assert_int_equal(urctl_bind(&app, true), APP_FAILED);
	expect_driver("e1000", "");
}

static void expect_refused(void)
{
	assert_int_equal(urctl_bind(&app, false), APP_FAILED);
	expect_driver("e1000", "");
	assert_int_equal(urctl_bind(&app, true), APP_OK);
	expect_driver("userring", "userring");
	assert_int_equal(urctl_unbind(&app, false), APP_FAILED);
	expect_driver("userring", "userring");
	assert_int_equal(urctl_unbind(&app, true), APP_OK);
	expect_driver("e1000", "");
}

static void test_in_use(void **state)
{
	static const char head[] =
		"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n";

	(void)state;
	make_file("/proc/net/route", head);
	make_file("/proc/net/ipv6_route", "");
	assert_int_equal(urctl_bind(&app, false), APP_OK);
	assert_int_equal(urctl_unbind(&app, false), APP_OK);

	/* others' routes, and a route that is not the default, are no reason */
	make_file("/proc/net/route",
		  "eth9\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\n"
		  "eth1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n");
	assert_int_equal(urctl_bind(&app, false), APP_OK);
	assert_int_equal(urctl_unbind(&app, false), APP_OK);

	make_file("/proc/net/route",
		  "eth9\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n");
	expect_refused();
	remove(below("/proc/net/route"));

	make_file("/proc/net/ipv6_route",
		  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth9\n");
	expect_refused();
	remove(below("/proc/net/ipv6_route"));

	k.has_address = true;
	expect_refused();
	k.has_address = false;

	make_dirs("/sys/class/net/br0");
	assert_int_equal(symlink("../br0", below("/sys/class/net/eth9/master")),
			 0);
	expect_refused();
	unlink(below("/sys/class/net/eth9/master"));

	assert_int_equal(symlink("../vlan5",
				 below("/sys/class/net/eth9/upper_vlan5")), 0);
	expect_refused();
}

static void test_held(void **state)
{
	(void)state;
	assert_int_equal(urctl_bind(&app, false), APP_OK);
	k.held = true;
	assert_int_equal(urctl_unbind(&app, false), APP_FAILED);
	expect_driver("userring", "userring");
	assert_int_equal(urctl_unbind(&app, true), APP_OK);
	expect_driver("e1000", "");
}

static void test_unknown_nic(void **state)
{
	(void)state;
	make_file("/sys/bus/pci/devices/" NIC "/device", "0x1533\n");
	assert_int_equal(urctl_bind(&app, false), APP_FAILED);
	expect_driver("e1000", "");
	assert_int_equal(urctl_bind(&app, true), APP_OK);
	expect_driver("userring", "userring");
	assert_int_equal(urctl_unbind(&app, false), APP_OK);
	expect_driver("e1000", "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_there_and_back),
		TEST(test_names),
		TEST(test_bind_goes_back),
		TEST(test_bind_without_driver),
		TEST(test_unbind_goes_back),
		TEST(test_unbind_after_unload),
		TEST(test_module_missing),
		TEST(test_in_use),
		TEST(test_held),
		TEST(test_unknown_nic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
