# What tarn promises of cost and memory, as counts: instructions, system calls,
# mappings, resident bytes, locks. Nothing here looks at a clock to judge. Programs
# run with the library preloaded, but those of core/, which link it.

promises_programs = \
	tests/promises/addresses \
	tests/promises/adoption \
	tests/promises/gives_back \
	tests/promises/holes \
	tests/promises/impossible \
	tests/promises/keeps \
	tests/promises/large_heaps \
	tests/promises/mappings_few \
	tests/promises/neighbours \
	tests/promises/polls \
	tests/promises/refusals \
	tests/promises/shrinking

EXTRA_DIST += \
	tests/promises/calls.h \
	tests/promises/group_limit.sh \
	tests/promises/locked_all.sh \
	tests/promises/promise.h \
	tests/promises/steps.h

if LIBTARN
TESTS += $(promises_programs) \
	tests/promises/group_limit.sh tests/promises/locked_all.sh
check_PROGRAMS += $(promises_programs) \
	tests/promises/group_limit tests/promises/locked_all
endif

check_PROGRAMS += tests/promises/core/shared_locks
TESTS += tests/promises/core/shared_locks
tests_promises_core_shared_locks_SOURCES = $(traffic_sources) \
	tests/promises/core/shared_locks.c
tests_promises_core_shared_locks_LDADD = libtarn_core.la
