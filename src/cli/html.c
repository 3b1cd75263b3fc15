/*
 * html: a report as one page that needs nothing else: no network, no fonts, and
 * no script but for sorting and filtering.
 *
 * The page is made in memory and stays below PAGE_BYTES_MAX: each process has
 * its share, and what it does not need goes to those after it.
 */
#include "cli/html.h"
#include "tarn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* What a process takes besides findings, and what it gets for them at least. */
#define PROCESS_BYTES 10000
#define FINDINGS_BYTES 12000

#define VERDICTS_HELD (1u << WIRE_POSSIBLE | 1u << WIRE_FOREIGN)

struct page {
	FILE *out; /* into memory */
	struct view view;
	struct model *model;
	size_t left; /* bytes for processes to come */
	char nonce[33];
};

/* --- the head of a process ----------------------------------------------- */

static void put_time(FILE *out, int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm local;
	char machine[40] = "", person[40] = "";
	if (seconds <= 0 || !localtime_r(&when, &local))
		return;
	strftime(machine, sizeof(machine), "%Y-%m-%dT%H:%M:%S%z", &local);
	strftime(person, sizeof(person), "%Y-%m-%d %H:%M:%S %z", &local);
	fprintf(out,
		"<div><dt>when</dt><dd><time datetime=\"%s\">%s</time>"
		"</dd></div>",
		machine, person);
}

static void put_fact(FILE *out, const char *name, const char *value)
{
	fprintf(out, "<div><dt>%s</dt>", name);
	html_put_element(out, "dd", NULL, value);
	fputs("</div>", out);
}

static const char *sites_of(uint32_t flags)
{
	if (flags & WIRE_SITES_ALL)
		return "of all blocks";
	return flags & WIRE_SITES_SAMPLED
		       ? "of a sample of blocks (--sites=all)"
		       : "not noted (--sites=all)";
}

static void put_facts(FILE *out, const struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	const struct wire_process *all = &process->wire;
	fputs("<dl class=\"facts\">", out);
	put_time(out, process->taken_at);
	put_fact(out, "trace",
		 all->flags & WIRE_LIVE
			 ? "of a process that goes on"
			 : "at the end of the process, or by call");
	put_fact(out, "looks", arena_print(arena, "%u", all->n_looks));
	put_fact(out, "threads", arena_print(arena, "%u", all->n_threads));
	put_fact(out, "stopped for",
		 arena_print(arena, "%.1f ms", (double)all->stopped_ns / 1e6));
	put_fact(out, "traced in",
		 arena_print(arena, "%.1f ms", (double)all->traced_ns / 1e6));
	put_fact(out, "scanned",
		 arena_print(arena, "%s of data and stacks, %s of heap",
			     phrase_bytes(arena, all->root_bytes),
			     phrase_bytes(arena, all->heap_bytes)));
	put_fact(out, "sites", sites_of(all->flags));
	fputs("</dl>\n", out);
}

static void put_note(FILE *out, const char *kind, const char *text)
{
	fprintf(out, "<li><b>%s</b> ", kind);
	html_put_cut(out, text, 2 * HTML_NAME_COLUMNS);
	fputs("</li>\n", out);
}

/* Symbols are looked up while findings are written: after them it is known
 * which modules have no names. */
static void put_doubts(FILE *out, const struct model_process *process)
{
	const char *doubts[EXPLAIN_DOUBTS_MAX];
	size_t n = explain_doubts(process, doubts);
	if (n == 0)
		return;
	fputs("<ul class=\"doubts\" role=\"note\">\n", out);
	for (size_t i = 0; i < n; i++)
		put_note(out, "uncertain", doubts[i]);
	fputs("</ul>\n", out);
}

#define MODULES_MAX 20

static void put_modules(FILE *out, const struct model_process *process)
{
	size_t n = 0;
	for (size_t i = 0; i < process->n_modules; i++) {
		const char *text = explain_module(&process->model->arena,
						  &process->modules[i]);
		if (!text || n++ >= MODULES_MAX)
			continue;
		if (n == 1)
			fputs("<ul class=\"doubts\">\n", out);
		put_note(out, "no names", text);
	}
	if (n > MODULES_MAX)
		fprintf(out, "<li>… %zu more</li>\n", n - MODULES_MAX);
	if (n)
		fputs("</ul>\n", out);
}

/* --- totals -------------------------------------------------------------- */

static uint64_t less(uint64_t n, uint64_t taken)
{
	return n > taken ? n - taken : 0;
}

/* Of the live heap what is neither lost nor less. */
static struct html_part held_part(struct arena *arena,
				  const struct wire_process *all)
{
	uint64_t blocks = all->lost_blocks + all->possible_blocks +
			  all->foreign_blocks + all->suppressed_blocks +
			  all->unconfirmed_blocks;
	uint64_t bytes = all->lost_bytes + all->possible_bytes +
			 all->foreign_bytes + all->suppressed_bytes +
			 all->unconfirmed_bytes;
	return (struct html_part){
		.name = "held",
		.class_name = "v-held",
		.amount = phrase_blocks(arena, less(all->live_blocks, blocks)),
		.bytes = less(all->live_bytes, bytes),
		.remark = "a root reaches them",
	};
}

#define TOTALS 6

/* Returns how many there are: the last two only if they are not 0. */
static size_t make_totals(struct html_part parts[TOTALS], struct arena *arena,
			  const struct wire_process *all)
{
	const struct html_part totals[] = {
		{"lost", "v-lost", phrase_blocks(arena, all->lost_blocks),
		 all->lost_bytes, "no root reaches them"},
		{"possible", "v-possible",
		 phrase_blocks(arena, all->possible_blocks),
		 all->possible_bytes, explain_total(WIRE_POSSIBLE)},
		{"foreign", "v-foreign",
		 phrase_blocks(arena, all->foreign_blocks), all->foreign_bytes,
		 explain_total(WIRE_FOREIGN)},
		held_part(arena, all),
		{"unconfirmed", "v-unconfirmed",
		 phrase_blocks(arena, all->unconfirmed_blocks),
		 all->unconfirmed_bytes,
		 "lost in the last look but not before"},
		{"suppressed", "v-suppressed",
		 phrase_blocks(arena, all->suppressed_blocks),
		 all->suppressed_bytes, "lost or less, and left out on demand"},
	};
	size_t n = 0;
	for (size_t i = 0; i < TOTALS; i++) {
		if (i < TOTALS - 2 || totals[i].bytes)
			parts[n++] = totals[i];
	}
	return n;
}

static void put_totals(FILE *out, const struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	const struct wire_process *all = &process->wire;
	struct html_part parts[TOTALS];
	struct html_bar bar = {
		.label = "lost and other blocks of the heap",
		.column = "blocks",
		.all_name = "live heap",
		.all_amount = phrase_blocks(arena, all->live_blocks),
		.n = make_totals(parts, arena, all),
		.parts = parts,
	};
	fputs("<section><h3>The live heap</h3>\n", out);
	html_put_bar(out, arena, &bar);
	fputs("</section>\n", out);
}

static void put_result(struct page *page, struct model_process *process)
{
	size_t n_lost = findings_shown(&page->view, process, VERDICTS_LOST);
	bool is_clean = n_lost == 0 && process->wire.lost_blocks == 0;
	html_put_element(page->out, "p", is_clean ? "result clean" : "result",
			 is_clean ? explain_clean(process)
				  : explain_lost(process, n_lost));
	fputc('\n', page->out);
}

/* --- the tools ----------------------------------------------------------- */

static bool has_verdict(const struct page *page, uint32_t verdict)
{
	const struct model *model = page->model;
	for (size_t i = 0; i < model->n_processes; i++) {
		if (findings_shown(&page->view, model->processes[i],
				   verdict_bit(verdict)))
			return true;
	}
	return false;
}

static void put_choice(FILE *out, const char *name, const char *text)
{
	fprintf(out,
		"<label class=\"choice v-%s\"><input type=\"checkbox\" "
		"checked=\"checked\" value=\"%s\" />%s</label>\n",
		name, name, text);
}

/* The script shows it. */
static void put_tools(const struct page *page)
{
	const struct model *model = page->model;
	FILE *out = page->out;
	size_t n_growing = 0;
	fputs("<form id=\"tools\" role=\"search\" hidden=\"hidden\">\n"
	      "<label class=\"filter\"><span>Filter</span><input "
	      "type=\"search\" id=\"filter\" placeholder=\"function, file, "
	      "type\" /></label>\n"
	      "<fieldset><legend class=\"unseen\">Verdicts</legend>\n",
	      out);
	for (uint32_t i = WIRE_LOST; i <= WIRE_FOREIGN; i++) {
		if (has_verdict(page, i))
			put_choice(out, verdict_name(i), phrase_verdict(i));
	}
	for (size_t i = 0; i < model->n_processes; i++)
		n_growing += html_count_growing(model->processes[i]);
	if (n_growing)
		put_choice(out, "growing", "growing");
	fputs("</fieldset>\n<label><span>Sort by</span><select id=\"sort\">"
	      "<option value=\"retained\">retained</option>"
	      "<option value=\"own\">own size</option>"
	      "<option value=\"count\">times</option>"
	      "<option value=\"id\">number</option></select></label>\n"
	      "<span class=\"buttons\"><button type=\"button\" "
	      "id=\"open\">Open all</button><button type=\"button\" "
	      "id=\"close\">Close all</button></span>\n"
	      "<output id=\"shown\" aria-live=\"polite\"></output>\n</form>\n",
	      out);
}

/* --- a process ----------------------------------------------------------- */

static void put_process(struct page *page, struct model_process *process,
			size_t number, size_t bytes)
{
	FILE *out = page->out;
	fprintf(out,
		"<section class=\"process\" aria-labelledby=\"p%zu\">\n"
		"<header><h2 id=\"p%zu\">",
		number, number);
	html_put_element(out, "span", "program", process->program);
	fprintf(out, " <span class=\"pid\">pid %u</span></h2>\n",
		process->wire.pid);
	put_result(page, process);
	put_facts(out, process);
	put_doubts(out, process);
	fputs("</header>\n", out);
	put_totals(out, process);
	if (process->memory)
		html_put_memory(out, &process->model->arena, process->memory);
	if (page->model->n_processes == 1)
		put_tools(page);
	html_put_lists(out, &page->view, process, number, bytes);
	put_modules(out, process);
	fputs("</section>\n", out);
}

/* --- the page ------------------------------------------------------------ */

/* A name in a report cannot start a script: it does not know the number. */
static void make_nonce(struct page *page)
{
	unsigned char bytes[16];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		/* Then there is no script, and the page does without. */
		page->nonce[0] = '\0';
		return;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(page->nonce + 2 * i, 3, "%02x", bytes[i]);
}

static void put_title(const struct page *page)
{
	const struct model *model = page->model;
	FILE *out = page->out;
	fputs("<title>Leaks of ", out);
	if (model->n_processes == 1) {
		html_put_cut(out, model->processes[0]->program,
			     HTML_NAME_COLUMNS);
		fprintf(out, " (pid %u)", model->processes[0]->wire.pid);
	} else {
		fprintf(out, "%zu processes", model->n_processes);
	}
	fputs("</title>\n", out);
}

static void put_head(const struct page *page)
{
	FILE *out = page->out;
	fprintf(out,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		"<meta charset=\"utf-8\" />\n"
		"<meta http-equiv=\"Content-Security-Policy\" "
		"content=\"default-src 'none'; style-src 'nonce-%s'; "
		"script-src 'nonce-%s'; base-uri 'none'; form-action "
		"'none'\" />\n"
		"<meta name=\"viewport\" content=\"width=device-width, "
		"initial-scale=1\" />\n"
		"<meta name=\"color-scheme\" content=\"light dark\" />\n"
		"<meta name=\"generator\" content=\"tarn " TARN_VERSION
		"\" />\n",
		page->nonce, page->nonce);
	put_title(page);
	fprintf(out, "<style nonce=\"%s\">\n%s</style>\n</head>\n<body>\n",
		page->nonce, page_style);
}

static void put_processes(struct page *page)
{
	struct model *model = page->model;
	size_t n = model->n_processes, i = 0;
	for (; i < n && page->left > PROCESS_BYTES + FINDINGS_BYTES; i++) {
		long before = ftell(page->out);
		size_t share = page->left / (n - i);
		put_process(page, model->processes[i], i + 1,
			    share < PROCESS_BYTES + FINDINGS_BYTES
				    ? FINDINGS_BYTES
				    : share - PROCESS_BYTES);
		size_t taken = (size_t)(ftell(page->out) - before);
		page->left -= taken < page->left ? taken : page->left;
	}
	if (i < n)
		fprintf(page->out,
			"<p class=\"note\">… %zu more processes</p>\n", n - i);
	if (n == 0)
		fputs("<p class=\"result\">There is no report.</p>\n",
		      page->out);
}

static void put_page(struct page *page)
{
	put_head(page);
	fputs("<header class=\"top\"><h1>tarn <span>leak report</span></h1>"
	      "</header>\n<main>\n",
	      page->out);
	if (page->model->n_processes > 1)
		put_tools(page);
	page->left = PAGE_BYTES_MAX - (size_t)ftell(page->out) -
		     strlen(page_script) - PROCESS_BYTES;
	put_processes(page);
	fprintf(page->out,
		"</main>\n<footer>Made by tarn " TARN_VERSION
		". tarn(7) explains the verdicts.</footer>\n"
		"<script nonce=\"%s\">\n%s</script>\n</body>\n</html>\n",
		page->nonce, page_script);
}

bool html_render(const struct view *view, struct model *model)
{
	char *text = NULL;
	size_t length = 0;
	struct page page = {.view = *view, .model = model};
	bool is_good;
	/* It cannot be asked again, and one can filter. */
	page.view.show |= VERDICTS_HELD;
	page.out = open_memstream(&text, &length);
	if (!page.out)
		return false;
	make_nonce(&page);
	put_page(&page);
	is_good = fclose(page.out) == 0 &&
		  fwrite(text, 1, length, view->out) == length;
	free(text);
	return is_good;
}
