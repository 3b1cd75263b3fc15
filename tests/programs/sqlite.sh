#!/bin/bash
# sqlite3: a few hundred thousand rows, indexes, joins, sorting, text search, in
# memory and on disk.
. "$(dirname "$0")/lib.sh"
need sqlite3

cat >"$input/work.sql" <<'END'
PRAGMA journal_mode = MEMORY;
PRAGMA synchronous = OFF;
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, weight REAL, data BLOB);
CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
INSERT INTO item SELECT i, 'item ' || (i * 7919 % 100003),
	(i * 31 % 1009) / 7.0, zeroblob(i % 97) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO owner SELECT i, printf('owner %05d', i) FROM n;
COMMIT;
CREATE INDEX by_name ON item(name, weight);
SELECT count(*), count(DISTINCT name), round(sum(weight), 3) FROM item;
SELECT o.name, count(*), max(i.name) FROM item i
	JOIN owner o ON o.id = i.id % 5000 + 1
	GROUP BY o.name ORDER BY 2 DESC, 1 LIMIT 20;
UPDATE item SET name = name || ' of weight ' || weight WHERE id % 3 = 0;
DELETE FROM item WHERE id % 7 = 0;
SELECT length(group_concat(name, ',')) FROM
	(SELECT name FROM item ORDER BY weight DESC, name, id LIMIT 50000);
SELECT substr(name, 1, 6) AS head, count(*),
	avg(length(data)) FROM item GROUP BY head ORDER BY head;
SELECT id, row_number() OVER (PARTITION BY length(name) ORDER BY weight, id)
	FROM item ORDER BY length(name) DESC, 2 LIMIT 10;
SELECT count(*) FROM item WHERE name LIKE '%77%of%';
SELECT sum(json_extract(json_object('a', id, 'b', name), '$.a')) FROM item;
VACUUM;
PRAGMA integrity_check;
END

on_disk() {
	sqlite3 data.db <../input/work.sql && sqlite3 data.db .dump >dump.sql &&
		sqlite3 copy.db <dump.sql && sqlite3 copy.db .dump | cmp dump.sql &&
		sha256sum dump.sql
}

in_memory() {
	sqlite3 :memory: <../input/work.sql
}

same_output on_disk
served sqlite3
same_output in_memory
