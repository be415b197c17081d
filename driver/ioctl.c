// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of uapi/userring.h: arguments are checked here, the work is done in
 * other files.
 */
#include <linux/uaccess.h>

#include "chardev.h"

/*
 * argsz comes first in every struct.  Fields are read once, here: arg is the
 * copy that is checked and used.
 */
static int urk_get_arg(void *arg, size_t size, const void __user *from)
{
	u32 argsz;

	if (get_user(argsz, (const u32 __user *)from))
		return -EFAULT;
	if (argsz < size)
		return -EINVAL;
	return copy_from_user(arg, from, size) ? -EFAULT : 0;
}

static int urk_put_arg(void __user *to, const void *arg, size_t size)
{
	return copy_to_user(to, arg, size) ? -EFAULT : 0;
}

static u32 urk_port_feature_bits(struct urk_port *port)
{
	netdev_features_t f = port->netdev->features;
	u32 bits = 0;

	if (f & NETIF_F_RXCSUM)
		bits |= UR_FEATURE_RX_CSUM;
	if (f & NETIF_F_HW_VLAN_CTAG_RX)
		bits |= UR_FEATURE_RX_VLAN;
	if (urk_port_tx_flags(port) & UR_TX_VLAN)
		bits |= UR_FEATURE_TX_VLAN;
	/* with one queue the device does not hash */
	if (port->channels > 1)
		bits |= UR_FEATURE_RX_HASH;
	bits |= UR_FEATURE_HOST;
	return bits;
}

static void urk_fill_port_info(struct urk_port *port, struct ur_port_info *info)
{
	const struct urk_variant *variant = port->hw.variant;
	struct net_device *netdev = port->netdev;

	info->argsz = sizeof(*info);
	info->abi_version = UR_ABI_VERSION;
	info->queues = port->channels;
	info->queues_max = port->queue_count;
	info->features = urk_port_feature_bits(port);
	info->rx_format = variant->rx_format;
	info->tx_format = variant->tx_format;
	info->desc_size = sizeof(union ur_rx_desc);
	info->tx_len_min = URK_TX_LEN_MIN;
	info->tx_len_max = URK_TX_LEN_MAX;
	info->up = port->up;
	info->link_up = port->link_up;
	info->link_mbps = port->link_up ? port->link_mbps : 0;
	info->mtu = netdev->mtu;
	info->promisc = !!(netdev->flags & IFF_PROMISC);
	info->ifindex = netdev->ifindex;
	memcpy(info->mac, netdev->dev_addr, sizeof(info->mac));
	info->pci_vendor = port->hw.pdev->vendor;
	info->pci_device = port->hw.pdev->device;
	strscpy(info->ifname, netdev->name, sizeof(info->ifname));
	strscpy(info->pci, pci_name(port->hw.pdev), sizeof(info->pci));
	strscpy(info->variant, variant->name, sizeof(info->variant));
	strscpy(info->irq_mode, port->irq_mode, sizeof(info->irq_mode));
}

static long urk_ioc_port_info(struct urk_file *f, void __user *uarg)
{
	struct urk_port *port = f->port;
	struct ur_port_info info;
	int err;

	err = urk_get_arg(&info, sizeof(info), uarg);
	if (err)
		return err;
	if (info.flags || info.reserved0 ||
	    memchr_inv(info.reserved, 0, sizeof(info.reserved)))
		return -EINVAL;
	memset(&info, 0, sizeof(info));
	mutex_lock(&port->ctl);
	if (port->gone)
		err = -ENODEV;
	else
		urk_fill_port_info(port, &info);
	mutex_unlock(&port->ctl);
	return err ? err : urk_put_arg(uarg, &info, sizeof(info));
}

static long urk_ioc_pool_create(struct urk_file *f, void __user *uarg)
{
	struct urk_port *port = f->port;
	struct ur_pool_create arg;
	struct urk_pool *pool;
	gfp_t zone = 0;
	int err;

	err = urk_get_arg(&arg, sizeof(arg), uarg);
	if (err)
		return err;
	if (arg.flags || arg.reserved0 ||
	    memchr_inv(arg.reserved, 0, sizeof(arg.reserved)))
		return -EINVAL;
	if (arg.slot_size < UR_SLOT_SIZE_MIN ||
	    arg.slot_size > UR_SLOT_SIZE_MAX || !is_power_of_2(arg.slot_size))
		return -EINVAL;
	if (!arg.slot_count || arg.slot_count > UR_POOL_SLOTS_MAX ||
	    (u64)arg.slot_count * arg.slot_size > SZ_1G)
		return -EINVAL;
	mutex_lock(&port->ctl);
	if (port->gone)
		err = -ENODEV;
	else
		zone = urk_dma_gfp(&port->hw.pdev->dev);
	mutex_unlock(&port->ctl);
	if (err)
		return err;

	pool = urk_pool_create(arg.slot_size, arg.slot_count, URK_GFP_USER,
			       zone);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	arg.argsz = sizeof(arg);
	arg.slot_count = pool->slot_count;
	arg.size = pool->size;
	arg.fd = -1;
	err = urk_put_arg(uarg, &arg, sizeof(arg));
	if (!err)
		err = urk_pool_fd(pool,
				  &((struct ur_pool_create __user *)uarg)->fd);
	urk_pool_put(pool);
	return err;
}

static void urk_fill_attach(struct ur_attach *arg, struct urk_user *user,
			    u32 queue)
{
	const struct urk_variant *variant = user->queue->port->hw.variant;
	const struct urk_rings *rings = user->rings;

	urk_attach_answer(arg, &rings->layout, &variant->rx_errors);
	arg->queue = queue;
	arg->rx_format = variant->rx_format;
	arg->tx_format = variant->tx_format;
	arg->rx_desc.offset = URK_MMAP_RX_DESC;
	arg->rx_desc.size = rings->rx.bytes;
	arg->tx_desc.offset = URK_MMAP_TX_DESC;
	arg->tx_desc.size = rings->tx.bytes;
	arg->kernel.offset = URK_MMAP_KERNEL;
	arg->kernel.size = rings->kernel_bytes;
	arg->user.offset = URK_MMAP_USER;
	arg->user.size = rings->user_bytes;
	user->attach = *arg;
	user->attach.pool_fd = -1;
}

/* Under port->ctl.  Return: the number of the queue to attach, or an error. */
static int urk_attach_pick(struct urk_port *port, u32 want)
{
	u32 i;

	if (port->gone)
		return -ENODEV;
	if (want != UR_QUEUE_ANY) {
		if (want >= port->channels)
			return -EINVAL;
		want = array_index_nospec(want, port->channels);
		return port->queue[want].user ? -EBUSY : want;
	}
	/* queue 0 last: packets without a hash, such as ARP, go there */
	for (i = port->channels; i--;)
		if (!port->queue[i].user)
			return i;
	return -EBUSY;
}

/* user: NULL only asks whether a queue is free. */
static int urk_attach_queue(struct urk_port *port, struct ur_attach *arg,
			    struct urk_user *user)
{
	int queue, err = 0;

	mutex_lock(&port->ctl);
	queue = urk_attach_pick(port, arg->queue);
	if (queue < 0)
		err = queue;
	else if (user)
		err = urk_queue_attach(&port->queue[queue], user);
	if (user && !err)
		urk_fill_attach(arg, user, queue);
	mutex_unlock(&port->ctl);
	return err;
}

/*
 * With port->bound: rings that the device reaches exist only while the device
 * does.  Memory is allocated only if a queue is free, and not under port->ctl.
 */
static int urk_attach_user(struct urk_port *port, struct urk_pool *pool,
			   struct ur_attach *arg, struct urk_user **user)
{
	int err = urk_attach_queue(port, arg, NULL);

	if (err)
		return err;
	*user = urk_user_create(port, pool, arg);
	if (IS_ERR(*user))
		return PTR_ERR(*user);
	err = urk_attach_queue(port, arg, *user);
	if (err)
		urk_rings_release((*user)->rings);
	return err;
}

/* Return: the queue was the user's. */
static bool urk_detach_user(struct urk_port *port, struct urk_user *user)
{
	bool had;

	down_read(&port->bound);
	mutex_lock(&port->ctl);
	had = urk_queue_detach(user->queue, user, UR_STATE_GONE);
	mutex_unlock(&port->ctl);
	if (had)
		urk_rings_release(user->rings);
	up_read(&port->bound);
	return had;
}

/*
 * Ends a user, attached or not, or none.  Not under ctl: its watchdog takes it.
 */
void urk_drop_user(struct urk_port *port, struct urk_user *user)
{
	if (IS_ERR_OR_NULL(user))
		return;
	if (user->queue)
		urk_detach_user(port, user);
	urk_user_destroy(user);
}

static long urk_ioc_attach(struct urk_file *f, void __user *uarg)
{
	struct urk_port *port = f->port;
	struct urk_user *user = NULL;
	struct urk_pool *pool;
	struct ur_attach arg;
	int err;

	err = urk_get_arg(&arg, sizeof(arg), uarg);
	if (err)
		return err;
	err = urk_attach_check(&arg, port->queue_count);
	if (err)
		return err;
	pool = urk_pool_get_fd(arg.pool_fd);
	if (IS_ERR(pool))
		return PTR_ERR(pool);

	mutex_lock(&f->attach);
	if (f->user) {
		err = -EBUSY;
		goto out;
	}
	down_read(&port->bound);
	err = urk_attach_user(port, pool, &arg, &user);
	up_read(&port->bound);
	if (!err)
		err = urk_put_arg(uarg, &arg, sizeof(arg));
	if (err) {
		urk_drop_user(port, user);
		goto out;
	}
	smp_store_release(&f->user, user);	/* partner: urk_file_user() */
out:
	mutex_unlock(&f->attach);
	urk_pool_put(pool);
	return err;
}

static long urk_ioc_detach(struct urk_file *f)
{
	struct urk_user *user = urk_file_user(f);

	return user && urk_detach_user(f->port, user) ? 0 : -ENOTCONN;
}

static long urk_ioc_queue_info(struct urk_file *f, void __user *uarg)
{
	struct urk_port *port = f->port;
	struct ur_queue_info info;
	u32 queue;
	int err;

	err = urk_get_arg(&info, sizeof(info), uarg);
	if (err)
		return err;
	if (info.flags ||
	    memchr_inv(info.reserved, 0, sizeof(info.reserved)))
		return -EINVAL;
	queue = info.queue;
	memset(&info, 0, sizeof(info));
	info.argsz = sizeof(info);
	info.queue = queue;
	mutex_lock(&port->ctl);
	if (port->gone) {
		err = -ENODEV;
	} else if (queue >= port->channels) {
		err = -EINVAL;
	} else {
		queue = array_index_nospec(queue, port->channels);
		urk_queue_info(&port->queue[queue], &info);
	}
	mutex_unlock(&port->ctl);
	return err ? err : urk_put_arg(uarg, &info, sizeof(info));
}

static long urk_ioc_adopt(struct urk_file *f, void __user *uarg)
{
	struct urk_user *user = urk_file_user(f);
	struct urk_pool *pool;
	struct ur_adopt arg;
	int err;

	err = urk_get_arg(&arg, sizeof(arg), uarg);
	if (err)
		return err;
	if (arg.flags || arg.reserved0 ||
	    memchr_inv(arg.reserved, 0, sizeof(arg.reserved)))
		return -EINVAL;
	if (!user)
		return -ENOTCONN;
	memset(&arg, 0, sizeof(arg));
	err = urk_user_adopt(user, &arg, &pool);
	if (err)
		return err;
	arg.argsz = sizeof(arg);
	arg.pool_fd = -1;
	err = urk_put_arg(uarg, &arg, sizeof(arg));
	if (!err)
		err = urk_pool_fd(pool,
				  &((struct ur_adopt __user *)uarg)->pool_fd);
	urk_pool_put(pool);
	return err;
}

long urk_file_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct urk_file *f = file->private_data;
	void __user *uarg = (void __user *)arg;
	struct urk_user *user;

	/* a file that was opened read-only may query, and nothing else */
	if (unlikely(!(file->f_mode & FMODE_WRITE)) &&
	    cmd != UR_IOC_PORT_INFO && cmd != UR_IOC_QUEUE_INFO)
		return -EACCES;
	if (likely(cmd == UR_IOC_SYNC)) {
		user = urk_file_user(f);
		return user ? urk_user_sync(user, arg) : -ENOTCONN;
	}
	switch (cmd) {
	case UR_IOC_PORT_INFO:
		return urk_ioc_port_info(f, uarg);
	case UR_IOC_POOL_CREATE:
		return urk_ioc_pool_create(f, uarg);
	case UR_IOC_ATTACH:
		return urk_ioc_attach(f, uarg);
	case UR_IOC_DETACH:
		return urk_ioc_detach(f);
	case UR_IOC_QUEUE_INFO:
		return urk_ioc_queue_info(f, uarg);
	case UR_IOC_ADOPT:
		return urk_ioc_adopt(f, uarg);
	}
	return -ENOTTY;
}
