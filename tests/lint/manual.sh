#!/bin/bash
# manual.sh: mandoc finds nothing to say of the manual pages.
. "$(dirname "$0")/lint.bash"

test -n "$MANDOC" || skip "no mandoc"

found=false
for page in "$top_srcdir"/man/*.[1-9]; do
	test -f "$page" || continue
	found=true
	"$MANDOC" -Tlint -Wwarning "$page" || fail "$page: see above"
done
$found || fail "there are no manual pages in man/"

exit $status
