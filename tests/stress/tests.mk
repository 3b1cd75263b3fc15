# Stress: random operations, failures of the kernel, fuzzing, sanitizers. All of
# it links the core, which has the tarn_ names only.

stress_sources = \
	tests/stress/random.h \
	tests/stress/shadow.c \
	tests/stress/shadow.h

check_PROGRAMS += \
	tests/stress/fault \
	tests/stress/refusals \
	tests/stress/stress

tests_stress_stress_SOURCES = $(stress_sources) \
	tests/stress/stress.c \
	tests/stress/thefts.c \
	tests/stress/thefts.h \
	tests/stress/worker.c \
	tests/stress/worker.h \
	tests/stress/yard.c \
	tests/stress/yard.h
tests_stress_stress_LDADD = libtarn_core.la
tests_stress_stress_LDFLAGS = -Wl,--wrap=magazine_robbed_locked

tests_stress_fault_SOURCES = $(stress_sources) \
	tests/stress/fault.c \
	tests/stress/oscalls.c \
	tests/stress/oscalls.h
tests_stress_fault_LDADD = libtarn_core.la
wrap_oscalls = -Wl,--wrap=os_map -Wl,--wrap=os_map_at \
	-Wl,--wrap=os_unmap_own -Wl,--wrap=os_make_inaccessible \
	-Wl,--wrap=munmap -Wl,--wrap=madvise -Wl,--wrap=mremap
tests_stress_fault_LDFLAGS = $(wrap_oscalls)

tests_stress_refusals_SOURCES = \
	tests/stress/oscalls.c \
	tests/stress/oscalls.h \
	tests/stress/refusals.c
tests_stress_refusals_LDADD = libtarn_core.la
tests_stress_refusals_LDFLAGS = $(wrap_oscalls)

TESTS += \
	tests/stress/fault \
	tests/stress/refusals \
	tests/stress/single.sh \
	tests/stress/thieves.sh \
	tests/stress/threads.sh \
	tests/stress/traces.sh

# A sanitizer build needs memory without limits, and need not build the core for
# sanitizers once more.
if LIBTARN
TESTS += \
	tests/stress/fuzz.sh \
	tests/stress/limited.sh \
	tests/stress/sanitize.sh
endif

EXTRA_DIST += \
	tests/stress/fuzz.c \
	tests/stress/fuzz.sh \
	tests/stress/limited.sh \
	tests/stress/sanitize.sh \
	tests/stress/single.sh \
	tests/stress/stress.bash \
	tests/stress/thieves.sh \
	tests/stress/threads.sh \
	tests/stress/traces.sh \
	tests/stress/tsan_os.c
