# The command: what it starts, how that ends, what it shows.

cli_scripts = \
	tests/cli/endings.sh \
	tests/cli/environment.sh \
	tests/cli/formats.sh \
	tests/cli/html.sh \
	tests/cli/live_ls.sh \
	tests/cli/live_stat.sh \
	tests/cli/signals.sh \
	tests/cli/statuses.sh

TESTS += $(cli_scripts)
EXTRA_DIST += $(cli_scripts) tests/cli/cli.bash tests/cli/live.bash \
	tests/cli/memory_check.c tests/cli/page.py tests/cli/play.c \
	tests/cli/serve.c
