// SPDX-License-Identifier: BSD-2-Clause
/*
 * Moving a NIC between its stock driver and userring, with driver_override.
 * A step that fails is undone: the NIC ends with the driver that it had.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "urctl/kmod.h"
#include "urctl/persist.h"
#include "urctl/self.h"
#include "urctl/udev.h"
#include "urctl/urctl.h"
#include "urctl/use.h"

#define OURS		"userring"
#define PROBE_WAIT_MS	3000
#define TAKE_TRIES	3	/* of a NIC that another driver takes as well */
#define LOOK_MS		50
#define VENDOR_INTEL	0x8086

static int set_override(const struct pci_dev *dev, const char *driver)
{
	char path[SYSFS_PATH];

	/* an empty line clears it */
	return sysfs_write(sysfs_path(path, "/sys/bus/pci/devices/%s/driver_override",
				      dev->address), *driver ? driver : "\n");
}

/* By whom the NIC was reserved before us: for a virtual machine, for one. */
static void read_override(const struct pci_dev *dev, char was[SYSFS_NAME])
{
	char path[SYSFS_PATH];

	if (sysfs_read(sysfs_path(path, "/sys/bus/pci/devices/%s/driver_override",
				  dev->address), was, SYSFS_NAME) ||
	    !strcmp(was, "(null)") || !strcmp(was, OURS))
		was[0] = '\0';
}

/* From bind to unbind it lies here, until the machine is started anew. */
static const char *kept_path(char path[SYSFS_PATH], const struct pci_dev *dev)
{
	return sysfs_path(path, "/run/urctl.%s.driver_override", dev->address);
}

static void keep_override(const struct app *app, const struct pci_dev *dev,
			  const char *was)
{
	char path[SYSFS_PATH];
	FILE *file;

	if (!was[0])
		return;
	file = fopen(kept_path(path, dev), "we");
	if (!file || fprintf(file, "%s\n", was) < 0)
		app_say(app, "%s: %s; unbind will not know that the NIC was reserved for %s",
			path, strerror(errno), was);
	if (file)
		fclose(file);
}

static void read_kept(const struct pci_dev *dev, char was[SYSFS_NAME])
{
	char path[SYSFS_PATH];

	if (sysfs_read(kept_path(path, dev), was, SYSFS_NAME))
		was[0] = '\0';
}

static void forget_kept(const struct pci_dev *dev)
{
	char path[SYSFS_PATH];

	unlink(kept_path(path, dev));
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

/*
 * One at a time: at the start of a machine there is one for each port.  The lock
 * goes with the process.
 */
static void wait_for_others(void)
{
	char path[SYSFS_PATH];
	static int fd = -1;

	if (fd >= 0)
		return;
	/* who may not make it is refused what comes */
	fd = open(sysfs_path(path, "/run/urctl.lock"),
		  O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		flock(fd, LOCK_EX);
}

static void refuse_step(const struct app *app, const char *command, int err)
{
	if (err == -EACCES || err == -EPERM)
		app_say(app, "that takes root: sudo %s %s %s", self_command(),
			command, app->device);
	else
		app_say(app, "%s: %s", app->device, strerror(-err));
}

/* Waits for it to be there, if that was asked for. */
static bool find(const struct app *app, struct pci_dev *dev,
		 const struct move *move)
{
	double left = move->wait * 1000;
	struct ur_error err;

	while (pci_find(dev, app->device, &err)) {
		if (left <= 0 || app_stopped()) {
			app_say(app, "%s", err.text);
			return false;
		}
		usleep(LOOK_MS * 1000);
		left -= LOOK_MS;
	}
	return true;
}

/* Takes the NIC back to the driver and the reservation of before, if any. */
static void go_back(const struct app *app, struct pci_dev *dev,
		    const char *before, const char *was)
{
	if (strcmp(before, OURS) == 0) {
		set_override(dev, OURS);
		probe(dev, "drivers_probe");
	} else {
		set_override(dev, was);
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

/* ------------------------------------------------------------------------
 * The module
 */

static bool is_loaded(void)
{
	char path[SYSFS_PATH];

	return sysfs_exists(sysfs_path(path, "/sys/bus/pci/drivers/" OURS));
}

/*
 * The module takes all NICs of its kinds that have no driver, and at the start of a
 * machine the stock drivers may come later: what is not to move is reserved for them
 * for that moment.
 */
static void shield(struct name_list *reserved)
{
	static struct name_list list;
	char path[SYSFS_PATH], was[SYSFS_NAME];
	struct pci_dev dev;
	size_t i;

	reserved->count = 0;
	sysfs_list(sysfs_path(path, "/sys/bus/pci/devices"), &list);
	for (i = 0; i < list.count; i++) {
		if (pci_read(&dev, list.name[i]) || !pci_supported(&dev) ||
		    dev.driver[0])
			continue;
		read_override(&dev, was);
		if (!was[0] && !set_override(&dev, pci_stock(&dev)))
			strcpy(reserved->name[reserved->count++], dev.address);
	}
}

static void unshield(const struct name_list *reserved)
{
	struct pci_dev dev;
	size_t i;

	for (i = 0; i < reserved->count; i++)
		if (pci_read(&dev, reserved->name[i]) == 0)
			set_override(&dev, "");
}

/* Loads the module if need be.  Return: false after saying why not. */
static bool load(const struct app *app)
{
	static struct name_list reserved;
	struct kmod k;
	sigset_t old;
	int err;

	if (is_loaded())
		return true;
	hold_signals(&old);
	shield(&reserved);
	err = kmod_load();
	unshield(&reserved);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (!err && is_loaded())
		return true;
	if (err == -EPERM) {
		refuse_step(app, "bind", err);
		return false;
	}
	kmod_read(&k);
	app_say(app, k.installed.path[0] ?
		"the module userring cannot be loaded into this kernel, %s; %s doctor says what to type" :
		"the module userring is not loaded, and not installed for this kernel, %s; %s doctor says what to type",
		k.release, self_command());
	return false;
}

/* ------------------------------------------------------------------------
 * bind
 */

static bool refuse_in_use(const struct app *app, const struct pci_dev *dev)
{
	struct use use;

	if (!ifname_in_use(dev->ifname, &use))
		return false;
	app_say(app, "%s; moving it would cut that: type %s first, or give --force",
		use.why, use.remedy);
	return true;
}

static bool bind_refused(const struct app *app, const struct pci_dev *dev,
			 const char *was, bool force)
{
	struct ur_error err;

	/* with a driver_override the module would be asked to take anything */
	if (dev->vendor != VENDOR_INTEL &&
	    pci_foreign(dev, app->device, &err)) {
		app_say(app, "%s", err.text);
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
	if (was[0]) {
		app_say(app, "%s is reserved for %s by its driver_override: something else may use it. --force takes it all the same, and unbind gives it back to %s",
			app->device, was, was);
		return true;
	}
	return refuse_in_use(app, dev);
}

/* Away from the driver that it has, or gets meanwhile, to ours. */
static int take(struct pci_dev *dev)
{
	int tries, err;

	for (tries = 0; tries < TAKE_TRIES; tries++) {
		err = release(dev);
		/* it has just lost that one */
		if (err && err != -ENODEV)
			return err;
		err = probe(dev, "drivers_probe");
		if (err || !dev->driver[0] || strcmp(dev->driver, OURS) == 0)
			return err;
	}
	return -EBUSY;
}

static unsigned settle_ms(const struct move *move)
{
	return move->wait > 0 ? UDEV_BOOT_MS : UDEV_SETTLE_MS;
}

static int move_to_ours(const struct app *app, struct pci_dev *dev,
			const char *was, const struct move *move)
{
	char before[SYSFS_NAME];
	int err;

	strcpy(before, dev->driver);
	err = set_override(dev, OURS);
	if (err) {
		refuse_step(app, "bind", err);
		return err;
	}
	err = take(dev);
	if (err && dev->driver[0] && strcmp(dev->driver, before) == 0) {
		refuse_step(app, "bind", err);
		set_override(dev, was);
		return err;
	}
	if (err || strcmp(dev->driver, OURS) != 0) {
		app_say(app, "userring did not take %s; dmesg says why",
			dev->address);
		go_back(app, dev, before, was);
		return -ENXIO;
	}
	keep_override(app, dev, was);
	udev_settle(dev, settle_ms(move));
	printf("%s moved from %s to userring: interface %s, node /dev/%s\n",
	       dev->address, before[0] ? before : "no driver",
	       dev->ifname[0] ? dev->ifname : "?", dev->node);
	return 0;
}

static bool keep(const struct app *app, const struct pci_dev *dev)
{
	char instance[SYSFS_NAME];
	int err;

	persist_of(dev, instance);
	if (instance[0]) {
		printf("it is bound at each boot, by userring@%s.service\n",
		       instance);
		persist_tell("start", instance);
		return true;
	}
	err = persist_enable(dev->address);
	if (err == -EACCES || err == -EPERM) {
		refuse_step(app, "bind --persist", err);
	} else if (err) {
		app_say(app, "%s is bound, but only until the next boot: userring@%s.service cannot be enabled: %s",
			app->device, dev->address, strerror(-err));
	} else {
		printf("it will be bound at each boot, by userring@%s.service\n",
		       dev->address);
		persist_tell("start", dev->address);
	}
	return !err;
}

/* What cannot be kept over a boot is not begun. */
static bool keep_refused(const struct app *app)
{
	const char *cannot = persist_cannot();
	struct kmod k;

	if (cannot) {
		app_say(app, "%s", cannot);
		return true;
	}
	kmod_read(&k);
	if (k.installed.path[0])
		return false;
	app_say(app, "the module userring is not installed for this kernel, %s, so no boot would find it: sudo make install-module, or the package of userring; then bind --persist",
		k.release);
	return true;
}

int urctl_bind(struct app *app, const struct move *move)
{
	char was[SYSFS_NAME];
	struct pci_dev dev;
	sigset_t old;
	int err = 0;

	if (move->persist && keep_refused(app))
		return APP_FAILED;
	if (!find(app, &dev, move))
		return APP_FAILED;
	wait_for_others();
	if (pci_read(&dev, dev.address) == 0 && strcmp(dev.driver, OURS) == 0) {
		printf("%s belongs to userring already (%s, /dev/%s)\n",
		       dev.address, dev.ifname, dev.node);
		return !move->persist || keep(app, &dev) ? APP_OK : APP_FAILED;
	}
	read_override(&dev, was);
	if (bind_refused(app, &dev, was, move->force) || !load(app))
		return APP_FAILED;
	/* meanwhile it may have got a driver, or ours */
	if (pci_read(&dev, dev.address))
		return APP_FAILED;

	hold_signals(&old);
	err = move_to_ours(app, &dev, was, move);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (err)
		return APP_FAILED;
	return !move->persist || keep(app, &dev) ? APP_OK : APP_FAILED;
}

/* ------------------------------------------------------------------------
 * unbind
 */

static bool unbind_refused(const struct app *app, const struct pci_dev *dev,
			   const char *was, bool force)
{
	const char *stock = was[0] ? was : pci_stock(dev);
	char path[SYSFS_PATH], why[256];

	if (stock[0] &&
	    !sysfs_exists(sysfs_path(path, "/sys/bus/pci/drivers/%s", stock))) {
		app_say(app, "the %s driver of %s is not loaded: sudo modprobe %s",
			was[0] ? "former" : "stock", app->device, stock);
		return true;
	}
	if (force)
		return false;
	if (port_holder(dev->node, why, sizeof(why))) {
		app_say(app, "%s has a queue of %s; stop it first, or --force",
			why, app->device);
		return true;
	}
	return refuse_in_use(app, dev);
}

static int move_to_stock(const struct app *app, struct pci_dev *dev,
			 const char *was, const struct move *move)
{
	char before[SYSFS_NAME];
	int err;

	strcpy(before, dev->driver);
	err = set_override(dev, was);
	if (err) {
		refuse_step(app, "unbind", err);
		return err;
	}
	err = release(dev);
	if (err) {
		refuse_step(app, "unbind", err);
		set_override(dev, OURS);
		return err;
	}
	err = probe_by(dev, was[0] ? was : pci_stock(dev));
	if (err || strcmp(dev->driver, OURS) == 0) {
		app_say(app, "no other driver took %s; dmesg says why",
			dev->address);
		if (strcmp(dev->driver, before) != 0)
			go_back(app, dev, before, was);
		return -ENXIO;
	}
	forget_kept(dev);
	udev_settle(dev, settle_ms(move));
	printf("%s moved from %s to %s: interface %s\n", dev->address,
	       before[0] ? before : "no driver", dev->driver,
	       dev->ifname[0] ? dev->ifname : "?");
	return 0;
}

/* Takes away all that binds this one at boot; name: what the user calls it. */
static bool forget(const struct app *app, const char *address, const char *ifname)
{
	const char *const names[] = { app->device, address, ifname };
	static struct name_list list;
	bool found = false;
	size_t i, j;
	int err = 0;

	persist_list(&list);
	for (i = 0; i < list.count; i++) {
		for (j = 0; j < 3 && strcmp(list.name[i], names[j]); j++)
			;
		if (j == 3)
			continue;
		found = true;
		err = persist_disable(list.name[i]);
		if (err)
			break;
		printf("it is not bound at boot any more: userring@%s.service is disabled\n",
		       list.name[i]);
		persist_tell("stop", list.name[i]);
	}
	if (err == -EACCES || err == -EPERM)
		refuse_step(app, "unbind --persist", err);
	else if (err)
		app_say(app, "userring@%s.service cannot be disabled: %s",
			list.name[i], strerror(-err));
	else if (!found)
		printf("%s was not to be bound at boot\n", app->device);
	return !err;
}

/* A NIC that is not there any more: only what binds it at boot is. */
static int forget_absent(const struct app *app)
{
	static struct name_list list;
	char full[SYSFS_NAME];
	struct ur_error err;
	struct pci_dev dev;
	size_t i;

	snprintf(full, sizeof(full), "0000:%.32s", app->device);
	persist_list(&list);
	for (i = 0; i < list.count; i++)
		if (!strcmp(list.name[i], app->device) ||
		    !strcmp(list.name[i], full))
			return forget(app, list.name[i], "") ? APP_OK : APP_FAILED;
	pci_find(&dev, app->device, &err);
	app_say(app, "%s", err.text);
	return APP_FAILED;
}

int urctl_unbind(struct app *app, const struct move *move)
{
	char was[SYSFS_NAME], ifname[SYSFS_NAME];
	struct pci_dev dev;
	struct ur_error nothing;
	sigset_t old;
	int err;

	if (move->persist && pci_find(&dev, app->device, &nothing))
		return forget_absent(app);
	if (!find(app, &dev, move))
		return APP_FAILED;
	wait_for_others();
	pci_read(&dev, dev.address);
	strcpy(ifname, dev.ifname);
	/* without a driver: userring was unloaded and the override is left */
	if (dev.driver[0] && strcmp(dev.driver, OURS) != 0) {
		printf("%s does not belong to userring but to %s\n",
		       dev.address, dev.driver);
	} else {
		read_kept(&dev, was);
		if (unbind_refused(app, &dev, was, move->force))
			return APP_FAILED;
		hold_signals(&old);
		err = move_to_stock(app, &dev, was, move);
		sigprocmask(SIG_SETMASK, &old, NULL);
		if (err)
			return APP_FAILED;
	}
	return !move->persist || forget(app, dev.address, ifname) ? APP_OK :
								     APP_FAILED;
}
