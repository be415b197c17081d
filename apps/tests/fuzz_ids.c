// SPDX-License-Identifier: BSD-2-Clause
/*
 * urids on any bytes.  Up to the first 0 they are rules, whose contents are then
 * looked for in what follows; and that is a frame for rules that are always there.
 */
#include <stdlib.h>
#include <string.h>

#include "urids/content.h"
#include "urids/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char known[] =
	"drop udp any any -> any any (content:\"ab\"; content:\"cd\"; within:9; sid:1;)\n"
	"alert tcp any any <> any 80 (content:\"|00 01|\"; offset:2; sid:2;)\n"
	"alert icmp any any -> any any (content:\"xyz\"; nocase; sid:3;)\n"
	"pass ip 10.0.0.0/8 any -> !2001:db8::/32 any (sid:4;)\n"
	"alert ip any any -> any any (content:!\"q\"; sid:5;)\n";

static void refused(void *arg, uint32_t line, enum rule_fault fault,
		    const char *why)
{
	(void)arg;
	if (fault == RULE_FINE || !line || !*why || strlen(why) >= RULE_WHY_MAX)
		abort();
}

static void parse(struct rules *rules, const void *text, size_t len)
{
	static const struct rule_vars vars = {
		.name = { "A=10.0.0.0/8", "B=[$A,!$C]", "C=$B" }, .n = 3,
	};

	rules_parse(rules, text, len, &vars, refused, NULL);
}

static void match_frame(const uint8_t *frame, uint32_t len)
{
	static struct detect *detect;
	static struct detect_thread *thread;
	struct detect_result r;
	struct detect_packet p;

	if (!detect) {
		char why[RULE_WHY_MAX];
		struct rules rules;

		parse(&rules, known, sizeof(known) - 1);
		detect = detect_new(&rules, why);
		if (!detect)
			abort();
		thread = detect_thread_new(detect);
	}
	if (detect_parse(frame, len, &p) != DETECT_LOOKED_AT)
		return;
	if (p.payload < frame || p.payload + p.payload_len > frame + len)
		abort();
	detect_match(detect, thread, &p, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct content_scratch *s;
	const uint8_t *zero = memchr(data, 0, size), *end = data + size;
	size_t len = zero ? (size_t)(zero - data) : size;
	const uint8_t *rest = zero ? zero + 1 : end;
	struct rules rules;
	uint8_t *payload;

	if (!s)
		s = calloc(1, sizeof(*s));
	/* of its own, so that reading beyond it is seen */
	payload = malloc((size_t)(end - rest) + 1);
	memcpy(payload, rest, (size_t)(end - rest));
	parse(&rules, data, len);
	for (uint32_t i = 0; i < rules.n; i++) {
		s->lowered = false;
		content_match(s, &rules.rule[i], payload, (uint32_t)(end - rest));
	}
	rules_free(&rules);
	match_frame(payload, (uint32_t)(end - rest));
	free(payload);
	return 0;
}
