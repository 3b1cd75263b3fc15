# Options: the list in man/tarn.7 is made from src/conf/options.def, by
# `make update-manual`, and a test holds the two together; another looks where
# options come from.

check_PROGRAMS += src/conf/conf_mdoc
src_conf_conf_mdoc_SOURCES = src/conf/conf_mdoc.c
src_conf_conf_mdoc_LDADD = libtarn_core.la

TESTS += tests/lint/manual_options.sh
if LIBTARN
TESTS += tests/conf/sources.sh
endif
EXTRA_DIST += \
	tests/conf/prints_decay.c \
	tests/conf/sources.sh \
	tests/lint/manual_options.sh

update-manual: src/conf/conf_mdoc$(EXEEXT)
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
	bash $(top_srcdir)/tests/lint/manual_options.sh --update

.PHONY: update-manual
