# A running process is asked: real services, threads at all they do, refusals, a
# soak. ask.c is the command's side of the channel alone.

live_long = \
	tests/live/refusals.sh \
	tests/live/services.sh \
	tests/live/soak.sh

live_scripts = $(live_long) tests/live/threads.sh

live_programs = \
	tests/live/refuse \
	tests/live/threads

if COMMAND
live_programs += tests/live/ask
if LIBTARN
check_PROGRAMS += $(live_programs)
TESTS += $(live_scripts)
endif
endif


tests_live_ask_SOURCES = \
	src/cli/limits.c \
	src/cli/limits.h \
	src/cli/live.c \
	src/cli/live.h \
	src/cli/live_process.c \
	src/cli/live_process.h \
	src/cli/live_unblock.c \
	src/cli/live_unblock.h \
	src/cli/process.c \
	src/cli/process.h \
	src/cli/util.c \
	src/cli/util.h \
	src/wire/control.h \
	src/wire/wire.c \
	src/wire/wire.h \
	tests/live/ask.c
tests_live_ask_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_live_ask_CFLAGS = $(AM_CFLAGS) $(LIBDW_CFLAGS)
tests_live_ask_LDADD = $(LIBDW_LIBS)

tests_live_refuse_SOURCES = tests/live/refuse.c

tests_live_threads_SOURCES = \
	tests/live/calls.c \
	tests/live/threads.c \
	tests/live/threads.h

EXTRA_DIST += $(live_scripts) \
	tests/live/known.supp \
	tests/live/live.bash \
	tests/live/load.py
