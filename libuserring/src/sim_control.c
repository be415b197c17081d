// SPDX-License-Identifier: BSD-2-Clause
/*
 * The calls by which a test plays what is around the software NIC: the link
 * partner, ip link, a reset.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sim_internal.h"

/* Return: the sim with its lock taken, or NULL. */
static struct sim *lock_sim(struct ur_port *port)
{
	struct sim *s;

	if (port->backend != &sim_backend)
		return NULL;
	s = port->priv;
	pthread_mutex_lock(&s->lock);
	return s;
}

int ur_sim_inject(struct ur_port *port, const void *frame, size_t len,
		  const struct ur_sim_meta *meta)
{
	struct sim *s = lock_sim(port);
	int ret;

	if (!s)
		return -EINVAL;
	if (!s->attached)
		ret = -ENOTCONN;
	else if (!s->up)
		ret = -ENETDOWN;
	else if (!len || len > SIM_FRAME_MAX)
		ret = -EMSGSIZE;
	else
		ret = sim_nic_receive(&s->nic, frame, (uint32_t)len, meta);
	if (s->attached)
		sim_update_event(s);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

/* The oldest of what was kept. */
static int take_kept(struct sim_kept *kept, void *buf, size_t size)
{
	struct sim_frame *f;
	int len;

	if (!kept->count)
		return -ENOENT;
	f = kept->frame[kept->first];
	kept->first = (kept->first + 1) % UR_SIM_KEPT_MAX;
	kept->count--;
	memcpy(buf, f->data, f->len < size ? f->len : size);
	len = (int)f->len;
	free(f);
	return len;
}

int ur_sim_collect(struct ur_port *port, void *buf, size_t size)
{
	struct sim *s = lock_sim(port);
	int ret;

	if (!s)
		return -EINVAL;
	ret = take_kept(&s->sent, buf, size);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int ur_sim_host(struct ur_port *port, void *buf, size_t size)
{
	struct sim *s = lock_sim(port);
	int ret;

	if (!s)
		return -EINVAL;
	ret = take_kept(&s->host, buf, size);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static void stop_rings(struct sim *s, u32 state)
{
	sim_nic_reset(&s->nic);
	if (s->attached) {
		urk_ring_stop(&s->ring, state);
		urk_tx_restart(&s->ring);
	}
}

int ur_sim_set_up(struct ur_port *port, bool up)
{
	struct sim *s = lock_sim(port);

	if (!s)
		return -EINVAL;
	if (s->up && !up)
		stop_rings(s, UR_STATE_DOWN);
	s->up = up;
	if (s->attached) {
		if (up)
			WRITE_ONCE(s->ring.k->state, UR_STATE_ATTACHED);
		WRITE_ONCE(s->ring.k->link_up, up);
		sim_update_event(s);
	}
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int ur_sim_reset(struct ur_port *port)
{
	struct sim *s = lock_sim(port);

	if (!s)
		return -EINVAL;
	if (s->up)
		stop_rings(s, UR_STATE_ATTACHED);
	if (s->attached)
		sim_update_event(s);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int ur_sim_set_tx(struct ur_port *port, bool on)
{
	struct sim *s = lock_sim(port);

	if (!s)
		return -EINVAL;
	s->nic.tx_off = !on;
	if (on && s->attached && s->up)
		sim_run_nic(s);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static uint64_t read_count(struct ur_port *port, size_t offset)
{
	struct sim *s = lock_sim(port);
	uint64_t n = 0;

	if (s) {
		n = *(const uint64_t *)((const char *)&s->nic + offset);
		pthread_mutex_unlock(&s->lock);
	}
	return n;
}

uint64_t ur_sim_missed(struct ur_port *port)
{
	return read_count(port, offsetof(struct sim_nic, missed));
}

uint64_t ur_sim_sent(struct ur_port *port)
{
	return read_count(port, offsetof(struct sim_nic, sent));
}

uint64_t ur_sim_faults(struct ur_port *port)
{
	return read_count(port, offsetof(struct sim_nic, faults));
}

bool ur_sim_ends(struct ur_port *port)
{
	const struct sim *s = port->priv;

	if (port->backend != &sim_backend)
		return false;
	return sim_pcap_reads(s->pcap) ||
	       (s->gen.on && s->gen.count && !s->loop);
}

int ur_pcap_head(struct ur_port *port, uint32_t slot, struct ur_pcap_head *head)
{
	struct sim *s = port->priv;
	int ret = -ENODATA;

	memset(head, 0, sizeof(*head));
	if (port->backend != &sim_backend)
		return ret;
	pthread_mutex_lock(&s->lock);
	if (s->nic.head && slot < s->ring.slots.count)
		*head = s->nic.head[slot];
	if (head->captured)
		ret = 0;
	pthread_mutex_unlock(&s->lock);
	return ret;
}

int ur_pcap_info(struct ur_port *port, struct ur_pcap_info *info)
{
	struct sim *s = port->priv;

	memset(info, 0, sizeof(*info));
	if (port->backend != &sim_backend || !s->pcap)
		return -EINVAL;
	pthread_mutex_lock(&s->lock);
	sim_pcap_say(s->pcap, info);
	pthread_mutex_unlock(&s->lock);
	return 0;
}
