# Mistakes: one small program for each, and run.sh, which runs them all.

mistakes = \
	tests/mistakes/aligned_sized_free \
	tests/mistakes/double_free \
	tests/mistakes/double_free_between \
	tests/mistakes/double_free_by_two \
	tests/mistakes/double_free_by_two_late \
	tests/mistakes/double_free_cancelled \
	tests/mistakes/double_free_cfree \
	tests/mistakes/double_free_checked \
	tests/mistakes/double_free_elsewhere \
	tests/mistakes/double_free_large \
	tests/mistakes/double_free_late \
	tests/mistakes/double_free_late_handled \
	tests/mistakes/double_free_twice_handled \
	tests/mistakes/foreign_break \
	tests/mistakes/foreign_literal \
	tests/mistakes/foreign_mapping \
	tests/mistakes/foreign_realloc \
	tests/mistakes/foreign_reallocarray \
	tests/mistakes/foreign_static \
	tests/mistakes/foreign_usable_size \
	tests/mistakes/interior \
	tests/mistakes/interior_at_once \
	tests/mistakes/interior_elsewhere \
	tests/mistakes/interior_large \
	tests/mistakes/interior_large_start \
	tests/mistakes/interior_late \
	tests/mistakes/never_allocated \
	tests/mistakes/realloc_freed \
	tests/mistakes/realloc_freed_large \
	tests/mistakes/realloc_interior \
	tests/mistakes/sized_double_free \
	tests/mistakes/sized_free \
	tests/mistakes/sized_free_large \
	tests/mistakes/sized_free_less \
	tests/mistakes/stack \
	tests/mistakes/wild \
	tests/mistakes/wild_end \
	tests/mistakes/wild_small

mistakes_in_cxx = \
	tests/mistakes/delete_array_twice \
	tests/mistakes/delete_twice \
	tests/mistakes/delete_wrong_size

tests_mistakes_delete_array_twice_SOURCES = \
	tests/mistakes/delete_array_twice.cpp
tests_mistakes_delete_twice_SOURCES = tests/mistakes/delete_twice.cpp
tests_mistakes_delete_wrong_size_SOURCES = tests/mistakes/delete_wrong_size.cpp

EXTRA_DIST += tests/mistakes/mistake.h tests/mistakes/run.sh

if LIBTARN
TESTS += tests/mistakes/run.sh
check_PROGRAMS += $(mistakes)
if CXX
check_PROGRAMS += $(mistakes_in_cxx)
endif
endif
