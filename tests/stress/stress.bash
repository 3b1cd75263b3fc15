# stress.bash: what the scripts that build the core themselves share. They are
# started by make with the variables named in Makefile.am, or by hand from the
# top of the source tree.

top_srcdir=${top_srcdir:-.}
CC=${CC:-cc}
here=$top_srcdir/tests/stress
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

skip() {
	echo "skipped: $*"
	exit 77
}

# The core's C sources: as make names them, or all but the programs.
core_sources() {
	(
		cd "$top_srcdir" || exit 1
		if test -n "$TARN_CORE_SOURCES"; then
			printf '%s\n' $TARN_CORE_SOURCES | grep '\.c$'
		else
			grep -LE '^int main\(' src/*/*.c | grep -v ^src/cli/
		fi
	) | sed "s|^|$top_srcdir/|"
}

# can_build COMPILER FLAG...: a program built so links and runs.
can_build() {
	printf 'int main(void)\n{\n\treturn 0;\n}\n' >"$work/try.c"
	"$@" -o "$work/try" "$work/try.c" 2>/dev/null && "$work/try"
}

# build_core COMPILER FLAG...: compiles the core to $work/core/*.o.
build_core() {
	local source object
	rm -rf "$work/core"
	mkdir "$work/core"
	for source in $(core_sources); do
		object=$(echo "${source#"$top_srcdir"/}" | tr / -)
		# shellcheck disable=SC2086
		"$@" $core_flags -c -o "$work/core/${object%.c}.o" \
			"$source" || exit 1
	done
}

core_flags="-std=gnu11 -O1 -g -fvisibility=hidden -fno-omit-frame-pointer
	-fno-builtin ${TARN_CPPFLAGS:--I$top_srcdir/src} -I$here"
