# The tracer: programs of known truth, random graphs, real programs.

if LIBTARN
TESTS += tests/trace/truth.sh tests/trace/real.sh
endif

EXTRA_DIST += bench/leaks/README.md bench/leaks/heap.c bench/leaks/run.py \
	examples/leaky.c examples/leaky.cpp examples/service.c

EXTRA_DIST += tests/trace/TABLE.md \
	tests/trace/real.sh tests/trace/real/known.supp \
	tests/trace/truth.sh tests/trace/truth.py tests/trace/truth

check_PROGRAMS += tests/trace/oracle
TESTS += tests/trace/oracle
tests_trace_oracle_SOURCES = \
	tests/stress/random.h \
	tests/trace/oracle.c \
	tests/trace/oracle.h \
	tests/trace/oracle_answer.c \
	tests/trace/oracle_dominators.c \
	tests/trace/oracle_model.c
tests_trace_oracle_LDADD = libtarn_core.la
