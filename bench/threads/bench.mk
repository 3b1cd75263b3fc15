# threads: how an allocator behaves when blocks change hands.

bench_programs += \
	bench/threads/burst \
	bench/threads/handover \
	bench/threads/middle \
	bench/threads/server \
	bench/threads/sharing

threads_sources = bench/threads/work.h $(load_sources)
bench_threads_burst_SOURCES = bench/threads/burst.c $(threads_sources)
bench_threads_handover_SOURCES = bench/threads/handover.c $(threads_sources)
bench_threads_middle_SOURCES = bench/threads/middle.c $(load_sources)
bench_threads_server_SOURCES = bench/threads/server.c $(threads_sources)
bench_threads_sharing_SOURCES = bench/threads/sharing.c $(threads_sources)

EXTRA_DIST += bench/threads/rows.ini
