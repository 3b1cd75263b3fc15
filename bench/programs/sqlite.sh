#!/bin/bash
# sqlite.sh: a database in memory: rows inserted, an index, joins, groups, text that
# is put together. sqlite3 asks malloc for pages, rows, statements and strings.
. "$(dirname "$0")/lib.sh"
parameters n=100000 -- "$@"
need sqlite3 sqlite3

statements() {
	cat <<END
create table t (a integer primary key, b text, c real);
create table u (a integer, d text);
begin;
with recursive s(i) as (select 1 union all select i + 1 from s where i < $n)
insert into t select i, 'text ' || (i * 7919 % 10007) || hex(i * 104729), i / 3.0
from s;
insert into u select a % 1000, substr(b, 1, 5 + a % 60) || b from t;
commit;
create index tb on t (b);
create index ua on u (a);
select count(*), sum(length(d)) from u;
select b, count(*), max(c) from t group by substr(b, 1, 7) order by 3, 1 limit 20;
select t.b, group_concat(u.d, ',') from t join u on t.a = u.a
group by t.b order by length(t.b), t.b limit 3;
update t set b = b || upper(b) where a % 3 = 0;
delete from u where a % 2 = 0;
select count(*), sum(length(b)) from t;
select count(*), min(d), max(d) from u;
END
}
input "sqlite-$n.sql" statements
end_of_preparation
$MEASURE sqlite3 -batch :memory: ".read $input" >out || exit
check <out
