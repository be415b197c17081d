// SPDX-License-Identifier: BSD-2-Clause
/*
 * The bench as a test: counts and contents, no figures.
 */
#include <stdio.h>

#include "userring.h"

static int tests, failed;

static void result(bool ok, const char *what)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tests, what);
	failed += !ok;
}

static bool same_test(const struct row *a, const struct row *b)
{
	return !strcmp(a->op, b->op) && !strcmp(a->variant, b->variant) &&
	       !strcmp(a->format, b->format);
}

/* Would a row say it? */
static void check_checks(struct row *row)
{
	struct device *d = row->priv;
	struct lap lap = { 0 };

	d->made++;
	result(row->lap(row, &lap) != NULL, "a number that is left out is seen");
	d->made--;
	d->tally = (struct tally){ .next = d->made };
	d->frame[12] ^= 1;
	result(row->lap(row, &lap) != NULL, "a frame of another kind is seen");
	d->frame[12] ^= 1;
}

static void check_rows(const struct bench *b)
{
	struct row *first, *row = b->rows;
	const struct row *end = b->rows + b->count;
	char name[96];
	bool ok;

	while (row != end) {
		first = row;
		ok = true;
		for (; row != end && same_test(row, first); row++)
			ok = !bench_row(row) && ok;
		snprintf(name, sizeof(name), "%s, %s, %s", first->op,
			 first->variant, first->format);
		result(ok, name);
	}
}

int main(void)
{
	static const uint32_t batches[] = { 1, 32, 256, 0 };
	struct bench b = { .batches = batches, .runs = 1, .far = true };

	/* on whatever CPU there is */
	far_start(-1);
	if (userring_rows(&b)) {
		result(false, "rows");
	} else {
		check_rows(&b);
		check_checks(b.rows);
	}
	printf("1..%d\n", tests);
	far_stop();
	userring_close();
	bench_free(&b);
	return failed ? 1 : 0;
}
