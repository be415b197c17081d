// SPDX-License-Identifier: BSD-2-Clause
#include "urids/fail.h"

#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATE_FORWARDING	3	/* BR_STATE_FORWARDING */

/* The bridge that an interface is in; "" if there is none. */
static void bridge_of(const char *sys, const char *netdev, char bridge[IF_NAMESIZE])
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t n;

	bridge[0] = '\0';
	snprintf(path, sizeof(path), "%s/class/net/%s/brport/bridge", sys, netdev);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	snprintf(bridge, IF_NAMESIZE, "%.15s", name ? name + 1 : target);
}

/* A number in a file, in any base; -1 if there is none. */
static int number_in(const char *sys, const char *netdev, const char *file)
{
	char path[PATH_MAX];
	int n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/class/net/%s/%s", sys, netdev, file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%i", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

static bool open_ready(const char *sys, const char *const port[2],
		       const char *bridge, char why[FAIL_WHY_MAX])
{
	int flags = number_in(sys, bridge, "flags"), i;

	if (flags < 0 || !(flags & IFF_UP)) {
		snprintf(why, FAIL_WHY_MAX, "--fail open: the bridge %s is down: ip link set %s up",
			 bridge, bridge);
		return false;
	}
	for (i = 0; i < 2; i++)
		if (number_in(sys, port[i], "brport/state") != STATE_FORWARDING) {
			snprintf(why, FAIL_WHY_MAX, "--fail open: the bridge %s does not forward to %s (yet): bridge link",
				 bridge, port[i]);
			return false;
		}
	return true;
}

bool fail_ready(enum fail_mode mode, const char *sys, const char *one,
		const char *two, char why[FAIL_WHY_MAX])
{
	const char *const port[2] = { one, two };
	char bridge[2][IF_NAMESIZE];
	bool same;

	bridge_of(sys, one, bridge[0]);
	bridge_of(sys, two, bridge[1]);
	same = bridge[0][0] && !strcmp(bridge[0], bridge[1]);
	if (mode == FAIL_OPEN && same)
		return open_ready(sys, port, bridge[0], why);
	if (mode == FAIL_OPEN)
		snprintf(why, FAIL_WHY_MAX, "--fail open: %s and %s are not in one bridge, so Linux would not go on forwarding: ip link add br0 type bridge; ip link set %s master br0; ip link set %s master br0; ip link set br0 up",
			 one, two, one, two);
	else if (same)
		snprintf(why, FAIL_WHY_MAX, "--fail closed: %s and %s are in the bridge %s, which would go on forwarding without rules: ip link set %s nomaster, or --fail open",
			 one, two, bridge[0], two);
	return mode == FAIL_CLOSED && !same;
}
