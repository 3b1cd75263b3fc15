/*
 * control: what preload/ needs of the statistics beyond tarn.h.
 */
#ifndef TARN_API_CONTROL_H
#define TARN_API_CONTROL_H

#include <stddef.h>

#include "tarn.h"

/* Enough for all statistics in any format. */
#define CONTROL_STATS_BYTES 4096

/*
 * The statistics as malloc_info(3) has them, into BUFFER; returns the length.
 */
size_t control_format_xml(char *buffer, size_t size);

/* tarn_stats_get() without resident_bytes, for which the kernel would have to
 * look at every page. */
void control_stats_counts(struct tarn_stats *stats);

#endif
