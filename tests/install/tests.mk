# make installcheck: a consumer is built with pkg-config against what
# `make install` has put in place, and a program of the system runs on it.

EXTRA_DIST += \
	tests/install/consumer.c \
	tests/install/consumer.cpp \
	tests/install/installcheck.sh

if LIBTARN
installcheck-local:
	@$(AM_TESTS_ENVIRONMENT) \
	INCLUDEDIR='$(DESTDIR)$(includedir)' LIBDIR='$(DESTDIR)$(libdir)' \
	PKGCONFIGDIR='$(DESTDIR)$(pkgconfigdir)' DESTDIR='$(DESTDIR)' \
	MANDIR='$(DESTDIR)$(mandir)' PKG_CONFIG='$(PKG_CONFIG)' \
	HAVE_CXX='$(have_cxx)' \
	bash $(top_srcdir)/tests/install/installcheck.sh
endif
