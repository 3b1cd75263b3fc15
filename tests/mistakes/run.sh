#!/bin/bash
# run.sh: each program here makes one mistake. It is aborted, and stderr has the
# one line that the program has foretold, and nothing else.

if test -z "$TARN_SO"; then
	echo "skipped: no shared library in this build"
	exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
ulimit -c 0
sigabrt=134
status=0
n_run=0

# What the first comment of SOURCE says of the configuration.
conf_of() {
	sed -n '/^ \* TARN_CONF=/{ s///p; q; }' "$1"
}

for source in "$top_srcdir"/tests/mistakes/*.c*; do
	name=$(basename "${source%.*}")
	program=$top_builddir/tests/mistakes/$name
	if ! test -x "$program"; then
		case $source in *.cpp) continue ;; esac
		echo "$name: not built"
		status=1
		continue
	fi
	# A shell of its own, for shells say on stderr how a program ended.
	TARN_SO=$TARN_SO CONF=$(conf_of "$source") bash -c '
		(LD_PRELOAD=$TARN_SO TARN_CONF=$CONF \
			exec "$0" >"$1" 2>"$2")
		exit $?
	' "$program" "$work/expected" "$work/found" 2>/dev/null
	result=$?
	n_run=$((n_run + 1))
	if test $result != $sigabrt || ! test -s "$work/expected" ||
		! cmp -s "$work/expected" "$work/found"; then
		echo "$name: exit status $result (aborted is $sigabrt)"
		sed 's/^/  expected: /' "$work/expected"
		sed 's/^/  found:    /' "$work/found"
		status=1
	fi
done
echo "$n_run mistakes made"
exit $status
