// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/userringN: nodes and their open files.
 */
#include <linux/cdev.h>
#include <linux/idr.h>
#include <linux/slab.h>

#include "chardev.h"
#include "compat.h"

#define URK_MINORS	256

static struct class *urk_class;
static dev_t urk_devt;
static struct cdev urk_cdev;
static DEFINE_MUTEX(urk_ports_lock);
static DEFINE_IDR(urk_ports);

/* ------------------------------------------------------------------------
 * Files
 */

/* SYNC without flags, at lower cost: see uapi/userring.h. */
static int urk_file_fsync(struct file *file, loff_t start, loff_t end,
			  int datasync)
{
	struct urk_user *user = urk_file_user(file->private_data);

	if (unlikely(!(file->f_mode & FMODE_WRITE)))
		return -EACCES;
	return likely(user) ? urk_user_sync(user, 0) : -ENOTCONN;
}

static __poll_t urk_file_poll(struct file *file, poll_table *wait)
{
	struct urk_user *user = urk_file_user(file->private_data);

	return user ? urk_user_poll(user, file, wait) : EPOLLERR;
}

static int urk_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct urk_user *user = urk_file_user(file->private_data);

	return user ? urk_mmap_rings(user->rings, vma) : -ENOTCONN;
}

static int urk_file_open(struct inode *inode, struct file *file)
{
	struct urk_port *port;
	struct urk_file *f;

	f = kzalloc(sizeof(*f), URK_GFP_USER);
	if (!f)
		return -ENOMEM;
	mutex_init(&f->attach);
	mutex_lock(&urk_ports_lock);
	port = idr_find(&urk_ports, iminor(inode));
	if (port)
		urk_port_get(port);
	mutex_unlock(&urk_ports_lock);
	if (!port) {
		kfree(f);
		return -ENODEV;
	}
	f->port = port;
	file->private_data = f;
	return nonseekable_open(inode, file);
}

/* Closed, exited or killed: no call and no mapping of this file is left. */
static int urk_file_release(struct inode *inode, struct file *file)
{
	struct urk_file *f = file->private_data;

	urk_drop_user(f->port, f->user);
	urk_port_put(f->port);
	kfree(f);
	return 0;
}

static const struct file_operations urk_fops = {
	.owner = THIS_MODULE,
	.open = urk_file_open,
	.release = urk_file_release,
	.unlocked_ioctl = urk_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.fsync = urk_file_fsync,
	.poll = urk_file_poll,
	.mmap = urk_file_mmap,
};

/* ------------------------------------------------------------------------
 * Nodes
 */

int urk_chardev_add(struct urk_port *port)
{
	struct device *node;
	int id;

	mutex_lock(&urk_ports_lock);
	id = idr_alloc(&urk_ports, port, 0, URK_MINORS, GFP_KERNEL);
	mutex_unlock(&urk_ports_lock);
	if (id < 0)
		return id;
	port->id = id;
	node = device_create(urk_class, &port->hw.pdev->dev, urk_devt + id,
			     port, URK_NAME "%d", id);
	if (IS_ERR(node)) {
		mutex_lock(&urk_ports_lock);
		idr_remove(&urk_ports, id);
		mutex_unlock(&urk_ports_lock);
		return PTR_ERR(node);
	}
	port->node = node;
	return 0;
}

void urk_chardev_del(struct urk_port *port)
{
	device_destroy(urk_class, urk_devt + port->id);
	mutex_lock(&urk_ports_lock);
	idr_remove(&urk_ports, port->id);
	mutex_unlock(&urk_ports_lock);
}

int urk_chardev_init(void)
{
	int err;

	err = alloc_chrdev_region(&urk_devt, 0, URK_MINORS, URK_NAME);
	if (err)
		return err;
	urk_class = urk_class_create(URK_NAME);
	if (IS_ERR(urk_class)) {
		err = PTR_ERR(urk_class);
		goto err_region;
	}
	cdev_init(&urk_cdev, &urk_fops);
	urk_cdev.owner = THIS_MODULE;
	err = cdev_add(&urk_cdev, urk_devt, URK_MINORS);
	if (err)
		goto err_class;
	return 0;

err_class:
	class_destroy(urk_class);
err_region:
	unregister_chrdev_region(urk_devt, URK_MINORS);
	return err;
}

void urk_chardev_exit(void)
{
	cdev_del(&urk_cdev);
	class_destroy(urk_class);
	unregister_chrdev_region(urk_devt, URK_MINORS);
	idr_destroy(&urk_ports);
}
