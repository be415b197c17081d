// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: vectors, and which consumer is told.
 *
 * MSI-X has one vector for each queue and one for the link; MSI and INTx have
 * one for all, and one queue.  A queue interrupt masks itself; the consumer
 * that is told turns it on again when it wants another.
 */
#include <linux/interrupt.h>
#include <linux/irq.h>

#include "compat.h"
#include "urk.h"

static void urk_queue_irq(struct urk_queue *q)
{
	struct urk_hw *hw = &q->port->hw;
	struct urk_user *user;

	/* detach waits for this handler before the user goes */
	user = READ_ONCE(q->user);
	if (user) {
		urk_user_irq(user);
	} else {
		urk_wr(hw, hw->irq_clear, urk_irqs(hw, q->index));
		q->count.interrupts++;
		napi_schedule(&q->napi);
	}
}

static void urk_link_irq(struct urk_port *port)
{
	mod_delayed_work(URK_SYSTEM_WQ, &port->watch, 0);
}

static irqreturn_t urk_irq_msix_queue(int irq, void *data)
{
	urk_queue_irq(data);
	return IRQ_HANDLED;
}

/*
 * E 10.2.4.1: reading ICR clears it, including causes of queues whose message
 * EITR still holds back; these are raised again.  ICR has causes of queues only
 * if it is hw->irq_cause.
 */
static void urk_irq_raise_again(struct urk_port *port, u32 icr)
{
	struct urk_hw *hw = &port->hw;
	u32 i, causes = 0;

	if (hw->irq_cause != URK_ICR)
		return;
	for (i = 0; i < port->queue_count; i++)
		causes |= urk_irqs(hw, i);
	if (icr & causes)
		urk_wr(hw, URK_ICS, icr & causes);
}

static irqreturn_t urk_irq_msix_link(int irq, void *data)
{
	struct urk_port *port = data;
	struct urk_hw *hw = &port->hw;
	bool link = true;
	u32 icr;

	if (hw->irq_other) {
		icr = urk_rd(hw, URK_ICR);
		/* not cleared by reading while MSI-X is on, in some versions */
		urk_wr(hw, URK_ICR, icr & hw->irq_other);
		urk_irq_raise_again(port, icr);
		/* a receiver overrun comes here as well */
		link = icr & URK_INT_LSC;
	}
	if (link)
		urk_link_irq(port);
	urk_irq_link_on(hw);
	return IRQ_HANDLED;
}

static irqreturn_t urk_irq_single(int irq, void *data)
{
	struct urk_port *port = data;
	struct urk_hw *hw = &port->hw;
	u32 icr = urk_rd(hw, hw->irq_cause);

	/* a shared line, or the device is gone */
	if (!icr || READ_ONCE(hw->gone))
		return IRQ_NONE;
	urk_wr(hw, hw->irq_cause, icr);
	if (icr & URK_INT_LSC)
		urk_link_irq(port);
	if (icr & urk_irqs(hw, 0))
		urk_queue_irq(&port->queue[0]);
	return IRQ_HANDLED;
}

int urk_irq_alloc(struct urk_port *port)
{
	struct pci_dev *pdev = port->hw.pdev;
	int want = port->queue_count + 1;
	int n = 0;

	if (port->hw.variant->msix)
		n = pci_alloc_irq_vectors(pdev, want, want, PCI_IRQ_MSIX);
	if (n == want) {
		port->hw.msix = true;
		port->irq_mode = "msix";
		return 0;
	}
	if (port->hw.variant->vf) {
		dev_err(&pdev->dev, "a virtual function has MSI-X only, and there is none to be had (%d): is pci=nomsi set?\n",
			n);
		return n < 0 ? n : -ENOSPC;
	}
	/* the families without MSI-X have no reliable MSI */
	n = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_INTX |
				  (port->hw.variant->msix ? PCI_IRQ_MSI : 0));
	if (n < 0)
		return n;
	port->irq_mode = pdev->msi_enabled ? "msi" : "intx";
	/* one vector serves one queue */
	port->queue_count = 1;
	return 0;
}

void urk_irq_free(struct urk_port *port)
{
	pci_free_irq_vectors(port->hw.pdev);
}

/* The vectors of the first n queues. */
static void urk_irq_release_queues(struct urk_port *port, u32 n)
{
	while (n--)
		free_irq(pci_irq_vector(port->hw.pdev, n), &port->queue[n]);
}

static int urk_irq_request_msix(struct urk_port *port)
{
	struct pci_dev *pdev = port->hw.pdev;
	u32 i;
	int err;

	for (i = 0; i < port->queue_count; i++) {
		struct urk_queue *q = &port->queue[i];

		snprintf(q->irq_name, sizeof(q->irq_name), "%s-q%u",
			 port->netdev->name, i);
		err = request_irq(pci_irq_vector(pdev, i), urk_irq_msix_queue,
				  0, q->irq_name, q);
		if (err)
			goto err_queues;
	}
	err = request_irq(pci_irq_vector(pdev, i), urk_irq_msix_link, 0,
			  port->irq_name, port);
	if (!err)
		return 0;
err_queues:
	urk_irq_release_queues(port, i);
	return err;
}

int urk_irq_request(struct urk_port *port)
{
	struct pci_dev *pdev = port->hw.pdev;

	strscpy(port->irq_name, port->netdev->name, sizeof(port->irq_name));
	/* a handler on a shared line may be called at once */
	port->hw.variant->ops->route_irqs(&port->hw);

	if (port->hw.msix)
		return urk_irq_request_msix(port);
	return request_irq(pci_irq_vector(pdev, 0), urk_irq_single,
			   pdev->msi_enabled ? 0 : IRQF_SHARED,
			   port->irq_name, port);
}

void urk_irq_release(struct urk_port *port)
{
	u32 last = port->hw.msix ? port->queue_count : 0;

	free_irq(pci_irq_vector(port->hw.pdev, last), port);
	if (port->hw.msix)
		urk_irq_release_queues(port, port->queue_count);
}

/* The device was reset: no handler of it runs on return. */
void urk_irq_sync(struct urk_port *port)
{
	u32 i, last = port->hw.msix ? port->queue_count : 0;

	for (i = 0; i <= last; i++)
		synchronize_irq(pci_irq_vector(port->hw.pdev, i));
}

int urk_irq_of(const struct urk_queue *q)
{
	return pci_irq_vector(q->port->hw.pdev,
			      q->port->hw.msix ? q->index : 0);
}

/* No handler of a queue runs on return, if its interrupt is masked. */
void urk_irq_queue_sync(struct urk_queue *q)
{
	synchronize_irq(urk_irq_of(q));
}

/* Where a thread of the queue is best placed. */
void urk_irq_info(const struct urk_queue *q, struct ur_queue_info *info)
{
	struct device *dev = &q->port->hw.pdev->dev;
	const struct cpumask *mask;
	struct irq_data *data;

	info->irq = urk_irq_of(q);
	info->irq_cpu = -1;
	info->numa_node = dev_to_node(dev);
	data = irq_get_irq_data(info->irq);
	if (!data || !q->port->up)
		return;
	mask = irq_data_get_effective_affinity_mask(data);
	if (mask && !cpumask_empty(mask))
		info->irq_cpu = cpumask_first(mask);
}
