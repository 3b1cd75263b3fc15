/*
 * report: the verb that renders reports from files.
 */
#include "cli/render.h"
#include "cli/verbs.h"

enum status report_verb(int argc, char **argv)
{
	struct options options;
	struct output output;
	struct model model;
	enum status status = STATUS_OK;
	if (!options_parse(&options, VERB_REPORT, argc, argv))
		return STATUS_FAILED;
	if (options.wants_help)
		return help_verb("report");
	if (options.first_operand == argc) {
		complain("report: which file? try 'tarn --help'");
		return STATUS_FAILED;
	}
	if (!output_open(&output, &options, stdout))
		return STATUS_FAILED;
	model_start(&model);
	for (int i = options.first_operand; i < argc; i++) {
		if (!model_read(&model, argv[i]))
			status = STATUS_FAILED;
	}
	if (!output_finish(&output, &options, &model))
		status = STATUS_FAILED;
	if (status == STATUS_OK && model_has_findings(&model, options.fail_on))
		status = STATUS_FINDINGS;
	model_free(&model);
	return status;
}
