/*
 * html_finding: one finding of the page: a line that says what it is, and below
 * it, to be opened, the graph, the pointers, the calls and what may be done.
 */
#include "cli/html.h"

#include <inttypes.h>
#include <string.h>

#define CALLS_MAX 20
#define POINTERS_MAX 24
#define CONTENTS_MAX 2
#define BLOCKS_MAX 16
#define CALLERS_MAX 2
#define CALLER_COLUMNS 40

/* --- the line ------------------------------------------------------------ */

/* Whose call FRAME was in: the first is often a wrapper of malloc. */
static void put_callers(FILE *out, struct arena *arena,
			const struct model_site *site,
			const struct model_frame *frame, size_t n)
{
	const struct model_frame *caller = explain_caller(site, frame);
	if (!caller || n == 0)
		return;
	fputs(" <span class=\"via\">", out);
	for (; caller && n > 0; n--) {
		fputs("← ", out);
		html_put_cut(out, phrase_name(arena, caller->function),
			     CALLER_COLUMNS);
		caller = explain_caller(site, caller);
		if (caller && n > 1)
			fputc(' ', out);
	}
	fputs("</span>", out);
}

/* The type and where it comes from, or the call and its place. */
void html_put_heading(FILE *out, struct model_process *process,
		      const char *type, uint32_t site_id)
{
	struct arena *arena = &process->model->arena;
	const struct model_site *site = model_site(process, site_id);
	const struct model_frame *frame = model_user_frame(site);
	fputs("<h4>", out);
	if (type)
		html_put_element(out, "code", NULL, phrase_name(arena, type));
	if (type && frame)
		fputs(" <span class=\"from\">from</span> ", out);
	if (frame && frame->function)
		html_put_element(out, "code", type ? "from" : NULL,
				 phrase_name(arena, frame->function));
	if (frame) {
		fputc(' ', out);
		html_put_element(out, "span", "place",
				 phrase_place(arena, frame));
		put_callers(out, arena, site, frame, CALLERS_MAX);
	}
	if (!type && !frame)
		fputs("<span class=\"from\">not known where from</span>", out);
	fputs("</h4>", out);
}

static void put_line(FILE *out, struct model_process *process,
		     const struct model_finding *finding)
{
	struct arena *arena = &process->model->arena;
	const struct wire_finding *wire = &finding->wire;
	fprintf(out,
		"<span class=\"no\">%u</span><span class=\"badge v-%s\">%s"
		"</span>",
		wire->id, verdict_name(wire->verdict),
		phrase_verdict(wire->verdict));
	html_put_heading(out, process, model_finding_type(process, finding),
			 wire->site);
	html_put_element(out, "span", "size",
			 phrase_bytes(arena, wire->retained_bytes));
	html_put_element(out, "span", "claim",
			 phrase_claim(arena, finding, NULL));
}

static void put_mini_bar(FILE *out, const struct wire_finding *wire,
			 uint64_t largest)
{
	double share =
		largest ? (double)wire->retained_bytes / (double)largest * 100
			: 0;
	fprintf(out,
		"<svg class=\"mini\" viewBox=\"0 0 100 4\" "
		"preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect "
		"class=\"v-%s\" width=\"%.1f\" height=\"4\"/></svg>",
		verdict_name(wire->verdict),
		share < 1     ? 1
		: share > 100 ? 100
			      : share);
}

/* What the script sorts by. */
static void put_start(FILE *out, const char *tag, const char *class_name,
		      size_t number, const struct wire_finding *wire)
{
	fprintf(out,
		"<%s class=\"%s\" id=\"p%zu-f%u\" data-verdict=\"%s\" "
		"data-retained=\"%" PRIu64 "\" data-own=\"%" PRIu64
		"\" data-count=\"%" PRIu64 "\" data-id=\"%u\"",
		tag, class_name, number, wire->id, verdict_name(wire->verdict),
		wire->retained_bytes, wire->own_bytes, wire->count, wire->id);
}

static bool is_cycle(const struct model_finding *finding)
{
	return finding->wire.verdict == WIRE_CYCLE ||
	       finding->wire.verdict == WIRE_INNER_CYCLE;
}

/* --- pointers ------------------------------------------------------------ */

static void put_pointer(FILE *out, const struct wire_edge *edge)
{
	fprintf(out,
		"<tr%s><td>#%u</td><td class=\"n\">+%" PRIu64 "</td><td>#%u",
		edge->closes ? " class=\"closes\"" : "", edge->from,
		edge->offset, edge->to);
	if (edge->to_offset)
		fprintf(out, "+%" PRIu64, edge->to_offset);
	fprintf(out, "</td><td>%s</td></tr>\n",
		edge->closes ? "closes the cycle" : "");
}

static void put_pointers(FILE *out, const struct model_finding *finding)
{
	size_t n = finding->n_edges;
	size_t shown = n > POINTERS_MAX ? POINTERS_MAX : n;
	fputs("<section class=\"pointers\"><h5>Pointers</h5>\n"
	      "<table><thead><tr><th scope=\"col\">in block</th><th "
	      "scope=\"col\" class=\"n\">at</th><th scope=\"col\">to "
	      "block</th><th scope=\"col\"><span class=\"unseen\">remark"
	      "</span></th></tr></thead><tbody>\n",
	      out);
	for (size_t i = 0; i < shown; i++)
		put_pointer(out, &finding->edges[i]);
	fputs("</tbody></table>\n", out);
	if (n > shown)
		fprintf(out, "<p class=\"more\">… %zu more</p>\n", n - shown);
	fputs("</section>\n", out);
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* "allocate dir/demo.c:17 ← make_node dir/demo.c:40" */
static const char *place_of(struct model_process *process,
			    const struct model_member *member)
{
	struct arena *arena = &process->model->arena;
	const struct model_site *site = model_site(process, member->wire.site);
	const struct model_frame *frame = model_user_frame(site);
	const struct model_frame *caller = explain_caller(site, frame);
	const char *place = phrase_frame(arena, frame);
	if (!place || !caller)
		return place;
	return arena_print(arena, "%s ← %s", place,
			   phrase_frame(arena, caller));
}

static bool is_alike(struct model_process *process,
		     const struct model_member *one,
		     const struct model_member *other)
{
	return one->wire.bytes == other->wire.bytes &&
	       one->wire.index + 1 == other->wire.index &&
	       is_same_text(model_member_type(process, one),
			    model_member_type(process, other)) &&
	       is_same_text(place_of(process, one), place_of(process, other));
}

static void put_block(FILE *out, struct model_process *process,
		      const struct model_member *first,
		      const struct model_member *last)
{
	struct arena *arena = &process->model->arena;
	const char *type = model_member_type(process, first);
	const char *place = place_of(process, first);
	fprintf(out, "<tr><th scope=\"row\">#%u", first->wire.index);
	if (first != last)
		fprintf(out, " to #%u", last->wire.index);
	fprintf(out, "</th><td class=\"n\">%s</td><td>",
		phrase_bytes(arena, first->wire.bytes));
	if (type)
		html_put_element(out, "code", NULL, phrase_name(arena, type));
	if (place)
		html_put_element(out, "small", NULL, place);
	fputs("</td></tr>\n", out);
}

/* Those of one kind that follow each other have one row. */
static void put_blocks(FILE *out, struct model_process *process,
		       const struct model_finding *finding)
{
	const struct model_member *members = finding->members;
	size_t n = finding->n_members;
	size_t shown = n > BLOCKS_MAX ? BLOCKS_MAX : n;
	fputs("<section class=\"blocks\"><h5>Blocks</h5>\n<table><thead><tr>"
	      "<th scope=\"col\">block</th><th scope=\"col\" "
	      "class=\"n\">size</th><th scope=\"col\">type, and where "
	      "from</th></tr></thead><tbody>\n",
	      out);
	for (size_t i = 0, first = 0; i < shown; i++) {
		if (i + 1 < shown &&
		    is_alike(process, &members[i], &members[i + 1]))
			continue;
		put_block(out, process, &members[first], &members[i]);
		first = i + 1;
	}
	fputs("</tbody></table>\n", out);
	if (finding->wire.largest_blocks > shown && is_cycle(finding))
		fprintf(out, "<p class=\"more\">… %" PRIu64 " more</p>\n",
			finding->wire.largest_blocks - shown);
	fputs("</section>\n", out);
}

/* --- calls and contents -------------------------------------------------- */

static void put_call(FILE *out, struct arena *arena,
		     const struct model_frame *frame, bool is_user)
{
	fputs(is_user ? "<li class=\"mine\">" : "<li>", out);
	if (frame->function)
		html_put_element(out, "code", NULL,
				 phrase_name(arena, frame->function));
	fputs(" <span class=\"place\"", out);
	if (frame->file) {
		fputs(" title=\"", out);
		html_put_cut(out, frame->file, HTML_NAME_COLUMNS);
		fputc('"', out);
	}
	fputc('>', out);
	html_put_cut(out, phrase_place(arena, frame), HTML_NAME_COLUMNS);
	fputs(frame->is_inlined ? "</span> <em>inlined</em></li>\n"
				: "</span></li>\n",
	      out);
}

void html_put_calls(FILE *out, struct arena *arena,
		    const struct model_site *site, const char *title)
{
	const struct model_frame *user = model_user_frame(site);
	size_t first = 0, end = 0, shown;
	if (site && site->n_frames)
		end = explain_calls(site, &first);
	fprintf(out, "<section class=\"calls\"><h5>%s</h5>\n", title);
	if (end == first) {
		fputs("<p>Where it was allocated is not known.</p></section>\n",
		      out);
		return;
	}
	shown = end - first > CALLS_MAX ? first + CALLS_MAX : end;
	fputs("<ol>\n", out);
	for (size_t i = first; i < shown; i++)
		put_call(out, arena, &site->frames[i],
			 &site->frames[i] == user);
	fputs("</ol>\n", out);
	if (end > shown)
		fprintf(out, "<p class=\"more\">… %zu more</p>\n", end - shown);
	fputs("</section>\n", out);
}

static void put_contents(FILE *out, struct model_process *process,
			 const struct model_finding *finding)
{
	struct arena *arena = &process->model->arena;
	size_t n = finding->n_members;
	fputs("<section class=\"contents\"><h5>Contents</h5>\n", out);
	for (size_t i = 0; i < n && i < CONTENTS_MAX; i++) {
		const struct model_member *member = &finding->members[i];
		fputs("<p>", out);
		html_put_cut(out, phrase_member(process, member),
			     HTML_NAME_COLUMNS);
		fprintf(out, " at 0x%" PRIx64 "</p>\n<pre>",
			member->wire.address);
		for (uint32_t at = 0; at < member->wire.contents_bytes;
		     at += CONTENTS_COLUMNS) {
			html_put_text(
				out, phrase_contents(arena, &member->wire, at));
			fputc('\n', out);
		}
		fputs("</pre>\n", out);
	}
	fputs("</section>\n", out);
}

/* --- all of it ----------------------------------------------------------- */

static void put_fact(FILE *out, const char *name, const char *value)
{
	fprintf(out, "<div><dt>%s</dt>", name);
	html_put_element(out, "dd", NULL, value);
	fputs("</div>", out);
}

static const char *amount(struct arena *arena, uint64_t blocks, uint64_t bytes)
{
	return arena_print(arena, "%s, %s", phrase_blocks(arena, blocks),
			   phrase_bytes(arena, bytes));
}

/* But for what the line has said already. */
static void put_facts(FILE *out, struct model_process *process, size_t number,
		      const struct model_finding *finding)
{
	struct arena *arena = &process->model->arena;
	const struct wire_finding *wire = &finding->wire;
	bool has_owner = model_finding(process, wire->owner) != NULL;
	if (wire->count == 1 && !has_owner &&
	    wire->retained_blocks == wire->own_blocks)
		return;
	fputs("<dl class=\"facts\">", out);
	put_fact(out, "times", arena_print(arena, "%" PRIu64, wire->count));
	put_fact(out, "own", amount(arena, wire->own_blocks, wire->own_bytes));
	put_fact(out, "retains",
		 amount(arena, wire->retained_blocks, wire->retained_bytes));
	if (has_owner)
		fprintf(out,
			"<div><dt>held by</dt><dd><a href=\"#p%zu-f%u\">"
			"finding %u</a></dd></div>",
			number, wire->owner, wire->owner);
	fputs("</dl>\n", out);
}

void html_put_hint(FILE *out, const char *hint)
{
	if (!hint)
		return;
	fputs("<p class=\"hint\"><b>Hint</b> ", out);
	html_put_cut(out, hint, 3 * HTML_NAME_COLUMNS);
	fputs("</p>\n", out);
}

/* Of blocks whose calls are not known. */
static void put_alike(FILE *out, const struct model_process *process,
		      const struct model_finding *finding)
{
	uint32_t alike = explain_alike(process, finding);
	if (alike)
		fprintf(out, "<p>Finding %u is like it, and tells.</p>\n",
			alike);
}

/* Two columns in a wide window. */
static void put_body(FILE *out, struct model_process *process,
		     const struct model_finding *finding)
{
	size_t sited = explain_sited_member(finding);
	const struct model_site *site =
		sited < finding->n_members
			? model_site(process, finding->members[sited].wire.site)
			: NULL;
	struct arena *arena = &process->model->arena;
	bool has_graph = is_cycle(finding) && finding->n_members;
	bool has_contents = finding->n_members && (!finding->n_edges || !site);
	fprintf(out, "<div class=\"columns%s\">\n<div>\n",
		has_graph ? " drawn" : "");
	if (has_graph) {
		html_put_graph(out, process, finding);
		put_blocks(out, process, finding);
	} else {
		html_put_calls(out, arena, site, "Allocated by");
	}
	if (has_graph && has_contents)
		put_contents(out, process, finding);
	fputs("</div>\n<div>\n", out);
	if (finding->n_edges)
		put_pointers(out, finding);
	if (has_graph)
		html_put_calls(out, arena, site,
			       arena_print(arena, "Block #%zu is allocated by",
					   site ? sited : 0));
	else if (finding->n_edges)
		put_blocks(out, process, finding);
	if (!has_graph && has_contents)
		put_contents(out, process, finding);
	if (!site)
		put_alike(out, process, finding);
	fputs("</div></div>\n", out);
}

void html_put_finding(FILE *out, struct model_process *process, size_t number,
		      const struct model_finding *finding, uint64_t largest,
		      bool is_open)
{
	put_start(out, "details", "finding", number, &finding->wire);
	fputs(is_open ? " open=\"open\">\n<summary>" : ">\n<summary>", out);
	put_line(out, process, finding);
	put_mini_bar(out, &finding->wire, largest);
	fputs("</summary>\n<div class=\"body\">\n", out);
	put_facts(out, process, number, finding);
	html_put_hint(out, explain_hint(process, finding));
	put_body(out, process, finding);
	fputs("</div></details>\n", out);
}

void html_put_finding_line(FILE *out, struct model_process *process,
			   size_t number, const struct model_finding *finding)
{
	put_start(out, "div", "finding line", number, &finding->wire);
	fputc('>', out);
	put_line(out, process, finding);
	fputs("</div>\n", out);
}
