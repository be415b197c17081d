/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers that the module uses, with access mode and section.
 *
 *   P  PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's
 *      Manual (317453): 82540, 82545
 *   E  82574 GbE Controller Family datasheet, revision 2.5
 *   I  82576EB Gigabit Ethernet Controller datasheet, revision 2.61
 *
 * RW read/write, RO read only, WO write only, RC cleared by reading, W1C
 * cleared by writing ones.
 */
#ifndef URK_REGS_H
#define URK_REGS_H

#define URK_CTRL	0x00000	/* RW; P 13.4.1, E 10.2.2.1 */
#define  URK_CTRL_FD		BIT(0)
#define  URK_CTRL_MASTER_OFF	BIT(2)	/* I: no new DMA */
#define  URK_CTRL_ASDE		BIT(5)
#define  URK_CTRL_SLU		BIT(6)
#define  URK_CTRL_FRCSPD	BIT(11)
#define  URK_CTRL_FRCDPX	BIT(12)
#define  URK_CTRL_RST		BIT(26)
#define  URK_CTRL_VME		BIT(30)
#define URK_STATUS	0x00008	/* RO; P 13.4.2, E 10.2.2.2 */
#define  URK_STATUS_FD		BIT(0)
#define  URK_STATUS_LU		BIT(1)
#define  URK_STATUS_SPEED_SHIFT	6
#define  URK_STATUS_MASTER	BIT(19)	/* I: DMA is, or may be, under way */
#define URK_CTRL_EXT	0x00018	/* RW; P 13.4.6, E 10.2.2.5 */
#define  URK_CTRL_EXT_EIAME	BIT(24)	/* E: MSI-X causes mask themselves */
#define  URK_CTRL_EXT_IAME	BIT(27)
#define  URK_CTRL_EXT_PBA_CLR	BIT(31)	/* E: pending bits clear on MSI-X */
#define URK_MDIC	0x00020	/* RW; P 13.4.7, E 10.2.2.7 */
#define  URK_MDIC_REG_SHIFT	16
#define  URK_MDIC_PHY1		BIT(21)
#define  URK_MDIC_WRITE		BIT(26)
#define  URK_MDIC_READ		BIT(27)
#define  URK_MDIC_READY		BIT(28)
#define  URK_MDIC_ERROR		BIT(30)
#define URK_VET		0x00038	/* RW; P 13.4.10, E 10.2.2.11 */

#define URK_ICR		0x000c0	/* RC, W1C; P 13.4.17, E 10.2.4.1, I 8.8.9 */
#define URK_ITR		0x000c4	/* RW, 256 ns; P 13.4.18, E 10.2.4.2 */
#define URK_ICS		0x000c8	/* WO; P 13.4.19, E 10.2.4.4 */
#define URK_IMS		0x000d0	/* RW; P 13.4.20, E 10.2.4.5, I 8.8.11 */
#define URK_IMC		0x000d8	/* WO; P 13.4.21, E 10.2.4.6, I 8.8.12 */
#define  URK_INT_TXDW		BIT(0)
#define  URK_INT_LSC		BIT(2)
#define  URK_INT_RXDMT0		BIT(4)
#define  URK_INT_RXO		BIT(6)
#define  URK_INT_RXT0		BIT(7)
#define  URK_INT_RXQ0		BIT(20)	/* E: MSI-X */
#define  URK_INT_RXQ1		BIT(21)
#define  URK_INT_TXQ0		BIT(22)
#define  URK_INT_TXQ1		BIT(23)
#define  URK_INT_OTHER		BIT(24)
#define URK_EIAC	0x000dc	/* RW; E 10.2.4.7 */
#define URK_IAM		0x000e0	/* RW; E 10.2.4.8 */
#define URK_IVAR	0x000e4	/* RW; E 10.2.4.9 */
#define  URK_IVAR_VALID		0x8
#define  URK_IVAR_RXQ_SHIFT(q)	(4 * (q))
#define  URK_IVAR_TXQ_SHIFT(q)	(8 + 4 * (q))
#define  URK_IVAR_OTHER_SHIFT	16
#define URK_EITR(v)	(0x000e8 + 4 * (v))	/* RW, 256 ns; E 10.2.4.3 */

#define URK_RCTL	0x00100	/* RW; P 13.4.22, E 10.2.5.1 */
#define  URK_RCTL_EN		BIT(1)
#define  URK_RCTL_UPE		BIT(3)	/* unicast promiscuous */
#define  URK_RCTL_MPE		BIT(4)	/* multicast promiscuous */
#define  URK_RCTL_LPE		BIT(5)	/* long packets */
#define  URK_RCTL_BAM		BIT(15)	/* accept broadcast; BSIZE 0 = 2048 */
#define  URK_RCTL_SECRC		BIT(26)	/* strip the FCS */
#define URK_TCTL	0x00400	/* RW; P 13.4.33, E 10.2.6.1 */
#define  URK_TCTL_EN		BIT(1)
#define  URK_TCTL_PSP		BIT(3)	/* pad short packets */
#define  URK_TCTL_CT_SHIFT	4
#define  URK_TCTL_COLD_SHIFT	12
#define URK_TIPG	0x00410	/* RW; P 13.4.34, E 10.2.6.2 */

#define URK_RDBAL	0x02800	/* RW; P 13.4.25, E 10.2.5.5 */
#define URK_RDBAH	0x02804
#define URK_RDLEN	0x02808	/* bytes, in steps of 128 */
#define URK_RDH		0x02810
#define URK_RDT		0x02818
#define URK_RDTR	0x02820	/* RW; P 13.4.30, E 10.2.5.11 */
#define URK_RXDCTL	0x02828	/* RW; P 13.4.31, E 10.2.5.10 */
#define URK_RADV	0x0282c
#define URK_TDBAL	0x03800	/* RW; P 13.4.35, E 10.2.6.4 */
#define URK_TDBAH	0x03804
#define URK_TDLEN	0x03808
#define URK_TDH		0x03810
#define URK_TDT		0x03818
#define URK_TIDV	0x03820
#define URK_TXDCTL	0x03828	/* RW; P 13.4.42, E 10.2.6.9 */
#define  URK_TXDCTL_E_INIT	BIT(22)	/* E: must be 1 */
#define URK_TADV	0x0382c
#define URK_TXDCTL1	0x03928	/* E: queue 1 */

#define URK_RXCSUM	0x05000	/* RW; P 13.4.49, E 10.2.5.15 */
#define  URK_RXCSUM_IPOFL	BIT(8)
#define  URK_RXCSUM_TUOFL	BIT(9)
#define  URK_RXCSUM_PCSD	BIT(13)	/* E, I: hash instead of checksum */
#define URK_RFCTL	0x05008	/* RW; E 10.2.5.16 */
#define  URK_RFCTL_ACK_DIS	BIT(12)
#define  URK_RFCTL_EXTEN	BIT(15)
#define URK_MTA(n)	(0x05200 + 4 * (n))	/* RW; P 13.5.1, E 10.2.5.17 */
#define  URK_MTA_WORDS		128
#define URK_RAL(n)	(0x05400 + 8 * (n))	/* RW; P 13.5.2, E 10.2.5.18 */
#define URK_RAH(n)	(0x05404 + 8 * (n))
#define  URK_RAH_AV		BIT(31)
#define  URK_RAR_ENTRIES	15

#define URK_MRQC	0x05818	/* RW; E 10.2.5.19, I 8.10.16 */
#define  URK_MRQC_E_RSS		1
#define  URK_MRQC_I_RSS		2
#define  URK_MRQC_TCP4		BIT(16)
#define  URK_MRQC_IP4		BIT(17)
#define  URK_MRQC_IP6		BIT(20)
#define  URK_MRQC_E_TCP6	BIT(18)
#define  URK_MRQC_I_TCP6	BIT(21)
#define  URK_MRQC_I_UDP4	BIT(22)
#define  URK_MRQC_I_UDP6	BIT(23)
#define URK_RETA(n)	(0x05c00 + 4 * (n))	/* RW, 4 entries; E 10.2.5.20 */
#define URK_RSSRK(n)	(0x05c80 + 4 * (n))	/* RW, 4 bytes; E 10.2.5.21 */

/* Statistics: RC; P 13.7, E 10.2.7. */
#define URK_CRCERRS	0x04000
#define URK_ALGNERRC	0x04004
#define URK_RXERRC	0x0400c
#define URK_MPC		0x04010
#define URK_COLC	0x04028
#define URK_RLEC	0x04040
#define URK_GPRC	0x04074
#define URK_BPRC	0x04078
#define URK_MPRC	0x0407c
#define URK_GPTC	0x04080
#define URK_GORCL	0x04088
#define URK_GORCH	0x0408c
#define URK_GOTCL	0x04090
#define URK_GOTCH	0x04094
#define URK_RNBC	0x040a0
#define URK_RUC		0x040a4
#define URK_ROC		0x040ac
#define URK_TORL	0x040c0
#define URK_TOTL	0x040c8
#define URK_TPR		0x040d0
#define URK_TPT		0x040d4
#define URK_MPTC	0x040f0
#define URK_BPTC	0x040f4

/* 82576; ICR, IMS and IMC also have other addresses, which QEMU lacks */
#define URK_IGB_GPIE	0x01514	/* RW; I 8.8.14 */
#define  URK_IGB_GPIE_NSICR	BIT(0)	/* ICR is cleared by reading */
#define  URK_IGB_GPIE_MSIX	BIT(4)	/* a vector for each cause */
#define  URK_IGB_GPIE_EIAME	BIT(30)	/* messages mask by EIAM */
#define  URK_IGB_GPIE_PBA	BIT(31)	/* pending bits clear on MSI-X */
#define URK_IGB_EIMS	0x01524	/* RW, a bit a vector; I 8.8.3 */
#define URK_IGB_EIMC	0x01528	/* WO; I 8.8.4 */
#define URK_IGB_EIAC	0x0152c	/* RW; I 8.8.5 */
#define URK_IGB_EIAM	0x01530	/* RW; I 8.8.6 */
#define URK_IGB_EICR	0x01580	/* RC, W1C; I 8.8.1 */
#define URK_IGB_EITR(v)	(0x01680 + 4 * (v))	/* RW, us in 14:2; I 8.8.7 */
#define URK_IGB_IVAR(q)	(0x01700 + 4 * (q))	/* RW, RX 7:0, TX 15:8; I 8.8.8 */
#define  URK_IGB_IVAR_VALID	0x80
#define URK_IGB_IVAR_MISC	0x01740	/* RW; I 8.8.9 */
#define URK_RLPML	0x05004	/* RW; I 8.10.3 */
#define  URK_IGB_FRAME_MAX	1526	/* two tags and the FCS */
#define URK_IGB_RXQ	0x0c000	/* blocks of 0x40 a queue; I 8.10 */
#define URK_IGB_TXQ	0x0e000	/* I 8.12 */
#define URK_IGB_DBAL		0x00	/* RW */
#define URK_IGB_DBAH		0x04
#define URK_IGB_DLEN		0x08
#define URK_IGB_SRRCTL		0x0c	/* RX only */
#define  URK_IGB_SRRCTL_2K	2	/* buffers, in KiB */
#define  URK_IGB_SRRCTL_ADV	BIT(25)	/* advanced, one buffer */
#define  URK_IGB_SRRCTL_DROP	BIT(31)	/* drop without free places */
#define URK_IGB_DH		0x10
#define URK_IGB_DT		0x18
#define URK_IGB_DCTL		0x28
#define  URK_IGB_DCTL_ENABLE	BIT(25)

/*
 * A virtual function of the 82576 (I 8.26): CTRL.RST, STATUS, and interrupts and
 * rings like those of the whole device, EIMS to IVAR_MISC, RDBAL to TXDCTL.
 */
#define URK_VF_MAILBOX	0x00c40	/* RW */
#define  URK_VF_MBX_REQ		BIT(0)	/* WO: a message for the physical one */
#define  URK_VF_MBX_ACK		BIT(1)	/* WO: its message was read */
#define  URK_VF_MBX_VFU		BIT(2)	/* we have the buffer */
#define  URK_VF_MBX_PFSTS	BIT(4)	/* RC: a message for us */
#define  URK_VF_MBX_PFACK	BIT(5)	/* RC: ours was read */
#define  URK_VF_MBX_RSTI	BIT(6)	/* RO: the physical one is in reset */
#define  URK_VF_MBX_RSTD	BIT(7)	/* RC: it has left reset */
#define  URK_VF_MBX_RC		0xb0
#define URK_VF_MBMEM(n)	(0x00800 + 4 * (n))	/* RW, 16 words */
/* RO, not cleared by reading; bytes include the FCS */
#define URK_VF_GPRC	0x00f10
#define URK_VF_GPTC	0x00f14
#define URK_VF_GORC	0x00f18
#define URK_VF_GOTC	0x00f34
#define URK_VF_MPRC	0x00f3c

/* PHY registers by MDIO, IEEE 802.3 clause 22: linux/mii.h has the names. */

#endif /* URK_REGS_H */
