// SPDX-License-Identifier: BSD-2-Clause
/*
 * Zones are loaded by a thread of its own: meanwhile the lanes serve the old ones, and
 * whoever watches them hears of signals.
 */
#include <poll.h>
#include <string.h>

#include <libknot/dname.h>

#include "urdns/urdns.h"

#define NAMED_MAX	8	/* zones, when they were loaded */

/* So that whoever starts it sees whether it is the zone that was meant. */
static void say_names(const struct dns_server *s)
{
	const struct dns_zone *zone = s->zone;
	char text[NAMED_MAX * sizeof(knot_dname_txt_storage_t)], more[32] = "";
	knot_dname_txt_storage_t name = "";
	size_t len = 0;
	uint32_t i;

	for (i = 0; i < zone->zones && i < NAMED_MAX; i++) {
		knot_dname_to_str(name, (const uint8_t *)dns_node_at(zone, zone->apex[i])->name,
				  sizeof(name));
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %s", name);
	}
	if (i < zone->zones)
		snprintf(more, sizeof(more), " and %u more", zone->zones - i);
	app_say(&s->all.app, "zone%s:%s%s", app_s(zone->zones), text, more);
}

static void say_loaded(const struct dns_server *s)
{
	const struct dns_zone *zone = s->zone;

	app_say(&s->all.app, "serves %u zone%s, %u name%s, %u record%s: %s",
		zone->zones, app_s(zone->zones), zone->names,
		app_s(zone->names), zone->records, app_s(zone->records),
		app_size(zone->used).text);
	say_names(s);
}

static bool in_use(const struct dns_server *s, const struct dns_zone *zone)
{
	for (uint32_t i = 0; i < s->all.n; i++)
		if (__atomic_load_n(&s->lane[i].zone, __ATOMIC_ACQUIRE) == zone)
			return true;
	return false;
}

static void *load(void *arg)
{
	struct dns_server *s = arg;
	struct dns_loader *l = &s->loader;

	l->zone = dns_zone_load(s->source, s->sources, &l->stop, l->text,
				sizeof(l->text));
	__atomic_store_n(&l->ended, true, __ATOMIC_RELEASE);
	return NULL;
}

void dns_load_start(struct dns_server *s)
{
	struct dns_loader *l = &s->loader;
	int r;

	l->zone = NULL;
	l->ended = false;
	r = pthread_create(&l->thread, NULL, load, s);
	l->runs = !r;
	if (r)
		app_say(&s->all.app, "no thread to load the zones: %s",
			strerror(r));
}

bool dns_load_ended(const struct dns_server *s)
{
	return __atomic_load_n(&s->loader.ended, __ATOMIC_ACQUIRE);
}

/* The old one is served until the new one is ready. */
static void publish(struct dns_server *s, struct dns_zone *zone)
{
	struct dns_zone *old = s->zone;

	__atomic_store_n(&s->zone, zone, __ATOMIC_RELEASE);
	if (old) {
		while (in_use(s, old))
			poll(NULL, 0, 1);
		dns_zone_free(old);
		s->reloads++;
	}
	say_loaded(s);
}

bool dns_load_finish(struct dns_server *s)
{
	struct dns_loader *l = &s->loader;

	pthread_join(l->thread, NULL);
	l->runs = false;
	if (l->zone && l->text[0])
		app_say(&s->all.app, "%s", l->text);
	if (l->zone) {
		publish(s, l->zone);
		return true;
	}
	app_say(&s->all.app, "%s", l->text);
	if (s->zone) {
		app_say(&s->all.app, "goes on with the zones as they were");
		s->reloads_failed++;
	}
	return false;
}

void dns_load_stop(struct dns_server *s)
{
	struct dns_loader *l = &s->loader;

	if (!l->runs)
		return;
	__atomic_store_n(&l->stop, 1, __ATOMIC_RELAXED);
	pthread_join(l->thread, NULL);
	l->runs = false;
	dns_zone_free(l->zone);
	l->zone = NULL;
}
