/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the .c files of the library share.
 */
#ifndef UR_INTERNAL_H
#define UR_INTERNAL_H

#include <libuserring.h>

#include "find.h"

#define UR_LINE	64	/* bytes of a cache line */

/* For what another process, or a timer of the module, may be writing. */
static inline uint32_t ur_read_once(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* What serves a port: the module, or the software NIC. */
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
	/* the module releases the queue, its memory stays */
	void (*detach)(struct ur_queue *q);
	/* frees that memory */
	void (*unmap)(struct ur_queue *q);
	/* this process gives up the queue, which stays attached */
	void (*leave)(struct ur_queue *q);
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

/* Writes a sentence into *err, which may be NULL.  Return: code. */
UR_LOCAL int ur_fail(struct ur_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Finds the node of a port by the name of its interface or PCI address. */
UR_LOCAL int ur_port_find(const struct ur_paths *paths, const char *name,
			  char *node, size_t size, struct ur_error *err);

/* Says which argument the module refused with -EINVAL.  Return: -EINVAL. */
UR_LOCAL int ur_attach_invalid(struct ur_port *port,
			       const struct ur_attach *attach,
			       struct ur_error *err);

UR_LOCAL int ur_sim_open(struct ur_port *port, const char *options,
			 struct ur_error *err);
UR_LOCAL int ur_pcap_open(struct ur_port *port, const char *options,
			  struct ur_error *err);

/* A state that no module has: nothing will come any more, SYNC says why. */
#define UR_STATE_OVER	0x10000

/*
 * Zeroed memory that shares no cache line with other memory: what a thread writes
 * with each burst takes no line from another thread.  NULL: no memory.
 */
UR_LOCAL void *ur_alloc_lines(size_t size);

/* A pool of memory that exists, with no slot free; NULL: no memory. */
UR_LOCAL struct ur_pool *ur_pool_new(uint8_t *base, size_t size,
				     uint32_t slot_size, uint32_t slot_count);
/* Its memory stays. */
UR_LOCAL void ur_pool_free(struct ur_pool *pool);
/*
 * Separates it from other handles.  Return: true if there are none: free the
 * memory.
 */
UR_LOCAL bool ur_pool_unshare(struct ur_pool *pool);

/* What is needed before a backend is asked; user_opts may be NULL. */
UR_LOCAL int ur_queue_new(struct ur_queue **queue,
			  const struct ur_backend *backend,
			  const struct ur_queue_opts *user_opts,
			  struct ur_queue_opts *opts, struct ur_error *err);
/* The backend has set kernel and user, and answered. */
UR_LOCAL int ur_queue_lay_out(struct ur_queue *q, struct ur_pool *pool,
			      const struct ur_attach *attach,
			      struct ur_error *err);

/* Frees the struct; its mapped memory and the backend's part stay. */
UR_LOCAL void ur_queue_free(struct ur_queue *q);

/* Indices of the rings, each read once, while the module's do not move. */
struct ur_indices {
	uint32_t rx_tail;	/* the module's */
	uint32_t fill_cons;
	uint32_t fill_kept;
	uint32_t tx_cons;
	uint32_t rx_pos;	/* the process's */
	uint32_t fill_prod;
	uint32_t tx_first;	/* TX entries from here on have their slot */
	uint32_t tx_prod;
};

/* What is wrong with them, or with the entries between them. */
#define UR_STOCK_RX	0x01	/* rx_pos */
#define UR_STOCK_FILL	0x02	/* fill_prod */
#define UR_STOCK_ENTRY	0x04	/* fill entries that are invalid, or too many */
#define UR_STOCK_TX	0x08	/* tx_prod */
#define UR_STOCK_TWICE	0x10	/* a slot is in two places */

/* Once per queue, before the calls below.  Return: 0; -ENOMEM. */
UR_LOCAL int ur_stock_init(struct ur_queue *q, uint32_t slot_count);
/*
 * Finds the slots that lie in the rings; *place: places that have one when all fill
 * entries are done.  Return: UR_STOCK_*; what is wrong is skipped.
 */
UR_LOCAL unsigned int ur_stock_count(struct ur_queue *q,
				     const struct ur_indices *at,
				     uint32_t *place);
/* Was it found? */
UR_LOCAL bool ur_stock_has(const struct ur_queue *q, uint32_t slot);
/* What was found is free. */
UR_LOCAL void ur_stock_free(struct ur_queue *q);

/*
 * Takes over from the former owner of the shared pages of q; the pool has no slot
 * free yet (adopt.c).
 */
UR_LOCAL int ur_adopt_rings(struct ur_queue *q, struct ur_pool *pool,
			    const struct ur_adopt *from, struct ur_error *err);

/* Hands over to the module, with a call or, in period mode, without. */
UR_LOCAL int ur_queue_sync(struct ur_queue *q, bool call);

/* What its state says: 0; -ENETDOWN, -ENODEV, -ETIMEDOUT, of a capture its end. */
UR_LOCAL int ur_queue_error(struct ur_queue *q);

UR_LOCAL uint64_t ur_now_ns(void);

extern UR_LOCAL const struct ur_backend ur_module;

UR_LOCAL int ur_module_pool_create(struct ur_port *port, struct ur_pool *pool,
				   const struct ur_pool_opts *opts,
				   struct ur_error *err);
UR_LOCAL int ur_module_attach(struct ur_port *port, struct ur_queue *q,
			      struct ur_attach *attach, struct ur_error *err);
/* The fd stays the caller's until this has succeeded. */
UR_LOCAL int ur_module_adopt(struct ur_queue *q, struct ur_pool **pool, int fd,
			     struct ur_adopt *adopt, struct ur_error *err);
UR_LOCAL void ur_module_unadopt(struct ur_queue *q);
/* The fd is the pool's, whatever this returns. */
UR_LOCAL int ur_module_pool_adopt(struct ur_pool **pool, int fd,
				  struct ur_error *err);
UR_LOCAL void ur_module_detach(struct ur_queue *q);
UR_LOCAL void ur_module_unmap(struct ur_queue *q);
UR_LOCAL int ur_module_sync(struct ur_queue *q, uint32_t flags);
UR_LOCAL int ur_module_poll(struct ur_queue *q, int timeout_ms);

#endif /* UR_INTERNAL_H */
