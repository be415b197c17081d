/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The software NIC: sim.c is the port, sim_module.c plays the module, sim_event.c
 * is its descriptor, sim_nic.c the hardware.  The link partner is a generator
 * (sim_gen.c) or capture files (sim_pcap.c); a test does the rest with
 * sim_control.c.
 */
#ifndef UR_SIM_INTERNAL_H
#define UR_SIM_INTERNAL_H

#include <pthread.h>

#include <libuserring/sim.h>

#include "internal.h"
#include "kernel_shim.h"
#include <ring/setup.h>
#include <ring/sync.h>

#define SIM_FRAME_MAX	16384U
#define SIM_TX_MIN	17U
#define SIM_TX_MAX	1522U	/* as the module's: two VLAN tags */

/*
 * For the device, the pool lies in chunks with gaps between them, in reverse order.
 */
#define SIM_IOVA	0x00007654ffe00000ULL
#define SIM_CHUNK_SHIFT	8		/* log2 of slots */

/* What the hardware knows: its registers, and its own heads. */
struct sim_nic {
	uint32_t rx_format;
	uint32_t tx_format;
	union ur_rx_desc *rx;
	union ur_tx_desc *tx;
	uint32_t rx_size;
	uint32_t tx_size;
	uint32_t rx_head;	/* places; the NIC's next one */
	uint32_t rx_tail;	/* the tail register */
	uint32_t tx_head;
	uint32_t tx_tail;
	uint32_t buffer;	/* bytes at an RX address */
	uint8_t *memory;	/* the pool */
	uint64_t memory_size;
	uint32_t chunks;
	uint64_t chunk_size;
	bool tx_off;

	/* of a pcap: port; a pool of sim: or pcap: has room for them after it */
	struct ur_pcap_head *head;	/* of each slot; NULL: none */
	struct ur_pcap_head *own_head;	/* of another pool's */
	struct ur_pcap_head arriving, leaving;	/* of the frame under way */

	uint64_t missed;
	uint64_t sent;
	uint64_t faults;
};

struct sim_frame {
	uint32_t len;
	uint8_t data[];
};

/* Frames that went somewhere, until a test collects them. */
struct sim_kept {
	struct sim_frame *frame[UR_SIM_KEPT_MAX];
	uint32_t first;
	uint32_t count;
};

struct sim_gen {
	bool on;
	uint32_t size;
	uint32_t flows;
	uint64_t count;
	uint64_t rate;
	bool tagged;
	uint16_t vlan;
	uint64_t seed;
	uint64_t start;		/* ns, of the rate */
	uint64_t made;
};

struct sim_pcap;

struct sim {
	pthread_mutex_t lock;
	struct sim_nic nic;
	struct sim_gen gen;
	struct sim_pcap *pcap;	/* NULL: not a pcap: port */
	bool loop;
	bool told;		/* that no more comes */
	bool up;
	uint32_t queues;	/* the number it reports; it is one of them */

	struct sim_kept sent;		/* to the wire */
	struct sim_kept host;		/* to the local stack */

	/* the module's half, while a queue is attached */
	bool attached;
	bool left;		/* by its process: memory is freed with port */
	struct ur_attach attach;
	struct {
		void *addr;
		size_t size;
	} map[4];
	struct urk_ring ring;
	u64 *slot_addr;
	int event_fd;		/* of the process */
	int event_peer;		/* the other end; -1: hung up */
	short events;		/* that it shows */
	bool timer_on;
	pthread_t timer;
	pthread_cond_t timer_stop;
};

/* sim.c */
extern UR_LOCAL const struct ur_backend sim_backend;
/* Makes one that receives no frames; name is that of its kind.  NULL: no memory. */
UR_LOCAL struct sim *sim_new(struct ur_port *port, const char *name);
UR_LOCAL void sim_free(struct sim *s);
/* The value of format=; name is for the sentence. */
UR_LOCAL int sim_set_format(struct sim_nic *nic, const char *name,
			    const char *text, struct ur_error *err);

/* sim_module.c */
UR_LOCAL int sim_attach(struct ur_port *port, struct ur_queue *q,
			struct ur_attach *a, struct ur_error *err);
UR_LOCAL void sim_detach(struct ur_queue *q);
UR_LOCAL void sim_unmap(struct ur_queue *q);
UR_LOCAL void sim_leave(struct ur_queue *q);
/* Takes the queue from its process, if it has one; the process finds this state. */
UR_LOCAL void sim_take(struct sim *s, uint32_t state);
/* Frees what a queue that was left has. */
UR_LOCAL void sim_clear(struct sim *s);
UR_LOCAL int sim_sync(struct ur_queue *q, uint32_t flags);
UR_LOCAL int sim_poll(struct ur_queue *q, int timeout_ms);
/* Sends and receives everything that is due; with the lock held. */
UR_LOCAL void sim_run_nic(struct sim *s);
/*
 * The descriptor shows what there is: it is readable while a packet waits or more
 * are to come, or the rings wait for a SYNC; with the lock held.
 */
UR_LOCAL void sim_update_event(struct sim *s);

/* sim_event.c */
UR_LOCAL int sim_event_open(struct sim *s);
/* These of POLLIN, POLLOUT and POLLPRI, the last one never alone. */
UR_LOCAL void sim_event_show(struct sim *s, short events);
/* POLLHUP from now on. */
UR_LOCAL void sim_event_hang_up(struct sim *s);
UR_LOCAL void sim_event_close(struct sim *s);

/* sim_nic.c; all with the lock held */
/* Return: the new length */
UR_LOCAL uint32_t sim_insert_tag(uint8_t *frame, uint32_t len, uint16_t tci);
UR_LOCAL void sim_nic_reset(struct sim_nic *nic);
/* Is there a place for a frame, or will there never be one? */
UR_LOCAL bool sim_nic_rx_room(const struct sim_nic *nic, uint32_t len);
UR_LOCAL int sim_nic_receive(struct sim_nic *nic, const void *frame,
			     uint32_t len, const struct ur_sim_meta *meta);
/* Return: the length of the next frame to send, 0 if there is none */
UR_LOCAL uint32_t sim_nic_transmit(struct sim_nic *nic, uint8_t *frame);

/* sim_gen.c */
UR_LOCAL void sim_gen_run(struct sim_gen *gen, struct sim_nic *nic);
/* Is there more to come? */
UR_LOCAL bool sim_gen_alive(const struct sim_gen *gen);
/* All of count= came: -ENODATA, else 0. */
UR_LOCAL int sim_gen_over(const struct sim_gen *gen);

/* sim_pcap.c; NULL, for a port without files, has no frames and no end */
/* Frames that are due arrive, as far as there are places. */
UR_LOCAL void sim_pcap_run(struct sim_pcap *p, struct sim_nic *nic);
/* Return: it was written to a file. */
UR_LOCAL bool sim_pcap_sent(struct sim_pcap *p, const uint8_t *frame,
			    uint32_t len, const struct ur_pcap_head *head);
/* Is there more to come? */
UR_LOCAL bool sim_pcap_alive(const struct sim_pcap *p);
/* No more comes.  Return: why, -errno; 0: more comes, or none ever did. */
UR_LOCAL int sim_pcap_over(const struct sim_pcap *p);
/* Does it read a file at all? */
UR_LOCAL bool sim_pcap_reads(const struct sim_pcap *p);
UR_LOCAL void sim_pcap_say(const struct sim_pcap *p, struct ur_pcap_info *info);
UR_LOCAL void sim_pcap_free(struct sim_pcap *p);

#endif /* UR_SIM_INTERNAL_H */
