# The command: what it starts, how that ends, what it shows.

cli_scripts = \
	tests/cli/endings.sh \
	tests/cli/environment.sh \
	tests/cli/formats.sh \
	tests/cli/html.sh \
	tests/cli/live_leaks.sh \
	tests/cli/live_ls.sh \
	tests/cli/live_stat.sh \
	tests/cli/live_who.sh \
	tests/cli/signals.sh \
	tests/cli/statuses.sh

TESTS += $(cli_scripts)
EXTRA_DIST += $(cli_scripts) tests/cli/cli.bash tests/cli/live.bash \
	tests/cli/memory_check.c tests/cli/page.py tests/cli/play.c \
	tests/cli/serve.c tests/cli/live/check.c tests/cli/live/service.bash \
	tests/cli/live/service.c tests/cli/live/service.cpp \
	tests/cli/live/stacks.c

# What the command does with damaged answers; live_leaks.sh and live_who.sh start
# it.
if COMMAND
check_PROGRAMS += tests/cli/live/check
tests_cli_live_check_SOURCES = tests/cli/live/check.c
tests_cli_live_check_CPPFLAGS = $(command_cppflags)
tests_cli_live_check_CFLAGS = $(command_cflags)
tests_cli_live_check_LDADD = $(command_libs)
endif
