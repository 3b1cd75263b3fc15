# memory: what an allocator keeps.

bench_programs += \
	bench/memory/giving_back \
	bench/memory/idle_threads \
	bench/memory/per_live \
	bench/memory/service \
	bench/memory/shift \
	bench/memory/tiny

memory_sources = bench/memory/memory.h $(load_sources)
bench_memory_giving_back_SOURCES = bench/memory/giving_back.c $(memory_sources)
bench_memory_idle_threads_SOURCES = bench/memory/idle_threads.c \
	$(memory_sources)
bench_memory_per_live_SOURCES = bench/memory/per_live.c $(memory_sources)
bench_memory_per_live_LDADD = -lm
bench_memory_service_SOURCES = bench/memory/service.c $(memory_sources)
bench_memory_shift_SOURCES = bench/memory/shift.c $(memory_sources)
bench_memory_tiny_SOURCES = bench/memory/tiny.c $(memory_sources)

EXTRA_DIST += bench/memory/rows.ini
