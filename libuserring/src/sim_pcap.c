// SPDX-License-Identifier: BSD-2-Clause
/*
 * The software NIC's link partner: capture files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap_file.h"
#include "sim_internal.h"

#define SPEED_MIN	0.001
#define SPEED_MAX	1000.0

struct sim_pcap {
	char *text;		/* the options, with the paths in it */
	const char *in_path;	/* NULL: nothing comes, and that has no end */
	const char *out_path;	/* NULL: what is sent is kept */
	double speed;		/* 0: as fast as there are places */
	uint64_t laps;		/* through the file; 0: no end */
	bool strip;

	pcap_t *in;
	struct pcap_frame next;	/* valid while over is 0 */
	uint64_t lap;
	uint64_t lap_start;	/* ns, of the clock; 0: not begun */
	uint64_t lap_first;	/* ns, of the file */
	int over;
	uint64_t too_long, empty;
	char why[256];

	pcap_dumper_t *out;
	bool unwritten;		/* in the buffers of out */
	uint8_t untagged[SIM_FRAME_MAX];
};

/* ------------------------------------------------------------------------
 * Options
 */

static int option_speed(struct sim_pcap *p, const char *text,
			struct ur_error *err)
{
	char *end;

	if (!strcmp(text, "full")) {
		p->speed = 0;
		return 0;
	}
	p->speed = strtod(text, &end);
	if (*text >= '0' && *text <= '9' && !*end && p->speed >= SPEED_MIN &&
	    p->speed <= SPEED_MAX)
		return 0;
	return ur_fail(err, -EINVAL,
		       "pcap: speed is full or a number from %g to %g: 1 is that of the capture",
		       SPEED_MIN, SPEED_MAX);
}

static int option_loop(struct sim_pcap *p, const char *text,
		       struct ur_error *err)
{
	char *end;

	errno = 0;
	p->laps = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		return ur_fail(err, -EINVAL,
			       "pcap: loop takes a number: how often the file is read, 0: for ever");
	return 0;
}

static int set_option(struct sim *s, const char *name, const char *text,
		      struct ur_error *err)
{
	struct sim_pcap *p = s->pcap;

	if (!strcmp(name, "speed"))
		return option_speed(p, text, err);
	if (!strcmp(name, "loop"))
		return option_loop(p, text, err);
	if (!strcmp(name, "format"))
		return sim_set_format(&s->nic, "pcap", text, err);
	if (strcmp(name, "vlan"))
		return ur_fail(err, -EINVAL,
			       "pcap: no option \"%s\": there are speed, loop, format, vlan",
			       name);
	p->strip = !strcmp(text, "strip");
	if (!p->strip && strcmp(text, "keep"))
		return ur_fail(err, -EINVAL, "pcap: vlan is keep or strip");
	return 0;
}

/* IN[,OUT][,option=value]...; cuts text into pieces. */
static int set_options(struct sim *s, struct ur_error *err)
{
	struct sim_pcap *p = s->pcap;
	char *text = p->text, *item, *value;
	int ret;

	item = strsep(&text, ",");
	if (*item)
		p->in_path = item;
	while ((item = strsep(&text, ","))) {
		value = strchr(item, '=');
		if (value) {
			*value++ = '\0';
			ret = set_option(s, item, value, err);
			if (ret)
				return ret;
		} else if (!p->out_path && *item) {
			p->out_path = item;
		} else {
			return ur_fail(err, -EINVAL,
				       "pcap: \"%s\" is one name too many: say pcap:IN,OUT,option=value",
				       item);
		}
	}
	if (!p->in_path && !p->out_path)
		return ur_fail(err, -EINVAL,
			       "pcap: which file? Say pcap:IN, pcap:IN,OUT or pcap:,OUT");
	if (p->in_path && !strcmp(p->in_path, "-") && p->laps != 1)
		return ur_fail(err, -EINVAL,
			       "pcap: standard input cannot be read again: leave loop out");
	return 0;
}

/* ------------------------------------------------------------------------
 * Opening and closing
 */

static void next(struct sim_pcap *p)
{
	p->over = pcap_in_next(p->in, &p->next);
	if (p->over == -EBADMSG)
		snprintf(p->why, sizeof(p->why), "%s", pcap_in_why(p->in));
}

/* Looks at the next frame, in the next lap if this one is through. */
static void advance(struct sim_pcap *p)
{
	pcap_t *again;

	next(p);
	if (p->over != -ENODATA || ++p->lap == p->laps)
		return;
	if (pcap_in_open(&again, p->in_path, NULL)) {
		p->over = -EBADMSG;
		return;
	}
	pcap_in_close(p->in);
	p->in = again;
	p->lap_start = 0;
	next(p);
}

static int open_files(struct sim_pcap *p, struct ur_error *err)
{
	int ret = 0;

	if (p->in_path) {
		ret = pcap_in_open(&p->in, p->in_path, err);
		if (ret)
			return ret;
		advance(p);
	}
	if (p->out_path)
		ret = pcap_out_open(&p->out, p->out_path, p->in, err);
	return ret;
}

int ur_pcap_open(struct ur_port *port, const char *options,
		 struct ur_error *err)
{
	struct sim *s = sim_new(port, "pcap");
	int ret;

	if (!s)
		return ur_fail(err, -ENOMEM, "no memory");
	s->pcap = calloc(1, sizeof(*s->pcap));
	if (s->pcap)
		s->pcap->text = strdup(options);
	if (!s->pcap || !s->pcap->text) {
		ret = ur_fail(err, -ENOMEM, "no memory");
		goto err_free;
	}
	s->pcap->laps = 1;
	ret = set_options(s, err);
	if (!ret)
		ret = open_files(s->pcap, err);
	if (ret)
		goto err_free;
	return 0;

err_free:
	sim_free(s);
	return ret;
}

void sim_pcap_free(struct sim_pcap *p)
{
	if (!p)
		return;
	pcap_in_close(p->in);
	pcap_out_close(p->out);
	free(p->text);
	free(p);
}

/* ------------------------------------------------------------------------
 * Frames, with the lock held
 */

static bool is_due(struct sim_pcap *p)
{
	uint64_t now;

	if (p->speed == 0)
		return true;
	now = ur_now_ns();
	if (!p->lap_start) {
		p->lap_start = now;
		p->lap_first = p->next.time;
	}
	return p->next.time <= p->lap_first ||
	       (double)(p->next.time - p->lap_first) <=
	       (double)(now - p->lap_start) * p->speed;
}

/* Checksums count as not checked: offloads leave wrong ones in captures. */
static void receive(struct sim_pcap *p, struct sim_nic *nic)
{
	struct ur_sim_meta meta = { 0 };
	const uint8_t *data = p->next.data;
	uint32_t len = p->next.len;

	if (!len) {
		nic->missed++;
		p->empty++;
		return;
	}
	p->too_long += len > nic->buffer;
	if (p->strip && len >= UR_ETH_LEN + UR_VLAN_LEN &&
	    len <= sizeof(p->untagged) && ur_get_be16(data + 12) == UR_ETH_VLAN) {
		meta.status = UR_RXD_STAT_VP;
		meta.vlan = ur_get_be16(data + 14);
		len -= UR_VLAN_LEN;
		memcpy(p->untagged, data, 12);
		memcpy(p->untagged + 12, data + 16, len - 12);
		data = p->untagged;
	}
	nic->arriving = (struct ur_pcap_head){
		.time = p->next.time,
		.captured = len,
		.len = p->next.wire_len - (p->next.len - len),
	};
	sim_nic_receive(nic, data, len, &meta);
}

void sim_pcap_run(struct sim_pcap *p, struct sim_nic *nic)
{
	if (!p)
		return;
	if (p->unwritten && pcap_out_flush(p->out))
		p->over = -ENOSPC;
	p->unwritten = false;
	while (p->in && !p->over && is_due(p) &&
	       sim_nic_rx_room(nic, p->next.len)) {
		receive(p, nic);
		advance(p);
	}
}

bool sim_pcap_sent(struct sim_pcap *p, const uint8_t *frame, uint32_t len,
		   const struct ur_pcap_head *head)
{
	if (!p || !p->out)
		return false;
	pcap_out_put(p->out, frame, len, head);
	p->unwritten = true;
	return true;
}

void sim_pcap_say(const struct sim_pcap *p, struct ur_pcap_info *info)
{
	info->too_long = p->too_long;
	info->empty = p->empty;
	memcpy(info->why, p->why, sizeof(info->why));
}

int sim_pcap_over(const struct sim_pcap *p)
{
	return p ? p->over : 0;
}

bool sim_pcap_alive(const struct sim_pcap *p)
{
	return p && p->in && !p->over;
}

bool sim_pcap_reads(const struct sim_pcap *p)
{
	return p && p->in;
}
