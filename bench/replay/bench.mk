# replay: recorded programs.

bench_libraries += bench/replay/librecorder.la
bench_replay_librecorder_la_SOURCES = bench/replay/recorder.c \
	bench/replay/format.h
bench_replay_librecorder_la_LDFLAGS = $(module_flags)

if HAVE_ZLIB
bench_programs += bench/replay/pack bench/replay/replay
endif
bench_replay_pack_SOURCES = bench/replay/pack.c bench/replay/format.h
bench_replay_pack_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS)
bench_replay_pack_LDADD = $(ZLIB_LIBS)
bench_replay_replay_SOURCES = bench/replay/replay.c bench/replay/read.c \
	bench/replay/read.h bench/replay/format.h $(load_sources)
bench_replay_replay_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS)
bench_replay_replay_LDADD = $(ZLIB_LIBS)

EXTRA_DIST += bench/replay/record bench/replay/recordings.sh \
	bench/replay/rows.ini \
	bench/replay/recordings/g++.rec \
	bench/replay/recordings/python3.rec \
	bench/replay/recordings/sqlite3.rec \
	bench/replay/recordings/threads.rec
