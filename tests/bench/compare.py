"""Tests of bench/compare and of the statistics that it stands on."""

import json
import math
import os
import random
import subprocess
import sys
import tempfile
import unittest

BENCH = sys.argv.pop(1)
sys.path.insert(0, BENCH)

from suite import estimate  # noqa: E402

ALLOCATORS = ("tarn", "glibc", "jemalloc", "mimalloc")


def results(seed, noise=0.01, drift=1.0, **slower):
    """Results of 40 rows with noise; SLOWER: factors for tarn's rows."""
    generator = random.Random(seed)
    rows = [
        {
            "name": f"row{i}",
            "group": "micro" if i < 20 else "threads",
            "purpose": "",
            "command": "x",
            "time": "ns_per_op",
            "memory": "peak_rss_bytes",
            "unit": "ns",
            "plot": None,
        }
        for i in range(40)
    ]
    runs = []
    for round_ in range(1, 6):
        weather = drift * generator.lognormvariate(0, 0.05)
        for row in rows:
            for name in ALLOCATORS:
                time = 10 * weather * generator.lognormvariate(0, noise)
                memory = 1e8 * generator.lognormvariate(0, noise / 10)
                if name == "tarn":
                    time *= slower.get(row["name"], slower.get("every", 1))
                    memory *= slower.get("memory", 1)
                figures = {"ns_per_op": time, "peak_rss_bytes": memory}
                runs.append(
                    {
                        "row": row["name"],
                        "allocator": name,
                        "round": round_,
                        "status": "ok",
                        "figures": figures,
                    }
                )
    return {
        "format": "tarn-bench 1",
        "mode": "full",
        "machine": {},
        "allocators": [{"name": name} for name in ALLOCATORS],
        "rows": rows,
        "runs": runs,
    }


def compare(old, new, *options):
    """(exit status, what it printed)."""
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for name, document in (("old", old), ("new", new)):
            paths.append(os.path.join(directory, name))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write(
                    document
                    if isinstance(document, str)
                    else json.dumps(document)
                )
        done = subprocess.run(
            [os.path.join(BENCH, "compare"), *paths, *options],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


class Compare(unittest.TestCase):
    def test_nothing_changed_on_a_slower_day(self):
        for seed in range(20):
            status, said = compare(results(seed), results(seed + 99, drift=1.3))
            self.assertEqual(status, 0, said)

    def test_one_row_five_percent_slower(self):
        for seed in range(5):
            status, said = compare(
                results(seed, 0.005), results(seed + 99, 0.005, row7=1.05)
            )
            self.assertEqual(status, 1, said)
            self.assertIn("row7", said)

    def test_small_change_everywhere_shows_in_the_means(self):
        status, said = compare(results(1, 0.02), results(2, 0.02, every=1.02))
        self.assertEqual(status, 1, said)
        self.assertRegex(said, "mean of all rows +time .* slower")

    def test_larger_and_faster(self):
        status, said = compare(results(1), results(2, every=0.9, memory=1.05))
        self.assertEqual(status, 1, said)
        self.assertIn("larger", said)
        self.assertIn("faster", said)

    def test_faster_is_no_regression(self):
        status, said = compare(results(1), results(2, every=0.9))
        self.assertEqual(status, 0, said)
        self.assertIn("faster", said)

    def test_not_results(self):
        for bad in ("", "{}", "[]", '{"format": "other"}'):
            status, said = compare(results(1), bad)
            self.assertEqual(status, 2, said)
            self.assertNotIn("Traceback", said)

    def test_nothing_in_common(self):
        other = results(1)
        for row in other["rows"]:
            row["command"] = "y"
        status, said = compare(results(1), other)
        self.assertEqual(status, 2, said)


class Statistics(unittest.TestCase):
    def test_student_as_in_the_tables(self):
        for p, degrees, t in (
            (0.05, 1, 12.706),
            (0.05, 4, 2.776),
            (0.01, 8, 3.355),
            (0.001, 30, 3.646),
        ):
            self.assertAlmostEqual(
                estimate.student_t(p, degrees), t, delta=0.001
            )

    def test_difference_covers_the_truth(self):
        generator = random.Random(1)
        covered = 0
        for _ in range(400):
            old, new = (
                [generator.lognormvariate(m, 0.02) for _ in range(5)]
                for m in (0, math.log(1.03))
            )
            found = estimate.difference(old, new, 0.0001)
            covered += found.ratio.low <= 1.03 <= found.ratio.high
        self.assertTrue(360 <= covered <= 396, covered)

    def test_interval_holds_the_median(self):
        values = [5, 1, 4, 2, 3]
        low, high = estimate.interval(values)
        self.assertTrue(1 <= low <= 3 <= high <= 5)
        self.assertEqual(estimate.interval([2]), (2, 2))

    def test_holm(self):
        self.assertEqual(estimate.holm([0.001, 0.5, 0.02]), [True, False, True])
        self.assertEqual(estimate.holm([0.03, 0.04]), [False, False])


if __name__ == "__main__":
    unittest.main()
