// SPDX-License-Identifier: BSD-2-Clause
/* The file of rules, at the start and at SIGHUP. */
#include "urids/urids.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SAID_MAX	20	/* refused rules that are named */

static uint32_t asked;	/* by SIGHUP, whichever thread gets it */

static void on_sighup(int sig)
{
	(void)sig;
	__atomic_store_n(&asked, 1, __ATOMIC_RELAXED);
}

void ruleset_catch_sighup(void)
{
	struct sigaction action = { .sa_handler = on_sighup };

	sigaction(SIGHUP, &action, NULL);
}

static char *read_file(const char *path, size_t *len)
{
	char *text = NULL, *grown;
	size_t room = 0, n;
	FILE *file = fopen(path, "re");

	*len = 0;
	if (!file)
		return NULL;
	do {
		if (*len == room) {
			room = room ? 2 * room : 65536;
			grown = realloc(text, room);
			if (!grown)
				goto err_free;
			text = grown;
		}
		n = fread(text + *len, 1, room - *len, file);
		*len += n;
	} while (n);
	if (ferror(file))
		goto err_free;
	fclose(file);
	return text;

err_free:
	n = (size_t)errno;
	free(text);
	fclose(file);
	errno = (int)n;
	return NULL;
}

struct refusals {
	struct ids *ids;
	uint32_t wrong;
	uint32_t unsupported;
};

static void refused(void *arg, uint32_t line, enum rule_fault fault,
		    const char *why)
{
	struct refusals *r = arg;

	if (fault == RULE_UNSUPPORTED)
		r->unsupported++;
	else
		r->wrong++;
	if (r->unsupported + r->wrong <= SAID_MAX)
		app_say(&r->ids->app, "%s:%u: %s", r->ids->rules_path, line, why);
}

/* Are the rules that are left to be taken? */
static bool accept(struct ids *ids, const struct refusals *r)
{
	uint32_t unsaid = r->wrong + r->unsupported;

	unsaid -= unsaid < SAID_MAX ? unsaid : SAID_MAX;
	if (unsaid)
		app_say(&ids->app, "%s: %u more rule%s refused",
			ids->rules_path, unsaid, app_s(unsaid));
	ids->skipped = r->unsupported;
	if (!r->wrong && (ids->skip_unsupported || !r->unsupported)) {
		if (r->unsupported)
			app_say(&ids->app, "%s: %u rule%s left out: not supported",
				ids->rules_path, r->unsupported,
				app_s(r->unsupported));
		return true;
	}
	app_say(&ids->app, "%s: none of its rules is loaded: %u wrong, %u not supported%s",
		ids->rules_path, r->wrong, r->unsupported,
		r->wrong ? "" : " (--skip-unsupported leaves these out)");
	return false;
}

static struct ruleset *compile(struct ids *ids, struct rules *rules)
{
	struct ruleset *set = calloc(1, sizeof(*set));
	char why[RULE_WHY_MAX] = "no memory";

	if (set)
		set->detect = detect_new(rules, why);
	for (uint32_t i = 0; set && set->detect && i < ids->lanes.n; i++) {
		set->thread[i] = detect_thread_new(set->detect);
		/* one more, because room for none may be no room at all */
		set->limit[i] = calloc(detect_rules(set->detect) + 1,
				       sizeof(*set->limit[i]));
		if (!set->thread[i] || !set->limit[i]) {
			ruleset_free(set);
			set = NULL;
		}
	}
	if (set && set->detect)
		return set;
	app_say(&ids->app, "%s: %s", ids->rules_path, why);
	free(set);
	return NULL;
}

struct ruleset *ruleset_load(struct ids *ids)
{
	struct refusals r = { .ids = ids };
	struct ruleset *set = NULL;
	struct rules rules = { 0 };
	size_t len;
	char *text = read_file(ids->rules_path, &len);

	if (!text) {
		app_say(&ids->app, "cannot read rules %s: %s", ids->rules_path,
			strerror(errno));
		return NULL;
	}
	if (rules_parse(&rules, text, len, &ids->vars, refused, &r))
		app_say(&ids->app, "%s: no memory", ids->rules_path);
	else if (accept(ids, &r))
		set = compile(ids, &rules);
	rules_free(&rules);
	free(text);
	return set;
}

void ruleset_free(struct ruleset *set)
{
	if (!set)
		return;
	for (uint32_t i = 0; i < LANES_MAX; i++) {
		detect_thread_free(set->thread[i]);
		free(set->limit[i]);
	}
	detect_free(set->detect);
	free(set);
}

/* ------------------------------------------------------------------------
 * Exchange
 */

static uint64_t round_of(const struct ids_lane *lane)
{
	return __atomic_load_n(&lane->rounds, __ATOMIC_ACQUIRE);
}

/* Has each lane begun a round since the rules were exchanged? */
static bool all_have_new(const struct ids *ids)
{
	for (uint32_t i = 0; i < ids->lanes.n; i++)
		if (round_of(&ids->lane[i]) == ids->old_round[i])
			return false;
	return true;
}

static void exchange(struct ids *ids, struct ruleset *set)
{
	uint32_t rules;

	ids->old = ids->set;
	__atomic_store_n(&ids->set, set, __ATOMIC_SEQ_CST);
	/* a lane whose count moves after this has taken the new one */
	for (uint32_t i = 0; i < ids->lanes.n; i++)
		ids->old_round[i] = __atomic_load_n(&ids->lane[i].rounds,
						    __ATOMIC_SEQ_CST);
	ids->reloads++;
	rules = detect_rules(set->detect);
	app_say(&ids->app, "%s: %u rule%s from now on", ids->rules_path, rules,
		app_s(rules));
}

void ruleset_tick(struct ids *ids)
{
	struct ruleset *set;

	if (ids->old && all_have_new(ids)) {
		ruleset_free(ids->old);
		ids->old = NULL;
	}
	if (ids->old || !__atomic_exchange_n(&asked, 0, __ATOMIC_RELAXED))
		return;
	eve_reopen(&ids->eve);
	set = ruleset_load(ids);
	if (set)
		exchange(ids, set);
	else
		app_say(&ids->app, "the rules stay as they were");
}
