#!/bin/bash
# lock.sh: the lock is one thread's, wakes who waits, and does what was deferred.
. "$(dirname "$0")/model.bash"
need_spin

holds lock
breaks lock -DBROKEN_WAITERS_FORGOTTEN
breaks lock -DBROKEN_LOOKS_FIRST
holds deferred
breaks deferred -DBROKEN_NO_LOOK
exit $status
