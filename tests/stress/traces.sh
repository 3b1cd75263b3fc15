#!/bin/bash
# traces.sh: threads at work while another traces: no block of theirs is lost.
exec "${top_builddir:-.}/tests/stress/stress" --ops 200000 --threads 6 --traces
