#!/bin/bash
# jq.sh: a large document of JSON, grouped and sorted. Every value of jq's is a block
# of malloc's, counted by references.
. "$(dirname "$0")/lib.sh"
parameters n=20000 -- "$@"
need jq jq

document() {
	awk -v n="$n" 'BEGIN {
		s = 1
		for (i = 0; i < n; i++) {
			s = (s * 69069 + 1) % 4294967296
			printf "{\"id\":%d,\"name\":\"name %d\",\"tags\":[", i, s % 1000
			for (k = 0; k < 6; k++)
				printf "%s\"tag%d\"", k ? "," : "", (s + k * i) % 50
			printf "],\"at\":{\"x\":%d.5,\"y\":[%d,%d]}}\n", s % 997, i, k
		}
	}'
}
input "jq-$n.json" document
end_of_preparation
$MEASURE jq -s 'group_by(.name) | map({name: .[0].name, n: length,
	tags: (map(.tags[]) | unique | join(" ")), x: (map(.at.x) | add)})
	| sort_by(.n, .name)' "$input" >out || exit
check <out
