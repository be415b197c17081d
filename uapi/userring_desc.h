/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * userring: descriptors as the hardware defines them, little endian.
 *
 * LEGACY    82540/82545: PCI/PCI-X Family Software Developer's Manual
 *           (317453) 3.2.3 receive, 3.3.3 transmit;
 *           82574L datasheet 7.2.4 transmit
 * EXTENDED  82574L datasheet (2.5) 7.1.4, RFCTL.EXTEN = 1
 * ADVANCED  82576 datasheet (2.61) 7.1.5 receive, 7.2.2 transmit
 *
 * Each is 16 bytes.  To post one for reception, software writes the address of
 * the buffer into the first 8 bytes and 0 into the other 8, in every format:
 * that store clears what the hardware wrote there last, including DD.
 *
 * Once written back, EXTENDED and ADVANCED have status, length and VLAN in the
 * same positions.
 */
#ifndef _UAPI_USERRING_DESC_H
#define _UAPI_USERRING_DESC_H

#include <linux/types.h>

/* As software posts it: any RX format. */
struct ur_rx_read {
	__le64 addr;
	__le64 zero;
};

/* LEGACY, written back.  The address stays. */
struct ur_rx_legacy {
	__le64 addr;
	__le16 length;
	__le16 csum;		/* over the packet, not used */
	__u8   status;		/* UR_RXD_STAT_*, low 8 bits */
	__u8   errors;		/* UR_RXL_ERR_* */
	__le16 vlan;		/* TCI, when status has VP */
};

/* EXTENDED and ADVANCED, written back. */
struct ur_rx_wb {
	__le32 info;		/* EXTENDED: MRQ; ADVANCED: packet type, RSS type */
	__le32 hash;		/* RSS hash, or IP id and packet checksum */
	__le32 status_error;	/* UR_RXD_STAT_*, UR_RXX_ERR_* */
	__le16 length;
	__le16 vlan;		/* TCI, when status has VP */
};

union ur_rx_desc {
	struct ur_rx_read   read;
	struct ur_rx_legacy legacy;
	struct ur_rx_wb     wb;
	__le64              word[2];
};

/* Status bits: the same in all formats. */
#define UR_RXD_STAT_DD		0x00000001U	/* descriptor done */
#define UR_RXD_STAT_EOP		0x00000002U	/* end of packet */
#define UR_RXD_STAT_IXSM	0x00000004U	/* LEGACY, EXTENDED: ignore the
						 * checksum verdict
						 */
#define UR_RXD_STAT_VP		0x00000008U	/* tag stripped into vlan */
#define UR_RXD_STAT_UDPCS	0x00000010U	/* UDP checksum was checked */
#define UR_RXD_STAT_L4CS	0x00000020U	/* TCP (LEGACY) or L4 was
						 * checked
						 */
#define UR_RXD_STAT_IPCS	0x00000040U	/* IPv4 checksum was checked */

/* LEGACY errors, 8 bits. */
#define UR_RXL_ERR_CE		0x01	/* CRC or alignment */
#define UR_RXL_ERR_L4E		0x20	/* TCP or UDP checksum */
#define UR_RXL_ERR_IPE		0x40	/* IPv4 checksum */
#define UR_RXL_ERR_RXE		0x80	/* data */
#define UR_RXL_ERR_FRAME	0x97	/* any error of the frame itself */

/*
 * Errors in status_error: those of EXTENDED (82574L) and of ADVANCED as the
 * 82576 writes it.  Other families with ADVANCED descriptors have other bits,
 * for example the 82599 (datasheet 7.1.6.2), so a program must use
 * ur_attach.rx_err_*.
 */
#define UR_RXX_ERR_CE		0x01000000U	/* EXTENDED only */
#define UR_RXX_ERR_L4E		0x20000000U
#define UR_RXX_ERR_IPE		0x40000000U
#define UR_RXX_ERR_RXE		0x80000000U
#define UR_RXX_ERR_FRAME	0x97000000U	/* EXTENDED; ADVANCED has RXE */

/* ADVANCED info, EXTENDED mrq: type of the hash, 0 is "no hash". */
#define UR_RXX_INFO_RSS_MASK	0x0000000fU

/* LEGACY transmit. */
struct ur_tx_legacy {
	__le64 addr;
	__le16 length;
	__u8   cso;
	__u8   cmd;		/* UR_TXL_CMD_* */
	__u8   status;		/* UR_TXD_STAT_DD */
	__u8   css;
	__le16 vlan;
};

/* ADVANCED transmit data. */
struct ur_tx_adv {
	__le64 addr;
	__le32 cmd_type_len;	/* UR_TXA_* */
	__le32 olinfo_status;	/* written back: UR_TXD_STAT_DD */
};

union ur_tx_desc {
	struct ur_tx_legacy legacy;
	struct ur_tx_adv    adv;
	__le64              word[2];
};

#define UR_TXD_STAT_DD		0x01

#define UR_TXL_CMD_EOP		0x01	/* end of packet */
#define UR_TXL_CMD_IFCS		0x02	/* insert FCS */
#define UR_TXL_CMD_RS		0x08	/* report status: write DD */
#define UR_TXL_CMD_VLE		0x40	/* insert vlan */

#define UR_TXA_DTYP_DATA	0x00300000U
#define UR_TXA_EOP		0x01000000U
#define UR_TXA_IFCS		0x02000000U
#define UR_TXA_RS		0x08000000U
#define UR_TXA_DEXT		0x20000000U	/* advanced */
#define UR_TXA_VLE		0x40000000U
#define UR_TXA_PAYLEN_SHIFT	14		/* in olinfo_status */

#endif /* _UAPI_USERRING_DESC_H */
