"""Random samples and queries: values of the engine beside those of a real Prometheus, at ends of panes.

Samples never lie on an edge of a pane, where versions of Prometheus differ from each other and from panes. Of two
rules for counters that began at zero (docs/metrics.md), a value of either is taken, and those of the other version
are counted.
"""

import argparse
import json
import math
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

PANE_MS = 250
START_MS = 1_700_000_000_000
LOOKBACK_MS = 20_000
SPAN_MS = 180_000
TOLERANCE = 1e-12
FUNCTIONS = [
    "rate", "increase", "delta", "count_over_time", "sum_over_time", "avg_over_time", "min_over_time",
    "max_over_time", "stddev_over_time", "last_over_time", "quantile_over_time", "instant",
]
OPERATORS = ["sum", "count", "avg", "min", "max", "quantile", "topk"]
PHIS = [0, 0.25, 0.5, 0.9, 0.99, 1]


def samples_of(rng):
    """Samples (ms, metric, g, k, value) in order: `c` counters below zero, where the rules for
    counters that began at zero do not apply, `z` counters near it, `v` gauges."""
    samples = []
    for g in ["a", "b", "c"]:
        for k in ["k1", "k2", "k3", ""]:
            for metric in ["c", "z", "v"]:
                at = START_MS + rng.randrange(0, 30_000)
                step = rng.choice([40, 300, 1_000, 5_000])
                end = START_MS + SPAN_MS - rng.choice([0, 0, 60_000])
                base = {"c": -1e6, "z": 0.0, "v": 0.0}[metric]
                value = base + rng.randrange(0, 8) / 2
                while at < end:
                    ms = at + (1 if at % PANE_MS == 0 else 0)
                    if metric == "v":
                        value = rng.choice([rng.uniform(-50, 100), rng.randrange(-20, 40) / 4])
                        if rng.random() < 0.003:
                            value = rng.choice([math.nan, math.inf, -math.inf])
                    elif rng.random() < 0.02:
                        value = base + rng.randrange(0, 20) / 2
                    else:
                        value += rng.randrange(0, 12) / 2
                    samples.append((ms, metric, g, k, value))
                    at = ms + rng.randrange(1, 2 * step)
                    if rng.random() < 0.01:
                        at += rng.randrange(5_000, 40_000)
    samples.sort(key=lambda sample: sample[0])
    return samples


def query_of(rng, func):
    counter = func in ("rate", "increase")
    levels = []
    labels = ["g", "k"]
    for _ in range(rng.randrange(0, 3)):
        op = rng.choice(OPERATORS)
        by = [label for label in labels if rng.random() < 0.6]
        level = {"op": op, "by": by}
        if op == "quantile":
            level["phi"] = rng.choice(PHIS)
        if op == "topk":
            level["k"] = rng.randrange(1, 4)
        else:
            labels = by
        levels.append(level)
    near = counter and not levels and rng.random() < 0.6
    matchers = rng.choice([
        [], [], [["g", "=", "a"]], [["k", "!=", "k1"]], [["k", "=~", "k1|k2"]], [["k", "!~", ".+"]],
        [["g", "=~", "a|c"], ["k", "!=", ""]],
    ])
    return {
        # Deviations of numbers a million times as large show the rounding of Prometheus.
        "metric": "z" if near else "c" if counter else rng.choice(["v", "v", "z" if func == "stddev_over_time" else "c"]),
        "matchers": matchers,
        "func": func,
        "phi": rng.choice(PHIS),
        "range_ms": LOOKBACK_MS if func == "instant" else rng.choice([1, 2, 4, 20, 60, 240]) * PANE_MS,
        "offset_ms": rng.choice([0, 0, 0, 1, 8, 40]) * PANE_MS,
        "levels": levels,
    }


def promql(query):
    matchers = ",".join(f'{label}{op}"{value}"' for label, op, value in query["matchers"])
    text = f'{query["metric"]}{{{matchers}}}'
    if query["func"] != "instant":
        text += f'[{query["range_ms"]}ms]'
    if query["offset_ms"]:
        text += f' offset {query["offset_ms"]}ms'
    if query["func"] == "quantile_over_time":
        text = f'quantile_over_time({query["phi"]}, {text})'
    elif query["func"] != "instant":
        text = f'{query["func"]}({text})'
    for level in query["levels"]:
        argument = {"quantile": level.get("phi"), "topk": level.get("k")}.get(level["op"])
        argument = "" if argument is None else f"{argument}, "
        text = f'{level["op"]} by ({", ".join(level["by"])}) ({argument}{text})'
    return text


class Prometheus:
    """A server of its own over blocks made of the samples, on loopback, ended with the block."""

    def __init__(self, folder, samples):
        self.folder = folder
        text = os.path.join(folder, "samples.txt")
        blocks = os.path.join(folder, "blocks")
        with open(text, "w", encoding="utf-8") as file:
            for metric in sorted({sample[1] for sample in samples}):
                file.write(f"# TYPE {metric} unknown\n")
                of_metric = [sample for sample in samples if sample[1] == metric]
                of_metric.sort(key=lambda sample: (sample[2], sample[3], sample[0]))
                for ms, _, g, k, value in of_metric:
                    file.write(f'{metric}{{g="{g}",k="{k}"}} {number_text(value)} {ms / 1000:.3f}\n')
            file.write("# EOF\n")
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, blocks],
            check=True, stdout=subprocess.DEVNULL,
        )
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("global: {}\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = open(os.path.join(folder, "log.txt"), "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                "prometheus", f"--config.file={config}", f"--storage.tsdb.path={blocks}",
                f"--web.listen-address=127.0.0.1:{self.port}", "--storage.tsdb.retention.time=100y",
                f"--query.lookback-delta={LOOKBACK_MS}ms",
            ],
            stdout=self.log, stderr=self.log,
        )

    def __enter__(self):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2):
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        self.__exit__()
        raise SystemExit(f"prometheus does not start; see {self.folder}/log.txt")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()

    def values(self, text, first_ms, last_ms):
        """Value by (end in ms, labels)."""
        asked = urllib.parse.urlencode({
            "query": text, "start": first_ms / 1000, "end": last_ms / 1000, "step": f"{PANE_MS}ms",
        })
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query_range?{asked}", timeout=60) as reply:
            answer = json.load(reply)
        out = {}
        for series in answer["data"]["result"]:
            labels = {k: v for k, v in series["metric"].items() if k != "__name__"}
            key = json.dumps(labels, sort_keys=True, separators=(",", ":"))
            for at, value in series["values"]:
                out[(round(at * 1000), key)] = float(value)
        return out


def number_text(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def engine(program, samples, queries):
    """Of each query: value by (end in ms, labels)."""
    case = {
        "pane_ms": PANE_MS,
        "samples": [[ms, m, g, k, repr(value)] for ms, m, g, k, value in samples],
        "queries": queries,
    }
    run = subprocess.run([program], input=json.dumps(case), capture_output=True, text=True, check=True)
    out = [{} for _ in queries]
    for line in run.stdout.splitlines():
        query, end, labels, value = line.split("\t")
        key = json.dumps(json.loads(labels), sort_keys=True, separators=(",", ":"))
        out[int(query)][(int(end), key)] = float(value)
    return out


def near(a, b):
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


def zero_rules(query, samples, key, end):
    """What both rules for counters near zero give: (that of version 3, that of version 2)."""
    labels = json.loads(key)
    last = end - query["offset_ms"]
    first = last - query["range_ms"]
    series = [
        (ms, value) for ms, metric, g, k, value in samples
        if metric == query["metric"] and first <= ms < last
        and (labels.get("g", ""), labels.get("k", "")) == (g, k)
    ]
    total = series[-1][1] - series[0][1] + sum(a[1] for a, b in zip(series, series[1:]) if b[1] < a[1])
    interval = (series[-1][0] - series[0][0]) / 1000
    average = interval / (len(series) - 1)
    start, stop = (series[0][0] - first) / 1000, (last - series[-1][0]) / 1000
    zero = interval * (series[0][1] / total) if total > 0 and series[0][1] >= 0 else math.inf
    stop = stop if stop < average * 1.1 else average / 2

    def value(start):
        factor = (interval + start + stop) / interval
        return total * (factor / (query["range_ms"] / 1000) if query["func"] == "rate" else factor)

    newer = min(start if start < average * 1.1 else average / 2, zero)
    older = min(start, zero)
    return value(newer), value(older if older < average * 1.1 else average / 2)


def ties(query):
    """Whether a choice among equal values may differ."""
    return any(level["op"] == "topk" for level in query["levels"])


def compare(query, samples, ours, theirs, counts, problems):
    for at in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(at), theirs.get(at)
        counts["pairs"] += 1
        if a is not None and b is not None and near(a, b):
            continue
        if query["metric"] == "z" and a is not None and b is not None:
            newer, older = zero_rules(query, samples, at[1], at[0])
            if near(a, newer) and near(b, older):
                counts["zero"] += 1
                continue
        problems.append((query, at, a, b))


def untied(inputs, at_end):
    """Whether no two inputs of a topk have one value at a time, so that the choice is determined."""
    values = [value for (end, _), value in inputs.items() if end == at_end]
    return len(values) == len(set(values)) and not any(math.isnan(value) for value in values)


def run_seed(seed, program):
    rng = random.Random(seed)
    samples = samples_of(rng)
    queries = [query_of(rng, func) for func in FUNCTIONS for _ in range(6)]
    answers = engine(program, samples, queries)
    folder = tempfile.mkdtemp(prefix="ceptra-prometheus-")
    counts = {func: {"pairs": 0, "zero": 0, "tied": 0} for func in FUNCTIONS}
    problems = []
    try:
        with Prometheus(folder, samples) as server:
            first = (START_MS // PANE_MS + 1) * PANE_MS
            last = (samples[-1][0] // PANE_MS + 1) * PANE_MS
            for query, ours in zip(queries, answers):
                theirs = server.values(promql(query), first, last)
                of_func = counts[query["func"]]
                if ties(query):
                    ends = {end for end, _ in ours.keys() | theirs.keys()}
                    tied = set()
                    for below in below_each_topk(query):
                        inputs = server.values(promql(below), first, last)
                        tied |= {end for end in ends if not untied(inputs, end)}
                    of_func["tied"] += len(tied)
                    ours = {at: value for at, value in ours.items() if at[0] not in tied}
                    theirs = {at: value for at, value in theirs.items() if at[0] not in tied}
                compare(query, samples, ours, theirs, of_func, problems)
    finally:
        shutil.rmtree(folder)
    return counts, problems


def below_each_topk(query):
    """The query below each of its topk."""
    for at, level in enumerate(query["levels"]):
        if level["op"] == "topk":
            yield {**query, "levels": query["levels"][:at]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", required=True)
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    deep = options.deep or os.environ.get("CEPTRA_DEEP") == "1"
    seeds = [options.seed] if options.seed is not None else range(1, 13 if deep else 3)
    totals = {func: {"pairs": 0, "zero": 0, "tied": 0} for func in FUNCTIONS}
    failed = 0
    for seed in seeds:
        counts, problems = run_seed(seed, options.values)
        for func, of_func in counts.items():
            for name, count in of_func.items():
                totals[func][name] += count
        for query, at, ours, theirs in problems[:10]:
            print(f"seed {seed}: {promql(query)} at {at}: {ours}, Prometheus {theirs}", file=sys.stderr)
        failed += len(problems)
    for func, count in totals.items():
        print(f"{func:20} {count['pairs']:8} values, {count['zero']} by the other rule of zero, {count['tied']} times tied")
    print(f"{sum(c['pairs'] for c in totals.values())} values compared, {failed} differ")
    if any(count["pairs"] == 0 for count in totals.values()):
        raise SystemExit("a function was not compared")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
