# Real programs, run as they are and on tarn, and what they print compared.

if LIBTARN
programs_tests = \
	tests/programs/clang.sh \
	tests/programs/faketime.sh \
	tests/programs/gcc.sh \
	tests/programs/gdb.sh \
	tests/programs/git.sh \
	tests/programs/gxx.sh \
	tests/programs/harmless.sh \
	tests/programs/java.sh \
	tests/programs/lua.sh \
	tests/programs/make.sh \
	tests/programs/memcached.sh \
	tests/programs/nginx.sh \
	tests/programs/node.sh \
	tests/programs/openssl.sh \
	tests/programs/perl.sh \
	tests/programs/php.sh \
	tests/programs/pipelines.sh \
	tests/programs/python.sh \
	tests/programs/python_multiprocessing.sh \
	tests/programs/redis.sh \
	tests/programs/ruby.sh \
	tests/programs/sqlite.sh \
	tests/programs/tar.sh

TESTS += $(programs_tests)
endif

EXTRA_DIST += \
	tests/programs/clang.sh \
	tests/programs/demo.sh \
	tests/programs/faketime.sh \
	tests/programs/gcc.sh \
	tests/programs/gdb.sh \
	tests/programs/git.sh \
	tests/programs/gxx.sh \
	tests/programs/harmless.sh \
	tests/programs/java.sh \
	tests/programs/lib.sh \
	tests/programs/lua.sh \
	tests/programs/make.sh \
	tests/programs/memcached.sh \
	tests/programs/nginx.sh \
	tests/programs/node.sh \
	tests/programs/openssl.sh \
	tests/programs/packages.txt \
	tests/programs/perl.sh \
	tests/programs/php.sh \
	tests/programs/pipelines.sh \
	tests/programs/python.sh \
	tests/programs/python_multiprocessing.sh \
	tests/programs/redis.sh \
	tests/programs/ruby.sh \
	tests/programs/sources.sh \
	tests/programs/sqlite.sh \
	tests/programs/tar.sh
