/*
 * collect: traces by generation, asked for or automatic.
 */
#ifndef TARN_API_COLLECT_H
#define TARN_API_COLLECT_H

#include "trace/generations.h"

/* Once the process has started: automatic traces may begin. */
void collect_construct(void);

/* In the child of a fork: generations, counts and statistics start anew. */
void collect_after_fork_in_child(void);

#endif
