#!/bin/bash
# ruby: objects, strings, hashes, threads, fork, the compacting collector.
. "$(dirname "$0")/lib.sh"
need ruby

cat >"$input/work.rb" <<'END'
$stdout.sync = true
rng = Random.new(1)
table = {}
60_000.times do |i|
  table[rng.rand(9000)] = ["x" * rng.rand(400), i, { i => i.to_s }]
  table.delete(rng.rand(9000)) if i % 3 == 0
end
puts table.size, table.values.sum { |s, _, _| s.size }
text = (1..50_000).map { |i| (i * 7919 % 10_007).to_s }.join(",")
puts text.scan(/\d*77\d*/).size, text.gsub(/(\d)\1/) { |m| m * 2 }.size
puts text.split(",").group_by(&:size).map { |k, v| [k, v.size] }.sort.inspect
puts (3**20_000).to_s.size, (1..2000).inject(:*).to_s.sum
nodes = 20_000.times.map { |i| Struct.new(:a).new(i) if i % 100 == 0 }
GC.start
GC.compact if GC.respond_to?(:compact)
puts nodes.compact.sum(&:a)
threads = 8.times.map do |n|
  Thread.new do
    r = Random.new(n)
    5_000.times.map { "y" * r.rand(1000) }.map(&:size).sum
  end
end
puts threads.map(&:value).inspect
4.times do |n|
  read, write = IO.pipe
  pid = fork do
    read.close
    write.puts 20_000.times.map { |i| "z#{i}" }.join.size * n
    write.close
    exit! 0
  end
  write.close
  puts read.read
  Process.wait(pid)
  puts $?.exitstatus
end
puts `echo from a shell`
require "json"
puts JSON.parse(JSON.generate((1..5000).map { |i| { "a" => [i, i.to_s] } })).size
END
same_output ruby "$input/work.rb"
served ruby
