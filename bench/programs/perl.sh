#!/bin/bash
# perl.sh: hashes of arrays of strings that come and go. Perl keeps arenas of its
# own for the heads of its values; their bodies' strings and tables are malloc's.
. "$(dirname "$0")/lib.sh"
parameters n=400000 -- "$@"
need perl perl

program() {
	cat <<'END'
my (%h, $s, $bytes); $s = 1;
for my $i (1 .. $ARGV[0]) {
	$s = ($s * 1103515245 + 12345) & 0x7fffffff;
	my $k = "key" . ($s % 20000);
	push @{$h{$k}{list}}, "value $i " x (($s >> 8) % 9);
	$h{$k}{text} .= "more of $k, ";
	delete $h{"key" . (($s >> 4) % 20000)} if $i % 3 == 0;
}
for my $k (sort keys %h) {
	$bytes += length join ",", map { uc } @{$h{$k}{list}};
}
print scalar(keys %h), " $bytes\n";
END
}
input work.pl program
end_of_preparation
$MEASURE perl "$input" "$n" >out || exit
check <out
