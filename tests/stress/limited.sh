#!/bin/bash
# limited.sh: the random test with 96 MiB of address space to spare: requests are
# refused, but only near the limit, and nothing else goes wrong.
exec "${top_builddir:-.}/tests/stress/stress" --ops 300000 --limit 96
