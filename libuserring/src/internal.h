/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the .c files of the library share.
 */
#ifndef UR_INTERNAL_H
#define UR_INTERNAL_H

#include <libuserring.h>

#define UR_LOCAL __attribute__((visibility("hidden")))

/* Who answers for a port: the module, or the software NIC. */
struct ur_backend {
	void (*port_close)(struct ur_port *port);
	int (*port_info)(struct ur_port *port, struct ur_port_info *info);
	int (*queue_info)(struct ur_port *port, struct ur_queue_info *info);
	/* fills in slot_shift, slot_count, size, base and fd */
	int (*pool_create)(struct ur_port *port, struct ur_pool *pool,
			   const struct ur_pool_opts *opts,
			   struct ur_error *err);
	/* fills in the memory of the queue and fd */
	int (*attach)(struct ur_port *port, struct ur_queue *q,
		      struct ur_attach *attach, struct ur_error *err);
	/* the module lets go of the queue, its memory stays */
	void (*detach)(struct ur_queue *q);
	/* it goes */
	void (*unmap)(struct ur_queue *q);
	/* UR_IOC_SYNC */
	int (*sync)(struct ur_queue *q, uint32_t flags);
	/* sleeps for POLLIN; Return: events, 0, -errno */
	int (*poll)(struct ur_queue *q, int timeout_ms);
};

struct ur_port {
	const struct ur_backend *backend;
	void *priv;
	int fd;
	uint32_t queue;		/* of name@N, or 0 */
	char node[64];
	char label[64];		/* for sentences: eth1 */
};

/* Where the system's files are: tests have their own. */
struct ur_paths {
	const char *sys;
	const char *dev;
};

/* Writes a sentence into *err, which may be NULL.  Return: code. */
UR_LOCAL int ur_fail(struct ur_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Finds the node of a port by the name of its interface or PCI address. */
UR_LOCAL int ur_port_find(const struct ur_paths *paths, const char *name,
			  char *node, size_t size, struct ur_error *err);

UR_LOCAL int ur_sim_open(struct ur_port *port, const char *options,
			 struct ur_error *err);

/* Hands over to the module, with a call or, in period mode, without. */
UR_LOCAL int ur_queue_sync(struct ur_queue *q, bool call);

UR_LOCAL uint64_t ur_now_ns(void);

extern UR_LOCAL const struct ur_backend ur_module;

UR_LOCAL int ur_module_pool_create(struct ur_port *port, struct ur_pool *pool,
				   const struct ur_pool_opts *opts,
				   struct ur_error *err);
UR_LOCAL int ur_module_attach(struct ur_port *port, struct ur_queue *q,
			      struct ur_attach *attach, struct ur_error *err);
UR_LOCAL void ur_module_detach(struct ur_queue *q);
UR_LOCAL void ur_module_unmap(struct ur_queue *q);
UR_LOCAL int ur_module_sync(struct ur_queue *q, uint32_t flags);
UR_LOCAL int ur_module_poll(struct ur_queue *q, int timeout_ms);

#endif /* UR_INTERNAL_H */
