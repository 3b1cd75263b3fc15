/*
 * json: values that documents of several verbs have.
 */
#ifndef TARN_CLI_JSON_H
#define TARN_CLI_JSON_H

#include "cli/render.h"

#include <jansson.h>

json_t *json_of_number(uint64_t n);

/* null for NULL. */
json_t *json_of_text(const char *text);

/* "0x11d6". */
json_t *json_of_address(uint64_t n);

json_t *json_of_amount(uint64_t blocks, uint64_t bytes);

/* Its frames; an empty array if they are not known. */
json_t *json_of_site(struct model_process *process, uint32_t id);

#endif
