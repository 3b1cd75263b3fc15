#!/bin/bash
# single.sh: the random test with one thread, and forks.
exec "${top_builddir:-.}/tests/stress/stress" --ops 1000000
