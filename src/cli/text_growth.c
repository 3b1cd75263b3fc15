/*
 * text_growth: for people, the held blocks that only ever became more.
 */
#include "cli/text.h"

#include <inttypes.h>
#include <string.h>

/* Sites of one kind, and looks in one line. */
#define MAX_SITES 3
#define MAX_LOOKS 5

static const char *phrase_rate(struct arena *arena, double bytes_per_second)
{
	return phrase_bytes(arena, (uint64_t)(bytes_per_second + 0.5));
}

/* "blocks of 48 B, Entry": what all of them have in common. */
static const char *phrase_kind(struct model_process *process,
			       const struct model_growing *growing)
{
	struct arena *arena = &process->model->arena;
	const char *type = model_member_type(process, &growing->example);
	const char *kind =
		growing->is_large ? "blocks beyond 32 KiB"
		: growing->block_bytes
			? arena_print(arena, "blocks of %s",
				      phrase_bytes(arena, growing->block_bytes))
			: "blocks of several sizes";
	if (!type)
		return kind;
	return arena_print(arena, "%s, %s%s", kind,
			   growing->example.type ? "such as " : "",
			   phrase_name(arena, type));
}

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
		text_put(
			view, NULL,
			"     where they are allocated is not known: none of them "
			"is in the sample; more or longer looks may tell\n");
}

static void put_growing(const struct view *view, struct model_process *process,
			const struct model_growing *growing)
{
	struct arena *arena = &process->model->arena;
	const struct model_growth *growth = process->growth;
	double rate = growing->bytes_per_second;
	text_put(view, NULL, "\n");
	text_put(view, BOLD, "g%-3u ", growing->id);
	text_put(view, YELLOW,
		 "growing: %s/s, %s an hour, %.0f %% of all growth; %s",
		 phrase_rate(arena, rate), phrase_rate(arena, rate * 3600),
		 growing->share * 100, phrase_kind(process, growing));
	text_put(view, NULL, "\n     ");
	put_series(view, arena, growth, growing->bytes, true);
	text_put(view, NULL, ", in ");
	put_series(view, arena, growth, growing->blocks, false);
	text_put(view, NULL, " blocks\n");
	put_sites(view, process, growing);
	if (growing->example.wire.address)
		text_put(view, NULL,
			 "     hint: 'tarn who %u 0x%" PRIx64
			 "' tells what holds one of them\n",
			 process->wire.pid, growing->example.wire.address);
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
	if (growth->n_all && growth->all[0].is_sampled)
		text_put(
			view, NULL,
			"  %-11sof a sample of blocks, noted since the first look; "
			"sizes and numbers are of all\n",
			"sites");
	if (growth->n_looks == 2)
		text_put(view, NULL,
			 "  %-11sone interval tells little: what only fills up "
			 "grows, too (--looks=4)\n",
			 "uncertain");
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
