dnl tarn.m4: the macros of configure.ac.

dnl TARN_ADD_FLAGS(FLAGS): those of FLAGS that the compiler knows are added to
dnl TARN_CFLAGS. -Werror, because clang only warns of a flag it does not know.
AC_DEFUN([TARN_ADD_FLAGS], [
tarn_saved_cflags=$CFLAGS
for tarn_flag in $1; do
	CFLAGS="$tarn_saved_cflags -Werror $tarn_flag"
	AC_MSG_CHECKING([whether $CC knows $tarn_flag])
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes])
		TARN_CFLAGS="$TARN_CFLAGS $tarn_flag"],
		[AC_MSG_RESULT([no])])
done
CFLAGS=$tarn_saved_cflags
])

dnl TARN_REQUIRE_FLAGS(FLAGS): the same, but the compiler must know them all.
AC_DEFUN([TARN_REQUIRE_FLAGS], [
tarn_saved_cflags=$CFLAGS
for tarn_flag in $1; do
	CFLAGS="$tarn_saved_cflags $tarn_flag"
	AC_MSG_CHECKING([whether $CC knows $tarn_flag])
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes])
		TARN_CFLAGS="$TARN_CFLAGS $tarn_flag"],
		[AC_MSG_RESULT([no])
		AC_MSG_ERROR([tarn cannot be built without $tarn_flag])])
done
CFLAGS=$tarn_saved_cflags
])

dnl TARN_REQUIRE_RUN_FLAGS(FLAGS, ERROR): a program built with FLAGS must run.
AC_DEFUN([TARN_REQUIRE_RUN_FLAGS], [
tarn_saved_cflags=$CFLAGS
CFLAGS="$CFLAGS $1"
AC_MSG_CHECKING([whether programs run that are built with $1])
AC_RUN_IFELSE([AC_LANG_PROGRAM([], [])],
	[AC_MSG_RESULT([yes])],
	[AC_MSG_RESULT([no])
	AC_MSG_ERROR([$2])],
	[AC_MSG_RESULT([cannot tell, as we cross-compile])])
CFLAGS=$tarn_saved_cflags
])

dnl TARN_CHECK_CXX: is there a C++ compiler that works? Only tests need one.
AC_DEFUN([TARN_CHECK_CXX], [
AC_LANG_PUSH([C++])
AC_MSG_CHECKING([whether the C++ compiler works])
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <new>]],
	[[delete new (std::nothrow) int]])],
	[have_cxx=$CXX], [have_cxx=no])
AC_MSG_RESULT([$have_cxx])
AC_LANG_POP([C++])
AM_CONDITIONAL([CXX], [test "x$have_cxx" != xno])
])
