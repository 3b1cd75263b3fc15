#!/bin/bash
# thieves.sh: threads at work while others rob and purge them all the time.
exec "${top_builddir:-.}/tests/stress/stress" --ops 400000 --threads 6 \
	--thieves 2
