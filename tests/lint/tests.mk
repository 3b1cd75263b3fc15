# Lint: the rules of the source tree and of the built libraries.

# Those of the tree find the same in every build; those of the library do not.
tree_tests = \
	tests/lint/budget.sh \
	tests/lint/format.sh \
	tests/lint/headers.sh \
	tests/lint/layers.sh \
	tests/lint/manual.sh \
	tests/lint/python.sh \
	tests/lint/words.sh

library_tests = \
	tests/lint/calls.sh \
	tests/lint/exports.sh \
	tests/lint/hit_path.sh

EXTRA_DIST += \
	$(tree_tests) \
	$(library_tests) \
	tests/exported.txt \
	tests/lint/lint.bash

if LIBTARN
TESTS += $(tree_tests) $(library_tests)
check_PROGRAMS += tests/lint/hit_path
tests_lint_hit_path_SOURCES = tests/lint/hit_path.c
endif
