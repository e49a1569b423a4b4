"""PromQL by the book, for the oracles of bundles: all samples are kept and every window is read anew.

Times are whole milliseconds. A window ends with the pane of the row that asks, its own row included.
"""
import math
from bisect import bisect_left, insort
from fractions import Fraction

PANE = 250


def end_of_pane(ms):
    return (ms // PANE + 1) * PANE


class Metric:
    """Samples of a metric by their labels."""

    def __init__(self):
        self.series = {}  # labels, a tuple of (name, value) pairs: [(ms, value)]

    def add(self, ms, value, **labels):
        samples = self.series.setdefault(tuple(sorted(labels.items())), [])
        insort(samples, (ms, value), key=lambda sample: sample[0])

    def window(self, end, length, **matchers):
        """Labels and samples of the series that match, in [end - length, end)."""
        for labels, samples in self.series.items():
            of = dict(labels)
            if any(of.get(name) != value for name, value in matchers.items()):
                continue
            inside = samples[bisect_left(samples, (end - length,)):bisect_left(samples, (end,))]
            if inside:
                yield of, inside

    def last(self, end, lookback=300_000, **matchers):
        return [(of, inside[-1][1]) for of, inside in self.window(end, lookback, **matchers)]


ONE = 1 << 200  # every sample here is a whole number of 2**-200


def whole(value):
    number, parts = float(value).as_integer_ratio()
    return number * (ONE // parts)


def total(values):
    """The exact sum, rounded once."""
    return float(Fraction(sum(map(whole, values)), ONE))


def mean(values):
    values = list(values)
    return float(Fraction(sum(map(whole, values)), ONE * len(values))) if values else None


def stddev(values):
    n, values = len(values), [whole(v) for v in values]
    scatter = n * sum(v * v for v in values) - sum(values) ** 2
    return math.sqrt(float(Fraction(scatter, ONE * ONE * n * n)))


def quantile(phi, values):
    values = sorted(values)
    rank = phi * (len(values) - 1)
    low, weight = math.floor(rank), rank - math.floor(rank)
    return values[low] * (1 - weight) + values[min(low + 1, len(values) - 1)] * weight


def extrapolated(samples, end, length, counter=True, rate=False):
    """rate, increase and delta of Prometheus; None: no value."""
    if len(samples) < 2 or samples[0][0] == samples[-1][0]:
        return None
    (first_at, first), (last_at, last) = samples[0], samples[-1]
    grown = Fraction(last) - Fraction(first)
    if counter:
        grown += sum(Fraction(a[1]) for a, b in zip(samples, samples[1:]) if b[1] < a[1])
    grown = float(grown)
    inside = (last_at - first_at) / 1e3
    distance = inside / (len(samples) - 1)

    def gap(ms):
        return distance / 2 if ms / 1e3 >= distance * 1.1 else ms / 1e3

    before, behind = gap(first_at - (end - length)), gap(end - last_at)
    if counter and grown > 0 and first >= 0:
        before = min(before, inside * (first / grown))
    factor = (inside + before + behind) / inside
    return grown * (factor / (length / 1e3) if rate else factor)


def group(values, *by):
    """Values by the labels kept."""
    groups = {}
    for labels, value in values:
        if value is not None:
            groups.setdefault(tuple(labels.get(name, "") for name in by), []).append(value)
    return groups
