/*
 * html_put: text that cannot break out of the page, bars and their tables.
 */
#include "cli/html.h"

#include <inttypes.h>
#include <string.h>

/* How many bytes the character at TEXT has; the model's text is UTF-8. */
static size_t character_bytes(const char *text)
{
	size_t n = 1;
	while (((unsigned char)text[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* U+FFFE and U+FFFF, which XML does not have. */
static bool is_no_character(const char *text)
{
	return strncmp(text, "\xef\xbf\xbe", 3) == 0 ||
	       strncmp(text, "\xef\xbf\xbf", 3) == 0;
}

static const char *escape_of(const char *text)
{
	switch (*text) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case 0x7f:
		return "?";
	default:
		if ((unsigned char)*text < 0x20 || is_no_character(text))
			return "?";
		return NULL;
	}
}

void html_put_cut(FILE *out, const char *text, size_t columns)
{
	for (; *text && columns > 0; columns--) {
		const char *escape = escape_of(text);
		size_t n = character_bytes(text);
		/* The last column is for the dots. */
		if (columns == 1 && text[n])
			escape = "…";
		if (escape)
			fputs(escape, out);
		else
			fwrite(text, 1, n, out);
		text += n;
	}
}

void html_put_text(FILE *out, const char *text)
{
	html_put_cut(out, text, SIZE_MAX);
}

void html_put_element(FILE *out, const char *tag, const char *class_name,
		      const char *text)
{
	if (class_name)
		fprintf(out, "<%s class=\"%s\">", tag, class_name);
	else
		fprintf(out, "<%s>", tag);
	html_put_cut(out, text, HTML_NAME_COLUMNS);
	fprintf(out, "</%s>", tag);
}

/* --- bars ---------------------------------------------------------------- */

#define BAR_COLUMNS 1000
/* What is not 0 can be seen. */
#define BAR_COLUMNS_MIN 4

static uint64_t sum_of(const struct html_bar *bar)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < bar->n; i++)
		sum += bar->parts[i].bytes;
	return sum;
}

static double columns_of(uint64_t bytes, uint64_t sum)
{
	double columns = (double)bytes / (double)sum * BAR_COLUMNS;
	if (bytes == 0)
		return 0;
	return columns < BAR_COLUMNS_MIN ? BAR_COLUMNS_MIN : columns;
}

static const char *share_of(struct arena *arena, uint64_t bytes, uint64_t sum)
{
	double share = sum ? 100 * (double)bytes / (double)sum : 0;
	if (bytes && share < 0.1)
		return "< 0.1 %";
	return arena_print(arena, "%.1f %%", share);
}

static void put_rectangles(FILE *out, struct arena *arena,
			   const struct html_bar *bar, uint64_t sum)
{
	double all = 0, at = 0;
	for (size_t i = 0; i < bar->n; i++)
		all += columns_of(bar->parts[i].bytes, sum);
	for (size_t i = 0; i < bar->n; i++) {
		const struct html_part *part = &bar->parts[i];
		double columns =
			columns_of(part->bytes, sum) / all * BAR_COLUMNS;
		if (columns == 0)
			continue;
		fprintf(out,
			"<rect class=\"%s\" x=\"%.1f\" width=\"%.1f\" "
			"height=\"20\"><title>%s: %s</title></rect>",
			part->class_name, at, columns, part->name,
			phrase_bytes(arena, part->bytes));
		at += columns;
	}
}

static void put_row(FILE *out, struct arena *arena, const struct html_bar *bar,
		    const struct html_part *part, uint64_t sum)
{
	fputs("<tr><th scope=\"row\">", out);
	if (part->class_name)
		fprintf(out,
			"<svg class=\"dot\" viewBox=\"0 0 10 10\" "
			"aria-hidden=\"true\"><rect class=\"%s\" "
			"width=\"10\" height=\"10\" rx=\"3\"/></svg>",
			part->class_name);
	fprintf(out, "%s</th>", part->name);
	if (bar->column)
		html_put_element(out, "td", "n",
				 part->amount ? part->amount : "");
	html_put_element(out, "td", "n", phrase_bytes(arena, part->bytes));
	html_put_element(out, "td", "n", share_of(arena, part->bytes, sum));
	html_put_element(out, "td", "why", part->remark);
	fputs("</tr>\n", out);
}

static void put_table(FILE *out, struct arena *arena,
		      const struct html_bar *bar, uint64_t sum)
{
	struct html_part all = {
		.name = bar->all_name,
		.amount = bar->all_amount,
		.bytes = sum,
		.remark = "",
	};
	fputs("<table class=\"parts\"><thead><tr><th scope=\"col\">part</th>",
	      out);
	if (bar->column)
		fprintf(out, "<th scope=\"col\" class=\"n\">%s</th>",
			bar->column);
	fputs("<th scope=\"col\" class=\"n\">size</th><th scope=\"col\" "
	      "class=\"n\">share</th><th scope=\"col\" class=\"why\">what "
	      "it is</th></tr></thead>\n<tbody>\n",
	      out);
	for (size_t i = 0; i < bar->n; i++)
		put_row(out, arena, bar, &bar->parts[i], sum);
	fputs("</tbody><tfoot>\n", out);
	put_row(out, arena, bar, &all, sum);
	fputs("</tfoot></table>\n", out);
}

void html_put_bar(FILE *out, struct arena *arena, const struct html_bar *bar)
{
	uint64_t sum = sum_of(bar);
	if (sum) {
		fprintf(out,
			"<svg class=\"bar\" viewBox=\"0 0 %d 20\" "
			"preserveAspectRatio=\"none\" role=\"img\" "
			"aria-label=\"%s, as in the table below\">",
			BAR_COLUMNS, bar->label);
		put_rectangles(out, arena, bar, sum);
		fputs("</svg>\n", out);
	}
	put_table(out, arena, bar, sum);
}
