#!/bin/bash
# perl: hashes, strings that grow, regular expressions, closures, sorting, forks.
. "$(dirname "$0")/lib.sh"
need perl
export PERL_HASH_SEED=0

cat >"$input/work.pl" <<'END'
use strict;
use warnings;

my $seed = 1;
sub number { return $seed = ($seed * 1103515245 + 12345) % 2147483648 }

my (%count, %words, @rows);
for my $i (1 .. 60000) {
	my $key = 'key' . number() % 20000;
	$count{$key}++;
	push @{ $words{ length $key } }, $key . 'x' x (number() % 200);
	delete $count{ 'key' . number() % 20000 } if $i % 3 == 0;
}
printf "%d keys\n", scalar keys %count;
printf "%s %d\n", $_, $count{$_}
	for (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 19];
for (sort keys %words) {
	my $all = join ',', sort @{ $words{$_} };
	(my $short = $all) =~ s/x{3,}/X/g;
	print "$_ ", length $all, ' ', length $short, ' ',
		unpack('%32C*', $short), "\n";
}

my $text = '';
$text .= chr(97 + number() % 26) for 1 .. 300000;
my @parts = split /e/, $text;
print scalar @parts, ' ', scalar(() = $text =~ /[aeiou]{2,}[^aeiou]+/g), "\n";
my @closures = map { my $n = $_; sub { $n * shift } } 1 .. 5000;
my $sum = 0;
$sum += $closures[$_]->($_) for 0 .. $#closures;
print "$sum\n";

for my $child (1 .. 4) {
	my $pid = open(my $pipe, '-|') // die "fork: $!";
	if ($pid == 0) {
		my @list = map { 'z' x ($_ % 3000) } 1 .. 5000;
		print $child, ' ', length(join '', @list), "\n";
		exit 0;
	}
	print "child says $_" while <$pipe>;
	close $pipe or die "child: $?";
}
END
same_output perl "$input/work.pl"
served perl
