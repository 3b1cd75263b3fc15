#!/bin/bash
# layers.sh: every include points from a layer to itself or to one above it. The
# ranks are those of the table in src/README.md: `| rank | directory | holds |`.
. "$(dirname "$0")/lint.bash"

ranks=$work/ranks
sed -n 's/^| *\([0-9][0-9]*\|–\|-\) *| *`\([a-z]*\(\/[a-z]*\)*\)\/`.*/\1 \2/p' \
	"$top_srcdir/src/README.md" >"$ranks"
if ! grep -q '^0 src/base$' "$ranks"; then
	fail "src/README.md has no table of layers with src/base/ at rank 0"
	exit $status
fi

# Each directory of sources has a rank, and each with a rank is there.
for dir in "$top_srcdir"/src/*/; do
	dir=src/$(basename "$dir")
	grep -q " $dir\$" "$ranks" ||
		fail "$dir has no rank in src/README.md"
done

# rank_of DIRECTORY: its rank, or nothing.
rank_of() {
	awk -v dir="$1" '$2 == dir { print $1 }' "$ranks"
}

# The public header stands outside: it includes nothing of ours, and all may
# include it.
grep -n '^# *include *"' "$top_srcdir/src/tarn.h" &&
	fail "src/tarn.h includes a header of ours"

while read -r file; do
	dir=$(dirname "$file")
	test "$dir" = src && continue
	rank=$(rank_of "$dir")
	while IFS=: read -r line include; do
		where=$file:$line
		test "$include" = tarn.h && continue
		case $include in
		*/*) ;;
		*)
			fail "$where: \"$include\" is not layer-qualified"
			continue
			;;
		esac
		to=src/$(dirname "$include")
		test -f "$top_srcdir/src/$include" ||
			test -f "$top_srcdir/$include" ||
			fail "$where: there is no \"$include\""
		test "$to" = "$dir" && continue
		if test "$dir" = src/cli; then
			[[ $to == src/base || $to == src/wire ]] ||
				fail "$where: src/cli/ includes \"$include\"," \
					"but may include only base/ and wire/"
			continue
		fi
		to_rank=$(rank_of "$to")
		if ! test "$rank" -eq "$rank" 2>/dev/null ||
			! test "$to_rank" -eq "$to_rank" 2>/dev/null; then
			fail "$where: \"$include\": a layer without a rank"
		elif test "$to_rank" -ge "$rank"; then
			fail "$where: rank $rank includes \"$include\" of rank $to_rank"
		fi
	done < <(sed -n '/^# *include *"/{=;s/^# *include *"\([^"]*\)".*/\1/p}' \
		"$top_srcdir/$file" | paste -d: - -)
done < <(c_files src preload)

exit $status
