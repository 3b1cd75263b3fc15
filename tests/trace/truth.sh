#!/bin/bash
# truth.sh: the tracer against programs of known truth, those of truth/, which
# truth.py builds, runs and judges.

if test -z "$TARN_SO"; then
	echo "skipped: no shared library in this build"
	exit 77
fi
if test -z "$TARN"; then
	echo "skipped: no command in this build"
	exit 77
fi
if ! python3 -c 'import json' 2>/dev/null; then
	echo "skipped: no python3"
	exit 77
fi
exec python3 "$(dirname "$0")/truth.py" "$@"
