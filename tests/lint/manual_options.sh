#!/bin/bash
# manual_options.sh [--update]: the options in tarn(7), between two comments, are
# those of the table in src/conf/options.def. --update makes them so.
. "$(dirname "$0")/lint.bash"

page=$top_srcdir/man/tarn.7
generator=$top_builddir/src/conf/conf_mdoc
first='^\.\\" The options, made by .make update-manual.'
last='^\.\\" The end of the options'

test -x "$generator" || skip "$generator is not built"
grep -q "$first" "$page" && grep -q "$last" "$page" || {
	fail "$page has no comments around the options"
	exit $status
}

"$generator" >"$work/made" || fail "$generator failed"

if test "${1-}" = --update; then
	sed -e "/$first/,/$last/{/$first/{p;r $work/made" -e '};/'"$last"'/p;d}' \
		"$page" >"$work/page" && cat "$work/page" >"$page"
	exit $status
fi

sed -n "/$first/,/$last/{//d;p}" "$page" >"$work/written"
diff -u --label "$page" --label "made from src/conf/options.def" \
	"$work/written" "$work/made" ||
	fail "run make update-manual"

exit $status
