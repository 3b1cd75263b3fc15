#!/bin/bash
# threads.sh: the random test with six threads that come and go, and forks.
exec "${top_builddir:-.}/tests/stress/stress" --ops 1000000 --threads 6
