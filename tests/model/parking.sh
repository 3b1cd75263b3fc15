#!/bin/bash
# parking.sh: nothing that is freed to a heap without a thread stays unseen.
. "$(dirname "$0")/model.bash"
need_spin

holds parking
holds parking -DEXACT
for variant in NO_LOOK LOOK_FIRST PARKER_BLIND LOOK_BEFORE_PARKING OWNER_TRUSTED \
	CLEARED_LATE CLEARED_TOO_SOON; do
	breaks parking -DBROKEN_$variant
done
exit $status
