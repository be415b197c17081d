// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a PCI id to all that is specific to a device.
 *
 * Only devices that were tested are claimed; docs/hardware.md says where.
 * Related devices can be tried with the driver's new_id file in sysfs.
 *
 * There is no MODULE_DEVICE_TABLE: the stock drivers have the same ids, and a
 * module that is loaded by itself could take a port before they do.
 */
#include "hw.h"

enum {
	URK_82540,
	URK_82540_QEMU,
	URK_82574,
	URK_82574_QEMU,
	URK_82576,
	URK_82576_VF,
};

#define URK_E1000						\
	.name = "e1000",					\
	.ops = &urk_e1000_ops,					\
	.stats = urk_stat_8254x,				\
	.rx_format = UR_DESC_LEGACY,				\
	.rx_errors = URK_RX_ERRORS_LEGACY,			\
	.tx_format = UR_DESC_LEGACY,				\
	.queues = 1,						\
	/* some boards hang on a 64-bit address */		\
	.dma_bits = 32

#define URK_E1000E						\
	.name = "e1000e",					\
	.ops = &urk_e1000e_ops,					\
	.stats = urk_stat_8254x,				\
	.rx_format = UR_DESC_EXTENDED,				\
	.rx_errors = URK_RX_ERRORS_EXTENDED,			\
	.tx_format = UR_DESC_LEGACY,				\
	.queues = 2,						\
	.dma_bits = 64,						\
	.msix = true

#define URK_IGB							\
	.name = "igb",						\
	.ops = &urk_igb_ops,					\
	.stats = urk_stat_8254x,				\
	.rx_format = UR_DESC_ADVANCED,				\
	.rx_errors = URK_RX_ERRORS_ADVANCED,			\
	.tx_format = UR_DESC_ADVANCED,				\
	.queues = URK_QUEUES_MAX,				\
	.dma_bits = 64,						\
	.msix = true,						\
	.phy_restart = true

/* The receiver has a second queue; igb never sends anything there. */
#define URK_IGBVF						\
	.name = "igbvf",					\
	.ops = &urk_igbvf_ops,					\
	.stats = urk_stat_vf,					\
	.rx_format = UR_DESC_ADVANCED,				\
	.rx_errors = URK_RX_ERRORS_ADVANCED,			\
	.tx_format = UR_DESC_ADVANCED,				\
	.queues = 1,						\
	.dma_bits = 64,						\
	.msix = true,						\
	.vf = true

static const struct urk_variant urk_variants[] = {
	[URK_82540] = { URK_E1000 },
	[URK_82540_QEMU] = {
		URK_E1000,
		.quirks = URK_QUIRK_SLOW_RCTL | URK_QUIRK_COUNTERS,
	},
	[URK_82574] = { URK_E1000E },
	[URK_82574_QEMU] = {
		URK_E1000E,
		.quirks = URK_QUIRK_COUNTERS,
	},
	[URK_82576] = { URK_IGB },
	[URK_82576_VF] = { URK_IGBVF },
};

#define URK_ID(dev, kind) \
	{ PCI_DEVICE(PCI_VENDOR_ID_INTEL, dev), .driver_data = kind }
#define URK_ID_SUB(dev, sub_vendor, sub_device, kind)			\
	{ PCI_DEVICE_SUB(PCI_VENDOR_ID_INTEL, dev, sub_vendor, sub_device), \
	  .driver_data = kind }

/* The first row that matches is taken: the specific before the general. */
const struct pci_device_id urk_pci_ids[] = {
	URK_ID_SUB(0x100e, PCI_VENDOR_ID_REDHAT_QUMRANET, PCI_ANY_ID,
		   URK_82540_QEMU),
	URK_ID_SUB(0x100f, PCI_VENDOR_ID_REDHAT_QUMRANET, PCI_ANY_ID,
		   URK_82540_QEMU),
	/* QEMU gives its 82574L no board's number */
	URK_ID_SUB(0x10d3, PCI_VENDOR_ID_INTEL, 0x0000, URK_82574_QEMU),
	URK_ID(0x100e, URK_82540),	/* 82540EM */
	URK_ID(0x100f, URK_82540),	/* 82545EM */
	URK_ID(0x10d3, URK_82574),	/* 82574L */
	URK_ID(0x10c9, URK_82576),	/* 82576 */
	URK_ID(0x10ca, URK_82576_VF),	/* its virtual functions */
	{ }
};

const struct urk_variant *urk_variant_of(const struct pci_device_id *id)
{
	/* driver_override of a foreign device: no id at all */
	if (id->vendor != PCI_VENDOR_ID_INTEL)
		return NULL;
	/* and new_id can bring any number here */
	if (id->driver_data >= ARRAY_SIZE(urk_variants))
		return NULL;
	return &urk_variants[id->driver_data];
}
