# locks: how often the locks that all threads share are taken. No row of the
# suite: it links the core, and its figures are tarn's alone.

traffic_sources = bench/locks/traffic.c bench/locks/traffic.h

bench_programs += bench/locks/locks
bench_locks_locks_SOURCES = bench/locks/locks.c $(traffic_sources)
bench_locks_locks_LDADD = libtarn_core.la
