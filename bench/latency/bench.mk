# latency: how long the unlucky calls take.

bench_programs += bench/latency/latency
bench_latency_latency_SOURCES = bench/latency/latency.c $(load_sources)
bench_latency_latency_LDADD = -lm

EXTRA_DIST += bench/latency/rows.ini
