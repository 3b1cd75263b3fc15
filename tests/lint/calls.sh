#!/bin/bash
# calls.sh: the library refers to nothing of libc's but what src/calls.txt
# lists, in the objects that it names, and nothing is listed in vain.
. "$(dirname "$0")/lint.bash"

command -v nm >/dev/null || skip "no nm"
cd "$top_builddir" || exit 1

# Those that are linked shared, if there are: of libtool's two kinds. None of
# programs: the command, and what writes the manual's list of options.
objects() {
	find src preload -name '*.o' ! -path 'src/cli/*' \
		! -name conf_mdoc.o "$@" | LC_ALL=C sort
}
objects -path '*/.libs/*' >"$work/objects"
test -s "$work/objects" || objects >"$work/objects"
test -s "$work/objects" || skip "no objects in this build"

# OBJECT U|D NAME: what each refers to, and what it defines.
xargs nm -A <"$work/objects" 2>/dev/null | awk '{
	kind = $(NF - 1)
	object = $1
	sub(/:.*/, "", object)
	gsub(/\.libs\/|libtarn_la-|^src\/|\.o$/, "", object)
	# v and w: weak, and in no object.
	print object, kind ~ /^[Uvw]$/ ? "U" : "D", $NF
}' >"$work/names"

awk '
FILENAME == ARGV[1] {
	if (NF == 0 || $1 ~ /^#/)
		next
	if ($1 !~ /^(leaf|data|free|loud)$/ ||
	    ($1 ~ /^(free|loud)$/) != (NF > 2))
		print "calls.txt: not a row: " $0
	kind[$2] = $1
	for (i = 3; i <= NF; i++)
		row[$2 " " $i] = 1
	next
}
$2 == "D" {
	defined[$3] = 1
	next
}
{
	users[$3] = users[$3] " " $1
}
END {
	for (name in users) {
		if (name in defined)
			continue
		n = split(users[name], object)
		for (i = 1; i <= n; i++) {
			use = name " " object[i]
			used[use] = 1
			if (!(name in kind) || (kind[name] ~ /^(free|loud)$/ &&
						!(use in row)))
				print object[i] " calls " name
		}
	}
	for (use in row)
		if (!(use in used))
			print "calls.txt: listed in vain: " use
}' "$top_srcdir/src/calls.txt" "$work/names" | LC_ALL=C sort >"$work/found"

test -s "$work/found" && fail "$(cat "$work/found")"
exit $status
