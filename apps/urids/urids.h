/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * urids: rule.c, option.c and set.c read rules, detect.c and content.c match
 * them, eve.c writes alerts; ruleset.c loads the file and exchanges it while lanes
 * run, lane.c forwards, fail.c looks at what happens afterwards, report.c has rates
 * and totals, main.c options, opening and the end.
 *
 * A lane is queue i of the ports and the thread that serves them.  With two ports
 * what comes on one leaves by the other; with one, it goes up to Linux.
 */
#ifndef APPS_URIDS_H
#define APPS_URIDS_H

#include "common/lanes.h"
#include "urids/detect.h"
#include "urids/eve.h"
#include "urids/fail.h"

/* Why a packet that was received did not go on. */
enum ids_drop {
	IDS_BY_RULE,
	IDS_FRAGMENT,
	IDS_UNPARSABLE,
	IDS_BAD_CSUM,	/* --checksums drop: the NIC found one wrong */
	IDS_TOO_LONG,	/* for the other port */
	IDS_NO_PORT,	/* the other port is down or gone */
	IDS_DROPS
};

extern const char *const ids_drop_name[IDS_DROPS];

/* What one queue received, and what became of it. */
struct ids_count {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t passed;	/* went on */
	uint64_t passed_bytes;
	uint64_t kind[DETECT_KINDS];
	uint64_t alerts;	/* of rules that alert or drop */
	uint64_t alerts_limited;	/* of those: by --alert-rate */
	uint64_t alerts_lost;	/* of those: no line was written */
	uint64_t dropped[IDS_DROPS];
};

/* Lines of one rule in one second. */
struct ids_limit {
	uint32_t second;
	uint32_t lines;
};

/* Rules in use, and for each lane a scratch, and what of each rule it has told. */
struct ruleset {
	struct detect *detect;
	struct detect_thread *thread[LANES_MAX];
	struct ids_limit *limit[LANES_MAX];
};

struct ids;

/* One queue of a lane. */
struct ids_way {
	struct app app;
	struct ids_count n;	/* the lane writes, all read */
	bool waits;		/* for room in the TX ring */
};

struct ids_lane {
	struct lane lane;
	struct ids *ids;
	struct ids_way way[2];
	struct ur_pool *pool;
	uint64_t next_tick;
	uint64_t until;		/* see ports_over() */
	uint64_t rounds;	/* the lane writes: what was taken from .set in the
				 * round before is not used any more
				 */
} __attribute__((aligned(64)));

struct ids {
	struct app app;		/* options, and the clock of the whole */
	struct lanes lanes;
	const char *device[2];
	int ports;		/* 1 or 2 */
	struct ids_lane *lane;	/* LANES_MAX; lanes.n of them are in use */
	uint32_t slots;
	uint32_t slots_lost;

	/* options */
	const char *rules_path;
	struct rule_vars vars;
	bool skip_unsupported;
	bool check;
	const char *alerts_path;
	uint32_t alert_rate;	/* lines a second, rule and queue; 0: no limit */
	enum fail_mode fail;
	bool drop_kind[DETECT_KINDS];
	bool drop_bad_csum;

	struct eve eve;
	bool said_error;	/* of its file */
	struct ruleset *set;	/* lanes take it once a round */
	struct ruleset *old;	/* not freed yet: lanes may use it */
	uint64_t old_round[LANES_MAX];	/* when it was exchanged */
	uint32_t reloads;
	uint32_t skipped;	/* rules that are not supported */

	struct ids_count last[2];	/* a second ago */
};

/* Reads and compiles the file.  Return: NULL after saying why. */
struct ruleset *ruleset_load(struct ids *ids);
void ruleset_free(struct ruleset *set);

/*
 * Once a second: loads the file anew if SIGHUP came, and frees rules that no lane
 * uses any more.  A file that is refused changes nothing.
 */
void ruleset_catch_sighup(void);
void ruleset_tick(struct ids *ids);

/* A lane's thread. */
void ids_lane_main(struct lane *lane);

/* What has happened since the last call; all lanes together. */
void ids_show_rates(struct ids *ids);
void ids_totals(struct ids *ids);

#endif /* APPS_URIDS_H */
