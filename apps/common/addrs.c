// SPDX-License-Identifier: BSD-2-Clause
#include "common/addrs.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DEPTH_MAX	8	/* a bond in a bridge, ... */
#define UPPERS_SAID	4
#define SETTLE_MS	50	/* changes rarely come alone */

struct addrs {
	const struct app *app;
	struct addr_list *list;	/* with a reference of its own */
	pthread_mutex_t lock;	/* of references */
	pthread_t thread;
	int news;		/* netlink */
	int end;		/* eventfd */
};

/* ------------------------------------------------------------------------
 * Sentences
 */

struct text {
	char *at;
	size_t left;
};

static void say(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->at, t->left, format, args);
	va_end(args);
	/* whole lines */
	if (n < 0 || (size_t)n + 1 >= t->left) {
		*t->at = '\0';
		return;
	}
	t->at += n;
	*t->at++ = '\n';
	*t->at = '\0';
	t->left -= (size_t)n + 1;
}

static uint32_t count_addrs(const struct nl_state *s, const struct nl_link *l)
{
	uint32_t i, n = 0;

	for (i = 0; i < s->addrs; i++)
		n += s->addr[i].link == l->index;
	return n;
}

/* What lies on the interface and has addresses; its packets are marked as its. */
static void say_uppers(const struct nl_state *s, const struct nl_link *on,
		       struct text *t)
{
	uint32_t i, n = 0;

	for (i = 0; i < s->links; i++) {
		const struct nl_link *l = &s->link[i];

		if (l->lower != on->index || l == on || !count_addrs(s, l))
			continue;
		if (n++ < UPPERS_SAID)
			say(t, "%s (%s on %s) has addresses of its own: they are Linux's to answer for",
			    l->name, l->kind[0] ? l->kind : "?", on->name);
	}
	if (n > UPPERS_SAID)
		say(t, "so have %u others on %s", n - UPPERS_SAID, on->name);
}

/* ------------------------------------------------------------------------
 * Where they are
 */

static bool hands_up(const char *kind)
{
	return !strcmp(kind, "bond") || !strcmp(kind, "team") ||
	       !strcmp(kind, "bridge");
}

/*
 * The interface that the port's packets come up by: the port, or what it is a
 * port of.  A VRF takes the routes, and leaves the addresses where they are.
 * Return: NULL: there is none whose addresses can be answered for.
 */
static const struct nl_link *follow(const struct nl_state *s,
				    const struct nl_link *l, uint8_t mac[6],
				    struct text *t)
{
	const struct nl_link *master;
	int depth;

	memcpy(mac, l->mac, 6);
	for (depth = 0; depth < DEPTH_MAX; depth++) {
		say_uppers(s, l, t);
		master = nl_link(s, l->master);
		if (!master || !strcmp(master->kind, "vrf"))
			return l;
		if (!hands_up(master->kind)) {
			say(t, "%s is part of %s (%s): which addresses that leads to is not known, so all goes to Linux",
			    l->name, master->name, master->kind);
			return NULL;
		}
		if (l->idle) {
			say(t, "%s is part of %s, which takes no packets from it now: all goes to Linux",
			    l->name, master->name);
			return NULL;
		}
		if (master->filters_vlans) {
			say(t, "%s is part of %s, which filters by VLAN: all goes to Linux",
			    l->name, master->name);
			return NULL;
		}
		say(t, "%s is part of %s: the addresses of %s count",
		    l->name, master->name, master->name);
		/* the ports of a bond have the bond's, or each its own */
		if (!strcmp(master->kind, "bridge"))
			memcpy(mac, master->mac, 6);
		l = master;
	}
	return NULL;
}

/* The port, if this namespace has it: its index alone may be another's here. */
static const struct nl_link *port_link(const struct nl_state *s,
				       const struct ur_port_info *info,
				       struct text *t)
{
	const struct nl_link *l = nl_link(s, info->ifindex);

	if (l && (!info->pci[0] || !strcmp(l->device, info->pci)))
		return l;
	say(t, "%s is in another network namespace, and so are its addresses: run this there, by ip netns exec",
	    info->ifname);
	return NULL;
}

static int by_order(const void *a, const void *b)
{
	return echo_addr_order(a, b);
}

static void take_addrs(struct addr_list *list, const struct nl_state *s,
		       const struct nl_link *from)
{
	const struct echo_addr *first = NULL;
	uint32_t i;

	for (i = 0; i < s->addrs; i++) {
		if (s->addr[i].link != from->index)
			continue;
		if (!first && s->addr[i].addr.version == 4)
			first = &s->addr[i].addr;
		list->addr[list->n++] = s->addr[i].addr;
	}
	qsort(list->addr, list->n, sizeof(*list->addr), by_order);
	if (first)
		list->primary4 = echo_addr_find(list->addr, list->n, 4, first->ip);
}

struct addr_list *addrs_list(const struct nl_state *s,
			     const struct ur_port_info *info)
{
	struct addr_list *list = calloc(1, sizeof(*list) +
					   s->addrs * sizeof(*list->addr));
	const struct nl_link *from;
	struct text t;

	if (!list)
		return NULL;
	list->refs = 1;
	memcpy(list->mac, info->mac, 6);
	t = (struct text){ list->text, sizeof(list->text) };
	from = port_link(s, info, &t);
	if (from)
		from = follow(s, from, list->mac, &t);
	if (!from)
		return list;
	take_addrs(list, s, from);
	if (!list->n)
		say(&t, "%s has no address yet: type ip addr add ADDRESS/LENGTH dev %s",
		    from->name, from->name);
	return list;
}

struct addr_list *addrs_read(const struct ur_port_info *info)
{
	struct addr_list *list = NULL;
	struct nl_state s;

	if (!nl_read(&s))
		list = addrs_list(&s, info);
	nl_free(&s);
	return list;
}

void addrs_put(struct addr_list *list)
{
	if (list && !--list->refs)
		free(list);
}

/* ------------------------------------------------------------------------
 * The thread
 */

static void say_lines(const struct app *app, const char *text)
{
	size_t len;

	for (; *text; text += len + 1) {
		len = strcspn(text, "\n");
		app_say(app, "%.*s", (int)len, text);
	}
}

/* Reads them again; what cannot be read stays as it was. */
static void look(struct addrs *a)
{
	struct addr_list *list, *old;
	struct ur_port_info info;

	if (ur_port_info(a->app->port, &info))
		return;
	list = addrs_read(&info);
	if (!list)
		return;
	old = a->list;
	if (!old || strcmp(old->text, list->text))
		say_lines(a->app, list->text);
	pthread_mutex_lock(&a->lock);
	__atomic_store_n(&a->list, list, __ATOMIC_RELEASE);
	addrs_put(old);
	pthread_mutex_unlock(&a->lock);
}

static void *run(void *arg)
{
	struct addrs *a = arg;
	struct pollfd fds[2] = { { a->end, POLLIN, 0 }, { a->news, POLLIN, 0 } };

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents || poll(fds, 1, SETTLE_MS) > 0)
			return NULL;
		nl_news(a->news);
		look(a);
	}
}

int addrs_open(struct addrs **addrs, const struct app *app)
{
	struct addrs *a;
	int err = ENOMEM;

	*addrs = NULL;
	if (!app->info.ifindex)
		return 0;
	a = calloc(1, sizeof(*a));
	if (!a)
		goto err_say;
	a->app = app;
	pthread_mutex_init(&a->lock, NULL);
	a->end = eventfd(0, EFD_CLOEXEC);
	a->news = nl_watch();
	if (a->end < 0 || a->news < 0) {
		err = a->news < 0 ? -a->news : errno;
		goto err_free;
	}
	/* what changes from here on is news */
	look(a);
	err = a->list ? pthread_create(&a->thread, NULL, run, a) : EIO;
	if (err)
		goto err_free;
	*addrs = a;
	return 0;

err_free:
	addrs_put(a->list);
	if (a->news >= 0)
		close(a->news);
	if (a->end >= 0)
		close(a->end);
	free(a);
err_say:
	app_say(app, "the addresses of %s cannot be watched: %s", app->device,
		strerror(err));
	return -1;
}

void addrs_close(struct addrs *a)
{
	const uint64_t one = 1;

	if (!a)
		return;
	if (write(a->end, &one, sizeof(one)) == sizeof(one))
		pthread_join(a->thread, NULL);
	close(a->news);
	close(a->end);
	addrs_put(a->list);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ------------------------------------------------------------------------
 * Lanes
 */

bool addrs_changed(const struct addrs *a, const struct addr_list *held)
{
	/* the one that is held is not freed, so no other has its place */
	return a && __atomic_load_n(&a->list, __ATOMIC_RELAXED) != held;
}

void addrs_take(struct addrs *a, struct addr_list **held, struct echo_cfg *cfg)
{
	cfg->any_addr = !a;
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	addrs_put(*held);
	*held = a->list;
	(*held)->refs++;
	pthread_mutex_unlock(&a->lock);
	memcpy(cfg->mac, (*held)->mac, 6);
	cfg->addrs = (*held)->addr;
	cfg->n_addrs = (*held)->n;
	cfg->primary4 = (*held)->primary4 ? (*held)->primary4->ip : NULL;
}
