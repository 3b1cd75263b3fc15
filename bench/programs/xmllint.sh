#!/bin/bash
# xmllint.sh: a large document of XML read into a tree, searched and written again:
# a block for every node, name and text.
. "$(dirname "$0")/lib.sh"
parameters n=60000 -- "$@"
need xmllint libxml2-utils

document() {
	awk -v n="$n" 'BEGIN {
		print "<list>"
		for (i = 0; i < n; i++) {
			s = (s * 69069 + 1) % 4294967296
			printf "<item id=\"i%d\" kind=\"k%d\"><name>name %d</name>", i, s % 9, s % 1000
			for (k = 0; k < 4; k++)
				printf "<part n=\"%d\">text of some length %d</part>", k, (s + k) % 997
			print "</item>"
		}
		print "</list>"
	}'
}
input "xmllint-$n.xml" document
end_of_preparation
$MEASURE xmllint --format --huge --xpath '//item[@kind="k3"]/part[@n="2"]' \
	"$input" >out || exit
check <out
