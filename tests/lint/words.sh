#!/bin/bash
# words.sh: the tree names no path of one machine, and no line ends in blanks.
. "$(dirname "$0")/lint.bash"

cd "$top_srcdir" || exit 1
mapfile -t files < <(tree_files)

# The brackets keep the patterns from finding this file.
paths='(^|[^[:alnum:]_.])/([h]ome|[w]ork|[U]sers)/[[:alnum:]]|(^|[^[:alnum:]_.])/[r]oot/'
grep -nIE "$paths" "${files[@]}" && fail "a path of one machine, see above"

grep -nIE '[[:blank:]]+$' "${files[@]}" && fail "trailing blanks, see above"

grep -nIE '\<([F]IXME|[X]XX|[T]ODO)\>' "${files[@]}" &&
	fail "unfinished work, see above"

exit $status
