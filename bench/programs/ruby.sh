#!/bin/bash
# ruby.sh: strings, arrays and hashes. What of an object does not fit into 40 bytes
# is malloc's, and the collector frees it in bursts.
. "$(dirname "$0")/lib.sh"
parameters n=150000 -- "$@"
need ruby ruby

program() {
	cat <<'END'
seed = 1
random = ->(n) { seed = (seed * 1103515245 + 12345) & 0x7fffffff; (seed >> 8) % n }
table = {}
ARGV[0].to_i.times do |i|
  key = "a key that is long enough #{random.(20000)}"
  (table[key] ||= []) << ("x" * random.(120)) + i.to_s
  table.delete("a key that is long enough #{random.(20000)}") if i % 3 == 0
end
lines = table.map { |k, v| "#{k}: #{v.join(',')}" }.sort
puts lines.size, lines.sum(&:size), lines.join.split("x").size
END
}
input work.rb program
end_of_preparation
$MEASURE ruby --disable-gems "$input" "$n" >out || exit
check <out
