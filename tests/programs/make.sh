#!/bin/bash
# make -j2: forty small files and a program; two jobs at a time, all of it on tarn.
. "$(dirname "$0")/lib.sh"
need make
cc=${CC%% *}
need "$cc" awk sed

for ((i = 1; i <= 40; i++)); do
	cat >"$input/part$i.c" <<-END
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		int part$i(int x)
		{
			char text[64];
			snprintf(text, sizeof(text), "%d-%d", x, $i);
			return x + (int)strlen(text) * $i + atoi(text);
		}
	END
done
cat >"$input/Makefile" <<'END'
parts := $(patsubst %,part%,$(shell seq 1 40))
sources := $(wildcard ../input/part*.c)
vpath %.c ../input .
define count
$(words $(foreach a,$(1),$(foreach b,$(1),$(a).$(b))))
endef

program: main.o $(addsuffix .o,$(parts))
	$(CC) -o $@ $^
%.o: %.c
	$(CC) -O1 -c -o $@ $<
main.c: $(sources)
	awk 'BEGIN { print "#include <stdio.h>"; \
		for (i = 1; i <= 40; i++) print "int part" i "(int);"; \
		print "int main(void) { int x = 1;"; \
		for (i = 1; i <= 40; i++) print "x = part" i "(x);"; \
		print "printf(\"%d\\n\", x); return 0; }" }' >$@
show: program
	./program
	@echo $(call count,$(parts)) $(sort $(notdir $(sources)))
	@sha256sum program $(sort $(wildcard *.o))
END

two_jobs() {
	make -s -j2 -f ../input/Makefile CC="$cc" program &&
		make -s -f ../input/Makefile CC="$cc" show &&
		make -q -f ../input/Makefile program && echo "up to date"
}

same_output two_jobs
served make program sha256sum
