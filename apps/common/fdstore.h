/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that outlive the process: the protocol of systemd's service
 * manager, sd_notify(3) and sd_listen_fds(3), without its library.  Whoever
 * started us keeps a descriptor, and hands it to our successor when we crash.
 *
 *	NOTIFY_SOCKET			a datagram socket: where to say what
 *	LISTEN_PID, LISTEN_FDS,
 *	LISTEN_FDNAMES			what was kept: from descriptor 3 on
 *
 * Without these variables all calls do nothing.
 */
#ifndef APPS_FDSTORE_H
#define APPS_FDSTORE_H

#include <stdbool.h>

/*
 * A descriptor that was kept under this name, or -1; it is the caller's.
 * Others that came with it are left open, but not for programs that we start.
 */
int fdstore_take(const char *name);

/* Was anything kept for us? */
bool fdstore_has_kept(void);

/* Nothing else is to be taken: the variables are gone. */
void fdstore_taken(void);

/* Keep a copy of fd under this name; forget it again. */
void fdstore_keep(const char *name, int fd);
void fdstore_remove(const char *name);

/* The program is ready: its start is over. */
void fdstore_ready(void);

#endif /* APPS_FDSTORE_H */
