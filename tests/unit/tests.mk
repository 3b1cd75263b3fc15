# Unit tests: one program, with a file of test cases for each module, that links
# the core and Criterion.

unit_sources = \
	tests/unit/test_arena.c \
	tests/unit/test_arith.c \
	tests/unit/test_bits.c \
	tests/unit/test_collect.c \
	tests/unit/test_conf.c \
	tests/unit/test_copy.c \
	tests/unit/test_counts.c \
	tests/unit/test_decay.c \
	tests/unit/test_generations.c \
	tests/unit/test_heap.c \
	tests/unit/test_idle.c \
	tests/unit/test_large.c \
	tests/unit/test_late.c \
	tests/unit/test_lock.c \
	tests/unit/test_look.c \
	tests/unit/test_magazine.c \
	tests/unit/test_message.c \
	tests/unit/test_parking.c \
	tests/unit/test_pool.c \
	tests/unit/test_registry.c \
	tests/unit/test_remote.c \
	tests/unit/test_runs.c \
	tests/unit/test_size_class.c \
	tests/unit/test_slice_tree.c \
	tests/unit/test_stack.c \
	tests/unit/test_stats.c \
	tests/unit/test_store.c \
	tests/unit/test_system.c \
	tests/unit/test_theft.c \
	tests/unit/test_trace.c \
	tests/unit/test_wire.c

EXTRA_DIST += tests/unit/no_criterion.sh

if CRITERION
check_PROGRAMS += tests/unit/unit
TESTS += tests/unit/unit
tests_unit_unit_SOURCES = $(unit_sources)
tests_unit_unit_CFLAGS = $(AM_CFLAGS) $(CRITERION_CFLAGS)
tests_unit_unit_LDADD = libtarn_core.la $(CRITERION_LIBS)
else
TESTS += tests/unit/no_criterion.sh
EXTRA_DIST += $(unit_sources)
endif
