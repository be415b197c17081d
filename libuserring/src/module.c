// SPDX-License-Identifier: BSD-2-Clause
/*
 * A queue of the module: system calls and mappings.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

enum { MAP_RX, MAP_TX, MAP_KERNEL, MAP_USER };

/* How many queues ethtool -L could make; 0: not known. */
static uint32_t most_queues(const char *ifname)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq ifr = { .ifr_data = (char *)&ch };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return 0;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%.*s", IFNAMSIZ - 1,
		 ifname);
	ret = ioctl(fd, SIOCETHTOOL, &ifr);
	close(fd);
	return ret ? 0 : ch.max_combined;
}

static int no_such_queue(struct ur_port *port, uint32_t queue,
			 const struct ur_port_info *info, struct ur_error *err)
{
	uint32_t most = most_queues(info->ifname);
	char has[32], more[96] = "";

	if (info->queues == 1)
		strcpy(has, "1 queue, 0");
	else
		snprintf(has, sizeof(has), "%u queues, 0 to %u", info->queues,
			 info->queues - 1);
	if (queue < most)
		snprintf(more, sizeof(more),
			 "; type ethtool -L %.15s combined %u for that",
			 info->ifname, queue + 1);
	else if (most > info->queues)
		snprintf(more, sizeof(more),
			 "; ethtool -L %.15s combined N makes up to %u of them",
			 info->ifname, most);
	else if (most)
		strcpy(more, ", and no more can be made");
	return ur_fail(err, -EINVAL, "%s has no queue %u: it has %s%s",
		       port->label, queue, has, more);
}

static bool ring_fits(uint32_t size)
{
	return size >= UR_RING_SIZE_MIN && size <= UR_RING_SIZE_MAX &&
	       !(size & (size - 1));
}

int ur_attach_invalid(struct ur_port *port, const struct ur_attach *attach,
		      struct ur_error *err)
{
	struct ur_port_info info;

	if (!ring_fits(attach->rx_size) || !ring_fits(attach->tx_size))
		return ur_fail(err, -EINVAL,
			       "rings of %u and %u places: say powers of two from %u to %u",
			       attach->rx_size, attach->tx_size,
			       UR_RING_SIZE_MIN, UR_RING_SIZE_MAX);
	if (attach->sync_period_us &&
	    (attach->sync_period_us < UR_SYNC_PERIOD_MIN_US ||
	     attach->sync_period_us > UR_SYNC_PERIOD_MAX_US))
		return ur_fail(err, -EINVAL,
			       "a sync period of %u us: say 0, or %u to %u",
			       attach->sync_period_us, UR_SYNC_PERIOD_MIN_US,
			       UR_SYNC_PERIOD_MAX_US);
	if (attach->watchdog_ms && (attach->watchdog_ms < UR_WATCHDOG_MIN_MS ||
				    attach->watchdog_ms > UR_WATCHDOG_MAX_MS))
		return ur_fail(err, -EINVAL,
			       "a watchdog of %u ms: say 0, or %u to %u",
			       attach->watchdog_ms, UR_WATCHDOG_MIN_MS,
			       UR_WATCHDOG_MAX_MS);
	if (attach->queue != UR_QUEUE_ANY && !ur_port_info(port, &info) &&
	    attach->queue >= info.queues) {
		info.ifname[UR_NAME_LEN - 1] = '\0';
		return no_such_queue(port, attach->queue, &info, err);
	}
	return ur_fail(err, -EINVAL,
		       "%s does not know what was asked of the queue: build module and library from the same sources",
		       port->label);
}

static int attach_error(struct ur_port *port, const struct ur_attach *attach,
			int code, struct ur_error *err)
{
	struct ur_queue_info info;

	switch (-code) {
	case EBUSY:
		if (attach->queue == UR_QUEUE_ANY)
			return ur_fail(err, code,
				       "all queues of %s are attached by processes",
				       port->label);
		if (ur_port_queue_info(port, attach->queue, &info) ||
		    !info.attached)
			return ur_fail(err, code,
				       "queue %u of %s was attached by a process just now",
				       attach->queue, port->label);
		info.comm[UR_NAME_LEN - 1] = '\0';
		return ur_fail(err, code,
			       "queue %u of %s is attached by process %d (%s)",
			       attach->queue, port->label, info.pid, info.comm);
	case EINVAL:
		return ur_attach_invalid(port, attach, err);
	case EBADF:
		return ur_fail(err, code,
			       "the pool is not one of userring: make it on %s",
			       port->label);
	case EOPNOTSUPP:
		return ur_fail(err, code,
			       "%s cannot reach the memory of this pool without copies: make the pool on %s",
			       port->label, port->label);
	default:
		return ur_fail(err, code, "queue %u of %s: %s", attach->queue,
			       port->label, ur_strerror(code));
	}
}

static int map_region(struct ur_queue *q, int i, const struct ur_region *region,
		      int prot)
{
	void *addr = mmap(NULL, region->size, prot, MAP_SHARED, q->fd,
			  (off_t)region->offset);

	if (addr == MAP_FAILED)
		return -errno;
	q->map[i].addr = addr;
	q->map[i].size = region->size;
	return 0;
}

static void unmap_regions(struct ur_queue *q)
{
	int i;

	for (i = 0; i < 4; i++) {
		if (q->map[i].addr)
			munmap(q->map[i].addr, q->map[i].size);
		q->map[i].addr = NULL;
	}
}

void ur_module_unmap(struct ur_queue *q)
{
	unmap_regions(q);
	/* detaches, unless that was done or another process has the descriptor */
	close(q->fd);
}

/* Does the module's answer fit together? */
static bool regions_fit(const struct ur_attach *a)
{
	uint64_t rx = a->rx_size, tx = a->tx_size;

	return a->rx_desc.size >= rx * sizeof(union ur_rx_desc) &&
	       a->tx_desc.size >= tx * sizeof(union ur_tx_desc) &&
	       a->kernel.size >= a->rx_slot_off + rx * sizeof(uint32_t) +
				 UR_RX_SLOT_TAIL &&
	       a->rx_slot_off >= sizeof(struct ur_kernel_page) &&
	       a->user.size >= a->fill_off + rx * sizeof(uint32_t) &&
	       a->user.size >= a->tx_off + tx * sizeof(struct ur_tx_entry) &&
	       a->fill_off >= sizeof(struct ur_user_page) &&
	       a->tx_off >= sizeof(struct ur_user_page);
}

static int map_regions(struct ur_queue *q, const struct ur_attach *attach,
		       const char *label, struct ur_error *err)
{
	int ret;

	if (!regions_fit(attach))
		return ur_fail(err, -EPROTO,
			       "the regions that %s answered with are too small",
			       label);
	ret = map_region(q, MAP_RX, &attach->rx_desc, PROT_READ);
	if (!ret)
		ret = map_region(q, MAP_TX, &attach->tx_desc, PROT_READ);
	if (!ret)
		ret = map_region(q, MAP_KERNEL, &attach->kernel, PROT_READ);
	if (!ret)
		ret = map_region(q, MAP_USER, &attach->user,
				 PROT_READ | PROT_WRITE);
	if (ret) {
		unmap_regions(q);
		return ur_fail(err, ret, "the rings of %s cannot be mapped: %s",
			       label, ur_strerror(ret));
	}
	q->rx_desc = q->map[MAP_RX].addr;
	q->kernel = q->map[MAP_KERNEL].addr;
	q->user = q->map[MAP_USER].addr;
	return 0;
}

int ur_module_attach(struct ur_port *port, struct ur_queue *q,
		     struct ur_attach *attach, struct ur_error *err)
{
	int ret;

	if (q->pool->fd < 0)
		return ur_fail(err, -EBADF,
			       "the pool is one of sim:, which %s cannot reach: make it on %s",
			       port->label, port->label);
	q->fd = open(port->node, O_RDWR | O_CLOEXEC);
	if (q->fd < 0)
		return ur_fail(err, -errno, "%s: %s", port->node,
			       ur_strerror(-errno));
	if (ioctl(q->fd, UR_IOC_ATTACH, attach)) {
		ret = attach_error(port, attach, -errno, err);
		goto err_close;
	}
	ret = map_regions(q, attach, port->label, err);
	if (ret)
		goto err_close;
	return 0;

err_close:
	close(q->fd);
	return ret;
}

static int adopt_error(int code, struct ur_error *err)
{
	switch (-code) {
	case EBADF:
	case ENOTTY:
		return ur_fail(err, -EINVAL,
			       "the descriptor is not one of a queue of userring: hand over what ur_fd() says");
	case ENOTCONN:
		return ur_fail(err, code,
			       "no queue is attached by this descriptor: it was detached, or never attached");
	default:
		return ur_fail(err, code, "the queue cannot be adopted: %s",
			       ur_strerror(code));
	}
}

int ur_module_adopt(struct ur_queue *q, struct ur_pool **pool, int fd,
		    struct ur_adopt *adopt, struct ur_error *err)
{
	int ret;

	if (ioctl(fd, UR_IOC_ADOPT, adopt))
		return adopt_error(-errno, err);
	ret = ur_module_pool_adopt(pool, adopt->pool_fd, err);
	if (ret)
		return ret;
	q->fd = fd;
	ret = map_regions(q, &adopt->attach, "the queue", err);
	if (ret)
		ur_pool_destroy(*pool);
	return ret;
}

void ur_module_unadopt(struct ur_queue *q)
{
	unmap_regions(q);
}

void ur_module_detach(struct ur_queue *q)
{
	ioctl(q->fd, UR_IOC_DETACH);
}

int ur_module_sync(struct ur_queue *q, uint32_t flags)
{
	if (__ur_unlikely(flags))
		return ioctl(q->fd, UR_IOC_SYNC, (unsigned long)flags) ?
		       -errno : 0;
	/* not fdatasync() itself, which is a cancellation point */
	return __ur_unlikely(syscall(SYS_fdatasync, q->fd)) ? -errno : 0;
}

int ur_module_poll(struct ur_queue *q, int timeout_ms)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	int ret = poll(&p, 1, timeout_ms);

	if (ret < 0)
		return -errno;
	return ret ? p.revents : 0;
}
