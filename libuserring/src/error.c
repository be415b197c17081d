// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sentences.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

#ifndef __GLIBC_PREREQ
#define __GLIBC_PREREQ(major, minor)	0
#endif

int ur_fail(struct ur_error *err, int code, const char *format, ...)
{
	va_list args;

	if (err) {
		va_start(args, format);
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return code;
}

const char *ur_strerror(int err)
{
	switch (err < 0 ? -err : err) {
	case 0:
		return "no error";
	case EINTR:
		return "a signal came";
	case ENETDOWN:
		return "the port is down: type ip link set up";
	case ENODEV:
	case ENOTCONN:
		return "the port is gone, or the queue was detached";
	case ETIMEDOUT:
		return "the watchdog took the queue back, because packets had waited for too long: detach, and attach again";
	case ERANGE:
		return "an index in the shared page is out of its bounds: something wrote over it";
	case ESTALE:
		return "the port was reset again while its rings were put into order: call ur_sync() again";
	case EINVAL:
		return "an argument is out of its limits";
	case ENOMEM:
		return "no memory, or none that the device reaches";
	case EBUSY:
		return "the queue has a process already";
	case EACCES:
	case EPERM:
		return "permission denied";
	case EOPNOTSUPP:
		return "this port does not offer that";
	case ENOBUFS:
		return "no receive slot is posted, or a pool is larger than ulimit -l allows";
	case ENOENT:
		return "nothing there";
	case EMSGSIZE:
		return "the frame is too long";
	case EPROTO:
		return "module and library are of different versions";
	case EMFILE:
	case ENFILE:
		return "no file descriptor left";
	case ENODATA:
		return "no more comes, and all was taken";
	case EBADMSG:
		return "the capture is damaged: what comes behind cannot be read";
	case ENOSPC:
		return "what is sent cannot be written: the disk may be full";
	case EIO:
		return "the device did not stop or start its queue";
	case EBADF:
		return "the descriptor is closed, or is not one of userring";
	case ENOTTY:
		return "the node or descriptor is not one of userring";
	case EAGAIN:
		return "no more memory may be locked: raise RLIMIT_MEMLOCK, or try again";
	case EFAULT:
		return "an argument points to memory that is not there";
	case EPROTONOSUPPORT:
		return "the capture has frames that are not of Ethernet";
	case ENXIO:
		return "no device answers for this node";
	case EISDIR:
		return "this is a directory";
	case ENOTDIR:
		return "a part of the path is no directory";
	case ELOOP:
		return "the path leads through too many symbolic links";
	case ENAMETOOLONG:
		return "the name is too long";
	case EROFS:
		return "the file system is read-only";
	default:
		/*
		 * errors of the system, mostly of files; NULL: not an error number
		 */
#if __GLIBC_PREREQ(2, 32)
		if (strerrordesc_np(err < 0 ? -err : err))
			return strerrordesc_np(err < 0 ? -err : err);
#endif
		return "an error that has no sentence here";
	}
}
