# SPDX-License-Identifier: BSD-2-Clause
#
# The tables of docs, from the JSON of a run: jq -r --arg page NAME -f docs.jq

# ~: the samples are far apart.
def ticks: if . == null then "" else
	(if .mad > .cycles / 10 then "~" else "" end) +
	(.cycles * 10 | round / 10 | tostring) end;

def cells(values): "|" + ([values | " \(.) |"] | add);

def head(names; columns): cells(names, columns),
	"|" + ([names | "---|"] | add) + ([columns | "---:|"] | add);

def name: if .method == "userring" then .variant else "\(.method) \(.variant)" end;

# A line for each variant and pool, in the order of the rows; columns are batches.
def by_batch(rows):
	[rows] as $rows | ($rows | map(.batch) | unique) as $batches |
	head("", "pool"; $batches[]),
	(reduce $rows[] as $row ([];
		if .[-1] == null or (.[-1][0] | name) != ($row | name) or
		   .[-1][0].pool != $row.pool
		then . + [[$row]] else .[-1] += [$row] end) | .[] as $line |
	 cells(($line[0] | name, .pool),
	       ($batches[] as $b | [$line[] | select(.batch == $b)][0] | ticks)));

def by_format(rows):
	[rows] as $rows |
	head("", "pool", "batch"; "legacy", "extended", "advanced"),
	(($rows | map(select(.format == "legacy")) | .[]) as $r |
	 [$rows[] | select(.op == $r.op and .variant == $r.variant and
			   .pool == $r.pool and .batch == $r.batch)] |
	 cells("\($r.op), \($r.variant)", $r.pool, $r.batch, (.[] | ticks)));

def by_pages(rows):
	[rows] as $rows | ($rows | map(.variant) | unique | reverse) as $pages |
	head("ring", "pool"; $pages[]),
	($rows[] | select(.variant == $pages[0]) as $r |
	 cells($r.ring, $r.pool,
	       ($pages[] as $p | [$rows[] | select(.ring == $r.ring and
				.pool == $r.pool and .variant == $p)][0] | ticks)));

# Of warm rows of one format: the parts, and what the module's half adds.
def by_part(rows):
	[rows | select(.pool == "warm")] as $rows |
	[$rows[] | select(.variant == "blind") | .batch] as $batches |
	head("warm"; $batches[]),
	cells("the parser and the check of the number, alone",
	      ([$rows[] | select(.op == "parse")][0] as $r | $batches[] | $r | ticks)),
	($rows | map(select(.op == "rx").variant) | unique_by(.) | .[] |
	 . as $variant | select(endswith("+ module") | not) |
	 cells(if . == "blind" then "the library alone (blind)" else . end,
	       ($batches[] as $b | [$rows[] | select(.variant == $variant and
				.batch == $b)][0] | ticks)),
	 (($rows | map(select(.variant == $variant + " + module"))) as $with |
	  select($with != []) |
	  cells("the module's half of it",
		($batches[] as $b |
		 ([$with[] | select(.batch == $b)][0].cycles -
		  [$rows[] | select(.op == "rx" and .variant == $variant and
				    .batch == $b)][0].cycles) * 10 | round / 10))));

def rows(op): .rows[] | select(.op == op);
# One format stands for all where they differ by little.
def one(format): select(.format == format or .format == "-");

# Of each method what is nearest to another one's: for the page of all methods.
def short:
	[.rows[] | select(.batch == 32 and .pool != "hot")] as $rows |
	# wherever the two CPUs were
	(if any($rows[]; .pool == "far") then "far" else "near" end) as $other |
	head("batch of 32"; "warm", "cold", $other),
	(("rx", "tx", "fwd") as $op |
	 $rows | map(select(.op == $op and (.format == "advanced" or .format == "-") and
			    (.method != "userring" or (.variant | endswith("+ module"))))) |
	 reduce .[] as $row ([];
		if any(.[]; . == ($row | name)) then . else . + [$row | name] end) |
	 .[] as $name |
	 cells("\($op), " + (if $name | startswith("dpdk") or startswith("af") then $name
			     else "userring " + $name end),
	       (("warm", "cold", $other) as $pool |
		[$rows[] | select(.op == $op and name == $name and .pool == $pool and
				  (.format == "advanced" or .format == "-"))][0] | ticks)));

def all:
	"TSC \(.tsc_mhz) MHz, \(.runs) runs" +
	(if .round_trip[1] > 0 then
		"; the two CPUs were near in \(.near) of them (a word there and back: \(.round_trip[0]) to \(.round_trip[1]) ticks)"
	 else "" end) + ".",
	(.not_run[] | "", "Not run: \(.method): \(.why)"),
	"", "### Receive, parse UDP, check the number, give back", "",
	by_batch(rows("rx") | one("extended")),
	"", "### Where the ticks go", "",
	by_part((rows("rx"), rows("parse")) | select(.method == "userring") | one("extended")),
	"", "### Take a slot, build, send", "",
	by_batch(rows("tx") | one("advanced")),
	"", "### Forward", "",
	by_batch(rows("fwd") | one("extended")),
	"", "### The formats of descriptors", "",
	by_format((rows("rx"), rows("fwd")) |
		  select(.method == "userring" and .batch == 32 and .pool != "hot" and
			 (.variant | endswith("+ module")) and (.op == "fwd" or .variant != "list + module"))),
	"", "### How far ahead to prefetch", "",
	by_batch(rows("ahead")),
	"", "### Pages of 2 MiB", "",
	by_pages(rows("pages"));

if $page == "performance" then short else all end
