// SPDX-License-Identifier: BSD-2-Clause
/*
 * The software NIC's module: does what chardev, queue and timer do in the kernel.
 * Checking and posting is in ring/, which the module runs as well.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim_internal.h"

enum { MAP_RX, MAP_TX, MAP_KERNEL, MAP_USER };

/* ------------------------------------------------------------------------
 * Service, with the lock held
 */

/* No more comes from outside.  Return: why, -errno; 0: more may come. */
static int over(const struct sim *s)
{
	if (s->pcap)
		return sim_pcap_over(s->pcap);
	/* what is sent comes back, and that has no end */
	return s->loop ? 0 : sim_gen_over(&s->gen);
}

/* Is there more to come, or an end to be reported? */
static bool alive(const struct sim *s)
{
	return sim_gen_alive(&s->gen) || sim_pcap_alive(s->pcap) ||
	       (over(s) && !s->told);
}

void sim_update_event(struct sim *s)
{
	const struct urk_ring *r = &s->ring;
	short before = s->events, events = 0;

	if (!s->attached)
		return;
	if (s->up) {
		if (urk_rx_ready(r) || alive(s))
			events |= POLLIN;
		if (urk_tx_ready(r))
			events |= POLLOUT;
		if (READ_ONCE(r->u->epoch) != r->epoch)
			events |= POLLPRI;
	}
	if (events == before)
		return;
	sim_event_show(s, events);
	if (s->events & ~before & POLLIN) {
		r->count->wakeups++;
		r->count->interrupts++;
	}
}

/* Return: false: no memory */
static bool keep_frame(struct sim_kept *kept, const uint8_t *frame, uint32_t len)
{
	struct sim_frame *f;

	if (kept->count == UR_SIM_KEPT_MAX)
		return true;
	f = malloc(sizeof(*f) + len);
	if (!f)
		return false;
	f->len = len;
	memcpy(f->data, frame, len);
	kept->frame[(kept->first + kept->count++) % UR_SIM_KEPT_MAX] = f;
	return true;
}

/* A HOST entry that was checked; called by urk_tx_submit(). */
static void host_entry(struct urk_ring *r, u32 slot, const struct ur_tx_entry *e)
{
	struct sim *s = (struct sim *)((char *)r - offsetof(struct sim, ring));
	uint8_t frame[SIM_FRAME_MAX];
	uint32_t len = e->len;

	memcpy(frame, s->nic.memory + ((size_t)slot << r->slots.slot_shift) +
	       e->offset, len);
	if (e->flags & UR_TX_VLAN)
		len = sim_insert_tag(frame, len, e->vlan);
	if (keep_frame(&s->host, frame, len))
		r->count->host_packets++;
	else
		r->count->host_dropped++;
}

void sim_run_nic(struct sim *s)
{
	uint8_t frame[SIM_FRAME_MAX];
	uint32_t len;

	while ((len = sim_nic_transmit(&s->nic, frame))) {
		if (s->loop)
			sim_nic_receive(&s->nic, frame, len, NULL);
		else if (!sim_pcap_sent(s->pcap, frame, len, &s->nic.leaving))
			keep_frame(&s->sent, frame, len);
	}
	sim_gen_run(&s->gen, &s->nic);
	sim_pcap_run(s->pcap, &s->nic);
}

/*
 * Reports the end to a process that has taken all that came, and has nothing
 * waiting to be sent.
 */
static int check_over(struct sim *s)
{
	const struct urk_ring *r = &s->ring;
	int why = over(s);

	if (!why || urk_rx_waiting(r, urk_rx_pos(r)) ||
	    READ_ONCE(r->u->tx_prod) != r->tx_cons)
		return 0;
	WRITE_ONCE(s->ring.k->state, UR_STATE_OVER);
	s->told = true;
	return why;
}

/* What the module does for a SYNC and when its timer fires. */
static int serve(struct sim *s)
{
	unsigned int moved;
	int ret;

	if (!s->up)
		return -ENETDOWN;
	ret = urk_ring_sync(&s->ring, &moved);
	if (moved & URK_RX_MOVED)
		s->nic.rx_tail = s->ring.rx_tail & s->ring.rx_mask;
	if (moved & URK_TX_MOVED)
		s->nic.tx_tail = s->ring.tx_tail & s->ring.tx_mask;
	sim_run_nic(s);
	if (!ret)
		ret = check_over(s);
	sim_update_event(s);
	return ret;
}

/* Is this queue the consumer?  Another may have attached since. */
static bool has_queue(const struct sim *s, const struct ur_queue *q)
{
	return s->attached && s->ring.u == q->user;
}

/* The same without the lock. */
static bool has_queue_now(struct sim *s, const struct ur_queue *q)
{
	bool has;

	pthread_mutex_lock(&s->lock);
	has = has_queue(s, q);
	pthread_mutex_unlock(&s->lock);
	return has;
}

int sim_sync(struct ur_queue *q, uint32_t flags)
{
	struct sim *s = q->priv;
	int ret;

	if (flags & ~(uint32_t)(UR_SYNC_ARM_RX | UR_SYNC_ARM_TX))
		return -EINVAL;
	pthread_mutex_lock(&s->lock);
	if (has_queue(s, q)) {
		s->ring.count->syncs++;
		ret = serve(s);
	} else {
		ret = ur_queue_state(q) == UR_STATE_TAKEN ? -ETIMEDOUT :
							    -ENOTCONN;
	}
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static void *timer_main(void *arg)
{
	struct sim *s = arg;
	struct timespec t;

	pthread_mutex_lock(&s->lock);
	clock_gettime(CLOCK_MONOTONIC, &t);
	while (s->timer_on) {
		t.tv_nsec += (long)s->attach.sync_period_us % 1000000 * 1000;
		t.tv_sec += (long)s->attach.sync_period_us / 1000000 +
			    t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&s->timer_stop, &s->lock, &t);
		if (s->timer_on) {
			s->ring.count->timer_syncs++;
			serve(s);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* The thread takes no signals. */
static int start_timer(struct sim *s)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	/* the thread waits for the lock, and so for timer_on */
	pthread_mutex_lock(&s->lock);
	ret = -pthread_create(&s->timer, NULL, timer_main, s);
	s->timer_on = !ret;
	pthread_mutex_unlock(&s->lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int sim_poll(struct ur_queue *q, int timeout_ms)
{
	struct sim *s = q->priv;
	uint64_t end = ur_now_ns() + (uint64_t)timeout_ms * 1000000;
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	bool ready, more;
	int ret;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		if (!has_queue(s, q)) {
			pthread_mutex_unlock(&s->lock);
			return POLLHUP | POLLERR;
		}
		if (s->up)
			sim_run_nic(s);
		ready = s->up && (urk_rx_ready(&s->ring) || over(s));
		more = s->up && alive(s);
		sim_update_event(s);
		pthread_mutex_unlock(&s->lock);
		if (ready)
			return POLLIN;
		if (timeout_ms >= 0 && ur_now_ns() >= end)
			return 0;
		/* a generator has no interrupt: run it often */
		if (more)
			ret = poll(NULL, 0, 1);
		else
			ret = poll(&p, 1, timeout_ms);
		if (ret < 0)
			return -errno;
	}
}

/* ------------------------------------------------------------------------
 * Attach and detach
 */

static bool is_attached(struct sim *s)
{
	bool is;

	pthread_mutex_lock(&s->lock);
	is = s->attached;
	pthread_mutex_unlock(&s->lock);
	return is;
}

/* Return: memory of whole cache lines, zero. */
static void *map_memory(struct ur_queue *q, int i, size_t size)
{
	size = (size + 63) & ~(size_t)63;
	q->map[i].addr = aligned_alloc(64, size);
	q->map[i].size = size;
	if (q->map[i].addr)
		memset(q->map[i].addr, 0, size);
	return q->map[i].addr;
}

static void free_tables(struct sim *s)
{
	free(s->ring.rx_addr);
	free(s->ring.tx_place);
	free(s->slot_addr);
	free(s->nic.own_head);
	s->nic.own_head = NULL;
	s->nic.head = NULL;
}

static void set_up_pool(struct sim *s, const struct ur_pool *pool)
{
	struct urk_slots *slots = &s->ring.slots;
	uint32_t i;

	s->nic.buffer = 1U << pool->slot_shift;
	s->nic.memory = pool->base;
	s->nic.memory_size = pool->size;
	s->nic.head = pool->fd < 0 ? (void *)(pool->base + pool->size) :
				     s->nic.own_head;
	s->nic.chunk_size = 1ULL << (pool->slot_shift + SIM_CHUNK_SHIFT);
	for (i = 0; i < pool->slot_count; i++) {
		u64 chunk = s->nic.chunks - 1 - (i >> SIM_CHUNK_SHIFT);
		u64 in_chunk = i & ((1U << SIM_CHUNK_SHIFT) - 1);

		s->slot_addr[i] = SIM_IOVA + chunk * 2 * s->nic.chunk_size +
				  (in_chunk << pool->slot_shift);
	}
	slots->addr = s->slot_addr;
	/* the table ends with the slots: speculation does not matter here */
	slots->mask = ~0U;
	slots->slot_shift = pool->slot_shift;
	slots->count = pool->slot_count;
}

static void set_up_ring(struct sim *s, struct ur_queue *q,
			const struct ur_attach *a,
			const struct urk_layout *layout)
{
	struct urk_ring *r = &s->ring;

	urk_ring_init(r, layout, a->rx_size, a->tx_size,
		      q->map[MAP_KERNEL].addr, q->map[MAP_USER].addr);
	r->rx = q->map[MAP_RX].addr;
	r->tx = q->map[MAP_TX].addr;
	r->tx_len_min = SIM_TX_MIN;
	r->tx_len_max = SIM_TX_MAX;
	r->tx_flags = s->nic.tx_format == UR_DESC_LEGACY ? UR_TX_VLAN : 0;
	r->host = host_entry;
	/* a call has no time limit */
	urk_ring_budget(r, ~0U, ~0U);
	urk_ring_format(r, s->nic.rx_format, s->nic.tx_format);
	urk_ring_restart(r);
	r->k->state = s->up ? UR_STATE_ATTACHED : UR_STATE_DOWN;
	r->k->link_up = s->up;

	s->nic.rx = r->rx;
	s->nic.tx = r->tx;
	s->nic.rx_size = a->rx_size;
	s->nic.tx_size = a->tx_size;
	sim_nic_reset(&s->nic);
}

/* As the gigabit NICs with descriptors of this format. */
static struct urk_rx_errors rx_errors(uint32_t rx_format)
{
	static const struct urk_rx_errors errors[] = {
		[UR_DESC_LEGACY] = URK_RX_ERRORS_LEGACY,
		[UR_DESC_EXTENDED] = URK_RX_ERRORS_EXTENDED,
		[UR_DESC_ADVANCED] = URK_RX_ERRORS_ADVANCED,
	};

	return errors[rx_format];
}

int sim_attach(struct ur_port *port, struct ur_queue *q, struct ur_attach *a,
	       struct ur_error *err)
{
	struct sim *s = port->priv;
	struct urk_rx_errors errors = rx_errors(s->nic.rx_format);
	struct urk_layout layout;
	int i, ret;

	if (urk_attach_check(a, s->queues))
		return ur_attach_invalid(port, a, err);
	if (a->queue == UR_QUEUE_ANY)
		a->queue = s->queues - 1;
	if (is_attached(s))
		return ur_fail(err, -EBUSY,
			       "queue %u of sim is attached by process %d (this one)",
			       s->attach.queue, (int)getpid());
	a->rx_format = s->nic.rx_format;
	a->tx_format = s->nic.tx_format;
	layout = urk_layout(a->rx_size, a->tx_size);
	urk_attach_answer(a, &layout, &errors);

	ret = sim_event_open(s);
	if (ret)
		return ur_fail(err, ret, "no descriptor for sim: %s",
			       ur_strerror(ret));
	memset(&s->ring, 0, sizeof(s->ring));
	q->rx_desc = map_memory(q, MAP_RX,
				a->rx_size * sizeof(union ur_rx_desc));
	map_memory(q, MAP_TX, a->tx_size * sizeof(union ur_tx_desc));
	q->kernel = map_memory(q, MAP_KERNEL, layout.kernel_bytes);
	q->user = map_memory(q, MAP_USER, layout.user_bytes);
	s->ring.rx_addr = calloc(a->rx_size, sizeof(u64));
	s->ring.tx_place = calloc(a->tx_size, sizeof(*s->ring.tx_place));
	s->nic.chunks = (q->pool->slot_count + (1U << SIM_CHUNK_SHIFT) - 1) >>
			SIM_CHUNK_SHIFT;
	s->slot_addr = calloc(q->pool->slot_count, sizeof(u64));
	if (s->pcap && q->pool->fd >= 0)
		s->nic.own_head = calloc(q->pool->slot_count,
					 sizeof(*s->nic.own_head));
	for (i = 0; i < 4; i++)
		if (!q->map[i].addr)
			goto err_free;
	if (!s->ring.rx_addr || !s->ring.tx_place || !s->slot_addr ||
	    (s->pcap && q->pool->fd >= 0 && !s->nic.own_head))
		goto err_free;
	set_up_ring(s, q, a, &layout);
	set_up_pool(s, q->pool);
	q->priv = s;
	q->fd = s->event_fd;
	s->attach = *a;
	s->attach.pool_fd = -1;
	memcpy(s->map, q->map, sizeof(s->map));
	/* other threads query it, and inject frames */
	pthread_mutex_lock(&s->lock);
	s->attached = true;
	pthread_mutex_unlock(&s->lock);
	if (a->sync_period_us && start_timer(s)) {
		pthread_mutex_lock(&s->lock);
		s->attached = false;
		pthread_mutex_unlock(&s->lock);
		goto err_free;
	}
	return 0;

err_free:
	free_tables(s);
	for (i = 0; i < 4; i++)
		free(q->map[i].addr);
	sim_event_close(s);
	return ur_fail(err, -ENOMEM, "no memory for the rings of sim");
}

void sim_take(struct sim *s, uint32_t state)
{
	bool timer;

	pthread_mutex_lock(&s->lock);
	timer = s->timer_on;
	s->timer_on = false;
	pthread_cond_signal(&s->timer_stop);
	pthread_mutex_unlock(&s->lock);
	if (timer)
		pthread_join(s->timer, NULL);
	pthread_mutex_lock(&s->lock);
	if (s->attached) {
		s->attached = false;
		WRITE_ONCE(s->ring.k->state, state);
		sim_nic_reset(&s->nic);
		free_tables(s);
		/* sleepers look again */
		sim_event_hang_up(s);
	}
	pthread_mutex_unlock(&s->lock);
}

void sim_detach(struct ur_queue *q)
{
	struct sim *s = q->priv;

	if (has_queue_now(s, q))
		sim_take(s, UR_STATE_GONE);
}

void sim_unmap(struct ur_queue *q)
{
	int i;

	for (i = 0; i < 4; i++)
		free(q->map[i].addr);
	close(q->fd);
}

/* ------------------------------------------------------------------------
 * Hand-over
 */

/* Queue and memory stay with the port, as with the module. */
void sim_leave(struct ur_queue *q)
{
	struct sim *s = q->priv;

	if (!has_queue_now(s, q)) {
		sim_unmap(q);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->left = true;
	q->pool->base = NULL;
	q->pool->free_count = 0;
	q->pool->slot_count = 0;
	pthread_mutex_unlock(&s->lock);
}

void sim_clear(struct sim *s)
{
	int i;

	sim_take(s, UR_STATE_GONE);
	for (i = 0; i < 4; i++)
		free(s->map[i].addr);
	free(s->nic.memory);
	sim_event_close(s);
	s->left = false;
}

static int answer_adopt(struct sim *s, struct ur_adopt *a)
{
	const struct urk_ring *r = &s->ring;

	memset(a, 0, sizeof(*a));
	a->argsz = sizeof(*a);
	a->pool_fd = -1;
	a->epoch = r->epoch;
	a->attach = s->attach;
	if (r->live) {
		a->rx_tail = r->rx_tail;
		a->fill_cons = r->fill_cons;
		a->fill_kept = r->fill_kept;
		a->tx_cons = r->tx_cons;
		a->tx_done = r->tx_done;
	}
	return 0;
}

int ur_sim_adopt(struct ur_queue **queue_ret, struct ur_pool **pool_ret,
		 struct ur_port *port, const struct ur_queue_opts *user_opts,
		 struct ur_error *err)
{
	struct sim *s = port->priv;
	struct ur_queue_opts opts;
	struct ur_adopt adopt;
	struct ur_pool *pool;
	struct ur_queue *q;
	int ret;

	*queue_ret = NULL;
	*pool_ret = NULL;
	if (port->backend != &sim_backend)
		return ur_fail(err, -EINVAL,
			       "%s is a NIC: its queue is adopted by ur_queue_adopt()",
			       port->label);
	ret = ur_queue_new(&q, &sim_backend, user_opts, &opts, err);
	if (ret)
		return ret;
	pthread_mutex_lock(&s->lock);
	ret = s->attached ? answer_adopt(s, &adopt) : -ENOTCONN;
	pthread_mutex_unlock(&s->lock);
	if (ret) {
		ur_fail(err, ret, "no queue of sim is attached");
		goto err_free;
	}
	pool = ur_pool_new(s->nic.memory, s->nic.memory_size, s->nic.buffer,
			   s->ring.slots.count);
	if (!pool) {
		ret = ur_fail(err, -ENOMEM, "no memory");
		goto err_free;
	}
	memcpy(q->map, s->map, sizeof(q->map));
	q->rx_desc = q->map[MAP_RX].addr;
	q->kernel = q->map[MAP_KERNEL].addr;
	q->user = q->map[MAP_USER].addr;
	q->priv = s;
	q->fd = s->event_fd;
	ret = ur_queue_lay_out(q, pool, &adopt.attach, err);
	if (!ret)
		ret = ur_adopt_rings(q, pool, &adopt, err);
	if (ret)
		goto err_pool;
	s->left = false;
	*queue_ret = q;
	*pool_ret = pool;
	return 0;

err_pool:
	ur_pool_free(pool);
err_free:
	ur_queue_free(q);
	return ret;
}
