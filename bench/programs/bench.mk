# programs: what of all that reaches a user.

EXTRA_DIST += \
	bench/programs/cppcheck.sh \
	bench/programs/cxx.sh \
	bench/programs/git.sh \
	bench/programs/jq.sh \
	bench/programs/lib.sh \
	bench/programs/lua.sh \
	bench/programs/packages.txt \
	bench/programs/perl.sh \
	bench/programs/php.sh \
	bench/programs/python.sh \
	bench/programs/redis.sh \
	bench/programs/rows.ini \
	bench/programs/ruby.sh \
	bench/programs/sqlite.sh \
	bench/programs/xmllint.sh
