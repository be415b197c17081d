/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a virtual function says to the driver of its physical function, in
 * messages that igb understands.  All calls may sleep.
 */
#ifndef URK_MAILBOX_H
#define URK_MAILBOX_H

#include "hw.h"

#define URK_MBX_WORDS		16

/* The first word of a message */
#define URK_MBX_KIND		0x0000ffff
#define  URK_MBX_RESET		0x01	/* answer: MAC address */
#define  URK_MBX_MAC		0x02
#define  URK_MBX_MULTICAST	0x03	/* argument: how many, 16 bits each */
#define  URK_MBX_VLAN		0x04	/* argument: 1 to add, 0 to remove */
#define  URK_MBX_FRAME		0x05	/* longest frame */
#define  URK_MBX_PROMISC	0x06	/* argument: 2, all multicast; 0, none */
#define URK_MBX_ARG(n)		((u32)(n) << 16)
#define URK_MBX_CTS		BIT(29)	/* the sender has answered our RESET */
#define URK_MBX_REFUSED		BIT(30)
#define URK_MBX_GRANTED		BIT(31)

/*
 * After a reset.  @mac: the address that the physical function gives, or zeros.
 * Return: 0, -ENOTCONN while it is down, -ETIMEDOUT.
 */
int urk_mbx_hello(struct urk_hw *hw, u8 *mac);
/*
 * Asks for something; @msg has room for URK_MBX_WORDS.
 * Return: 0, -EPERM: refused, -ENOTCONN: the other side is not there,
 * -ETIMEDOUT.
 */
int urk_mbx_call(struct urk_hw *hw, u32 *msg, u32 words);
/* Is it there, and does it know us?  If not: hw->restart, once it is back. */
bool urk_mbx_look(struct urk_hw *hw);

#endif /* URK_MAILBOX_H */
