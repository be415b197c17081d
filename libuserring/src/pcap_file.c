// SPDX-License-Identifier: BSD-2-Clause
/*
 * libpcap is referenced weakly: a program that opens no capture can be linked
 * without it and the libraries that it needs.  A static program can be linked only
 * so, because not all of those exist as static libraries.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pcap_file.h"

#define SNAP_LEN	262144

#pragma weak pcap_fopen_offline_with_tstamp_precision
#pragma weak pcap_open_dead_with_tstamp_precision
#pragma weak pcap_datalink
#pragma weak pcap_datalink_val_to_name
#pragma weak pcap_next_ex
#pragma weak pcap_file
#pragma weak pcap_dump_open
#pragma weak pcap_dump_fopen
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

/*
 * A port that writes a file has it alone, so that no other port reads or writes it
 * at the same time.  A lock of this kind belongs to the open file, not to the
 * process.
 */
static int lock_file(int fd, int how, const char *path, struct ur_error *err)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !flock(fd, how | LOCK_NB) ||
	    errno != EWOULDBLOCK)
		return 0;
	return ur_fail(err, -EBUSY,
		       how == LOCK_EX ?
		       "pcap: %s is being read or written by another port: write to another file" :
		       "pcap: %s is being written by another port: read it when that is done",
		       path);
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
	ret = lock_file(fileno(file), LOCK_SH, path, err);
	if (ret) {
		fclose(file);
		return ret;
	}
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
	frame->wire_len = head->len > head->caplen ? head->len : head->caplen;
	/* of the precision that was asked for: nanoseconds */
	frame->time = (uint64_t)head->ts.tv_sec * 1000000000ULL +
		      (uint64_t)head->ts.tv_usec;
	return 0;
}

const char *pcap_in_why(pcap_t *in)
{
	return pcap_geterr(in);
}

void pcap_in_close(pcap_t *in)
{
	if (!in)
		return;
	/* standard input is shared with other processes */
	flock(fileno(pcap_file(in)), LOCK_UN);
	pcap_close(in);
}

/* ------------------------------------------------------------------------
 * Writing
 */

static bool same_file(int fd, pcap_t *in)
{
	struct stat a, b;

	return in && !fstat(fd, &a) && !fstat(fileno(pcap_file(in)), &b) &&
	       S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Opens the file, and empties it once it is known that no port uses it. */
static int create_stream(FILE **file, const char *path, pcap_t *in,
			 struct ur_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	int ret;

	if (fd < 0)
		goto err_say;
	ret = same_file(fd, in) ?
	      ur_fail(err, -EINVAL,
		      "pcap: %s is the file that is read, and would be destroyed: write to another one",
		      path) :
	      lock_file(fd, LOCK_EX, path, err);
	if (ret) {
		close(fd);
		return ret;
	}
	/* EINVAL: what is no regular file has no length */
	if (!ftruncate(fd, 0) || errno == EINVAL)
		*file = fdopen(fd, "w");
	else
		*file = NULL;
	if (*file)
		return 0;
err_say:
	ret = ur_fail(err, -errno, "pcap: %s cannot be written: %s", path,
		      strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

int pcap_out_open(pcap_dumper_t **out, const char *path, pcap_t *in,
		  struct ur_error *err)
{
	FILE *file = stdout;
	pcap_t *pcap;
	int ret;

	ret = check_libpcap(err);
	if (!ret && strcmp(path, "-"))
		ret = create_stream(&file, path, in, err);
	if (ret)
		return ret;
	pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAP_LEN,
						    PCAP_TSTAMP_PRECISION_NANO);
	if (!pcap) {
		ret = ur_fail(err, -ENOMEM, "no memory");
		goto err_close;
	}
	/* closes the file when it fails */
	*out = file == stdout ? pcap_dump_open(pcap, path) :
				pcap_dump_fopen(pcap, file);
	if (!*out)
		ret = ur_fail(err, errno ? -errno : -EIO, "pcap: %s",
			      pcap_geterr(pcap));
	pcap_close(pcap);
	return ret;

err_close:
	if (file != stdout)
		fclose(file);
	return ret;
}

void pcap_out_put(pcap_dumper_t *out, const uint8_t *data, uint32_t len,
		  const struct ur_pcap_head *of)
{
	struct pcap_pkthdr head = { .caplen = len, .len = len };
	struct timespec now;

	if (of->captured) {
		now.tv_sec = (time_t)(of->time / 1000000000ULL);
		now.tv_nsec = (long)(of->time % 1000000000ULL);
		/* it may be longer or shorter by now, for example by a tag */
		head.len += of->len - of->captured;
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
	}
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
