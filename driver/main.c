// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: from a PCI function to a port, and back.
 */
#include <linux/module.h>
#include <linux/rtnetlink.h>

#include "compat.h"
#include "urk.h"
#include "../uapi/layout_check.h"

static int urk_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	const struct urk_variant *variant = urk_variant_of(id);
	struct urk_port *port;
	int err;

	if (!variant) {
		dev_err(&pdev->dev, "not a kind of device that userring knows\n");
		return -ENODEV;
	}
	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	err = dma_set_mask_and_coherent(&pdev->dev,
					DMA_BIT_MASK(variant->dma_bits));
	if (err)
		goto err_disable;
	err = pci_request_selected_regions(pdev, BIT(0), URK_NAME);
	if (err)
		goto err_disable;
	pci_set_master(pdev);

	port = urk_port_create(pdev, variant);
	if (IS_ERR(port)) {
		err = PTR_ERR(port);
		goto err_regions;
	}
	err = port->hw.variant->ops->reset(&port->hw);
	if (err)
		goto err_port;
	err = urk_irq_alloc(port);
	if (err)
		goto err_port;
	port->netdev = urk_netdev_create(port);
	if (!port->netdev) {
		err = -ENOMEM;
		goto err_irq;
	}
	err = register_netdev(port->netdev);
	if (err)
		goto err_netdev;
	err = urk_chardev_add(port);
	if (err)
		goto err_unregister;
	pci_set_drvdata(pdev, port);
	netdev_info(port->netdev, "%s at %s, %s, node %s\n", variant->name,
		    pci_name(pdev), port->irq_mode, dev_name(port->node));
	return 0;

err_unregister:
	unregister_netdev(port->netdev);
err_netdev:
	free_netdev(port->netdev);
	port->netdev = NULL;
err_irq:
	urk_irq_free(port);
err_port:
	urk_port_gone(port);
	urk_port_put(port);
err_regions:
	pci_clear_master(pdev);
	pci_release_selected_regions(pdev, BIT(0));
err_disable:
	pci_disable_device(pdev);
	return err;
}

/* Files may still be open, and memory mapped: only the device is removed. */
static void urk_remove(struct pci_dev *pdev)
{
	struct urk_port *port = pci_get_drvdata(pdev);
	struct net_device *netdev = port->netdev;

	urk_chardev_del(port);
	unregister_netdev(netdev);
	urk_port_gone(port);
	free_netdev(netdev);
	urk_irq_free(port);
	urk_port_put(port);
	pci_clear_master(pdev);
	pci_release_selected_regions(pdev, BIT(0));
	pci_disable_device(pdev);
}

static void urk_shutdown(struct pci_dev *pdev)
{
	struct urk_port *port = pci_get_drvdata(pdev);

	rtnl_lock();
	netif_device_detach(port->netdev);
	dev_close(port->netdev);
	rtnl_unlock();
	pci_clear_master(pdev);
}

static struct pci_driver urk_driver = {
	.name = URK_NAME,
	.id_table = urk_pci_ids,
	.probe = urk_probe,
	.remove = urk_remove,
	.shutdown = urk_shutdown,
};

static int __init urk_init(void)
{
	int err;

	err = urk_chardev_init();
	if (err)
		return err;
	err = pci_register_driver(&urk_driver);
	if (err)
		urk_chardev_exit();
	return err;
}
module_init(urk_init);

static void __exit urk_exit(void)
{
	pci_unregister_driver(&urk_driver);
	urk_chardev_exit();
}
module_exit(urk_exit);

MODULE_DESCRIPTION("Intel Ethernet with queues that a process can own");
MODULE_AUTHOR("The userring authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(URK_VERSION);
