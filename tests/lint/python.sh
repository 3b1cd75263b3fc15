#!/bin/bash
# python.sh: the Python of the suite is laid out by black, and names all it uses.
. "$(dirname "$0")/lint.bash"

cd "$top_srcdir" || exit 1
mapfile -t files < <(tree_files | grep '\.py$'
	grep -lE '^#!.*python3' bench/* 2>/dev/null)

awk 'length > 80 && !/"/ { print FILENAME ":" FNR ": more than 80 columns"; bad = 1 }
	FNR == 601 { print FILENAME ": more than 600 lines"; bad = 1 }
	END { exit bad }' "${files[@]}" || fail "over the budget"

has() {
	/usr/bin/python3 -m "$1" --version 2>/dev/null | grep -q "$2"
}
if has pyflakes . && has black ' 23\.'; then
	/usr/bin/python3 -m pyflakes "${files[@]}" || fail "see above"
	/usr/bin/python3 -m black -q -l 80 --check --diff "${files[@]}" ||
		fail "black has something to change"
elif test $status = 0; then
	skip "no pyflakes, or no black of 2023"
fi

exit $status
