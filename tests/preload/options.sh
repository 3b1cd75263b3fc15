#!/bin/bash
# options.sh: the programs that show what malloc does pass whatever the options.

if test -z "$TARN_SO"; then
	echo "skipped: no shared library in this build"
	exit 77
fi
status=0
n_run=0
for options in check:true decay:0 decay:never cache:1m magazine:0 magazine:4m \
	sites:sampled sites:all; do
	for name in family zeros resizing hand_over after_main short_threads \
		edge_sizes errors; do
		env TARN_CONF=$options LD_PRELOAD="$TARN_SO" \
			"$top_builddir/tests/preload/$name" || {
			echo "$name, $options: exit status $?"
			status=1
		}
		n_run=$((n_run + 1))
	done
done
echo "$n_run runs"
exit $status
