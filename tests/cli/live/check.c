/*
 * check: asks a process, damages what it answers, and shows that: whatever a
 * report says, the command must not crash, nor show what is no clean text.
 *
 * check who PID ADDRESS SEED
 * check growing PID SEED
 */
#include "cli/growth.h"
#include "cli/live.h"
#include "cli/who.h"
#include "wire/control.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_ROUNDS 300 /* of `who`, a third of them of `growing` */
/* Bytes changed in a round, at most. */
#define N_CHANGES 8

static unsigned long seed;

static size_t random_below(size_t n)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (size_t)(seed >> 33) % n;
}

static void fail(const char *what)
{
	fprintf(stdout, "FAILED: %s\n", what);
	exit(1);
}

/* In UTF-8, without controls but for the end of a line. */
static void judge_text(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (iscntrl((unsigned char)text[i]) && text[i] != '\n')
			fail("a control character is shown");
	}
}

static void show_who(const struct view *view, struct model_process *process)
{
	struct who_more more = {.pid = 1};
	struct who_way way;
	who_find_way(process, &way);
	who_render_text(view, process, &way, &more);
	who_render_json(view, process, &way, &more);
}

static void show(struct model *model)
{
	char *text = NULL;
	size_t length = 0;
	struct view view = {.out = open_memstream(&text, &length), .show = ~0u};
	text_render(&view, model);
	json_render(&view, model);
	if (model->n_processes && model->processes[0]->who)
		show_who(&view, model->processes[0]);
	fclose(view.out);
	judge_text(text, length);
	if (model->n_processes && length == 0)
		fail("nothing is shown");
	free(text);
}

static void change(struct live_report *report)
{
	static const unsigned char values[] = {0, 1, 2, 0x7f, 0x80, 0xff};
	for (size_t n = 1 + random_below(N_CHANGES); n > 0; n--) {
		size_t at = random_below(report->length);
		report->bytes[at] =
			(char)(random_below(2) ? values[random_below(6)]
					       : random_below(256));
	}
	if (random_below(8) == 0)
		report->length = random_below(report->length);
}

static struct live_report copy_of(const struct live_report *report)
{
	struct live_report copy = *report;
	copy.bytes = malloc(report->length);
	memcpy(copy.bytes, report->bytes, report->length);
	return copy;
}

static void play(const struct live_report *reports, size_t n)
{
	struct model model = {0};
	struct growth *growth = growth_start(n);
	for (size_t i = 0; i < n; i++) {
		model_start(&model);
		model_read_bytes(&model, reports[i].bytes, reports[i].length,
				 "it");
		if (model.n_processes)
			growth_add(growth, model.processes[0], (double)i);
		if (i + 1 < n)
			model_free(&model);
	}
	if (n > 1 && model.n_processes)
		growth_finish(growth, model.processes[0]);
	show(&model);
	model_free(&model);
	growth_free(growth);
}

static void play_damaged(const struct live_report *reports, size_t n)
{
	for (size_t round = 0; round < N_ROUNDS / n; round++) {
		struct live_report damaged[3];
		for (size_t i = 0; i < n; i++) {
			damaged[i] = copy_of(&reports[i]);
			if (i == random_below(n) || n == 1)
				change(&damaged[i]);
		}
		play(damaged, n);
		for (size_t i = 0; i < n; i++)
			free(damaged[i].bytes);
	}
}

int main(int argc, char **argv)
{
	bool is_who = argc == 5 && strcmp(argv[1], "who") == 0;
	struct live_options options = {.wants = CONTROL_WANTS_POSSIBLE};
	struct live_report reports[3];
	size_t n = is_who ? 1 : 3;
	if (!is_who && (argc != 4 || strcmp(argv[1], "growing") != 0))
		return 2;
	seed = strtoul(argv[argc - 1], NULL, 10);
	if (!is_who)
		options.wants |= CONTROL_WANTS_REACHED;
	struct live *live = live_open(atoi(argv[2]), &options);
	if (!live)
		return 1;
	for (size_t i = 0; i < n; i++) {
		if (is_who ? !live_who(live, strtoull(argv[3], NULL, 16),
				       &reports[i])
			   : !live_look(live, &reports[i]))
			fail("it does not answer");
		usleep(100000);
	}
	live_close(live);
	/* The damage is complained of, each time. */
	if (!freopen("/dev/null", "w", stderr))
		return 2;
	play(reports, n);
	play_damaged(reports, n);
	for (size_t i = 0; i < n; i++)
		free(reports[i].bytes);
	return 0;
}
