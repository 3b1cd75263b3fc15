# The benchmark suite: that it works, not what it measures.

bench_tests = \
	tests/bench/compare.sh \
	tests/bench/driver.sh \
	tests/bench/replay.sh \
	tests/bench/smoke.sh

EXTRA_DIST += $(bench_tests) \
	tests/bench/bench.bash \
	tests/bench/compare.py

if LIBTARN
if SHARED
TESTS += $(bench_tests)
check_PROGRAMS += $(bench_programs)
check_DATA = $(bench_libraries)
endif
endif
