/*
 * leak_text: lines as LeakSanitizer has them, by message_format.
 *
 * Frames are told as module and address: symbols are for tarn(1), or for tools
 * like addr2line, to find.
 */
#include "api/leak_text.h"

#include <unistd.h>

#include "base/message.h"
#include "watch/modules.h"
#include "watch/sites.h"
#include "watch/watch.h"

#define LINE_BYTES (MODULE_PATH_BYTES + 128)

static PRINTF_LIKE(1, 2) void put(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list list;
	va_start(list, format);
	size_t n = message_format_list(line, sizeof(line), format, list);
	va_end(list);
	message_write(STDERR_FILENO, line, n);
}

static void put_frame(uint32_t i, const struct wire_frame *frame)
{
	if (frame->module == 0) {
		put("    #%u %p\n", i, (void *)(uintptr_t)frame->address);
		return;
	}
	const struct module *module = modules_get(frame->module);
	uintptr_t call = frame->address - 1;
	put("    #%u %p  (%s+%p)\n", i,
	    (void *)(uintptr_t)(module->wire.bias + call), module->path,
	    (void *)call);
}

static void put_site(uint32_t site)
{
	const struct wire_frame *frames;
	uint32_t n = sites_frames(site & ~WATCH_IGNORED, &frames);
	for (uint32_t i = 0; i < n; i++)
		put_frame(i, &frames[i]);
	if (n == 0)
		put("    #0 0x0  (<unknown module>)\n");
	put("\n");
}

static void put_finding(const struct wire_finding *finding)
{
	bool is_direct =
		finding->verdict == WIRE_LOST || finding->verdict == WIRE_CYCLE;
	if (finding->verdict > WIRE_SHARED)
		return;
	put("%s leak of %llu byte(s) in %llu object(s) allocated from:\n",
	    is_direct ? "Direct" : "Indirect",
	    (unsigned long long)finding->own_bytes,
	    (unsigned long long)finding->own_blocks);
	put_site(finding->site);
	uint64_t held = finding->retained_blocks - finding->own_blocks;
	if (finding->owner != 0 || held == 0)
		return;
	put("Indirect leak of %llu byte(s) in %llu object(s) allocated from:\n",
	    (unsigned long long)(finding->retained_bytes - finding->own_bytes),
	    (unsigned long long)held);
	put_site(finding->site);
}

void leak_text_print(struct trace *trace)
{
	if (trace->process.lost_blocks == 0)
		return;
	put("\n==================================================="
	    "==============\n"
	    "==%u==ERROR: LeakSanitizer: detected memory leaks\n\n",
	    trace->process.pid);
	for (uint32_t i = 0; i < trace->findings.n; i++)
		put_finding(&trace_finding(trace, i)->wire);
	put("SUMMARY: tarn: %llu byte(s) leaked in %llu allocation(s).\n",
	    (unsigned long long)trace->process.lost_bytes,
	    (unsigned long long)trace->process.lost_blocks);
}
