// SPDX-License-Identifier: BSD-2-Clause
/*
 * The software NIC's port: options, opening and closing, what it reports, pools.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim_internal.h"

/* ------------------------------------------------------------------------
 * Options
 */

static int option_number(const char *name, const char *text, uint64_t min_value,
			 uint64_t max_value, uint64_t *value,
			 struct ur_error *err)
{
	char *end;

	errno = 0;
	*value = strtoull(text ? text : "", &end, 0);
	if (!text || *text < '0' || *text > '9' || *end || errno ||
	    *value < min_value || *value > max_value)
		return ur_fail(err, -EINVAL,
			       "sim: %s takes a number from %llu to %llu", name,
			       (unsigned long long)min_value,
			       (unsigned long long)max_value);
	return 0;
}

int sim_set_format(struct sim_nic *nic, const char *name, const char *text,
		   struct ur_error *err)
{
	nic->tx_format = UR_DESC_LEGACY;
	if (text && !strcmp(text, "legacy")) {
		nic->rx_format = UR_DESC_LEGACY;
	} else if (text && !strcmp(text, "extended")) {
		nic->rx_format = UR_DESC_EXTENDED;
	} else if (text && !strcmp(text, "advanced")) {
		nic->rx_format = UR_DESC_ADVANCED;
		nic->tx_format = UR_DESC_ADVANCED;
	} else {
		return ur_fail(err, -EINVAL,
			       "%s: format is legacy, extended or advanced",
			       name);
	}
	return 0;
}

static int set_option(struct sim *s, const char *name, const char *text,
		      struct ur_error *err)
{
	const struct {
		const char *name;
		uint64_t min, max;
	} numbers[] = {
		{ "size", 60, 1514 }, { "flows", 1, 60000 },
		{ "count", 0, UINT64_MAX }, { "rate", 0, 1000000000 },
		{ "vlan", 0, 0xffff }, { "queues", 1, 64 },
		{ "seed", 0, UINT64_MAX },
	};
	uint64_t n;
	size_t i;
	int ret;

	if (!strcmp(name, "format"))
		return sim_set_format(&s->nic, "sim", text, err);
	if (!strcmp(name, "gen")) {
		if (!text || strcmp(text, "udp"))
			return ur_fail(err, -EINVAL, "sim: gen is udp");
		s->gen.on = true;
		return 0;
	}
	if (!strcmp(name, "loop") && !text) {
		s->loop = true;
		return 0;
	}
	if (!strcmp(name, "down") && !text) {
		s->up = false;
		return 0;
	}
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(name, numbers[i].name))
			break;
	if (i == sizeof(numbers) / sizeof(numbers[0]))
		return ur_fail(err, -EINVAL,
			       "sim: no option \"%s\": there are format, gen, size, flows, count, rate, vlan, queues, seed, loop, down",
			       name);
	ret = option_number(name, text, numbers[i].min, numbers[i].max, &n,
			    err);
	if (ret)
		return ret;
	switch (i) {
	case 0:
		s->gen.size = (uint32_t)n;
		break;
	case 1:
		s->gen.flows = (uint32_t)n;
		break;
	case 2:
		s->gen.count = n;
		break;
	case 3:
		s->gen.rate = n;
		break;
	case 4:
		s->gen.tagged = true;
		s->gen.vlan = (uint16_t)n;
		break;
	case 5:
		s->queues = (uint32_t)n;
		break;
	default:
		s->gen.seed = n;
		break;
	}
	return 0;
}

static int set_options(struct sim *s, const char *options, struct ur_error *err)
{
	char copy[256], *save, *name, *text;
	int ret;

	if (snprintf(copy, sizeof(copy), "%s", options) >= (int)sizeof(copy))
		return ur_fail(err, -EINVAL, "sim: the options are too long");
	for (name = strtok_r(copy, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		text = strchr(name, '=');
		if (text)
			*text++ = '\0';
		ret = set_option(s, name, text, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* ------------------------------------------------------------------------
 * Port and pool
 */

struct sim *sim_new(struct ur_port *port, const char *name)
{
	pthread_condattr_t attr;
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->nic.rx_format = UR_DESC_EXTENDED;
	s->nic.tx_format = UR_DESC_LEGACY;
	s->up = true;
	s->queues = 1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->timer_stop, &attr);
	pthread_condattr_destroy(&attr);
	port->backend = &sim_backend;
	port->priv = s;
	snprintf(port->label, sizeof(port->label), "%s", name);
	return s;
}

int ur_sim_open(struct ur_port *port, const char *options,
		struct ur_error *err)
{
	struct sim *s = sim_new(port, "sim");
	int ret;

	if (!s)
		return ur_fail(err, -ENOMEM, "no memory");
	s->gen.size = 60;
	s->gen.flows = 1;
	s->gen.seed = 1;
	ret = set_options(s, options, err);
	if (ret)
		sim_free(s);
	return ret;
}

static void drop_kept(struct sim_kept *kept)
{
	while (kept->count--)
		free(kept->frame[kept->first++ % UR_SIM_KEPT_MAX]);
}

void sim_free(struct sim *s)
{
	if (s->left)
		sim_clear(s);
	sim_pcap_free(s->pcap);
	drop_kept(&s->sent);
	drop_kept(&s->host);
	pthread_cond_destroy(&s->timer_stop);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void sim_port_close(struct ur_port *port)
{
	sim_free(port->priv);
}

static int sim_port_info(struct ur_port *port, struct ur_port_info *info)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct sim *s = port->priv;

	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->abi_version = UR_ABI_VERSION;
	info->queues = s->queues;
	info->queues_max = s->queues;
	info->features = UR_FEATURE_RX_CSUM | UR_FEATURE_RX_VLAN |
			 UR_FEATURE_HOST;
	if (s->nic.tx_format == UR_DESC_LEGACY)
		info->features |= UR_FEATURE_TX_VLAN;
	if (s->nic.rx_format != UR_DESC_LEGACY)
		info->features |= UR_FEATURE_RX_HASH;
	info->rx_format = s->nic.rx_format;
	info->tx_format = s->nic.tx_format;
	info->desc_size = sizeof(union ur_rx_desc);
	info->tx_len_min = SIM_TX_MIN;
	info->tx_len_max = SIM_TX_MAX;
	pthread_mutex_lock(&s->lock);
	info->up = s->up;
	info->link_up = s->up;
	pthread_mutex_unlock(&s->lock);
	info->link_mbps = 1000;
	info->mtu = 1500;
	info->promisc = 1;
	memcpy(info->mac, mac, sizeof(mac));
	snprintf(info->ifname, sizeof(info->ifname), "%.15s", port->label);
	snprintf(info->variant, sizeof(info->variant), "%.15s", port->label);
	return 0;
}

static int sim_queue_info(struct ur_port *port, struct ur_queue_info *info)
{
	struct sim *s = port->priv;
	const struct urk_ring *r = &s->ring;

	if (info->queue >= s->queues)
		return -EINVAL;
	info->irq = -1;
	info->irq_cpu = -1;
	info->numa_node = -1;
	pthread_mutex_lock(&s->lock);
	if (s->attached && s->attach.queue == info->queue) {
		info->attached = 1;
		info->pid = getpid();
		snprintf(info->comm, sizeof(info->comm), "sim");
		info->rx_size = r->rx_mask + 1;
		info->tx_size = r->tx_mask + 1;
		info->rx_posted = r->rx_tail - r->rx_done;
		info->tx_pending = r->tx_cons - r->tx_done;
		info->sync_period_us = s->attach.sync_period_us;
		info->epoch = r->epoch;
		info->state = r->k->state;
		info->count = *r->count;
		info->rx_waiting = urk_rx_waiting(r, urk_rx_pos(r));
		info->fill_waiting = READ_ONCE(r->u->fill_prod) - r->fill_cons;
		info->tx_waiting = READ_ONCE(r->u->tx_prod) - r->tx_cons;
		info->watchdog_ms = s->attach.watchdog_ms;
	}
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int sim_pool_create(struct ur_port *port, struct ur_pool *pool,
			   const struct ur_pool_opts *opts,
			   struct ur_error *err)
{
	const size_t page = 4096;
	size_t all;

	(void)port;
	pool->size = ((size_t)opts->slot_count * opts->slot_size + page - 1) &
		     ~(page - 1);
	pool->slot_count = (uint32_t)(pool->size / opts->slot_size);
	pool->fd = -1;
	/* followed by what a capture says about the packet in each slot */
	all = (pool->size + pool->slot_count * sizeof(struct ur_pcap_head) +
	       page - 1) & ~(page - 1);
	pool->base = aligned_alloc(page, all);
	if (!pool->base)
		return ur_fail(err, -ENOMEM, "no memory for a pool of %u slots",
			       opts->slot_count);
	memset(pool->base, 0, all);
	return 0;
}

const struct ur_backend sim_backend = {
	.port_close	= sim_port_close,
	.port_info	= sim_port_info,
	.queue_info	= sim_queue_info,
	.pool_create	= sim_pool_create,
	.attach		= sim_attach,
	.detach		= sim_detach,
	.unmap		= sim_unmap,
	.leave		= sim_leave,
	.sync		= sim_sync,
	.poll		= sim_poll,
};
