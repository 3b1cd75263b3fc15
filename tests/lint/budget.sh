#!/bin/bash
# budget.sh: no line has more than 80 columns, no file more than 600 lines, no
# function more than 80; of those of the library half have 12 lines at most, and
# 95 of 100 have 45 at most.
. "$(dirname "$0")/lint.bash"

cd "$top_srcdir" || exit 1
mapfile -t files < <(c_files)

# A function's braces stand alone in the first column. What is printed for each
# is the number of lines between them.
awk '
	function report(text) { print FILENAME ":" FNR ": " text; bad = 1 }
	function columns(line,    n, tab) {
		for (n = 0; (tab = index(line, "\t")) > 0;
		     line = substr(line, tab + 1))
			n = int((n + tab - 1) / 8) * 8 + 8
		return n + length(line)
	}
	FNR == 1 { start = 0 }
	FNR == 601 { report("the file has more than 600 lines") }
	/^{/ { start = FNR }
	/^}/ && start {
		if (FNR - start - 1 > 80)
			report("a function of " FNR - start - 1 " lines ends here")
		if (FILENAME ~ /^(src|preload)\//)
			print FNR - start - 1 >lengths
		start = 0
	}
	# A string literal is not cut, so that one finds it.
	columns($0) > 80 && !/"/ { report("more than 80 columns") }
	END { exit bad }
' lengths="$work/lengths" "${files[@]}" || fail "over the budget"

# at PERCENT: so many of the functions have at most as many lines.
sort -n "$work/lengths" >"$work/sorted"
n=$(wc -l <"$work/sorted")
at() {
	sed -n "$(((n * $1 + 99) / 100))p" "$work/sorted"
}
echo "$n functions in the library: half $(at 50) lines at most, 95 % $(at 95)"
(($(at 50) <= 12)) || fail "the median is over 12"
(($(at 95) <= 45)) || fail "the 95th percentile is over 45"

exit $status
