// SPDX-License-Identifier: BSD-2-Clause
/*
 * The links that systemctl enable makes, which systemctl disable takes away as well:
 * one call of the kernel each, done or not done.
 */
#include "urctl/persist.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "urctl/self.h"

#define SYSTEM	"/etc/systemd/system"
#define WANTS	SYSTEM "/multi-user.target.wants"	/* as [Install] of the unit says */

static const char prefix[] = "userring@";
static const char suffix[] = ".service";

/* Where systemd looks, the first one wins.  Return: below the root; NULL: nowhere. */
static const char *find_unit(char path[SYSFS_PATH])
{
	static const char *const folders[] = {
		SYSTEM, "/run/systemd/system", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system",
	};
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (sysfs_exists(sysfs_path(path, "%s/" PERSIST_UNIT,
					    folders[i])))
			return path + strlen(sysfs_root());
	return NULL;
}

bool persist_installed(void)
{
	char path[SYSFS_PATH];

	return find_unit(path) != NULL;
}

const char *persist_cannot(void)
{
	char path[SYSFS_PATH];

	if (!sysfs_exists(sysfs_path(path, "/run/systemd/system")))
		return "--persist needs systemd, which does not run here: let the start of this machine call urctl bind, before the network is set up";
	if (!persist_installed())
		return "--persist needs the unit " PERSIST_UNIT ", which is not installed: sudo make install, or the package of userring";
	return NULL;
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* All instances that a folder of wants has. */
static void list_folder(const char *folder, struct name_list *list)
{
	static struct name_list found;
	char path[SYSFS_PATH];
	size_t i, len;

	sysfs_list(sysfs_path(path, SYSTEM "/%s", folder), &found);
	for (i = 0; i < found.count && list->count < SYSFS_LIST; i++) {
		const char *name = found.name[i];

		len = strlen(name);
		if (len <= strlen(prefix) + strlen(suffix) ||
		    strncmp(name, prefix, strlen(prefix)) ||
		    strcmp(name + len - strlen(suffix), suffix))
			continue;
		len -= strlen(prefix) + strlen(suffix);
		snprintf(list->name[list->count++], SYSFS_NAME, "%.*s",
			 (int)len, name + strlen(prefix));
	}
}

/* Whatever starts them: .wants and .requires of any unit. */
void persist_list(struct name_list *list)
{
	static struct name_list folders;
	char path[SYSFS_PATH];
	size_t i;

	list->count = 0;
	sysfs_list(sysfs_path(path, SYSTEM), &folders);
	for (i = 0; i < folders.count; i++)
		if (strstr(folders.name[i], ".wants") ||
		    strstr(folders.name[i], ".requires"))
			list_folder(folders.name[i], list);
}

void persist_of(const struct pci_dev *dev, char instance[SYSFS_NAME])
{
	static struct name_list list;
	size_t i;

	instance[0] = '\0';
	persist_list(&list);
	for (i = 0; i < list.count; i++)
		if (!strcmp(list.name[i], dev->address) ||
		    (dev->ifname[0] && !strcmp(list.name[i], dev->ifname)))
			strcpy(instance, list.name[i]);
}

int persist_enable(const char *address)
{
	char unit[SYSFS_PATH], path[SYSFS_PATH];
	const char *target = find_unit(unit);

	if (!target)
		return -ENOENT;
	mkdir(sysfs_path(path, "/etc/systemd"), 0755);
	mkdir(sysfs_path(path, SYSTEM), 0755);
	mkdir(sysfs_path(path, WANTS), 0755);
	sysfs_path(path, WANTS "/%s%s%s", prefix, address, suffix);
	if (symlink(target, path) == 0)
		return 0;
	return errno == EEXIST && is_link(path) ? 0 : -errno;
}

int persist_disable(const char *instance)
{
	static struct name_list folders;
	char path[SYSFS_PATH];
	int err = 0;
	size_t i;

	sysfs_list(sysfs_path(path, SYSTEM), &folders);
	for (i = 0; i < folders.count; i++) {
		sysfs_path(path, SYSTEM "/%s/%s%s%s", folders.name[i], prefix,
			   instance, suffix);
		if (is_link(path) && unlink(path))
			err = -errno;
	}
	return err;
}

void persist_tell(const char *verb, const char *instance)
{
	char unit[SYSFS_NAME + 32];
	const char *const argv[] = { "systemctl", "--no-block", verb, unit, NULL };

	snprintf(unit, sizeof(unit), "%s%s%s", prefix, instance, suffix);
	if (!sysfs_root()[0])
		self_run(argv, NULL, 0);
}
