/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of generic netlink as it takes to list the NAPIs of an interface.  The
 * numbers of the "netdev" family are those of linux/netdev.h since Linux 6.9.
 */
#ifndef USERRING_TESTS_GENL_H
#define USERRING_TESTS_GENL_H

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GENL_NAPI_GET		11
#define GENL_NAPI_IFINDEX	1

/* A request with one attribute; @family, @cmd and @flags as netlink has them. */
static inline int genl_ask(int fd, uint16_t family, uint8_t cmd, uint16_t flags,
			   uint16_t attr, const void *value, uint16_t len)
{
	struct {
		struct nlmsghdr nl;
		struct genlmsghdr genl;
		struct nlattr attr;
		char value[32];
	} msg = {
		.nl.nlmsg_type = family,
		.nl.nlmsg_flags = NLM_F_REQUEST | flags,
		.genl.cmd = cmd,
		.genl.version = 1,
		.attr.nla_len = (uint16_t)(NLA_HDRLEN + len),
		.attr.nla_type = attr,
	};

	memcpy(msg.value, value, len);
	msg.nl.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + NLA_HDRLEN + NLA_ALIGN(len);
	return send(fd, &msg, msg.nl.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* The number of a family, or -ENOENT. */
static inline int genl_family(int fd, const char *name)
{
	char buf[8192];
	ssize_t n;
	int err = genl_ask(fd, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, CTRL_ATTR_FAMILY_NAME,
			   name, (uint16_t)(strlen(name) + 1));

	if (err)
		return err;
	n = recv(fd, buf, sizeof(buf), 0);
	if (n < 0)
		return -errno;
	if (((struct nlmsghdr *)buf)->nlmsg_type == NLMSG_ERROR)
		return -ENOENT;
	for (size_t at = NLMSG_LENGTH(GENL_HDRLEN); at + NLA_HDRLEN <= (size_t)n;) {
		struct nlattr a;
		uint16_t id;

		memcpy(&a, buf + at, sizeof(a));
		if (a.nla_type == CTRL_ATTR_FAMILY_ID) {
			memcpy(&id, buf + at + NLA_HDRLEN, sizeof(id));
			return id;
		}
		if (a.nla_len < NLA_HDRLEN)
			break;
		at += NLA_ALIGN(a.nla_len);
	}
	return -ENOENT;
}

/*
 * How many NAPIs an interface has.  -ENOENT: the kernel does not say; another
 * -errno: it refuses.
 */
static inline int genl_napis(uint32_t ifindex)
{
	char buf[32768];
	int count = 0, family, err, fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	family = genl_family(fd, "netdev");
	err = family < 0 ? family :
	      genl_ask(fd, (uint16_t)family, GENL_NAPI_GET, NLM_F_DUMP, GENL_NAPI_IFINDEX,
		       &ifindex, sizeof(ifindex));
	while (!err) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0) {
			err = -errno;
			break;
		}
		for (struct nlmsghdr *nl = (struct nlmsghdr *)buf; NLMSG_OK(nl, n);
		     nl = NLMSG_NEXT(nl, n)) {
			if (nl->nlmsg_type == NLMSG_DONE) {
				close(fd);
				return count;
			}
			if (nl->nlmsg_type == NLMSG_ERROR)
				err = ((struct nlmsgerr *)NLMSG_DATA(nl))->error;
			else
				count++;
		}
	}
	close(fd);
	return err == -EOPNOTSUPP || err == -EINVAL ? -ENOENT : err;
}

#endif /* USERRING_TESTS_GENL_H */
