/*
 * leak_text: lines, by message_format.
 *
 * Frames are told as module and address: symbols are for tarn(1), or for tools
 * like addr2line, to find.
 */
#include "api/leak_text.h"

#include <string.h>

#include "base/message.h"
#include "watch/modules.h"
#include "watch/sites.h"
#include "watch/watch.h"

#define LINE_BYTES (MODULE_PATH_BYTES + 256)
#define RULE "================================================================="

typedef unsigned long long number;

static PRINTF_LIKE(2, 3) void put(const struct leak_text *text,
				  const char *format, ...)
{
	char line[LINE_BYTES];
	va_list list;
	va_start(list, format);
	size_t n = message_format_list(line, sizeof(line), format, list);
	va_end(list);
	message_write(text->fd, line, n);
}

static void put_frame(const struct leak_text *text, uint32_t i,
		      const struct wire_frame *frame)
{
	uintptr_t call = (uintptr_t)frame->address - 1;
	if (frame->module == 0) {
		put(text, "    #%u %p\n", i, (void *)call);
		return;
	}
	const struct module *module = modules_get(frame->module);
	put(text, "    #%u %p  (%s+%p)\n", i,
	    (void *)(uintptr_t)(module->wire.bias + call), module->path,
	    (void *)call);
}

/* How many of the first frames are those of this library, malloc's. */
static uint32_t count_own(const struct wire_frame *frames, uint32_t n)
{
	uint32_t i = 0;
	for (; i < n && frames[i].module != 0; i++) {
		struct wire_module module = modules_get(frames[i].module)->wire;
		uintptr_t here = (uintptr_t)count_own;
		if (here < module.start || here >= module.end)
			break;
	}
	return i == n ? 0 : i; /* linked with the program, all are */
}

static void put_site(const struct leak_text *text, uint32_t site)
{
	const struct wire_frame *frames;
	uint32_t n = sites_frames(site & ~WATCH_IGNORED, &frames);
	uint32_t n_own = count_own(frames, n);
	for (uint32_t i = n_own; i < n; i++)
		put_frame(text, i - n_own, &frames[i]);
	if (n == 0)
		put(text, "    #0 0x0  (<unknown module>)\n");
	put(text, "\n");
}

static void put_objects(const struct leak_text *text,
			const struct example *example)
{
	put(text, "Objects leaked above:\n");
	for (uint32_t i = 0; i < example->n_members; i++)
		put(text, "%p (%llu bytes)\n",
		    (void *)(uintptr_t)example->members[i].wire.address,
		    (number)example->members[i].wire.bytes);
	put(text, "\n");
}

static void put_finding(const struct leak_text *text, struct trace *trace,
			uint32_t i)
{
	struct wire_finding finding = *trace_wire(trace, i);
	bool is_direct =
		finding.verdict == WIRE_LOST || finding.verdict == WIRE_CYCLE;
	put(text, "%s leak of %llu byte(s) in %llu object(s) allocated from:\n",
	    is_direct ? "Direct" : "Indirect", (number)finding.own_bytes,
	    (number)finding.own_blocks);
	put_site(text, finding.site);
	if (text->report_objects)
		put_objects(text, trace_example(trace, i));
	number held = finding.retained_blocks - finding.own_blocks;
	if (finding.owner != 0 || held == 0)
		return;
	put(text,
	    "Indirect leak of %llu byte(s) in %llu object(s) "
	    "allocated from:\n",
	    (number)(finding.retained_bytes - finding.own_bytes), held);
	put_site(text, 0);
}

void leak_text_print(const struct leak_text *text, struct trace *trace)
{
	uint32_t n_shown = 0;
	if (trace->process.lost_blocks == 0)
		return;
	put(text,
	    "\n" RULE "\n==%u==ERROR: LeakSanitizer: detected memory leaks\n\n",
	    trace->process.pid);
	for (uint32_t i = 0; i < trace->findings.n; i++) {
		const struct wire_finding *finding = trace_wire(trace, i);
		bool is_shown =
			finding->count > 0 && finding->verdict <= WIRE_SHARED &&
			(text->max_leaks == 0 || n_shown < text->max_leaks);
		n_shown += is_shown;
		if (is_shown)
			put_finding(text, trace, i);
	}
	if (trace->process.flags & (WIRE_THREADS_RAN | WIRE_REGISTERS_UNSEEN))
		put(text, "tarn: not all threads could be stopped: what they "
			  "hold in registers may be among these\n");
	put(text,
	    "SUMMARY: LeakSanitizer: %llu byte(s) leaked in %llu "
	    "allocation(s).\n",
	    (number)trace->process.lost_bytes,
	    (number)trace->process.lost_blocks);
}

void leak_text_put_suppression(const struct leak_text *text, bool is_first,
			       uint64_t n_blocks, uint64_t n_bytes,
			       const char *pattern)
{
	if (is_first)
		put(text,
		    "-----------------------------------------------------"
		    "\nSuppressions used:\n  count      bytes "
		    "template\n");
	put(text, "%7llu %10llu %s\n", (number)n_blocks, (number)n_bytes,
	    pattern);
}
