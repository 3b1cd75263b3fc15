# The tracer: programs of known truth, random graphs, real programs.

if LIBTARN
TESTS += tests/trace/truth.sh
endif

EXTRA_DIST += bench/leaks/README.md bench/leaks/heap.c bench/leaks/run.py \
	examples/leaky.c examples/leaky.cpp

EXTRA_DIST += tests/trace/TABLE.md tests/trace/truth.sh tests/trace/truth.py tests/trace/truth
