# lib.sh: what the scripts here share. Each runs one real program on input that is
# made on the spot, the same on every machine:
#
#	MEASURE='command prefix' INPUT=directory script.sh [name=value ...]
#
# in an empty directory. The program is started by $MEASURE, which preloads the
# allocator for it alone; input is made once, below $INPUT. With PREPARE set the
# script only makes its input. It prints `check HEX`, a sum of the program's
# output, which must be the same on every allocator; and exits with 77 and a line
# `missing: PACKAGE` if the program is not installed.

set -u
: "${MEASURE?}" "${INPUT?}"
# The system's programs before any of the user's, no locale, no settings.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH
export LC_ALL=C TZ=UTC PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1

fail() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# parameters NAME=VALUE... -- "$@": defaults, and then what the caller says.
parameters() {
	local known=" " word
	while test "$1" != --; do
		known+="${1%%=*} "
		declare -g "$1"
		shift
	done
	shift
	for word; do
		case $known in
		*" ${word%%=*} "*) declare -g "$word" ;;
		*) fail "what is \"$word\"?" ;;
		esac
	done
}

# need PROGRAM PACKAGE
need() {
	command -v "$1" >/dev/null || {
		echo "missing: $2"
		exit 77
	}
}

# input NAME COMMAND...: $input is a file with what COMMAND prints.
input() {
	input=$INPUT/$1
	shift
	test -e "$input" && return
	"$@" >"$input.$$" && mv "$input.$$" "$input" || fail "cannot make $input"
}

# After the last input.
end_of_preparation() {
	test -z "${PREPARE-}" || exit 0
}

# check: the sum of standard input.
check() {
	echo "check $(sha256sum | cut -c 1-16)"
}
