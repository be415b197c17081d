// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtual function's mailbox: what it asks the driver of its physical
 * function for (I 8.26).
 *
 * There is one buffer for both directions; the side that writes or reads a
 * message takes it for that time.  The first word of a message is its kind, an
 * argument and, in an answer, the verdict; the messages are those that igb
 * understands.
 */
#include <linux/delay.h>

#include "hw.h"
#include "mailbox.h"

#define URK_MBX_TRIES	1000	/* of 500 us: the other side may be another kernel */
#define URK_MBX_AGAIN	(10 * HZ)	/* before one that is silent is asked again */
#define URK_MBX_ANSWERS	8	/* messages, one of which should be the answer */

/*
 * Which of these bits are set.  Some are cleared by reading the register: they
 * are kept until a caller asks for them.
 */
static u32 urk_mbx_take(struct urk_hw *hw, u32 want)
{
	u32 bits = urk_rd(hw, URK_VF_MAILBOX) | hw->mbx.seen;

	hw->mbx.seen = bits & URK_VF_MBX_RC & ~want;
	return bits & want;
}

/* Waits for any of these bits. */
static int urk_mbx_wait(struct urk_hw *hw, u32 want)
{
	int i;

	for (i = 0; i < URK_MBX_TRIES; i++) {
		if (READ_ONCE(hw->gone))
			return -ENODEV;
		if (urk_mbx_take(hw, want))
			return 0;
		usleep_range(500, 600);
	}
	return -ETIMEDOUT;
}

/* Takes the buffer, unless the other side has it. */
static int urk_mbx_lock(struct urk_hw *hw)
{
	int i;

	for (i = 0; i < URK_MBX_TRIES; i++) {
		if (READ_ONCE(hw->gone))
			return -ENODEV;
		urk_wr(hw, URK_VF_MAILBOX, URK_VF_MBX_VFU);
		if (urk_mbx_take(hw, URK_VF_MBX_VFU))
			return 0;
		usleep_range(500, 600);
	}
	return -ETIMEDOUT;
}

static int urk_mbx_read(struct urk_hw *hw, u32 *msg)
{
	u32 i;
	int err;

	err = urk_mbx_lock(hw);
	if (err)
		return err;
	for (i = 0; i < URK_MBX_WORDS; i++)
		msg[i] = urk_rd(hw, URK_VF_MBMEM(i));
	/* this releases the buffer as well */
	urk_wr(hw, URK_VF_MAILBOX, URK_VF_MBX_ACK);
	return 0;
}

static int urk_mbx_write(struct urk_hw *hw, const u32 *msg, u32 words)
{
	u32 i;
	int err;

	err = urk_mbx_lock(hw);
	if (err)
		return err;
	/* what was in it is overwritten */
	urk_mbx_take(hw, URK_VF_MBX_PFSTS | URK_VF_MBX_PFACK);
	for (i = 0; i < words; i++)
		urk_wr(hw, URK_VF_MBMEM(i), msg[i]);
	urk_wr(hw, URK_VF_MAILBOX, URK_VF_MBX_REQ);
	return 0;
}

/* Asks and waits; an unsolicited message may come in between. */
static int urk_mbx_ask(struct urk_hw *hw, u32 *msg, u32 words)
{
	u32 kind = msg[0] & URK_MBX_KIND;
	int i, err;

	err = urk_mbx_write(hw, msg, words);
	for (i = 0; !err && i < URK_MBX_ANSWERS; i++) {
		err = urk_mbx_wait(hw, URK_VF_MBX_PFSTS);
		if (!err)
			err = urk_mbx_read(hw, msg);
		if (!err && (msg[0] & URK_MBX_KIND) == kind &&
		    msg[0] & (URK_MBX_GRANTED | URK_MBX_REFUSED))
			return 0;
	}
	hw->mbx.not_before = jiffies + URK_MBX_AGAIN;
	return err ?: -ETIMEDOUT;
}

static void urk_mbx_lost(struct urk_hw *hw, const char *why)
{
	if (hw->mbx.heard)
		dev_info(&hw->pdev->dev, "the physical function %s\n", why);
	hw->mbx.heard = false;
}

int urk_mbx_hello(struct urk_hw *hw, u8 *mac)
{
	u32 msg[URK_MBX_WORDS] = { URK_MBX_RESET };
	int i, err = -ENOTCONN;

	mutex_lock(&hw->mbx.lock);
	hw->mbx.heard = false;
	/* the first read clears RSTD; RSTI stays while the other is down */
	for (i = 0; i < 10 && err; i++) {
		if (!urk_mbx_take(hw, URK_VF_MBX_RSTI | URK_VF_MBX_RSTD))
			err = 0;
		else
			usleep_range(500, 600);
	}
	hw->mbx.not_before = jiffies;
	if (!err)
		err = urk_mbx_ask(hw, msg, 1);
	if (!err) {
		hw->mbx.heard = true;
		eth_zero_addr(mac);
		if (msg[0] & URK_MBX_GRANTED)
			memcpy(mac, &msg[1], ETH_ALEN);
	}
	mutex_unlock(&hw->mbx.lock);
	return err;
}

int urk_mbx_call(struct urk_hw *hw, u32 *msg, u32 words)
{
	int err = -ENOTCONN;

	mutex_lock(&hw->mbx.lock);
	if (hw->mbx.heard)
		err = urk_mbx_ask(hw, msg, words);
	/* an answer without CTS comes from a driver that has forgotten us */
	if (!err && !(msg[0] & URK_MBX_CTS))
		err = -ENOTCONN;
	if (err)
		urk_mbx_lost(hw, "does not answer");
	else if (msg[0] & URK_MBX_REFUSED)
		err = -EPERM;
	mutex_unlock(&hw->mbx.lock);
	return err;
}

bool urk_mbx_look(struct urk_hw *hw)
{
	u32 msg[URK_MBX_WORDS];
	bool heard;
	u32 bits;

	mutex_lock(&hw->mbx.lock);
	bits = urk_mbx_take(hw, URK_VF_MBX_RSTI | URK_VF_MBX_RSTD |
			    URK_VF_MBX_PFSTS);
	if (bits & (URK_VF_MBX_RSTI | URK_VF_MBX_RSTD)) {
		urk_mbx_lost(hw, "was reset");
		hw->mbx.not_before = jiffies;
	}
	/* the other side writes when its link changes, and after a reset */
	if (bits & URK_VF_MBX_PFSTS &&
	    (urk_mbx_read(hw, msg) || !(msg[0] & URK_MBX_CTS)))
		urk_mbx_lost(hw, "was reset");
	/* once it is back, all must be asked for again */
	if (!hw->mbx.heard && !(bits & URK_VF_MBX_RSTI) &&
	    time_after_eq(jiffies, hw->mbx.not_before))
		hw->restart = true;
	heard = hw->mbx.heard;
	mutex_unlock(&hw->mbx.lock);
	return heard;
}
