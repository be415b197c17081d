/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files, read and written by libpcap: pcap and pcapng in, pcap with
 * nanoseconds out.  Frames are Ethernet's, without FCS.
 */
#ifndef UR_PCAP_FILE_H
#define UR_PCAP_FILE_H

#include <pcap/pcap.h>

#include "internal.h"

/* "-" is standard input, standard output.  Return: 0, or -errno. */
UR_LOCAL int pcap_in_open(pcap_t **in, const char *path, struct ur_error *err);
UR_LOCAL int pcap_out_open(pcap_dumper_t **out, const char *path,
			   struct ur_error *err);

/* A frame of a capture; its bytes stay until the next call on the file. */
struct pcap_frame {
	const uint8_t *data;
	uint32_t len;		/* of what was captured of it */
	uint64_t time;		/* ns */
};

/* Return: 0; -ENODATA there are no more; -EBADMSG the file is damaged. */
UR_LOCAL int pcap_in_next(pcap_t *in, struct pcap_frame *frame);

/* With the time that it is now. */
UR_LOCAL void pcap_out_put(pcap_dumper_t *out, const uint8_t *data,
			   uint32_t len);
/* What was put so far is in the file.  Return: 0, -ENOSPC it is not. */
UR_LOCAL int pcap_out_flush(pcap_dumper_t *out);

/* NULL is none. */
UR_LOCAL void pcap_in_close(pcap_t *in);
UR_LOCAL void pcap_out_close(pcap_dumper_t *out);

#endif /* UR_PCAP_FILE_H */
