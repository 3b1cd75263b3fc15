/*
 * html_growth: what is held and only grows, in the page: how fast, a line over
 * the looks, and where it comes from.
 */
#include "cli/html.h"

#include <inttypes.h>

#define LOOKS_MAX 24
#define SITES_MAX 3
#define LINE_WIDTH 600.0
#define LINE_HEIGHT 120.0

/* What the script sorts by, as for findings. */
static void put_line(FILE *out, struct model_process *process, size_t number,
		     const struct model_growing *growing, const char *start,
		     const char *end)
{
	struct arena *arena = &process->model->arena;
	size_t n = process->growth->n_looks;
	uint64_t bytes = n ? growing->bytes[n - 1] : 0;
	uint64_t blocks = n ? growing->blocks[n - 1] : 0;
	fprintf(out,
		"<%s id=\"p%zu-g%u\" data-verdict=\"growing\" "
		"data-retained=\"%" PRIu64 "\" data-own=\"%" PRIu64
		"\" data-count=\"%" PRIu64 "\" data-id=\"%u\"%s<span "
		"class=\"no\">g%u</span><span class=\"badge v-growing\">growing"
		"</span>",
		start, number, growing->id, bytes, bytes, blocks, growing->id,
		end, growing->id);
	html_put_heading(out, process, phrase_growing_kind(process, growing),
			 growing->n_sites ? growing->sites[0].site : 0);
	html_put_element(out, "span", "size", phrase_bytes(arena, bytes));
	html_put_element(out, "span", "claim",
			 arena_print(arena, "%s; %s at the last look",
				     phrase_growing(arena, growing),
				     phrase_blocks(arena, blocks)));
}

static double largest_of(const uint64_t *numbers, size_t n)
{
	double largest = 1;
	for (size_t i = 0; i < n; i++) {
		if ((double)numbers[i] > largest)
			largest = (double)numbers[i];
	}
	return largest;
}

static void put_curve(FILE *out, const struct model_growth *growth,
		      const struct model_growing *growing)
{
	size_t n = growth->n_looks;
	double largest = largest_of(growing->bytes, n);
	double end =
		n && growth->seconds[n - 1] > 0 ? growth->seconds[n - 1] : 1;
	fprintf(out,
		"<figure><svg class=\"growth\" viewBox=\"0 0 %.0f %.0f\" "
		"role=\"img\" aria-label=\"bytes at each look, as in the "
		"table\"><path class=\"ground\" d=\"M0 %.0fH%.0f\"/><path "
		"class=\"line\" d=\"",
		LINE_WIDTH, LINE_HEIGHT, LINE_HEIGHT - 8, LINE_WIDTH);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%c%.1f %.1f", i ? 'L' : 'M',
			8 + growth->seconds[i] / end * (LINE_WIDTH - 16),
			LINE_HEIGHT - 8 -
				(double)growing->bytes[i] / largest *
					(LINE_HEIGHT - 20));
	fputs("\"/></svg><figcaption>Bytes at each look, from 0"
	      "</figcaption></figure>\n",
	      out);
}

/* The last ones, if there are many. */
static void put_looks(FILE *out, struct arena *arena,
		      const struct model_growth *growth,
		      const struct model_growing *growing)
{
	size_t n = growth->n_looks;
	size_t first = n > LOOKS_MAX ? n - LOOKS_MAX : 0;
	fputs("<section><h5>Looks</h5>\n<div class=\"wide\"><table><thead>"
	      "<tr><th scope=\"col\" class=\"n\">after</th><th scope=\"col\" "
	      "class=\"n\">blocks</th><th scope=\"col\" class=\"n\">size</th>"
	      "</tr></thead><tbody>\n",
	      out);
	for (size_t i = first; i < n; i++) {
		fprintf(out,
			"<tr><td class=\"n\">%.1f s</td><td class=\"n\">%" PRIu64
			"</td><td class=\"n\">%s</td></tr>\n",
			growth->seconds[i], growing->blocks[i],
			phrase_bytes(arena, growing->bytes[i]));
	}
	fputs("</tbody></table></div></section>\n", out);
}

static void put_sites(FILE *out, struct model_process *process,
		      const struct model_growing *growing)
{
	struct arena *arena = &process->model->arena;
	size_t n = growing->n_sites < SITES_MAX ? growing->n_sites : SITES_MAX;
	for (size_t i = 0; i < n; i++) {
		const struct model_growing_site *site = &growing->sites[i];
		const char *title = "Allocated by";
		if (growing->is_sampled)
			title = arena_print(arena,
					    "Allocated by (%" PRIu64
					    " of %" PRIu64 " in the sample)",
					    site->n_sampled,
					    growing->n_sampled);
		html_put_calls(out, arena, model_site(process, site->site),
			       title);
	}
	if (growing->n_sites > n)
		fprintf(out, "<p class=\"more\">… %zu more sites</p>\n",
			growing->n_sites - n);
	if (growing->n_sites == 0)
		fprintf(out,
			"<p>Where they are allocated is not known: %s.</p>\n",
			explain_no_sites());
}

void html_put_growing(FILE *out, struct model_process *process, size_t number,
		      const struct model_growing *growing, bool is_open)
{
	struct arena *arena = &process->model->arena;
	put_line(out, process, number, growing, "details class=\"finding\"",
		 is_open ? " open=\"open\"><summary>" : "><summary>");
	fputs("</summary>\n<div class=\"body\">\n", out);
	html_put_hint(out, explain_growing_hint(process, growing));
	fputs("<div class=\"columns\">\n<div>\n", out);
	put_curve(out, process->growth, growing);
	put_sites(out, process, growing);
	fputs("</div>\n<div>\n", out);
	put_looks(out, arena, process->growth, growing);
	fputs("</div></div></div></details>\n", out);
}

void html_put_growing_line(FILE *out, struct model_process *process,
			   size_t number, const struct model_growing *growing)
{
	put_line(out, process, number, growing, "div class=\"finding line\"",
		 ">");
	fputs("</div>\n", out);
}
