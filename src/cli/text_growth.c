/*
 * text_growth: for people, the held blocks that only ever became more.
 */
#include "cli/text.h"

#include <inttypes.h>
#include <string.h>

/* Sites of one kind, and looks in one line. */
#define MAX_SITES 3
#define MAX_LOOKS 5

/* The series, or of many looks the first and the last. */
static void put_series(const struct view *view, struct arena *arena,
		       const struct model_growth *growth,
		       const uint64_t *values, bool is_bytes)
{
	for (size_t i = 0; i < growth->n_looks; i++) {
		if (growth->n_looks > MAX_LOOKS && i > 0 &&
		    i + 1 < growth->n_looks)
			continue;
		if (i > 0)
			text_put(view, NULL, " → ");
		if (is_bytes)
			text_put(view, NULL, "%s",
				 phrase_bytes(arena, values[i]));
		else
			text_put(view, NULL, "%" PRIu64, values[i]);
	}
}

static void put_sites(const struct view *view, struct model_process *process,
		      const struct model_growing *growing)
{
	struct arena *arena = &process->model->arena;
	for (size_t i = 0; i < growing->n_sites && i < MAX_SITES; i++) {
		const struct model_growing_site *told = &growing->sites[i];
		const struct model_site *site = model_site(process, told->site);
		const char *title = "allocated by";
		if (growing->is_sampled)
			title = arena_print(arena,
					    "allocated by (%" PRIu64
					    " of %" PRIu64 " in the sample)",
					    told->n_sampled,
					    growing->n_sampled);
		if (site && site->n_frames)
			text_put_site(view, arena, site, title);
	}
	if (growing->n_sites > MAX_SITES)
		text_put(view, FAINT, "     … %zu more sites\n",
			 growing->n_sites - MAX_SITES);
	if (growing->n_sites == 0)
		text_put(view, NULL,
			 "     where they are allocated is not known: %s\n",
			 explain_no_sites());
}

static void put_growing(const struct view *view, struct model_process *process,
			const struct model_growing *growing)
{
	struct arena *arena = &process->model->arena;
	const struct model_growth *growth = process->growth;
	const char *hint = explain_growing_hint(process, growing);
	text_put(view, NULL, "\n");
	text_put(view, BOLD, "g%-3u ", growing->id);
	text_put(view, YELLOW, "growing: %s; %s",
		 phrase_growing(arena, growing),
		 phrase_growing_kind(process, growing));
	text_put(view, NULL, "\n     ");
	put_series(view, arena, growth, growing->bytes, true);
	text_put(view, NULL, ", in ");
	put_series(view, arena, growth, growing->blocks, false);
	text_put(view, NULL, " blocks\n");
	put_sites(view, process, growing);
	if (hint)
		text_put(view, NULL, "     hint: %s\n", hint);
}

static void put_summary(const struct view *view, struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	const struct model_growth *growth = process->growth;
	size_t last = growth->n_looks - 1;
	text_put(view, NULL, "\n");
	text_put(view, NULL, "  %-11s", "live heap");
	put_series(view, arena, growth, growth->live_bytes, true);
	text_put(view, NULL, ", in %.1f s\n", growth->seconds[last]);
	if (explain_growth_sites(growth))
		text_put(view, NULL, "  %-11s%s\n", "sites",
			 explain_growth_sites(growth));
	if (explain_growth_doubt(growth))
		text_put(view, NULL, "  %-11s%s\n", "uncertain",
			 explain_growth_doubt(growth));
}

void text_put_growth(const struct view *view, struct model_process *process)
{
	const struct model_growth *growth = process->growth;
	size_t n_shown = 0, n = 0;
	for (size_t i = 0; i < growth->n_all; i++)
		n_shown += !growth->all[i].is_suppressed;
	text_put(view, NULL, "\ntarn: ");
	if (growth->n_looks < 2) {
		text_put(
			view, NULL,
			"growth is not known: that takes two looks, and there was "
			"one\n");
		return;
	}
	text_put(view, BOLD,
		 "held and growing in %s (pid %u): ", process->program,
		 process->wire.pid);
	text_put(view, BOLD, n_shown ? "%zu kind%s of blocks" : "nothing",
		 n_shown, phrase_plural(n_shown));
	text_put(view, NULL, ", in each of %zu interval%s\n",
		 growth->n_looks - 1, phrase_plural(growth->n_looks - 1));
	for (size_t i = 0; i < growth->n_all; i++) {
		if (growth->all[i].is_suppressed)
			continue;
		if (view->max_findings && n == view->max_findings)
			break;
		put_growing(view, process, &growth->all[i]);
		n++;
	}
	if (n_shown > n)
		text_put(view, NULL, "\n     … %zu more (--max=0 shows all)\n",
			 n_shown - n);
	put_summary(view, process);
}
