/*
 * html_list: the lists of findings of a process, in the room that it has.
 *
 * Law: of the room, what the lines of all items to come take is kept for them;
 * the rest goes to details, of the first items, which are the largest, until
 * there is no more.
 */
#include "cli/html.h"

#include <stdlib.h>

/* So many findings of a list are open from the start. */
#define OPEN_MAX 3

/* Of a process, one of these. */
struct item {
	const struct model_finding *finding;
	const struct model_growing *growing;
	size_t line_bytes;
	bool is_open;
};

struct lists {
	FILE *out;
	const struct view *view;
	struct model_process *process;
	size_t number; /* of the process */
	uint64_t largest;
	size_t n;
	struct item *items;
	/* The room. */
	size_t left;
	size_t reserve; /* of it, for lines of items to come */
	size_t n_details;
	size_t n_lines;
	size_t n_left_out;
};

/* --- what is to be listed ------------------------------------------------ */

size_t html_count_growing(const struct model_process *process)
{
	size_t n = 0;
	for (size_t i = 0; process->growth && i < process->growth->n_all; i++)
		n += !process->growth->all[i].is_suppressed;
	return n;
}

static void add_item(struct lists *lists, struct item item)
{
	lists->items = arena_grow(&lists->process->model->arena, lists->items,
				  lists->n, sizeof(item));
	lists->items[lists->n++] = item;
}

static void add_findings(struct lists *lists, unsigned int verdicts)
{
	size_t n = 0;
	for (size_t i = 0; i < lists->process->n_findings; i++) {
		const struct model_finding *finding =
			&lists->process->findings[i];
		if (!(verdict_bit(finding->wire.verdict) & verdicts) ||
		    !finding_is_shown(lists->view, finding))
			continue;
		if (finding->wire.retained_bytes > lists->largest)
			lists->largest = finding->wire.retained_bytes;
		add_item(lists, (struct item){.finding = finding,
					      .is_open = n++ < OPEN_MAX &&
							 lists->number == 1});
	}
}

static void add_growing(struct lists *lists)
{
	const struct model_growth *growth = lists->process->growth;
	size_t n = 0;
	for (size_t i = 0; growth && i < growth->n_all; i++) {
		if (!growth->all[i].is_suppressed)
			add_item(lists,
				 (struct item){.growing = &growth->all[i],
					       .is_open = n++ < OPEN_MAX});
	}
}

/* --- room ---------------------------------------------------------------- */

static void put_item(FILE *out, const struct lists *lists,
		     const struct item *item, bool has_details)
{
	struct model_process *process = lists->process;
	size_t number = lists->number;
	if (item->growing && has_details)
		html_put_growing(out, process, number, item->growing,
				 item->is_open);
	else if (item->growing)
		html_put_growing_line(out, process, number, item->growing);
	else if (has_details)
		html_put_finding(out, process, number, item->finding,
				 lists->largest, item->is_open);
	else
		html_put_finding_line(out, process, number, item->finding);
}

/* The item as text to be freed; NULL: there is no memory. */
static char *item_text(const struct lists *lists, const struct item *item,
		       bool has_details, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	if (!out)
		return NULL;
	put_item(out, lists, item, has_details);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Lines take two thirds of the room at most; those after that are left out. */
static void reserve_lines(struct lists *lists)
{
	for (size_t i = 0; i < lists->n; i++) {
		struct item *item = &lists->items[i];
		char *text = item_text(lists, item, false, &item->line_bytes);
		free(text);
		if (!text ||
		    lists->reserve + item->line_bytes > lists->left / 3 * 2) {
			lists->n_left_out = lists->n - i;
			lists->n = i;
			return;
		}
		lists->reserve += item->line_bytes;
	}
}

/* Writes the item if what is reserved stays free. */
static bool put_if_fits(struct lists *lists, const struct item *item,
			bool has_details)
{
	size_t length;
	char *text = item_text(lists, item, has_details, &length);
	bool fits = text && length + lists->reserve <= lists->left;
	if (fits) {
		fwrite(text, 1, length, lists->out);
		lists->left -= length;
	}
	free(text);
	return fits;
}

static void put_in_room(struct lists *lists, const struct item *item)
{
	lists->reserve -= item->line_bytes;
	if (lists->n_lines == 0 && put_if_fits(lists, item, true))
		lists->n_details++;
	else if (put_if_fits(lists, item, false))
		lists->n_lines++;
	else
		lists->n_left_out++;
}

/* --- lists --------------------------------------------------------------- */

/* The items from FIRST to before END; N is how many there are at all. */
static void put_list(struct lists *lists, const char *title, size_t n,
		     size_t first, size_t end)
{
	FILE *out = lists->out;
	if (end > lists->n)
		end = lists->n;
	fprintf(out,
		"<section class=\"list\"><h3>%s <span class=\"count\">%zu"
		"</span></h3>\n<div class=\"findings\">\n",
		title, n);
	for (size_t i = first; i < end; i++)
		put_in_room(lists, &lists->items[i]);
	fputs("</div></section>\n", out);
}

static void put_what_is_missing(const struct lists *lists)
{
	FILE *out = lists->out;
	if (lists->n_lines + lists->n_left_out == 0)
		return;
	fprintf(out,
		"<p class=\"note\" role=\"note\">The page stays below 1 MB: "
		"the largest %zu have their details, %zu have one line each",
		lists->n_details, lists->n_lines);
	if (lists->n_left_out)
		fprintf(out, ", and %zu are left out", lists->n_left_out);
	fputs(". The formats text, with --max=0, and json have "
	      "everything.</p>\n",
	      out);
}

static const char *growth_title(const struct model_growth *growth)
{
	return growth->n_looks < 2
		       ? "Held and growing: not known after one look"
		       : "Held and growing";
}

static void put_growth_notes(const struct lists *lists)
{
	const struct model_growth *growth = lists->process->growth;
	const char *doubt = growth ? explain_growth_doubt(growth) : NULL;
	const char *sites = growth ? explain_growth_sites(growth) : NULL;
	if (doubt)
		fprintf(lists->out,
			"<p class=\"note\"><b>uncertain</b> %s</p>\n", doubt);
	if (sites)
		fprintf(lists->out, "<p class=\"more\">Sites are %s.</p>\n",
			sites);
}

void html_put_lists(FILE *out, const struct view *view,
		    struct model_process *process, size_t number, size_t bytes)
{
	struct lists lists = {
		.out = out,
		.view = view,
		.process = process,
		.number = number,
		.left = bytes,
	};
	size_t n_lost, n_growing, n_all;
	add_findings(&lists, VERDICTS_LOST);
	n_lost = lists.n;
	add_growing(&lists);
	n_growing = lists.n - n_lost;
	add_findings(&lists, ~VERDICTS_LOST);
	n_all = lists.n;
	reserve_lines(&lists);
	if (n_lost)
		put_list(&lists, "Lost", n_lost, 0, n_lost);
	if (process->growth)
		put_list(&lists, growth_title(process->growth), n_growing,
			 n_lost, n_lost + n_growing);
	put_growth_notes(&lists);
	if (n_all > n_lost + n_growing)
		put_list(&lists, "Possible and foreign",
			 n_all - n_lost - n_growing, n_lost + n_growing, n_all);
	put_what_is_missing(&lists);
}
