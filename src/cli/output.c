/*
 * output: where a report goes: a stream, a file, or through Graphviz's dot
 * into a picture.
 */
#include "cli/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has_suffix(const char *text, const char *suffix)
{
	size_t length = strlen(text), n = strlen(suffix);
	return length >= n && strcmp(text + length - n, suffix) == 0;
}

bool output_open(struct output *output, const struct options *options,
		 FILE *stream)
{
	const char *path = options->output;
	*output = (struct output){.out = stream, .stream = stream};
	if (options->suppressions &&
	    !suppressions_read(&output->suppressions, options->suppressions))
		return false;
	if (!path)
		return true;
	if (strcmp(path, "-") == 0) {
		output->out = output->stream = stdout;
		return true;
	}
	if (options->format == FORMAT_DOT && has_suffix(path, ".svg")) {
		output->svg = path;
		output->out = tmpfile();
	} else {
		output->out = fopen(path, "we");
	}
	if (!output->out)
		complain("%s: %s", path, strerror(errno));
	return output->out != NULL;
}

static bool render(const struct view *view, enum format format,
		   struct model *model)
{
	switch (format) {
	case FORMAT_JSON:
		return json_render(view, model);
	case FORMAT_DOT:
		dot_render(view, model);
		return true;
	case FORMAT_HTML:
		return html_render(view, model);
	case FORMAT_LSAN:
		lsan_render(view, model);
		return true;
	case FORMAT_TEXT:
		break;
	}
	text_render(view, model);
	return true;
}

/* Without dot: the graph itself, into a file that is named for it. */
static bool keep_graph(FILE *graph, const char *svg)
{
	char buffer[4096];
	char *path = strdup(svg);
	FILE *file;
	size_t n;
	bool is_good;
	if (!path)
		return false;
	strcpy(path + strlen(path) - strlen("svg"), "dot");
	file = fopen(path, "we");
	complain("no picture: the dot command (Graphviz) cannot be run; the "
		 "graph is in %s",
		 path);
	while (file && (n = fread(buffer, 1, sizeof(buffer), graph)) > 0)
		fwrite(buffer, 1, n, file);
	is_good = file && !ferror(file) && !ferror(graph);
	if (file && fclose(file) != 0)
		is_good = false;
	free(path);
	return is_good;
}

static bool draw(FILE *graph, const char *svg)
{
	int status;
	pid_t pid;
	if (fflush(graph) != 0)
		return false;
	rewind(graph);
	pid = fork();
	if (pid == 0) {
		/* dot begins where the file's offset is. */
		lseek(fileno(graph), 0, SEEK_SET);
		dup2(fileno(graph), STDIN_FILENO);
		execlp("dot", "dot", "-Tsvg", "-o", svg, (char *)NULL);
		_exit(STATUS_NOT_FOUND);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (pid > 0 &&
	    !(WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NOT_FOUND))
		return false;
	rewind(graph);
	return keep_graph(graph, svg);
}

static bool is_colorful(const struct options *options, FILE *out)
{
	const char *terminal = getenv("TERM");
	return options->has_color && isatty(fileno(out)) &&
	       !(terminal && strcmp(terminal, "dumb") == 0);
}

struct view output_view(const struct output *output,
			const struct options *options)
{
	return (struct view){
		.out = output->out,
		.has_color = is_colorful(options, output->out),
		.show = options->show,
		.max_findings = options->max_findings,
	};
}

bool output_close(struct output *output, const struct options *options,
		  bool is_written)
{
	FILE *out = output->out;
	suppressions_free(&output->suppressions);
	if (fflush(out) != 0 || ferror(out))
		is_written = false;
	/* Who closes a pipe has read enough. */
	if (!is_written && errno == EPIPE && out == output->stream)
		is_written = true;
	if (is_written && output->svg)
		is_written = draw(out, output->svg);
	if (out != output->stream && fclose(out) != 0)
		is_written = false;
	if (!is_written)
		complain("cannot write %s: %s",
			 options->output ? options->output : "the report",
			 errno ? strerror(errno) : "it failed");
	return is_written;
}

bool output_finish(struct output *output, const struct options *options,
		   struct model *model)
{
	struct view view = output_view(output, options);
	suppress_findings(model, &output->suppressions);
	errno = 0;
	return output_close(output, options,
			    render(&view, options->format, model));
}
