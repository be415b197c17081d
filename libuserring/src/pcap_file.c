// SPDX-License-Identifier: BSD-2-Clause
/*
 * libpcap is linked, by weak references: a program that opens no capture can be
 * linked without it and the libraries that it brings along, and a static one,
 * for which not all of those exist, can be linked at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pcap_file.h"

#define SNAP_LEN	262144

#pragma weak pcap_fopen_offline_with_tstamp_precision
#pragma weak pcap_open_dead_with_tstamp_precision
#pragma weak pcap_datalink
#pragma weak pcap_datalink_val_to_name
#pragma weak pcap_next_ex
#pragma weak pcap_dump_open
#pragma weak pcap_dump
#pragma weak pcap_dump_flush
#pragma weak pcap_dump_file
#pragma weak pcap_dump_close
#pragma weak pcap_geterr
#pragma weak pcap_close

static int check_libpcap(struct ur_error *err)
{
	if (pcap_fopen_offline_with_tstamp_precision)
		return 0;
	return ur_fail(err, -EOPNOTSUPP,
		       "pcap: this program was linked without libpcap");
}

/* ------------------------------------------------------------------------
 * Reading
 */

static int open_stream(FILE **file, const char *path, struct ur_error *err)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) :
				     dup(STDIN_FILENO);

	*file = fd < 0 ? NULL : fdopen(fd, "r");
	if (*file)
		return 0;
	if (fd >= 0)
		close(fd);
	return ur_fail(err, -errno, "pcap: %s cannot be read: %s", path,
		       strerror(errno));
}

static int check_link_type(pcap_t *in, const char *path, struct ur_error *err)
{
	int type = pcap_datalink(in);
	const char *name = pcap_datalink_val_to_name(type);

	if (type == DLT_EN10MB)
		return 0;
	return ur_fail(err, -EPROTONOSUPPORT,
		       "pcap: %s has frames of type %s (%d), not of Ethernet: capture on one interface, not on any",
		       path, name ? name : "unknown", type);
}

int pcap_in_open(pcap_t **in, const char *path, struct ur_error *err)
{
	char why[PCAP_ERRBUF_SIZE];
	FILE *file;
	int ret;

	ret = check_libpcap(err);
	if (!ret)
		ret = open_stream(&file, path, err);
	if (ret)
		return ret;
	*in = pcap_fopen_offline_with_tstamp_precision(file,
					PCAP_TSTAMP_PRECISION_NANO, why);
	if (!*in) {
		fclose(file);
		return ur_fail(err, -EINVAL, "pcap: %s is no capture file: %s",
			       path, why);
	}
	ret = check_link_type(*in, path, err);
	if (ret) {
		pcap_close(*in);
		*in = NULL;
	}
	return ret;
}

int pcap_in_next(pcap_t *in, struct pcap_frame *frame)
{
	struct pcap_pkthdr *head;
	const u_char *data;

	switch (pcap_next_ex(in, &head, &data)) {
	case 1:
		break;
	case PCAP_ERROR_BREAK:
		return -ENODATA;
	default:
		return -EBADMSG;
	}
	frame->data = data;
	frame->len = head->caplen;
	/* of the precision that was asked for: nanoseconds */
	frame->time = (uint64_t)head->ts.tv_sec * 1000000000ULL +
		      (uint64_t)head->ts.tv_usec;
	return 0;
}

void pcap_in_close(pcap_t *in)
{
	if (in)
		pcap_close(in);
}

/* ------------------------------------------------------------------------
 * Writing
 */

int pcap_out_open(pcap_dumper_t **out, const char *path, struct ur_error *err)
{
	pcap_t *pcap;
	int ret;

	ret = check_libpcap(err);
	if (ret)
		return ret;
	pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAP_LEN,
						    PCAP_TSTAMP_PRECISION_NANO);
	if (!pcap)
		return ur_fail(err, -ENOMEM, "no memory");
	*out = pcap_dump_open(pcap, path);
	if (!*out)
		ret = ur_fail(err, errno ? -errno : -EIO, "pcap: %s",
			      pcap_geterr(pcap));
	pcap_close(pcap);
	return ret;
}

void pcap_out_put(pcap_dumper_t *out, const uint8_t *data, uint32_t len)
{
	struct pcap_pkthdr head = { .caplen = len, .len = len };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	head.ts.tv_sec = now.tv_sec;
	head.ts.tv_usec = now.tv_nsec;
	pcap_dump((u_char *)out, &head, data);
}

int pcap_out_flush(pcap_dumper_t *out)
{
	return pcap_dump_flush(out) || ferror(pcap_dump_file(out)) ? -ENOSPC : 0;
}

void pcap_out_close(pcap_dumper_t *out)
{
	if (out)
		pcap_dump_close(out);
}
