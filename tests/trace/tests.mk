# The tracer: programs of known truth, random graphs, real programs.

if LIBTARN
TESTS += tests/trace/automatic.sh tests/trace/truth.sh tests/trace/real.sh
endif

EXTRA_DIST += bench/leaks/README.md bench/leaks/heap.c bench/leaks/run.py \
	bench/leaks/young.c \
	examples/leaky.c examples/leaky.cpp examples/service.c

EXTRA_DIST += tests/trace/TABLE.md \
	tests/trace/automatic.c tests/trace/automatic.sh \
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

check_PROGRAMS += tests/trace/young tests/trace/young_threads
TESTS += tests/trace/young tests/trace/young_more.sh
EXTRA_DIST += tests/trace/young_more.sh
tests_trace_young_SOURCES = tests/stress/random.h tests/trace/young.c
tests_trace_young_LDADD = libtarn_core.la
tests_trace_young_threads_SOURCES = tests/stress/random.h \
	tests/trace/young_threads.c
tests_trace_young_threads_LDADD = libtarn_core.la
