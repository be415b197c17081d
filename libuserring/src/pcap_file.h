/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files, read and written by libpcap: pcap and pcapng in, pcap with
 * nanoseconds out.  Frames are Ethernet's, without FCS.
 */
#ifndef UR_PCAP_FILE_H
#define UR_PCAP_FILE_H

#include <pcap/pcap.h>

#include <libuserring/sim.h>

#include "internal.h"

/* "-" is standard input, standard output.  Return: 0, or -errno. */
UR_LOCAL int pcap_in_open(pcap_t **in, const char *path, struct ur_error *err);
/* in: what the same port reads, or NULL. */
UR_LOCAL int pcap_out_open(pcap_dumper_t **out, const char *path, pcap_t *in,
			   struct ur_error *err);

/* A frame of a capture; its bytes stay until the next call on the file. */
struct pcap_frame {
	const uint8_t *data;
	uint32_t len;		/* of what was captured of it */
	uint32_t wire_len;
	uint64_t time;		/* ns */
};

/* Return: 0; -ENODATA there are no more; -EBADMSG the file is damaged. */
UR_LOCAL int pcap_in_next(pcap_t *in, struct pcap_frame *frame);

/* What libpcap says of -EBADMSG. */
UR_LOCAL const char *pcap_in_why(pcap_t *in);

/* With the time and the length of a packet that was read; else the current ones. */
UR_LOCAL void pcap_out_put(pcap_dumper_t *out, const uint8_t *data,
			   uint32_t len, const struct ur_pcap_head *head);
/* Writes all that was put so far to the file.  Return: 0; -ENOSPC it failed. */
UR_LOCAL int pcap_out_flush(pcap_dumper_t *out);

/* Both take NULL. */
UR_LOCAL void pcap_in_close(pcap_t *in);
UR_LOCAL void pcap_out_close(pcap_dumper_t *out);

#endif /* UR_PCAP_FILE_H */
