# lint.bash: what the lint tests share. They are started by make with the
# variables named in Makefile.am, or by hand from the top of the source tree.

top_srcdir=${top_srcdir:-.}
top_builddir=${top_builddir:-.}
CC=${CC:-cc}
status=0

# fail LINE...: a finding. The test goes on and fails at its end.
fail() {
	printf '%s\n' "$@"
	status=1
}

skip() {
	echo "skipped: $*"
	exit 77
}

# All files of the source tree, those made by the build left out: as git has
# them, or, in an unpacked release, what is there.
tree_files() {
	(
		cd "$top_srcdir" || exit 1
		if test -e .git && git ls-files >/dev/null 2>&1; then
			git ls-files --cached --others --exclude-standard |
				while read -r file; do
					test -f "$file" && echo "$file"
				done
		else
			find .ci .clang-format LICENSE Makefile.am README.md \
				bench bootstrap configure.ac examples man preload src \
				tarn.map tarn.pc.in tests -type f ! -name '*.o' \
				! -name '*.lo' ! -name '*.la' ! -name '*.log' \
				! -name '*.trs' ! -path '*/.*/*' 2>/dev/null
		fi
	)
}

# The C and C++ sources among them, below the directories given, or all.
c_files() {
	local below='.*'
	if test $# -gt 0; then
		below=$(printf '|%s' "$@")
		below="(${below#|})/.*"
	fi
	tree_files | grep -E "^$below\.(c|h|cpp)\$" | LC_ALL=C sort
}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
