// SPDX-License-Identifier: BSD-2-Clause
/*
 * getopt_long(), but that what it does not like is said as all else is: one
 * sentence, with the name of the program and not of its file.
 */
#include <ctype.h>
#include <string.h>

#include "common/common.h"

/* An option of one letter that there is not?  All that there are is in known. */
static bool is_unknown_letter(const char *known)
{
	return optopt > 0 && optopt < 256 &&
	       (optopt == ':' || !strchr(known, optopt));
}

static _Noreturn void refuse_letter(const struct app *app)
{
	if (isgraph(optopt))
		app_usage(app, "unrecognized option -%c", optopt);
	app_usage(app, "unrecognized option: a - and a byte that is no letter");
}

/* How many begin so?  Nothing is ambiguous that is one of them as it stands. */
static int beginnings(const struct option *options, const char *word, size_t len)
{
	int n = 0;

	for (; options->name; options++)
		n += !strncmp(options->name, word, len);
	return n;
}

static _Noreturn void refuse_word(const struct app *app,
				  const struct option *options,
				  const char *word)
{
	size_t len = strcspn(word, "=");

	if (optopt)
		app_usage(app, "%.*s takes no value", (int)len, word);
	if (beginnings(options, word + 2, len - 2) > 1)
		app_usage(app, "%.*s is the beginning of more than one option",
			  (int)len, word);
	app_usage(app, "unrecognized option %.*s", (int)len, word);
}

/* Where the letter is the last of an argument, so is the argument. */
static _Noreturn void refuse_missing(const struct app *app, const char *last)
{
	if (!strncmp(last, "--", 2))
		app_usage(app, "%s wants a value behind it", last);
	app_usage(app, "-%c wants a value behind it", optopt);
}

int app_getopt(const struct app *app, int argc, char **argv,
	       const char *letters, const struct option *options)
{
	bool in_order = *letters == '+';
	char quiet[128];
	int c;

	/* with the colon in front a value that is missing is told from the rest */
	snprintf(quiet, sizeof(quiet), "%s:%s", in_order ? "+" : "",
		 letters + in_order);
	opterr = 0;
	c = getopt_long(argc, argv, quiet, options, NULL);
	if (c == ':')
		refuse_missing(app, argv[optind - 1]);
	if (c != '?')
		return c;
	if (is_unknown_letter(letters + in_order))
		refuse_letter(app);
	refuse_word(app, options, argv[optind - 1]);
}
