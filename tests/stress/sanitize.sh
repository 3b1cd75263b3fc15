#!/bin/bash
# sanitize.sh [OPS]: the random test on a core that the sanitizers watch. That
# works because the core defines no malloc of libc's.
. "$(dirname "$0")/stress.bash"

ops=${1:-60000}
n_built=0

# run NAME FLAGS CORE_FLAGS SOURCES THREADS... -- STRESS_OPTION...
# Lists of flags and of sources are one word each.
# shellcheck disable=SC2086
run() {
	local name=$1 flags=$2 more_core_flags=$3 more_sources=$4
	local threads=()
	shift 4
	if ! can_build $CC $flags; then
		echo "$name: $CC cannot build or run with $flags"
		return
	fi
	while test "$1" != --; do
		threads+=("$1")
		shift
	done
	shift
	n_built=$((n_built + 1))
	build_core $CC $flags $more_core_flags
	$CC $core_flags $flags -pthread -o "$work/stress-$name" \
		"$here"/{stress,thefts,worker,shadow,yard}.c \
		-Wl,--wrap=magazine_robbed_locked $more_sources \
		"$work"/core/*.o || exit 1
	for n in "${threads[@]}"; do
		echo "$name, $n threads"
		"$work/stress-$name" --ops "$ops" --threads "$n" "$@" || exit 1
	done
}

export ASAN_OPTIONS=detect_leaks=0
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1"

# With the assertions of debug builds, and the check of the order of locks.
run address "-fsanitize=address,undefined -fno-sanitize-recover=all" \
	-DTARN_DEBUG=1 "" 0 4 -- --thieves 1

# ThreadSanitizer does not follow the children of a process with threads.
run thread "-fsanitize=thread" \
	-Dgetrlimit=limited_getrlimit \
	"-Wl,--wrap=os_map_at $here/tsan_os.c" 4 -- --no-fork --thieves 1

test "$n_built" -gt 0 || skip "no sanitizer works with $CC"
