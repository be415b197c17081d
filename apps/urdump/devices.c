// SPDX-License-Identifier: BSD-2-Clause
#include "urdump/devices.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "common/common.h"

#define PORTS	"/sys/class/userring/*/device/net/*"

uint32_t devices_each(void (*say)(const char *name))
{
	glob_t ports = { 0 };
	uint32_t n = 0;

	if (glob(PORTS, 0, NULL, &ports) == 0)
		for (; n < ports.gl_pathc; n++)
			say(strrchr(ports.gl_pathv[n], '/') + 1);
	globfree(&ports);
	return n;
}

/* Who may not ask the port learns its name at least, and why. */
static void say_port(const char *name)
{
	struct ur_port_info info;
	struct ur_error err = { "" };
	struct ur_port *port;

	if (ur_port_open(&port, name, &err)) {
		printf("%-16s %s\n", name, err.text);
		return;
	}
	if (!ur_port_info(port, &info))
		printf("%-16s %s, %u queue%s, %s\n", name, info.variant,
		       info.queues, app_s(info.queues), !info.up ? "down" :
		       info.link_up ? "up" : "no link");
	ur_port_close(port);
}

void devices_list(void)
{
	if (!devices_each(say_port))
		fprintf(stderr, "urdump: no port belongs to userring: urctl doctor says what to do\n");
	printf("%-16s a NIC in software\n", "sim:gen=udp");
	printf("%-16s a capture\n", "pcap:FILE");
}
