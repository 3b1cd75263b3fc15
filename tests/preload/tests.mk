# Programs that run with the library preloaded (see tests/run), and scripts that
# build or start others.

preload_programs = \
	tests/preload/address_limit \
	tests/preload/after_main \
	tests/preload/alignments \
	tests/preload/before_main \
	tests/preload/cancelled \
	tests/preload/edge_sizes \
	tests/preload/errors \
	tests/preload/exiting_in_handler \
	tests/preload/family \
	tests/preload/forking \
	tests/preload/forking_beside_stdio \
	tests/preload/forking_in_handler \
	tests/preload/forking_in_purge \
	tests/preload/giving_back \
	tests/preload/hand_over \
	tests/preload/info \
	tests/preload/late_limit \
	tests/preload/libc_names \
	tests/preload/locked_memory \
	tests/preload/lsan \
	tests/preload/moving \
	tests/preload/own_malloc \
	tests/preload/refused \
	tests/preload/resizing \
	tests/preload/short_threads \
	tests/preload/signals \
	tests/preload/starting \
	tests/preload/statistics \
	tests/preload/zeros

preload_programs_in_cxx = \
	tests/preload/containers \
	tests/preload/new \
	tests/preload/new_handler

preload_scripts = \
	tests/preload/exiting.sh \
	tests/preload/forking_order.sh \
	tests/preload/hooked.sh \
	tests/preload/late_load.sh \
	tests/preload/needed.sh \
	tests/preload/options.sh \
	tests/preload/plugins.sh \
	tests/preload/small_limit.sh

tests_preload_containers_SOURCES = tests/preload/containers.cpp
tests_preload_new_SOURCES = tests/preload/new.cpp
tests_preload_new_handler_SOURCES = tests/preload/new_handler.cpp

EXTRA_DIST += $(preload_scripts) \
	tests/preload/exiting_hook.c \
	tests/preload/exiting_host.c \
	tests/preload/expect.h \
	tests/preload/family.h \
	tests/preload/fill.h \
	tests/preload/forking_host.c \
	tests/preload/forking_library.c \
	tests/preload/hooked.c \
	tests/preload/hooked_hook.c \
	tests/preload/ladder.h \
	tests/preload/mappings.h \
	tests/preload/pattern.h \
	tests/preload/plugin.c \
	tests/preload/plugin_caller.c \
	tests/preload/plugin_host.c \
	tests/preload/process.h \
	tests/preload/refusal.h

if LIBTARN
TESTS += $(preload_programs) $(preload_scripts)
check_PROGRAMS += $(preload_programs) tests/preload/late_load
if CXX
TESTS += $(preload_programs_in_cxx)
check_PROGRAMS += $(preload_programs_in_cxx)
endif
endif
