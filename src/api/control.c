/*
 * control: what programs ask tarn by its own name.
 */
#include "api/control.h"

#include <errno.h>
#include <string.h>

#include "api/process.h"
#include "base/arith.h"
#include "conf/conf.h"
#include "heap/check.h"
#include "heap/decay.h"
#include "tarn.h"
#include "watch/stats.h"

const char *tarn_version(void)
{
	return TARN_VERSION;
}

int tarn_stats_get(struct tarn_stats *stats, size_t size)
{
	if (stats == NULL || size == 0) {
		errno = EINVAL;
		return -1;
	}
	int saved_errno = errno;
	struct tarn_stats all;
	stats_collect(&all);
	size_t known = min_size(size, sizeof(all));
	memcpy(stats, &all, known);
	memset((char *)stats + known, 0, size - known);
	errno = saved_errno;
	return 0;
}

void control_stats_counts(struct tarn_stats *stats)
{
	int saved_errno = errno;
	stats_collect_counts(stats);
	errno = saved_errno;
}

int tarn_stats_print(int fd, enum tarn_format format)
{
	if (format != TARN_TEXT && format != TARN_JSON && format != TARN_XML) {
		errno = EINVAL;
		return -1;
	}
	int saved_errno = errno;
	if (!stats_print(fd, format))
		return -1;
	errno = saved_errno;
	return 0;
}

size_t control_format_xml(char *buffer, size_t size)
{
	int saved_errno = errno;
	size_t length = stats_format(buffer, size, TARN_XML);
	errno = saved_errno;
	return length;
}

size_t tarn_purge(void)
{
	int saved_errno = errno;
	size_t purged = decay_purge_all();
	errno = saved_errno;
	return purged;
}

static int fail_with(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

int tarn_option_set(const char *name, const char *value)
{
	process_enter();
	return fail_with(conf_set(name, value));
}

int tarn_option_get(const char *name, char *buffer, size_t size)
{
	process_enter();
	return fail_with(conf_get(name, buffer, size));
}

size_t tarn_heap_check(void)
{
	int saved_errno = errno;
	size_t n = heap_check();
	errno = saved_errno;
	return n;
}
