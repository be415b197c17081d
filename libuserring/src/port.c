// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ports: from a name to an open node of the module.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "find.h"
#include "internal.h"

/* ------------------------------------------------------------------------
 * Names
 */

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

/* The node whose device is at this PCI address. */
static bool node_of_pci(const struct ur_paths *paths, const char *pci,
			char *node, size_t size)
{
	char path[PATH_MAX], name[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/userring", paths->sys);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/class/userring/%s/device",
			 paths->sys, entry->d_name);
		if (entry->d_name[0] == '.' ||
		    !ur_link_name(path, name, sizeof(name)) || strcmp(name, pci))
			continue;
		found = snprintf(node, size, "%s/%s", paths->dev,
				 entry->d_name) < (int)size;
	}
	closedir(dir);
	return found;
}

int ur_port_find(const struct ur_paths *paths, const char *name, char *node,
		 size_t size, struct ur_error *err)
{
	char path[PATH_MAX], pci[UR_PCI_LEN], driver[64] = "";
	bool loaded;
	int ret;

	ret = ur_find_pci(paths, name, pci, err);
	if (ret)
		return ret;
	if (node_of_pci(paths, pci, node, size))
		return 0;

	snprintf(path, sizeof(path), "%s/module/userring", paths->sys);
	loaded = exists(path);
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver",
		 paths->sys, pci);
	ur_link_name(path, driver, sizeof(driver));
	if (strcmp(driver, "userring") && ur_find_foreign(paths, name, pci, err))
		return -ENODEV;
	if (!driver[0])
		return loaded ?
		       ur_fail(err, -ENODEV,
			       "%s has no driver: type urctl bind %s", name,
			       name) :
		       ur_fail(err, -ENODEV,
			       "%s has no driver and the module userring is not loaded: urctl doctor says what to type",
			       name);
	if (!loaded)
		return ur_fail(err, -ENODEV,
			       "%s is driven by %s and the module userring is not loaded: urctl doctor says what to type",
			       name, driver);
	if (!strcmp(driver, "userring"))
		return ur_fail(err, -ENODEV,
			       "%s is driven by userring, but has no node: see dmesg",
			       name);
	return ur_fail(err, -ENODEV,
		       "%s is driven by %s, not by userring: type urctl bind %s",
		       name, driver, name);
}

/* Cuts "@N" off a name. */
static int cut_queue(char *name, uint32_t *queue, struct ur_error *err)
{
	char *at = strrchr(name, '@');
	unsigned long n;
	char *end;

	*queue = 0;
	if (!at)
		return 0;
	n = strtoul(at + 1, &end, 10);
	if (at[1] < '0' || at[1] > '9' || *end || n >= UR_QUEUE_ANY)
		return ur_fail(err, -EINVAL,
			       "\"%s\" is not the number of a queue: say eth1@0",
			       at + 1);
	*queue = (uint32_t)n;
	*at = '\0';
	return 0;
}

/* ------------------------------------------------------------------------
 * Nodes
 */

static int open_node(const char *node, struct ur_error *err)
{
	int fd = open(node, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case EACCES:
	case EPERM:
		return ur_fail(err, -errno,
			       "%s: permission denied: run as root or add yourself to the group of the node",
			       node);
	case ENOENT:
		if (!exists("/sys/module/userring"))
			return ur_fail(err, -ENODEV,
				       "the module userring is not loaded: urctl doctor says what to type");
		return ur_fail(err, -ENOENT, "no node %s", node);
	case ENXIO:
	case ENODEV:
		return ur_fail(err, -ENODEV, "%s: the device is gone", node);
	default:
		return ur_fail(err, -errno, "%s: %s", node,
			       ur_strerror(-errno));
	}
}

static int module_port_info(struct ur_port *port, struct ur_port_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	return ioctl(port->fd, UR_IOC_PORT_INFO, info) ? -errno : 0;
}

static int module_queue_info(struct ur_port *port, struct ur_queue_info *info)
{
	return ioctl(port->fd, UR_IOC_QUEUE_INFO, info) ? -errno : 0;
}

static void module_port_close(struct ur_port *port)
{
	close(port->fd);
}

static int module_open(struct ur_port *port, const char *name,
		       struct ur_error *err)
{
	const struct ur_paths paths = { .sys = "/sys", .dev = "/dev" };
	struct ur_port_info info;
	char copy[PATH_MAX];
	int ret;

	if (snprintf(copy, sizeof(copy), "%s", name) >= (int)sizeof(copy))
		return ur_fail(err, -EINVAL, "the name of the port is too long");
	ret = cut_queue(copy, &port->queue, err);
	if (ret)
		return ret;
	if (copy[0] == '/') {
		if (snprintf(port->node, sizeof(port->node), "%s", copy) >=
		    (int)sizeof(port->node))
			return ur_fail(err, -EINVAL,
				       "the name of the node is too long");
	} else {
		ret = ur_port_find(&paths, copy, port->node,
				   sizeof(port->node), err);
		if (ret)
			return ret;
	}

	port->fd = open_node(port->node, err);
	if (port->fd < 0)
		return port->fd;
	port->backend = &ur_module;
	ret = module_port_info(port, &info);
	if (ret == -ENOTTY || ret == -EINVAL) {
		ret = ur_fail(err, -ENOTTY, "%s is not a node of userring",
			      port->node);
		goto err_close;
	}
	if (ret) {
		ur_fail(err, ret, "%s: %s", port->node, ur_strerror(ret));
		goto err_close;
	}
	if (info.abi_version != UR_ABI_VERSION) {
		ret = ur_fail(err, -EPROTO,
			      "the module speaks version %u of the contract and this library version %u: build both from the same sources",
			      info.abi_version, UR_ABI_VERSION);
		goto err_close;
	}
	info.ifname[UR_NAME_LEN - 1] = '\0';
	snprintf(port->label, sizeof(port->label), "%s",
		 info.ifname[0] ? info.ifname : port->node);
	return 0;

err_close:
	close(port->fd);
	return ret;
}

/* ------------------------------------------------------------------------
 * Calls
 */

int ur_port_open(struct ur_port **port_ret, const char *name,
		 struct ur_error *err)
{
	struct ur_port *port;
	int ret;

	*port_ret = NULL;
	if (err)
		err->text[0] = '\0';
	if (!name)
		return ur_fail(err, -EINVAL, "no name of a port was given");
	port = calloc(1, sizeof(*port));
	if (!port)
		return ur_fail(err, -ENOMEM, "no memory");
	port->fd = -1;
	if (!strncmp(name, "sim:", 4) || !strcmp(name, "sim"))
		ret = ur_sim_open(port, name[3] ? name + 4 : "", err);
	else if (!strncmp(name, "pcap:", 5))
		ret = ur_pcap_open(port, name + 5, err);
	else
		ret = module_open(port, name, err);
	if (ret) {
		free(port);
		return ret;
	}
	*port_ret = port;
	return 0;
}

void ur_port_close(struct ur_port *port)
{
	if (!port)
		return;
	port->backend->port_close(port);
	free(port);
}

int ur_port_info(struct ur_port *port, struct ur_port_info *info)
{
	return port->backend->port_info(port, info);
}

int ur_port_queue_info(struct ur_port *port, uint32_t queue,
		       struct ur_queue_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->queue = queue;
	return port->backend->queue_info(port, info);
}

/* ------------------------------------------------------------------------
 * The module as backend
 */

const struct ur_backend ur_module = {
	.port_close	= module_port_close,
	.port_info	= module_port_info,
	.queue_info	= module_queue_info,
	.pool_create	= ur_module_pool_create,	/* pool.c */
	.attach		= ur_module_attach,		/* module.c */
	.detach		= ur_module_detach,
	.unmap		= ur_module_unmap,
	.leave		= ur_module_unmap,
	.sync		= ur_module_sync,
	.poll		= ur_module_poll,
};
