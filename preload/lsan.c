/*
 * lsan: the names of <sanitizer/lsan_interface.h>. A program that was made for
 * LeakSanitizer, or asks for leaks by its interface, gets them from tarn.
 */
#include <stddef.h>
#include <stdint.h>

#include "api/leaks.h"
#include "api/lsan.h"

#define EXPORTED __attribute__((visibility("default")))
#define DEFINED_BY_PROGRAM __attribute__((weak))

DEFINED_BY_PROGRAM int __lsan_is_turned_off(void);
DEFINED_BY_PROGRAM const char *__lsan_default_options(void);
DEFINED_BY_PROGRAM const char *__lsan_default_suppressions(void);

void __lsan_disable(void);
void __lsan_enable(void);
void __lsan_ignore_object(const void *block);
void __lsan_register_root_region(const void *at, size_t bytes);
void __lsan_unregister_root_region(const void *at, size_t bytes);
void __lsan_do_leak_check(void);
int __lsan_do_recoverable_leak_check(void);

__attribute__((constructor)) static void find_hooks(void)
{
	static const struct lsan_hooks hooks = {
		.is_turned_off = __lsan_is_turned_off,
		.default_options = __lsan_default_options,
		.default_suppressions = __lsan_default_suppressions,
	};
	lsan_set_hooks(&hooks);
}

EXPORTED void __lsan_disable(void)
{
	leaks_ignore_allocations(true);
}

EXPORTED void __lsan_enable(void)
{
	leaks_ignore_allocations(false);
}

EXPORTED void __lsan_ignore_object(const void *block)
{
	leaks_ignore(block);
}

EXPORTED void __lsan_register_root_region(const void *at, size_t bytes)
{
	leaks_add_region((uintptr_t)at, (uintptr_t)at + bytes);
}

EXPORTED void __lsan_unregister_root_region(const void *at, size_t bytes)
{
	leaks_remove_region((uintptr_t)at, (uintptr_t)at + bytes);
}

EXPORTED void __lsan_do_leak_check(void)
{
	lsan_check_and_end();
}

EXPORTED int __lsan_do_recoverable_leak_check(void)
{
	return lsan_check();
}
