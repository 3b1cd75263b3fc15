# micro: which operation of an allocator costs what.

bench_programs += \
	bench/micro/aligned \
	bench/micro/cold \
	bench/micro/growing \
	bench/micro/mixed \
	bench/micro/sizes \
	bench/micro/zeroed

bench_micro_aligned_SOURCES = bench/micro/aligned.c $(load_sources)
bench_micro_cold_SOURCES = bench/micro/cold.c $(load_sources)
bench_micro_growing_SOURCES = bench/micro/growing.c $(load_sources)
bench_micro_mixed_SOURCES = bench/micro/mixed.c bench/micro/histograms.h \
	$(load_sources)
bench_micro_sizes_SOURCES = bench/micro/sizes.c $(load_sources)
bench_micro_sizes_LDADD = -lm
bench_micro_zeroed_SOURCES = bench/micro/zeroed.c $(load_sources)

EXTRA_DIST += bench/micro/rows.ini
