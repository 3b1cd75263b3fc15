/*
 * lsan: the checks.
 *
 * Locks: what is read once and kept is guarded by being read in leaks_trace's
 * callbacks, of which one runs at a time, or before any.
 */
#define _GNU_SOURCE
#include "api/lsan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/leak_text.h"
#include "api/leaks.h"
#include "api/lsan_options.h"
#include "base/message.h"
#include "base/syscall.h"
#include "os/system.h"
#include "watch/modules.h"
#include "watch/sites.h"
#include "watch/watch.h"

static struct lsan_hooks hooks;

static struct lsan_options options = {
	.detect_leaks = true,
	.print_suppressions = true,
	.root_kinds = ROOT_ALL,
	.exitcode = 23,
};
static struct lsan_suppressions suppressions;
static bool is_read;
static bool has_asked; /* for anything: then also for the exit code */

void lsan_set_hooks(const struct lsan_hooks *given)
{
	hooks = *given;
}

static void read_all(void)
{
	if (is_read)
		return;
	is_read = true;
	const char *given = secure_getenv("LSAN_OPTIONS");
	const char *lines = hooks.default_suppressions == NULL
				    ? NULL
				    : hooks.default_suppressions();
	has_asked = given != NULL || hooks.default_options != NULL;
	if (hooks.default_options != NULL)
		lsan_options_read(&options, hooks.default_options());
	lsan_options_read(&options, given);
	if (lines != NULL)
		lsan_suppressions_add(&suppressions, lines, strlen(lines));
	if (options.suppressions_file[0] != '\0' &&
	    !lsan_suppressions_add_file(&suppressions,
					options.suppressions_file))
		message_print("LSAN_OPTIONS: cannot read suppressions from %s",
			      options.suppressions_file);
}

unsigned lsan_root_kinds(void)
{
	read_all();
	return options.root_kinds;
}

/* --- what is suppressed --------------------------------------------------- */

/* By the name of the module, or of the function as far as the dynamic linker
 * knows names: those that are exported. */
static struct lsan_suppression *for_frame(const struct wire_frame *frame)
{
	uintptr_t address = (uintptr_t)frame->address;
	if (frame->module != 0) {
		const struct module *module = modules_get(frame->module);
		struct lsan_suppression *found =
			lsan_suppression_for(&suppressions, module->path);
		if (found != NULL)
			return found;
		address += module->wire.bias;
	}
	const char *name = modules_symbol(address - 1);
	return name == NULL ? NULL : lsan_suppression_for(&suppressions, name);
}

static struct lsan_suppression *for_finding(const struct wire_finding *finding)
{
	const struct wire_frame *frames;
	struct lsan_suppression *found = NULL;
	uint32_t n = sites_frames(finding->site & ~WATCH_IGNORED, &frames);
	for (uint32_t i = 0; i < n && found == NULL; i++)
		found = for_frame(&frames[i]);
	return found;
}

/* Takes what is suppressed, and what it holds, out of the trace's findings. */
static void suppress(struct trace *trace)
{
	struct wire_process *process = &trace->process;
	for (size_t i = 0; i < suppressions.n; i++)
		suppressions.all[i].n_blocks = suppressions.all[i].n_bytes = 0;
	for (uint32_t i = 0; i < trace->findings.n; i++) {
		struct wire_finding *finding = trace_wire(trace, i);
		struct lsan_suppression *by = finding->verdict > WIRE_SHARED
						      ? NULL
						      : for_finding(finding);
		if (by == NULL)
			continue;
		by->n_blocks += finding->retained_blocks;
		by->n_bytes += finding->retained_bytes;
		if (finding->owner == 0) {
			process->suppressed_blocks += finding->retained_blocks;
			process->suppressed_bytes += finding->retained_bytes;
			process->lost_blocks -= finding->retained_blocks;
			process->lost_bytes -= finding->retained_bytes;
		}
		finding->count = 0;
	}
}

static void print_suppressed(const struct leak_text *text)
{
	bool is_first = true;
	for (size_t i = 0; i < suppressions.n; i++) {
		const struct lsan_suppression *one = &suppressions.all[i];
		if (one->n_blocks == 0)
			continue;
		leak_text_put_suppression(text, is_first, one->n_blocks,
					  one->n_bytes, one->pattern);
		is_first = false;
	}
}

/* --- reports ----------------------------------------------------------- */

static int open_log(void)
{
	char path[LSAN_PATH_BYTES + 32];
	if (options.log_path[0] == '\0')
		return STDERR_FILENO;
	message_format(path, sizeof(path), "%s.%d", options.log_path,
		       (int)os_process_id());
	int fd = (int)os_syscall(SYS_openat, AT_FDCWD, path,
				 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				 0600);
	return fd < 0 ? STDERR_FILENO : fd;
}

bool lsan_report(struct trace *trace)
{
	suppress(trace);
	struct leak_text text = {
		.fd = open_log(),
		.max_leaks = options.max_leaks,
		.report_objects = options.report_objects,
	};
	leak_text_print(&text, trace);
	if (options.print_suppressions)
		print_suppressed(&text);
	if (text.fd != STDERR_FILENO)
		os_syscall(SYS_close, text.fd);
	return trace->process.lost_blocks > 0;
}

void lsan_end_if_asked(void)
{
	while (has_asked && options.exitcode != 0)
		os_syscall(SYS_exit_group, options.exitcode);
}

static void see(struct trace *trace, void *context)
{
	*(bool *)context = lsan_report(trace);
}

bool lsan_is_on(void)
{
	read_all();
	return options.detect_leaks &&
	       (hooks.is_turned_off == NULL || hooks.is_turned_off() == 0);
}

bool lsan_check(void)
{
	bool has_leaks = false;
	if (!lsan_is_on())
		return false;
	struct trace_options wanted = {.root_kinds = options.root_kinds};
	leaks_trace(&wanted, see, &has_leaks);
	return has_leaks;
}

void lsan_check_and_end(void)
{
	static bool is_done;
	if (is_done)
		return;
	is_done = true;
	if (!lsan_check() || options.exitcode == 0)
		return;
	leaks_at_exit(); /* for tarn(1), if that has started us */
	for (;;)
		os_syscall(SYS_exit_group, options.exitcode);
}
