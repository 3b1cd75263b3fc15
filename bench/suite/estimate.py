"""estimate: what a handful of noisy measurements say.

Everything is in terms of ratios: times multiply, and so does their noise, so
means and differences are taken of logarithms.
"""

import math
import random
import statistics
from typing import NamedTuple


class Estimate(NamedTuple):
    """A figure and the interval that it lies in."""

    value: float
    low: float
    high: float


def median(values):
    return statistics.median(values)


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(v) for v in values))


def interval(values, statistic=median, level=0.95, resamples=1000):
    """(low, high) by the percentile bootstrap.

    The generator is seeded, so that the same results give the same report. Of
    few values the interval is narrow at best from the smallest to the largest.
    """
    values = list(values)
    if len(values) < 2:
        return (values[0], values[0])
    generator = random.Random(20)
    draws = sorted(
        statistic(generator.choices(values, k=len(values)))
        for _ in range(resamples)
    )
    outside = (1 - level) / 2
    return (
        draws[int(outside * (resamples - 1))],
        draws[math.ceil((1 - outside) * (resamples - 1))],
    )


def estimate(values, statistic=median, level=0.95):
    values = list(values)
    return Estimate(statistic(values), *interval(values, statistic, level))


def _continued_fraction(a, b, x):
    """Of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    tiny = 1e-300
    c = 1.0
    d = 1.0 / (1.0 - (a + b) * x / (a + 1) or tiny)
    result = d
    for m in range(1, 300):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / (1.0 + numerator * d or tiny)
            c = 1.0 + numerator / c or tiny
            result *= c * d
        if abs(c * d - 1.0) < 1e-12:
            break
    return result


def _incomplete_beta(a, b, x):
    """The regularised incomplete beta function."""
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    front = math.exp(
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(a, b, x) / a
    return 1.0 - front * _continued_fraction(b, a, 1 - x) / b


def student_p(t, degrees):
    """The two-sided p-value of Student's t."""
    return _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def student_t(p, degrees):
    """The t whose two-sided p-value is P."""
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        if student_p(middle, degrees) > p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


class Difference(NamedTuple):
    """How NEW differs from OLD: as a ratio, with its interval and p-value."""

    ratio: Estimate
    p: float


def difference(old, new, least_deviation, level=0.95):
    """Welch's test on the logarithms of OLD and NEW.

    Of five values the deviation may be small by chance: LEAST_DEVIATION, as a
    share, is what no measurement here is trusted to be better than.
    """
    old, new = [math.log(v) for v in old], [math.log(v) for v in new]
    by = statistics.fmean(new) - statistics.fmean(old)
    terms = [
        (max(statistics.stdev(s), least_deviation) ** 2 / len(s), len(s) - 1)
        for s in (old, new)
    ]
    error = math.sqrt(sum(term for term, _ in terms))
    degrees = error**4 / sum(term**2 / n for term, n in terms)
    half = student_t(1 - level, degrees) * error
    return Difference(
        Estimate(math.exp(by), math.exp(by - half), math.exp(by + half)),
        student_p(by / error, degrees),
    )


def holm(p_values, level=0.05):
    """Which of several tests are significant together (Holm, 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    significant = [False] * len(p_values)
    for rank, i in enumerate(order):
        if p_values[i] > level / (len(p_values) - rank):
            break
        significant[i] = True
    return significant
