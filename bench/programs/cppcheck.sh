#!/bin/bash
# cppcheck.sh: a checker of C: tokens in lists, tables of values, strings by the
# million. Of all programs here it spends most of its time in malloc.
. "$(dirname "$0")/lib.sh"
parameters functions=60 -- "$@"
need cppcheck cppcheck

source_text() {
	awk -v n="$functions" 'BEGIN {
		print "struct s { int a, b; char *t; struct s *next; };"
		for (f = 0; f < n; f++) {
			printf "int f%d(struct s *p, int x, int y)\n{\n", f
			print "\tint sum = 0, i, v[16] = {0};"
			for (k = 0; k < 12; k++) {
				printf "\tfor (i = 0; i < %d; i++) {\n", 3 + (f * k) % 13
				printf "\t\tif (x > %d && p->a != y) {\n", f + k
				printf "\t\t\tv[i] += x * %d + p->b;\n", k + 1
				printf "\t\t\tsum += v[i] > %d ? y : i;\n\t\t}\n", f
				printf "\t\telse { p = p->next ? p->next : p; x -= %d; }\n\t}\n", k
			}
			printf "\treturn sum%s;\n}\n", f ? " + f" f - 1 "(p, x, sum)" : ""
		}
	}'
}
input "cppcheck-$functions.c" source_text
end_of_preparation
cp "$input" work.c
$MEASURE cppcheck --enable=style --quiet work.c >out 2>&1 || exit
sort out | check
