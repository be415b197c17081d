// SPDX-License-Identifier: BSD-2-Clause
#include "urctl/use.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "urctl/sysfs.h"

/* linux/ipv6_route.h and linux/if_addr.h, which do not go with net/if.h everywhere */
#define RTF_REJECT	0x0200
#define RTF_ADDRCONF	0x00040000
#define IFA_F_PERMANENT	0x80
#define SLAAC_PREFIX	64	/* DHCPv6 and people give others as well */
#define TCP_ESTABLISHED	1

static FILE *open_below(const char *file)
{
	char path[SYSFS_PATH];

	return fopen(sysfs_path(path, "%s", file), "re");
}

/* ------------------------------------------------------------------------
 * Default routes
 */

/* Default routes, as far as an interface is concerned. */
struct defaults {
	bool given;		/* it has one of IPv4, or one of IPv6 that stays */
	bool advertised;	/* it has one of a router advertisement */
	bool elsewhere;		/* another NIC with a link has one */
};

/* A tunnel is no way out by itself: it may lead through the interface in question. */
static bool is_nic_with_link(const char *ifname)
{
	char path[SYSFS_PATH], text[8];

	if (!sysfs_exists(sysfs_path(path, "/sys/class/net/%s/device", ifname)))
		return false;
	return sysfs_read(sysfs_path(path, "/sys/class/net/%s/carrier", ifname),
			  text, sizeof(text)) || text[0] != '0';
}

static void take_default(struct defaults *d, const char *ifname,
			 const char *name, bool advertised)
{
	if (strcmp(name, ifname))
		d->elsewhere |= is_nic_with_link(name);
	else if (advertised)
		d->advertised = true;
	else
		d->given = true;
}

static void read_defaults4(struct defaults *d, const char *ifname)
{
	FILE *file = open_below("/proc/net/route");
	char line[512], name[SYSFS_NAME], dest[16], mask[16];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %15s %*s %*s %*s %*s %*s %15s", name,
			   dest, mask) == 3 &&
		    !strcmp(dest, "00000000") && !strcmp(mask, "00000000"))
			take_default(d, ifname, name, false);
	if (file)
		fclose(file);
}

static void read_defaults6(struct defaults *d, const char *ifname)
{
	FILE *file = open_below("/proc/net/ipv6_route");
	char line[512], name[SYSFS_NAME], dest[40], len[4];
	unsigned flags;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%39s %3s %*s %*s %*s %*s %*s %*s %x %63s",
			   dest, len, &flags, name) == 4 &&
		    !strcmp(len, "00") && strspn(dest, "0") == 32 &&
		    !(flags & RTF_REJECT) && strcmp(name, "lo"))
			take_default(d, ifname, name, flags & RTF_ADDRCONF);
	if (file)
		fclose(file);
}

/*
 * Is it the way out?  A route that a router advertised, to whomever listened, is not,
 * while the machine has another way.
 */
static bool has_default(const char *ifname)
{
	struct defaults d = { false, false, false };

	read_defaults4(&d, ifname);
	read_defaults6(&d, ifname);
	return d.given || (d.advertised && !d.elsewhere);
}

/* ------------------------------------------------------------------------
 * Addresses
 */

/* An address of IPv6 that the kernel tells of. */
struct addr6 {
	struct in6_addr ip;
	unsigned prefix;
	unsigned flags;
};

/* The next one of the interface. */
static bool next_addr6(FILE *file, const char *ifname, struct addr6 *a)
{
	char line[256], name[SYSFS_NAME], digits[33], byte[3] = "";
	int i;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%32s %*x %x %*x %x %63s", digits, &a->prefix,
			   &a->flags, name) != 4 || strlen(digits) != 32 ||
		    strcmp(name, ifname))
			continue;
		for (i = 0; i < 16; i++) {
			memcpy(byte, digits + 2 * i, 2);
			a->ip.s6_addr[i] = (uint8_t)strtoul(byte, NULL, 16);
		}
		return true;
	}
	return false;
}

/* By the kernel itself, from a router's prefix. */
static bool is_advertised(const char *ifname, const struct in6_addr *ip)
{
	FILE *file = open_below("/proc/net/if_inet6");
	bool found = false;
	struct addr6 a;

	while (!found && next_addr6(file, ifname, &a))
		found = !memcmp(&a.ip, ip, sizeof(*ip)) &&
			!(a.flags & IFA_F_PERMANENT) &&
			a.prefix == SLAAC_PREFIX;
	if (file)
		fclose(file);
	return found;
}

/* Does a TCP connection end at this address?  /proc has it in words of the CPU. */
static bool is_connected(const struct in6_addr *ip)
{
	FILE *file = open_below("/proc/net/tcp6");
	char line[512], local[33], digits[33];
	bool found = false;
	uint32_t word[4];
	unsigned state;

	memcpy(word, ip, sizeof(word));
	snprintf(digits, sizeof(digits), "%08X%08X%08X%08X", word[0], word[1],
		 word[2], word[3]);
	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, " %*[0-9]: %32[0-9A-F]:%*x %*[0-9A-F]:%*x %x",
			       local, &state) == 2 &&
			state == TCP_ESTABLISHED && !strcmp(local, digits);
	if (file)
		fclose(file);
	return found;
}

static bool has_connection(const char *ifname, char *text)
{
	FILE *file = open_below("/proc/net/if_inet6");
	bool found = false;
	struct addr6 a;

	while (!found && next_addr6(file, ifname, &a))
		found = is_connected(&a.ip);
	if (found)
		inet_ntop(AF_INET6, &a.ip, text, INET6_ADDRSTRLEN);
	if (file)
		fclose(file);
	return found;
}

/* An address with a label has that for the name: eth1:dns. */
static bool is_name(const char *name, const char *ifname)
{
	size_t len = strlen(ifname);

	return !strncmp(name, ifname, len) && (!name[len] || name[len] == ':');
}

/* The first address that was given to the interface, and did not come by itself. */
static bool up_with_address(const char *ifname, char *text)
{
	struct ifaddrs *list, *a;
	bool found = false;

	if (getifaddrs(&list))
		return false;
	for (a = list; a && !found; a = a->ifa_next) {
		const struct in6_addr *six;
		const void *ip;

		if (!a->ifa_addr || !is_name(a->ifa_name, ifname) ||
		    !(a->ifa_flags & IFF_UP))
			continue;
		if (a->ifa_addr->sa_family == AF_INET) {
			ip = &((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr;
		} else if (a->ifa_addr->sa_family == AF_INET6) {
			six = &((struct sockaddr_in6 *)(void *)a->ifa_addr)->sin6_addr;
			if (IN6_IS_ADDR_LINKLOCAL(six) ||
			    is_advertised(ifname, six))
				continue;
			ip = six;
		} else {
			continue;
		}
		found = inet_ntop(a->ifa_addr->sa_family, ip, text,
				  INET6_ADDRSTRLEN);
	}
	freeifaddrs(list);
	return found;
}

/* ------------------------------------------------------------------------
 * All of it
 */

static bool is_part(const char *ifname, struct use *use)
{
	char path[SYSFS_PATH], name[SYSFS_NAME];
	struct name_list list;
	size_t i;

	sysfs_link(sysfs_path(path, "/sys/class/net/%s/master", ifname), name);
	if (name[0]) {
		snprintf(use->why, sizeof(use->why), "%s is part of %s", ifname,
			 name);
		snprintf(use->remedy, sizeof(use->remedy),
			 "ip link set %s nomaster", ifname);
		return true;
	}
	sysfs_list(sysfs_path(path, "/sys/class/net/%s", ifname), &list);
	for (i = 0; i < list.count; i++) {
		if (strncmp(list.name[i], "upper_", 6))
			continue;
		snprintf(use->why, sizeof(use->why), "%s carries %s", ifname,
			 list.name[i] + 6);
		snprintf(use->remedy, sizeof(use->remedy), "ip link delete %s",
			 list.name[i] + 6);
		return true;
	}
	return false;
}

bool ifname_in_use(const char *ifname, struct use *use)
{
	char address[INET6_ADDRSTRLEN];

	if (!ifname[0])
		return false;
	snprintf(use->remedy, sizeof(use->remedy), "ip link set %s down",
		 ifname);
	if (has_default(ifname)) {
		snprintf(use->why, sizeof(use->why),
			 "%s carries the default route of this machine",
			 ifname);
		return true;
	}
	if (up_with_address(ifname, address)) {
		snprintf(use->why, sizeof(use->why),
			 "%s is up and has the address %s", ifname, address);
		return true;
	}
	if (has_connection(ifname, address)) {
		snprintf(use->why, sizeof(use->why),
			 "a TCP connection goes by %s, at its address %s",
			 ifname, address);
		return true;
	}
	return is_part(ifname, use);
}
