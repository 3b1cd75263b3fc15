/*
 * leak_text: a report for people, and for tools that read LeakSanitizer's, when
 * tarn(1) is not there to make a better one.
 */
#ifndef TARN_API_LEAK_TEXT_H
#define TARN_API_LEAK_TEXT_H

#include "trace/trace.h"

/* Writes the report to stderr; nothing if nothing is lost. */
void leak_text_print(struct trace *trace);

#endif
