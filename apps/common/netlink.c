// SPDX-License-Identifier: BSD-2-Clause
#include "common/netlink.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER		65536
#define TRIES		5	/* of a dump that changes cut short */
#define BOND_BACKUP	1	/* IFLA_BOND_SLAVE_STATE: not the active one */

static int open_socket(uint32_t groups)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int err;

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

int nl_watch(void)
{
	return open_socket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
}

void nl_news(int fd)
{
	char buf[8192];

	/* what they say is read anew; too many of them (ENOBUFS) say the same */
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		errno = 0;
}

/* ------------------------------------------------------------------------
 * Attributes
 */

/* Attributes by their number; NULL: not there. */
static void sort_attrs(const struct rtattr *a, size_t size,
		       const struct rtattr **by, unsigned int n)
{
	int left = (int)size;

	memset(by, 0, n * sizeof(*by));
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		unsigned int type = a->rta_type & NLA_TYPE_MASK;

		if (type < n)
			by[type] = a;
	}
}

static void sort_nested(const struct rtattr *a, const struct rtattr **by,
			unsigned int n)
{
	if (a)
		sort_attrs(RTA_DATA(a), RTA_PAYLOAD(a), by, n);
	else
		memset(by, 0, n * sizeof(*by));
}

static uint32_t u32_of(const struct rtattr *a)
{
	uint32_t n = 0;

	if (a && RTA_PAYLOAD(a) >= sizeof(n))
		memcpy(&n, RTA_DATA(a), sizeof(n));
	return n;
}

static uint8_t u8_of(const struct rtattr *a)
{
	return a && RTA_PAYLOAD(a) >= 1 ? *(const uint8_t *)RTA_DATA(a) : 0;
}

static void text_of(const struct rtattr *a, char *text, size_t size)
{
	size_t len = a ? RTA_PAYLOAD(a) : 0;

	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(text, RTA_DATA(a), len);
	text[len] = '\0';
}

/* Does its master, of that kind, take packets from it? */
static bool is_idle(const char *kind, const struct rtattr *data)
{
	const struct rtattr *by[IFLA_BOND_SLAVE_MAX > IFLA_BRPORT_STATE ?
				IFLA_BOND_SLAVE_MAX + 1 : IFLA_BRPORT_STATE + 1];

	sort_nested(data, by, sizeof(by) / sizeof(by[0]));
	if (!strcmp(kind, "bond"))
		return u8_of(by[IFLA_BOND_SLAVE_STATE]) == BOND_BACKUP;
	if (!strcmp(kind, "bridge"))
		return u8_of(by[IFLA_BRPORT_STATE]) != BR_STATE_FORWARDING;
	return false;
}

/* ------------------------------------------------------------------------
 * One message
 */

static int take_link(struct nl_state *s, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	const struct rtattr *by[IFLA_MAX + 1], *own[IFLA_INFO_MAX + 1];
	const struct rtattr *bridge[IFLA_BR_MAX + 1];
	struct nl_link *grown, *l;
	char port_of[16];

	grown = realloc(s->link, (s->links + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->link = grown;
	l = &grown[s->links++];
	memset(l, 0, sizeof(*l));
	sort_attrs(IFLA_RTA(info), IFLA_PAYLOAD(h), by, IFLA_MAX + 1);
	sort_nested(by[IFLA_LINKINFO], own, IFLA_INFO_MAX + 1);
	l->index = (uint32_t)info->ifi_index;
	l->master = u32_of(by[IFLA_MASTER]);
	/* of another namespace it is another one of that index */
	if (!by[IFLA_LINK_NETNSID])
		l->lower = u32_of(by[IFLA_LINK]);
	text_of(by[IFLA_IFNAME], l->name, sizeof(l->name));
	text_of(by[IFLA_PARENT_DEV_NAME], l->device, sizeof(l->device));
	text_of(own[IFLA_INFO_KIND], l->kind, sizeof(l->kind));
	text_of(own[IFLA_INFO_SLAVE_KIND], port_of, sizeof(port_of));
	if (by[IFLA_ADDRESS] && RTA_PAYLOAD(by[IFLA_ADDRESS]) == 6)
		memcpy(l->mac, RTA_DATA(by[IFLA_ADDRESS]), 6);
	l->idle = is_idle(port_of, own[IFLA_INFO_SLAVE_DATA]);
	if (!strcmp(l->kind, "bridge")) {
		sort_nested(own[IFLA_INFO_DATA], bridge, IFLA_BR_MAX + 1);
		l->filters_vlans = u8_of(bridge[IFLA_BR_VLAN_FILTERING]);
	}
	return 0;
}

static int take_addr(struct nl_state *s, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *info = NLMSG_DATA(h);
	const struct rtattr *by[IFA_MAX + 1], *ip;
	size_t len = info->ifa_family == AF_INET ? 4 : 16;
	struct nl_addr *grown, *a;
	uint32_t flags;

	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return 0;
	sort_attrs(IFA_RTA(info), IFA_PAYLOAD(h), by, IFA_MAX + 1);
	flags = by[IFA_FLAGS] ? u32_of(by[IFA_FLAGS]) : info->ifa_flags;
	/* RFC 4862, 5.4: another host may have it, or has */
	if (flags & IFA_F_DADFAILED ||
	    (flags & IFA_F_TENTATIVE && !(flags & IFA_F_OPTIMISTIC)))
		return 0;
	/* of a pair the other one is the peer's */
	ip = by[IFA_LOCAL] ? by[IFA_LOCAL] : by[IFA_ADDRESS];
	if (!ip || RTA_PAYLOAD(ip) != len)
		return 0;
	grown = realloc(s->addr, (s->addrs + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->addr = grown;
	a = &grown[s->addrs++];
	memset(a, 0, sizeof(*a));
	a->link = info->ifa_index;
	a->addr.version = len == 4 ? 4 : 6;
	a->addr.prefix = info->ifa_prefixlen;
	memcpy(a->addr.ip, RTA_DATA(ip), len);
	return 0;
}

/* ------------------------------------------------------------------------
 * A dump
 */

static int ask(int fd, uint16_t type)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg gen;
	} msg = {
		.head = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.gen = { .rtgen_family = AF_UNSPEC },
	};

	return send(fd, &msg, msg.head.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* Return: 0: more is to come, 1: that was all, -EAGAIN: it is not of one time. */
static int take_messages(struct nl_state *s, const struct nlmsghdr *h,
			 uint32_t left)
{
	int ret = 0;

	for (; !ret && NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EAGAIN;
		switch (h->nlmsg_type) {
		case NLMSG_DONE:
			return 1;
		case NLMSG_ERROR:
			return ((const struct nlmsgerr *)NLMSG_DATA(h))->error ? : -EIO;
		case RTM_NEWLINK:
			ret = take_link(s, h);
			break;
		case RTM_NEWADDR:
			ret = take_addr(s, h);
			break;
		}
	}
	return ret;
}

static int dump(int fd, uint16_t type, struct nl_state *s, void *buf)
{
	ssize_t n;
	int ret;

	ret = ask(fd, type);
	while (!ret) {
		n = recv(fd, buf, BUFFER, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		ret = take_messages(s, buf, (uint32_t)n);
	}
	return ret < 0 ? ret : 0;
}

static int read_once(struct nl_state *s, void *buf)
{
	int fd = open_socket(0), ret;

	memset(s, 0, sizeof(*s));
	if (fd < 0)
		return fd;
	ret = dump(fd, RTM_GETLINK, s, buf);
	if (!ret)
		ret = dump(fd, RTM_GETADDR, s, buf);
	close(fd);
	return ret;
}

int nl_read(struct nl_state *s)
{
	void *buf = malloc(BUFFER);
	int ret = -ENOMEM, i;

	memset(s, 0, sizeof(*s));
	for (i = 0; buf && i < TRIES; i++) {
		nl_free(s);
		ret = read_once(s, buf);
		if (ret != -EAGAIN)
			break;
	}
	free(buf);
	return ret;
}

void nl_free(struct nl_state *s)
{
	free(s->link);
	free(s->addr);
	memset(s, 0, sizeof(*s));
}

const struct nl_link *nl_link(const struct nl_state *s, uint32_t index)
{
	for (uint32_t i = 0; i < s->links; i++)
		if (s->link[i].index == index)
			return &s->link[i];
	return NULL;
}
