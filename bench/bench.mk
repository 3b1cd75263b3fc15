# The benchmark suite: bench/run and what it starts. Each group of workloads has a
# bench.mk of its own, which adds to the variables here.

load_sources = bench/common/load.c bench/common/load.h

bench_programs = bench/common/measure
bench_libraries = bench/common/libwitness.la
bench_common_measure_SOURCES = bench/common/measure.c
bench_common_libwitness_la_SOURCES = bench/common/witness.c
bench_common_libwitness_la_LDFLAGS = $(module_flags)

# A module that is built but not installed: libtool makes one if it is told where
# it would go.
module_flags = -module -avoid-version -shared -rpath /nowhere

bench_scripts = \
	bench/compare \
	bench/report \
	bench/run

EXTRA_DIST += $(bench_scripts) bench/README.md bench/RESULTS.md \
	bench/suite/allocators.py \
	bench/suite/comparison.py \
	bench/suite/estimate.py \
	bench/suite/gnuplot.py \
	bench/suite/machine.py \
	bench/suite/page.css \
	bench/suite/page.py \
	bench/suite/plots.py \
	bench/suite/readme.py \
	bench/suite/results.py \
	bench/suite/rows.py \
	bench/suite/runner.py \
	bench/suite/session.py \
	bench/suite/summary.py \
	bench/suite/table.py \
	bench/suite/text.py

EXTRA_DIST += bench/live/README.md bench/live/load.c bench/live/pause.c \
	bench/live/run.py

include bench/micro/bench.mk
include bench/threads/bench.mk
include bench/memory/bench.mk
include bench/latency/bench.mk
include bench/locks/bench.mk
include bench/programs/bench.mk
include bench/replay/bench.mk

EXTRA_PROGRAMS = $(bench_programs)
EXTRA_LTLIBRARIES = $(bench_libraries)
CLEANFILES += $(bench_programs) $(bench_libraries)

# make bench BENCH='--quick': the suite; see bench/README.md.
bench: all $(bench_programs) $(bench_libraries)
	@$(top_srcdir)/bench/run --build . $(BENCH)

.PHONY: bench
