#!/bin/bash
# young_more.sh: traces by generation with pointers to freed memory, and where
# the kernel does not tell what was written.
young=${top_builddir:-.}/tests/trace/young
"$young" --dirty --seed 2 && "$young" --blind --steps 300
