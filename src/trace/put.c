/*
 * put: a bit for each module and site that was written.
 */
#include "trace/put.h"

#include <string.h>

#include "base/bits.h"
#include "os/system.h"
#include "watch/modules.h"
#include "watch/sites.h"
#include "watch/watch.h"

static bool is_first(uint64_t *written, uint32_t id)
{
	if (bits_test(written, id))
		return false;
	bits_set(written, id);
	return true;
}

void put_module(struct put *put, uint32_t id)
{
	if (id == 0 || !is_first(put->written_modules, id))
		return;
	const struct module *module = modules_get(id);
	wire_put(&put->writer, WIRE_MODULE, &module->wire, sizeof(module->wire),
		 module->path, module->path_bytes);
}

uint32_t put_site(struct put *put, uint32_t word)
{
	const struct wire_frame *frames;
	uint32_t site = word & ~WATCH_IGNORED;
	if (site == 0 || site > put->n_sites ||
	    !is_first(put->written_sites, site))
		return site;
	uint32_t n = sites_frames(site, &frames);
	struct wire_stack stack = {site, n};
	for (uint32_t i = 0; i < n; i++)
		put_module(put, frames[i].module);
	wire_put(&put->writer, WIRE_STACK, &stack, sizeof(stack), frames,
		 n * sizeof(*frames));
	return site;
}

bool put_begin(struct put *put, struct trace *trace, int fd)
{
	struct work *work = &trace->work;
	const char *name = os_program_name();
	put->trace = trace;
	put->n_sites = sites_count();
	put->written_modules =
		work_take(work, MODULES_MAX / 64 + 1, sizeof(uint64_t));
	put->written_sites =
		work_take(work, put->n_sites / 64 + 1, sizeof(uint64_t));
	wire_start(&put->writer, fd);
	wire_put(&put->writer, WIRE_PROCESS, &trace->process,
		 sizeof(trace->process), name, strlen(name));
	return put->written_modules != NULL && put->written_sites != NULL;
}
