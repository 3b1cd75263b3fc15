#!/bin/bash
# theft.sh: a magazine is emptied by another thread and no block is lost.
. "$(dirname "$0")/model.bash"
need_spin

holds theft -DN_OPS=8 -DN_THEFTS=4
holds theft -DN_OPS=8 -DN_THEFTS=4 -DNOWHERE_BELOW
for variant in ALL_TAKEN CELL_CLEARED LIMIT_LATE LIMIT_READ_FIRST NOT_READ_AGAIN \
	NO_BARRIER POP_STORES PUSH_FORGOTTEN THIEF_RESTORES; do
	breaks theft -DNOWHERE_BELOW -DBROKEN_$variant
done
exit $status
