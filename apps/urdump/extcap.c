// SPDX-License-Identifier: BSD-2-Clause
#include "urdump/extcap.h"

#include <stdio.h>
#include <string.h>

#include "common/common.h"
#include "urdump/devices.h"
#include "urdump/filter.h"

/* Wireshark knows the interface by its own name as well. */
#define PREFIX		"userring-"
#define TRIAL		PREFIX "sim"
#define TRIAL_DEVICE	"sim:gen=udp,rate=1000"

bool extcap_asked(const struct extcap *x)
{
	return x->interfaces || x->link_types || x->config ||
	       (x->filter && !x->capture);
}

const char *extcap_device(const char *interface)
{
	if (strcmp(interface, TRIAL) == 0)
		return TRIAL_DEVICE;
	return strncmp(interface, PREFIX, strlen(PREFIX)) == 0 ?
	       interface + strlen(PREFIX) : interface;
}

static void list_interface(const char *name)
{
	printf("interface {value=" PREFIX "%s}{display=%s, by userring}\n", name,
	       name);
}

static void list_interfaces(void)
{
	printf("extcap {version=%s}{help=man:urdump(8)}\n", APP_VERSION);
	devices_each(list_interface);
	puts("interface {value=" TRIAL "}{display=a NIC in software, by userring}");
}

static void list_options(void)
{
	puts("arg {number=0}{call=--snaplen}{display=Bytes of each packet}{type=unsigned}{range=1,262144}{default=262144}");
	puts("arg {number=1}{call=--take}{display=Keep the packets from Linux}{tooltip=Faster; ARP, ping and ssh by this port stop meanwhile}{type=boolflag}{default=false}");
}

/* Nothing is said of a filter that is right. */
static int check_filter(const struct extcap *x)
{
	static struct filter filter;
	const char *why = NULL;

	if (snprintf(filter.text, sizeof(filter.text), "%s", x->filter) >=
	    (int)sizeof(filter.text))
		why = "the filter is too long";
	if (!why)
		why = filter_compile(&filter, extcap_device(x->interface));
	filter_free(&filter);
	if (why)
		puts(why);
	return why ? APP_FAILED : APP_OK;
}

int extcap_answer(const struct extcap *x)
{
	if (x->interfaces) {
		list_interfaces();
		return APP_OK;
	}
	if (!x->interface) {
		fprintf(stderr, "urdump: which interface? Say --extcap-interface NAME\n");
		return APP_USAGE;
	}
	if (x->link_types)
		puts("dlt {number=1}{name=EN10MB}{display=Ethernet}");
	else if (x->config)
		list_options();
	else
		return check_filter(x);
	return APP_OK;
}
