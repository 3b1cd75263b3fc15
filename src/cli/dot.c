/*
 * dot: a report as a graph for Graphviz: a cluster for each finding, in it the
 * blocks of its example and the pointers between them.
 */
#include "cli/render.h"

#include <inttypes.h>
#include <string.h>

/* TEXT for the inside of a quoted label. */
static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void put_node_name(FILE *out, size_t process, size_t finding,
			  uint32_t member)
{
	fprintf(out, "p%zu_f%zu_m%u", process, finding, member);
}

static void put_member(FILE *out, struct model_process *process,
		       const struct model_member *member)
{
	struct arena *arena = &process->model->arena;
	const char *place = phrase_frame(
		arena,
		model_user_frame(model_site(process, member->wire.site)));
	fputs(" [label=\"", out);
	put_escaped(out, phrase_member(process, member));
	if (place) {
		fputs("\\n", out);
		put_escaped(out, place);
	}
	fputs("\"];\n", out);
}

static bool has_member(const struct model_finding *finding, uint32_t index)
{
	for (size_t i = 0; i < finding->n_members; i++) {
		if (finding->members[i].wire.index == index)
			return true;
	}
	return false;
}

static void put_edges(FILE *out, const struct model_finding *finding,
		      size_t at_process, size_t at_finding)
{
	for (size_t i = 0; i < finding->n_edges; i++) {
		const struct wire_edge *edge = &finding->edges[i];
		if (!has_member(finding, edge->from) ||
		    !has_member(finding, edge->to))
			continue;
		fputs("\t\t", out);
		put_node_name(out, at_process, at_finding, edge->from);
		fputs(" -> ", out);
		put_node_name(out, at_process, at_finding, edge->to);
		fprintf(out, " [label=\"+%" PRIu64 "\"%s];\n", edge->offset,
			edge->closes ? ", color=red, fontcolor=red, style=bold"
				     : "");
	}
}

static void put_finding(FILE *out, struct model_process *process,
			size_t at_process, size_t at_finding)
{
	const struct model_finding *finding = &process->findings[at_finding];
	fprintf(out, "\tsubgraph cluster_p%zu_f%zu {\n\t\tlabel=\"", at_process,
		at_finding);
	if (process->model->n_processes > 1) {
		put_escaped(out, process->program);
		fprintf(out, " (pid %u) ", process->wire.pid);
	}
	fprintf(out, "%u ", finding->wire.id);
	put_escaped(out, phrase_finding(process, finding));
	fputs("\";\n", out);
	if (finding->n_members == 0)
		fprintf(out, "\t\tp%zu_f%zu [label=\"?\"];\n", at_process,
			at_finding);
	for (size_t i = 0; i < finding->n_members; i++) {
		fputs("\t\t", out);
		put_node_name(out, at_process, at_finding,
			      finding->members[i].wire.index);
		put_member(out, process, &finding->members[i]);
	}
	put_edges(out, finding, at_process, at_finding);
	fputs("\t}\n", out);
}

void dot_render(const struct view *view, struct model *model)
{
	size_t n = 0;
	fputs("digraph tarn {\n"
	      "\tnode [shape=box, fontname=\"monospace\", fontsize=10];\n"
	      "\tedge [fontname=\"monospace\", fontsize=10];\n"
	      "\tgraph [fontname=\"sans-serif\", labeljust=l];\n",
	      view->out);
	for (size_t i = 0; i < model->n_processes; i++) {
		struct model_process *process = model->processes[i];
		for (size_t j = 0; j < process->n_findings; j++) {
			if (!finding_is_shown(view, &process->findings[j]))
				continue;
			if (view->max_findings && n >= view->max_findings)
				break;
			put_finding(view->out, process, i, j);
			n++;
		}
	}
	if (n == 0)
		fputs("\tlabel=\"nothing lost\";\n", view->out);
	fputs("}\n", view->out);
}
