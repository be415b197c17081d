// SPDX-License-Identifier: BSD-2-Clause
/*
 * urctl bind and unbind on a tree of the test's own.  Writes to /sys come here
 * and do what the kernel would do, or fail.
 */
#include <arpa/inet.h>
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

#include "urctl/kmod.h"
#include "urctl/persist.h"
#include "urctl/udev.h"
#include "urctl/urctl.h"
#include "urctl/use.h"

#define NIC	"0000:00:04.0"
#define OTHER	"0000:00:05.0"	/* without a driver */

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
	const char *address_of;		/* the name that getifaddrs() tells; NULL: none */
	bool faster;			/* the stock driver takes the NIC before us, once */
	bool module;			/* modprobe finds it */
	unsigned slept;			/* times */
	void (*on_sleep)(void);		/* what happens meanwhile */
} k;

static struct in6_addr six;		/* getifaddrs() tells this if it is not zero */


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
	memset(&six, 0, sizeof(six));
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
int __wrap_kmod_load(void);

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
	if (strcmp(name, "driver_override") == 0 && strstr(path, OTHER)) {
		make_file("/sys/bus/pci/devices/" OTHER "/driver_override", text);
		return 0;
	}
	if (strcmp(name, "driver_override") == 0) {
		if (k.override_error)
			return k.override_error;
		snprintf(k.override, sizeof(k.override), "%s",
			 strcmp(text, "\n") ? text : "");
		make_file("/sys/bus/pci/devices/" NIC "/driver_override",
			  k.override[0] ? k.override : "(null)\n");
		return 0;
	}
	assert_string_equal(text, NIC);
	if (strcmp(name, "unbind") == 0) {
		if (!k.driver[0] || !strstr(path, k.driver))
			return -ENODEV;
		if (k.unbind_error)
			return k.unbind_error;
		set_driver("");
		return 0;
	}
	if (strcmp(name, "bind") == 0) {
		/* what is reserved for another driver does not match */
		if (k.override[0] ? !strstr(path, k.override) :
				    !strstr(path, "/e1000/"))
			return -ENODEV;
		probe(k.override[0] ? k.override : "e1000");
		return 0;
	}
	assert_string_equal(name, "drivers_probe");
	if (k.faster) {
		k.faster = false;
		probe("e1000");
		return 0;
	}
	probe(k.override[0] ? k.override : "e1000");
	return 0;
}

int __wrap_getifaddrs(struct ifaddrs **list)
{
	static struct sockaddr_in in = { .sin_family = AF_INET };
	static struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	static char name[IF_NAMESIZE];
	static struct ifaddrs a = { .ifa_name = name, .ifa_flags = IFF_UP,
				    .ifa_addr = (struct sockaddr *)(void *)&in };

	in.sin_addr.s_addr = htonl(0x0a000002);
	snprintf(name, sizeof(name), "%s", k.address_of ? k.address_of : "");
	in6.sin6_addr = six;
	a.ifa_addr = IN6_IS_ADDR_UNSPECIFIED(&six) ?
		     (struct sockaddr *)(void *)&in :
		     (struct sockaddr *)(void *)&in6;
	*list = k.address_of ? &a : NULL;
	return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
	(void)list;
}

int __wrap_usleep(useconds_t us)
{
	(void)us;
	k.slept++;
	if (k.on_sleep)
		k.on_sleep();
	return 0;
}

/* What has no driver is the module's that is loaded, unless it is reserved. */
int __wrap_kmod_load(void)
{
	char text[SYSFS_NAME];

	if (!k.module)
		return -ENOENT;
	if (sysfs_exists(below("/sys/bus/pci/devices/" OTHER)))
		assert_int_equal(sysfs_read(below("/sys/bus/pci/devices/" OTHER
						  "/driver_override"), text,
					    sizeof(text)), 0);
	else
		strcpy(text, "e1000e");
	assert_string_equal(text, "e1000e");
	if (!k.driver[0])
		assert_string_equal(k.override, "e1000");
	make_dirs("/sys/bus/pci/drivers/userring");
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

static int bind_nic(bool force)
{
	return urctl_bind(&app, &(struct move){ .force = force });
}

static int unbind_nic(bool force)
{
	return urctl_unbind(&app, &(struct move){ .force = force });
}

static void expect_driver(const char *driver, const char *override)
{
	assert_string_equal(k.driver, driver);
	assert_string_equal(k.override, override);
}

static void test_there_and_back(void **state)
{
	(void)state;
	assert_int_equal(bind_nic(false), APP_OK);
	expect_driver("userring", "userring");
	/* once more does nothing */
	assert_int_equal(bind_nic(false), APP_OK);
	expect_driver("userring", "userring");
	app.device = NIC;
	assert_int_equal(unbind_nic(false), APP_OK);
	expect_driver("e1000", "");
	assert_int_equal(unbind_nic(false), APP_OK);
	expect_driver("e1000", "");
}

static void test_names(void **state)
{
	(void)state;
	app.device = "00:04.0";
	assert_int_equal(bind_nic(false), APP_OK);
	app.device = "0000:00:09.0";
	assert_int_equal(bind_nic(false), APP_FAILED);
	app.device = "../../etc";
	assert_int_equal(bind_nic(false), APP_FAILED);
	make_dirs("/sys/class/net/veth1");
	app.device = "veth1";
	assert_int_equal(bind_nic(false), APP_FAILED);
}

static void test_bind_goes_back(void **state)
{
	(void)state;
	k.ours_refuses = true;
	assert_int_equal(bind_nic(false), APP_FAILED);
	expect_driver("e1000", "");

	k.ours_refuses = false;
	k.unbind_error = -EBUSY;
	assert_int_equal(bind_nic(false), APP_FAILED);
	expect_driver("e1000", "");

	k.unbind_error = 0;
	k.override_error = -EACCES;
	assert_int_equal(bind_nic(false), APP_FAILED);
	expect_driver("e1000", "");
}

static void test_bind_without_driver(void **state)
{
	(void)state;
	set_driver("");
	assert_int_equal(bind_nic(false), APP_OK);
	expect_driver("userring", "userring");

	set_driver("");
	k.override[0] = '\0';
	k.ours_refuses = true;
	assert_int_equal(bind_nic(false), APP_FAILED);
	expect_driver("", "");
}

static void test_unbind_goes_back(void **state)
{
	(void)state;
	assert_int_equal(bind_nic(false), APP_OK);
	k.stock_refuses = true;
	assert_int_equal(unbind_nic(false), APP_FAILED);
	expect_driver("userring", "userring");

	k.stock_refuses = false;
	k.unbind_error = -EBUSY;
	assert_int_equal(unbind_nic(false), APP_FAILED);
	expect_driver("userring", "userring");
	k.unbind_error = 0;

	/* the stock driver is not there: nothing is touched */
	remove(below("/sys/bus/pci/drivers/e1000/bind"));
	remove(below("/sys/bus/pci/drivers/e1000"));
	assert_int_equal(unbind_nic(false), APP_FAILED);
	expect_driver("userring", "userring");
}

static void test_unbind_after_unload(void **state)
{
	(void)state;
	set_driver("");
	strcpy(k.override, "userring");
	assert_int_equal(unbind_nic(false), APP_OK);
	expect_driver("e1000", "");
}

static void test_module_missing(void **state)
{
	(void)state;
	remove(below("/sys/bus/pci/drivers/userring"));
	assert_int_equal(bind_nic(true), APP_FAILED);
	expect_driver("e1000", "");
}

static void expect_refused(void)
{
	assert_int_equal(bind_nic(false), APP_FAILED);
	expect_driver("e1000", "");
	assert_int_equal(bind_nic(true), APP_OK);
	expect_driver("userring", "userring");
	assert_int_equal(unbind_nic(false), APP_FAILED);
	expect_driver("userring", "userring");
	assert_int_equal(unbind_nic(true), APP_OK);
	expect_driver("e1000", "");
}

static void test_in_use(void **state)
{
	static const char head[] =
		"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n";

	(void)state;
	make_file("/proc/net/route", head);
	make_file("/proc/net/ipv6_route", "");
	assert_int_equal(bind_nic(false), APP_OK);
	assert_int_equal(unbind_nic(false), APP_OK);

	/* others' routes, and a route that is not the default, are no reason */
	make_file("/proc/net/route",
		  "eth9\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\n"
		  "eth1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n");
	assert_int_equal(bind_nic(false), APP_OK);
	assert_int_equal(unbind_nic(false), APP_OK);

	make_file("/proc/net/route",
		  "eth9\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n");
	expect_refused();
	remove(below("/proc/net/route"));

	make_file("/proc/net/ipv6_route",
		  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth9\n");
	expect_refused();
	remove(below("/proc/net/ipv6_route"));

	k.address_of = "eth9";
	expect_refused();
	k.address_of = "eth9:dns";	/* with a label */
	expect_refused();
	k.address_of = NULL;

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
	assert_int_equal(bind_nic(false), APP_OK);
	k.held = true;
	assert_int_equal(unbind_nic(false), APP_FAILED);
	expect_driver("userring", "userring");
	assert_int_equal(unbind_nic(true), APP_OK);
	expect_driver("e1000", "");
}

static void test_unknown_nic(void **state)
{
	(void)state;
	make_file("/sys/bus/pci/devices/" NIC "/device", "0x1533\n");
	assert_int_equal(bind_nic(false), APP_FAILED);
	expect_driver("e1000", "");
	assert_int_equal(bind_nic(true), APP_OK);
	expect_driver("userring", "userring");
	assert_int_equal(unbind_nic(false), APP_OK);
	expect_driver("e1000", "");
}

/* A NIC that something else was to have: it is asked for, and given back to that. */
static void test_reserved(void **state)
{
	(void)state;
	make_dirs("/run");
	make_dirs("/sys/bus/pci/drivers/vfio-pci");
	make_file("/sys/bus/pci/drivers/vfio-pci/bind", "");
	make_file("/sys/bus/pci/devices/" NIC "/driver_override", "vfio-pci\n");
	strcpy(k.override, "vfio-pci");
	set_driver("vfio-pci");
	app.device = NIC;
	assert_int_equal(bind_nic(false), APP_FAILED);
	expect_driver("vfio-pci", "vfio-pci");
	k.ours_refuses = true;
	assert_int_equal(bind_nic(true), APP_FAILED);
	expect_driver("vfio-pci", "vfio-pci");
	k.ours_refuses = false;
	assert_int_equal(bind_nic(true), APP_OK);
	expect_driver("userring", "userring");
	assert_int_equal(unbind_nic(false), APP_OK);
	expect_driver("vfio-pci", "vfio-pci");
	/* and nothing is left of that for the next time */
	make_file("/sys/bus/pci/devices/" NIC "/driver_override", "(null)\n");
	k.override[0] = '\0';
	set_driver("e1000");
	assert_int_equal(bind_nic(false), APP_OK);
	assert_int_equal(unbind_nic(false), APP_OK);
	expect_driver("e1000", "");
}

static void test_upper(void **state)
{
	struct ur_error err;
	struct pci_dev dev;

	(void)state;
	make_dirs("/sys/class/net/bond0");
	assert_int_equal(symlink("../eth9",
				 below("/sys/class/net/bond0/lower_eth9")), 0);
	app.device = "bond0";
	assert_int_equal(bind_nic(false), APP_FAILED);
	assert_int_equal(pci_find(&dev, "bond0", &err), -ENODEV);
	assert_string_equal(err.text, "bond0 is no NIC; it lies on eth9: name one of these");
}

/* ------------------------------------------------------------------------
 * Names
 */

static void udev_is_done(void)
{
	char from[512];

	if (k.slept == 3) {
		/* the mark of a udev that is not done yet */
		make_file("/run/udev/data/n7", "I:123\nE:ID_PROCESSING=1\n");
	} else if (k.slept == 5) {
		snprintf(from, sizeof(from), "%s", below("/sys/class/net/eth9"));
		assert_int_equal(rename(from, below("/sys/class/net/enp0s4")), 0);
		snprintf(from, sizeof(from), "%s",
			 below("/sys/bus/pci/devices/" NIC "/net/eth9"));
		assert_int_equal(rename(from, below("/sys/bus/pci/devices/" NIC
						    "/net/enp0s4")), 0);
	} else if (k.slept == 8) {
		make_file("/run/udev/data/n7", "I:123\n");
	}
}

/* The name that is told is the one that udev gives. */
static void test_renamed(void **state)
{
	struct pci_dev dev;

	(void)state;
	make_file("/sys/class/net/eth9/ifindex", "7\n");
	assert_int_equal(pci_read(&dev, NIC), 0);
	k.on_sleep = udev_is_done;
	/* without udev nothing is waited for */
	udev_settle(&dev, UDEV_SETTLE_MS);
	assert_int_equal(k.slept, 0);

	make_dirs("/run/udev/data");
	make_file("/run/udev/control", "");
	udev_settle(&dev, UDEV_SETTLE_MS);
	assert_string_equal(dev.ifname, "enp0s4");
	assert_int_equal(k.slept, 8);

	/* one that hangs is waited for, but not for ever */
	remove(below("/run/udev/data/n7"));
	k.on_sleep = NULL;
	udev_settle(&dev, UDEV_SETTLE_MS);
	assert_int_equal(k.slept, 108);
	assert_string_equal(dev.ifname, "enp0s4");
	/* longer at boot, when udev has much to do */
	k.slept = 0;
	assert_int_equal(urctl_bind(&app, &(struct move){ .wait = 5 }), APP_FAILED);
	app.device = NIC;
	assert_int_equal(urctl_bind(&app, &(struct move){ .wait = 5 }), APP_OK);
	assert_int_equal(k.slept, 100 + 6000);
}

static void appear(void)
{
	if (k.slept == 4)
		assert_int_equal(symlink("../../../bus/pci/devices/" NIC,
					 below("/sys/class/net/eth9/device")), 0);
}

static void test_wait(void **state)
{
	struct move move = { .wait = 1 };

	(void)state;
	unlink(below("/sys/class/net/eth9/device"));
	assert_int_equal(bind_nic(false), APP_FAILED);
	assert_int_equal(k.slept, 0);
	k.on_sleep = appear;
	assert_int_equal(urctl_bind(&app, &move), APP_OK);
	expect_driver("userring", "userring");
	assert_int_equal(k.slept, 4);
	/* and not longer */
	app.device = "0000:00:1f.0";
	assert_int_equal(urctl_bind(&app, &move), APP_FAILED);
	assert_int_equal(k.slept, 24);
}

/* ------------------------------------------------------------------------
 * Routes and addresses that came by themselves
 */

#define ANY6	"00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
#define RA(ifname) ANY6 "fe800000000000000000000000000002 00000400 00000001 00000000 00450003 " ifname "\n"
#define GIVEN(ifname) ANY6 "fe800000000000000000000000000002 00000400 00000001 00000000 00000003 " ifname "\n"
#define NO_ROUTE ANY6 "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"

static void expect_use(const char *why)
{
	struct use use;

	if (!why) {
		assert_false(ifname_in_use("eth9", &use));
		return;
	}
	assert_true(ifname_in_use("eth9", &use));
	assert_string_equal(use.why, why);
	assert_string_equal(use.remedy, "ip link set eth9 down");
}

static void test_advertised_route(void **state)
{
	static const char route[] = "eth9 carries the default route of this machine";

	(void)state;
	make_dirs("/sys/class/net/eth1/device");
	make_file("/sys/class/net/eth1/carrier", "1\n");
	/* the only one */
	make_file("/proc/net/ipv6_route", RA("eth9") NO_ROUTE);
	expect_use(route);
	/* another one is there, however it came */
	make_file("/proc/net/ipv6_route", RA("eth9") NO_ROUTE RA("eth1"));
	expect_use(NULL);
	make_file("/proc/net/ipv6_route", GIVEN("eth1") RA("eth9"));
	expect_use(NULL);
	/* but it leads nowhere */
	make_file("/sys/class/net/eth1/carrier", "0\n");
	expect_use(route);
	make_file("/sys/class/net/eth1/carrier", "1\n");
	/* what was given stays what it is */
	make_file("/proc/net/ipv6_route", GIVEN("eth9") RA("eth1"));
	expect_use(route);
	make_file("/proc/net/ipv6_route", RA("eth9") RA("eth1"));
	make_file("/proc/net/route",
		  "eth9\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n");
	expect_use(route);
	/* the other way is one of IPv4 */
	make_file("/proc/net/ipv6_route", RA("eth9"));
	make_file("/proc/net/route",
		  "eth1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n");
	expect_use(NULL);
	make_file("/sys/class/net/eth1/carrier", "0\n");
	expect_use(route);
	/* a tunnel, which may go by that very interface */
	make_file("/sys/class/net/eth1/carrier", "1\n");
	remove(below("/sys/class/net/eth1/device"));
	expect_use(route);
}

#define TCP6(local, state) "   0: " local ":0016 0000000000000000FFFF00000100007F:1234 " state \
	" 00000000:00000000 02:0005C6A4 00000000     0        0 123 2 0000000000000000\n"

static void test_advertised_address(void **state)
{
	(void)state;
	k.address_of = "eth9";
	inet_pton(AF_INET6, "fec0::5054:ff:fe12:3456", &six);
	expect_use("eth9 is up and has the address fec0::5054:ff:fe12:3456");
	make_file("/proc/net/if_inet6",
		  "fec0000000000000505400fffe123456 07 40 40 00     eth9\n");
	expect_use(NULL);
	/* by hand, or by DHCPv6 */
	make_file("/proc/net/if_inet6",
		  "fec0000000000000505400fffe123456 07 40 40 80     eth9\n");
	expect_use("eth9 is up and has the address fec0::5054:ff:fe12:3456");
	make_file("/proc/net/if_inet6",
		  "fec0000000000000505400fffe123456 07 80 40 00     eth9\n");
	expect_use("eth9 is up and has the address fec0::5054:ff:fe12:3456");

	/* somebody works by it, over a link-local one as well */
	make_file("/proc/net/if_inet6",
		  "fec0000000000000505400fffe123456 07 40 40 00     eth9\n"
		  "fe80000000000000505400fffe123456 07 40 20 80     eth9\n");
	make_file("/proc/net/tcp6", TCP6("0000C0FE00000000FF005450563412FE", "0A"));
	expect_use(NULL);
	make_file("/proc/net/tcp6", TCP6("0000C0FE00000000FF005450563412FE", "01"));
	expect_use("a TCP connection goes by eth9, at its address fec0::5054:ff:fe12:3456");
	make_file("/proc/net/tcp6", TCP6("000080FE00000000FF005450563412FE", "01"));
	expect_use("a TCP connection goes by eth9, at its address fe80::5054:ff:fe12:3456");
}

/* ------------------------------------------------------------------------
 * The module, and boots
 */

static void test_module_is_loaded(void **state)
{
	char text[SYSFS_NAME];

	(void)state;
	make_dirs("/sys/bus/pci/devices/" OTHER);
	make_file("/sys/bus/pci/devices/" OTHER "/vendor", "0x8086\n");
	make_file("/sys/bus/pci/devices/" OTHER "/device", "0x10d3\n");
	remove(below("/sys/bus/pci/drivers/userring"));
	k.module = true;
	assert_int_equal(bind_nic(false), APP_OK);
	expect_driver("userring", "userring");
	/* what was reserved for that moment is free again */
	sysfs_read(below("/sys/bus/pci/devices/" OTHER "/driver_override"), text,
		   sizeof(text));
	assert_string_equal(text, "");

	/* the stock driver is not there yet */
	assert_int_equal(unbind_nic(false), APP_OK);
	remove(below("/sys/bus/pci/drivers/userring"));
	set_driver("");
	assert_int_equal(bind_nic(false), APP_OK);
	expect_driver("userring", "userring");
}

/* At the start of a machine both drivers come at the same time. */
static void test_stock_is_faster(void **state)
{
	(void)state;
	set_driver("");
	k.faster = true;
	assert_int_equal(bind_nic(false), APP_OK);
	expect_driver("userring", "userring");
}

static void test_foreign(void **state)
{
	(void)state;
	make_file("/sys/bus/pci/devices/" NIC "/vendor", "0x1af4\n");
	make_file("/sys/bus/pci/devices/" NIC "/device", "0x1000\n");
	assert_int_equal(bind_nic(false), APP_FAILED);
	assert_int_equal(bind_nic(true), APP_FAILED);
	expect_driver("e1000", "");
}

#define LINK "/etc/systemd/system/multi-user.target.wants/userring@" NIC ".service"

static bool is_enabled(void)
{
	struct stat st;

	return lstat(below(LINK), &st) == 0;
}

static void make_systemd(void)
{
	make_dirs("/run/systemd/system");
	make_dirs("/usr/lib/systemd/system");
	make_dirs("/etc");
	make_file("/usr/lib/systemd/system/userring@.service", "");
	make_dirs("/proc/sys/kernel");
	make_file("/proc/sys/kernel/osrelease", "6.1.0-test\n");
	make_dirs("/lib/modules/6.1.0-test");
	make_file("/lib/modules/6.1.0-test/modules.dep", "updates/userring.ko:\n");
}

static void test_persist(void **state)
{
	const struct move move = { .persist = true };
	char instance[SYSFS_NAME], target[128] = "";
	struct pci_dev dev;

	(void)state;
	make_systemd();
	/* refused: nothing is enabled */
	k.ours_refuses = true;
	assert_int_equal(urctl_bind(&app, &move), APP_FAILED);
	assert_false(is_enabled());
	k.ours_refuses = false;

	assert_int_equal(urctl_bind(&app, &move), APP_OK);
	expect_driver("userring", "userring");
	assert_true(is_enabled());
	assert_true(readlink(below(LINK), target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/usr/lib/systemd/system/userring@.service");
	assert_int_equal(pci_read(&dev, NIC), 0);
	persist_of(&dev, instance);
	assert_string_equal(instance, NIC);
	assert_int_equal(urctl_bind(&app, &move), APP_OK);

	/* unbind alone is for now */
	assert_int_equal(unbind_nic(false), APP_OK);
	assert_true(is_enabled());
	/* what is in use stays as it is, all of it */
	assert_int_equal(bind_nic(false), APP_OK);
	k.held = true;
	assert_int_equal(urctl_unbind(&app, &move), APP_FAILED);
	expect_driver("userring", "userring");
	assert_true(is_enabled());
	k.held = false;
	assert_int_equal(urctl_unbind(&app, &move), APP_OK);
	expect_driver("e1000", "");
	assert_false(is_enabled());
	assert_int_equal(urctl_unbind(&app, &move), APP_OK);

	/* one that is bound is only enabled */
	assert_int_equal(bind_nic(false), APP_OK);
	assert_false(is_enabled());
	assert_int_equal(urctl_bind(&app, &move), APP_OK);
	assert_true(is_enabled());
}

/* By the name of the interface, as systemctl enable may have it; by another unit. */
static void test_persist_by_name(void **state)
{
	const struct move move = { .persist = true };
	char instance[SYSFS_NAME];
	struct pci_dev dev;

	(void)state;
	make_systemd();
	make_dirs("/etc/systemd/system/urdns.service.requires");
	assert_int_equal(symlink("/x", below("/etc/systemd/system/urdns.service.requires/"
					     "userring@eth9.service")), 0);
	assert_int_equal(pci_read(&dev, NIC), 0);
	persist_of(&dev, instance);
	assert_string_equal(instance, "eth9");
	/* it is there already */
	assert_int_equal(urctl_bind(&app, &move), APP_OK);
	assert_false(is_enabled());
	app.device = "00:04.0";
	assert_int_equal(urctl_unbind(&app, &move), APP_OK);
	persist_of(&dev, instance);
	assert_string_equal(instance, "");
}

static void test_persist_absent(void **state)
{
	const struct move move = { .persist = true };

	(void)state;
	make_systemd();
	assert_int_equal(urctl_bind(&app, &move), APP_OK);
	remove(below("/sys/bus/pci/devices/" NIC "/driver"));
	assert_int_equal(rename(below("/sys/bus/pci/devices"),
				strcat(strcpy((char[128]){ "" }, root), "/gone")), 0);
	app.device = "0000:00:09.0";
	assert_int_equal(urctl_unbind(&app, &move), APP_FAILED);
	assert_true(is_enabled());
	app.device = "00:04.0";
	assert_int_equal(urctl_unbind(&app, &move), APP_OK);
	assert_false(is_enabled());
	assert_int_equal(urctl_unbind(&app, &move), APP_FAILED);
}

/* What cannot be kept is not begun. */
static void test_persist_refused(void **state)
{
	const struct move move = { .persist = true };

	(void)state;
	assert_int_equal(urctl_bind(&app, &move), APP_FAILED);
	assert_non_null(strstr(persist_cannot(), "systemd, which does not run"));
	expect_driver("e1000", "");
	make_dirs("/run/systemd/system");
	assert_int_equal(urctl_bind(&app, &move), APP_FAILED);
	assert_non_null(strstr(persist_cannot(), "userring@.service, which is not installed"));
	expect_driver("e1000", "");
	make_systemd();
	make_file("/lib/modules/6.1.0-test/modules.dep", "kernel/net/e1000.ko:\n");
	assert_int_equal(urctl_bind(&app, &move), APP_FAILED);
	expect_driver("e1000", "");
	make_systemd();
	/* a file where the folder is to be */
	make_file("/etc/systemd", "");
	assert_int_equal(urctl_bind(&app, &move), APP_FAILED);
	expect_driver("userring", "userring");
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
		TEST(test_upper),
		TEST(test_reserved),
		TEST(test_renamed),
		TEST(test_wait),
		TEST(test_advertised_route),
		TEST(test_advertised_address),
		TEST(test_module_is_loaded),
		TEST(test_stock_is_faster),
		TEST(test_foreign),
		TEST(test_persist),
		TEST(test_persist_by_name),
		TEST(test_persist_absent),
		TEST(test_persist_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
