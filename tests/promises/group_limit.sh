#!/bin/bash
# group_limit.sh: by default free memory keeps at most a sixteenth of what the
# control group may have, though the machine has more.

skip() {
	echo "skipped: $*"
	exit 77
}

test -n "$TARN_SO" || skip "no shared library in this build"
program=$top_builddir/tests/promises/group_limit
group_mib=1024

# in_group COMMAND...: where the root of control groups has that limit.
in_group() {
	# shellcheck disable=SC2016
	unshare --mount sh -c '
		mount -t tmpfs none /sys/fs/cgroup &&
		echo $((${0} << 20)) >/sys/fs/cgroup/memory.max || exit 77
		exec "$@"
	' $group_mib "$@"
}

test "$(id -u)" = 0 || skip "only root may mount"
test -d /sys/fs/cgroup || skip "no control groups"
in_group true 2>/dev/null || skip "nothing may be mounted here"
machine_mib=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
((machine_mib > 8 * group_mib)) || skip "the machine has too little memory"

run() {
	TARN_CONF=decay:never LD_PRELOAD=$TARN_SO "$@" "$program"
}

free_mib=$(run env) || exit 1
bound_mib=$(run in_group env) || exit 1
echo "resident after: $free_mib MiB, with $group_mib MiB for the group $bound_mib"
# Blocks, magazines and the program itself are beside it.
((bound_mib <= group_mib / 16 + 16 && free_mib > 200))
