// SPDX-License-Identifier: BSD-2-Clause
/*
 * Moving a NIC between its stock driver and userring, with driver_override.
 * A step that fails is undone: the NIC ends with the driver that it had.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "urctl/urctl.h"

#define OURS		"userring"
#define PROBE_WAIT_MS	3000

static int set_override(const struct pci_dev *dev, const char *driver)
{
	char path[SYSFS_PATH];

	/* an empty line clears it */
	return sysfs_write(sysfs_path(path, "/sys/bus/pci/devices/%s/driver_override",
				      dev->address), *driver ? driver : "\n");
}

static int release(const struct pci_dev *dev)
{
	char path[SYSFS_PATH];

	if (!dev->driver[0])
		return 0;
	return sysfs_write(sysfs_path(path, "/sys/bus/pci/drivers/%s/unbind",
				      dev->driver), dev->address);
}

/* What file of a driver, or the bus, makes drivers look at the NIC. */
static int probe(struct pci_dev *dev, const char *file)
{
	char path[SYSFS_PATH];
	int waited, err;

	err = sysfs_write(sysfs_path(path, "/sys/bus/pci/%s", file),
			  dev->address);
	if (err)
		return err;

	/* a driver may ask to be probed later */
	for (waited = 0; waited < PROBE_WAIT_MS; waited += 50) {
		err = pci_read(dev, dev->address);
		if (err || dev->driver[0])
			return err;
		usleep(50000);
	}
	return -ENXIO;
}

static int probe_by(struct pci_dev *dev, const char *driver)
{
	char path[SYSFS_PATH], file[SYSFS_NAME + 16];

	if (driver[0]) {
		snprintf(file, sizeof(file), "drivers/%s/bind", driver);
		if (sysfs_exists(sysfs_path(path, "/sys/bus/pci/%s", file)) &&
		    probe(dev, file) == 0)
			return 0;
	}
	return probe(dev, "drivers_probe");
}

/* Nobody may stop us between two steps; ssh may be lost at the first. */
static void hold_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, old);
}

static void refuse_step(const struct app *app, const char *command, int err)
{
	if (err == -EACCES || err == -EPERM)
		app_say(app, "that takes root: sudo urctl %s %s", command,
			app->device);
	else
		app_say(app, "%s: %s", app->device, strerror(-err));
}

static bool find(const struct app *app, struct pci_dev *dev)
{
	switch (pci_find(dev, app->device)) {
	case 0:
		return true;
	case -EINVAL:
		app_say(app, "%s is no PCI device; userring drives Intel 82540EM, 82545EM, 82574L and 82576 NICs",
			app->device);
		return false;
	default:
		app_say(app, "there is no interface or PCI device %s; ip link and lspci -nn list them",
			app->device);
		return false;
	}
}

static const char *stock_driver(const struct pci_dev *dev)
{
	if (!pci_supported(dev))
		return "";
	switch (dev->device) {
	case 0x10d3:
		return "e1000e";
	case 0x10c9:
		return "igb";
	case 0x10ca:
		return "igbvf";
	default:
		return "e1000";
	}
}

/* Takes the NIC back to the driver of before, which may be none. */
static void go_back(const struct app *app, struct pci_dev *dev,
		    const char *before)
{
	if (strcmp(before, OURS) == 0) {
		set_override(dev, OURS);
		probe(dev, "drivers_probe");
	} else {
		set_override(dev, "");
		if (before[0])
			probe_by(dev, before);
	}
	if (strcmp(dev->driver, before) == 0)
		app_say(app, "%s is back with %s", dev->address,
			before[0] ? before : "no driver, as before");
	else
		app_say(app, "%s could not be given back to %s; type: echo %s | sudo tee /sys/bus/pci/drivers_probe",
			dev->address, before, dev->address);
}

static bool bind_refused(const struct app *app, const struct pci_dev *dev,
			 bool force)
{
	char path[SYSFS_PATH], why[256];

	if (!sysfs_exists(sysfs_path(path, "/sys/bus/pci/drivers/" OURS))) {
		app_say(app, "the module userring is not loaded; urctl doctor says what to type");
		return true;
	}
	if (force)
		return false;
	if (!pci_supported(dev)) {
		app_say(app, "%s is %04x:%04x, which userring was never tested with; to try it type: echo %04x %04x | sudo tee /sys/bus/pci/drivers/" OURS "/new_id, and bind with --force",
			app->device, dev->vendor, dev->device,
			dev->vendor, dev->device);
		return true;
	}
	if (ifname_in_use(dev->ifname, why, sizeof(why))) {
		app_say(app, "%s; moving it would cut that. --force does it all the same",
			why);
		return true;
	}
	return false;
}

int urctl_bind(struct app *app, bool force)
{
	char before[SYSFS_NAME];
	struct pci_dev dev;
	sigset_t old;
	int err;

	if (!find(app, &dev))
		return APP_FAILED;
	if (strcmp(dev.driver, OURS) == 0) {
		printf("%s belongs to userring already (%s, /dev/%s)\n",
		       dev.address, dev.ifname, dev.node);
		return APP_OK;
	}
	if (bind_refused(app, &dev, force))
		return APP_FAILED;

	strcpy(before, dev.driver);
	hold_signals(&old);
	err = set_override(&dev, OURS);
	if (err) {
		refuse_step(app, "bind", err);
		goto out;
	}
	err = release(&dev);
	if (err) {
		refuse_step(app, "bind", err);
		set_override(&dev, "");
		goto out;
	}
	err = probe(&dev, "drivers_probe");
	if (err || strcmp(dev.driver, OURS) != 0) {
		app_say(app, "userring did not take %s; dmesg says why",
			dev.address);
		go_back(app, &dev, before);
		err = -ENXIO;
		goto out;
	}
	printf("%s moved from %s to userring: interface %s, node /dev/%s\n",
	       dev.address, before[0] ? before : "no driver",
	       dev.ifname[0] ? dev.ifname : "?", dev.node);
out:
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err ? APP_FAILED : APP_OK;
}

static bool unbind_refused(const struct app *app, const struct pci_dev *dev,
			   bool force)
{
	const char *stock = stock_driver(dev);
	char path[SYSFS_PATH], why[256];

	if (stock[0] &&
	    !sysfs_exists(sysfs_path(path, "/sys/bus/pci/drivers/%s", stock))) {
		app_say(app, "the stock driver of %s is not loaded: sudo modprobe %s",
			app->device, stock);
		return true;
	}
	if (force)
		return false;
	if (port_holder(dev->node, why, sizeof(why))) {
		app_say(app, "%s has a queue of %s; stop it first, or --force",
			why, app->device);
		return true;
	}
	if (ifname_in_use(dev->ifname, why, sizeof(why))) {
		app_say(app, "%s; moving it would cut that. --force does it all the same",
			why);
		return true;
	}
	return false;
}

int urctl_unbind(struct app *app, bool force)
{
	char before[SYSFS_NAME];
	struct pci_dev dev;
	sigset_t old;
	int err;

	if (!find(app, &dev))
		return APP_FAILED;
	/* without a driver: userring was unloaded and the override is left */
	if (dev.driver[0] && strcmp(dev.driver, OURS) != 0) {
		printf("%s does not belong to userring but to %s\n",
		       dev.address, dev.driver);
		return APP_OK;
	}
	if (unbind_refused(app, &dev, force))
		return APP_FAILED;

	strcpy(before, dev.driver);
	hold_signals(&old);
	err = set_override(&dev, "");
	if (err) {
		refuse_step(app, "unbind", err);
		goto out;
	}
	err = release(&dev);
	if (err) {
		refuse_step(app, "unbind", err);
		set_override(&dev, OURS);
		goto out;
	}
	err = probe_by(&dev, stock_driver(&dev));
	if (err || strcmp(dev.driver, OURS) == 0) {
		app_say(app, "no other driver took %s; dmesg says why",
			dev.address);
		if (strcmp(dev.driver, before) != 0)
			go_back(app, &dev, before);
		err = -ENXIO;
		goto out;
	}
	printf("%s moved from %s to %s: interface %s\n", dev.address,
	       before[0] ? before : "no driver", dev.driver,
	       dev.ifname[0] ? dev.ifname : "?");
out:
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err ? APP_FAILED : APP_OK;
}
