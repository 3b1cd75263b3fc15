#!/bin/bash
# remote.sh: blocks freed by other threads come back, each once.
. "$(dirname "$0")/model.bash"
need_spin

holds remote -DMEND
holds remote -DWEAK -DSTALE_OWNER
breaks remote
for variant in FLAG_FIRST NO_RECHECK BITS_FIRST LOOK_FIRST; do
	breaks remote -DMEND -DBROKEN_$variant
done
breaks remote -DMEND -DSTALE_OWNER
exit $status
