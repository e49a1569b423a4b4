"""The questions. Most are written once, with `{w}` where the two dialects say "window" differently.

`{s}` is a stream: `e` in order, `o` out of order. `id` is the order of arrival.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Window:
    ceptra: str
    duckdb: str


@dataclass(frozen=True)
class Query:
    group: str
    name: str
    text: str
    window: Window = Window("{s}", "{s}")
    # What to say differently to DuckDB: {ours: theirs}.
    swap: dict = field(default_factory=dict)
    # Columns whose last bits may differ.
    near: tuple = ()
    # Key of a changelog, of which the last row of each key counts.
    key: tuple = None
    # For DuckDB: how many rows ceptra has to leave out as errors.
    errors: str = None
    # For DuckDB: how many rows ceptra has to leave out as late.
    late: str = None
    # More options of the streams, and their lateness in seconds if it is not enough for all rows.
    options: str = ""
    lateness: int = None
    streams: str = "eo"
    # Streams to declare if not only `{s}`.
    reads: str = None

    def ceptra(self, stream):
        return self.text.replace("{w}", self.window.ceptra).replace("{s}", stream)

    def duckdb(self, stream):
        text = self.text
        for ours, theirs in self.swap.items():
            if ours not in text:
                raise ValueError(f"{self.name}: no {ours} to swap")
            text = text.replace(ours, theirs)
        return text.replace("{w}", self.window.duckdb).replace("{s}", stream)


def tumbling(size, offset="0 seconds"):
    start = f"time_bucket(INTERVAL '{size}', ts, TIMESTAMP '1970-01-01' + INTERVAL '{offset}')"
    return Window(
        f"{{s}} WINDOW TUMBLING (SIZE {size}, OFFSET {offset})",
        f"(SELECT *, {start} AS window_start, {start} + INTERVAL '{size}' AS window_end FROM {{s}})",
    )


def hop(size, slide):
    """A row is in every window that begins at a multiple of `slide` and covers it."""
    aligned = lambda ts: f"time_bucket(INTERVAL '{slide}', {ts}, TIMESTAMP '1970-01-01')"
    first = aligned(f"min(ts) - INTERVAL '{size}'")
    starts = f"""(SELECT unnest(generate_series((SELECT {first} FROM {{s}}),
        (SELECT {aligned("max(ts)")} FROM {{s}}), INTERVAL '{slide}')) AS window_start)"""
    return Window(
        f"{{s}} WINDOW HOP (SIZE {size}, SLIDE {slide})",
        f"""(SELECT {{s}}.*, window_start, window_start + INTERVAL '{size}' AS window_end
        FROM {starts} AS starts
        JOIN {{s}} ON ts >= window_start AND ts < window_start + INTERVAL '{size}')""",
    )


def cumulate(step, steps):
    """`step` in seconds: windows of one start grow until they are `steps` long."""
    start = f"time_bucket(INTERVAL '{step * steps} seconds', ts, TIMESTAMP '1970-01-01')"
    return Window(
        f"{{s}} WINDOW CUMULATE (STEP {step} SECONDS, SIZE {step * steps} SECONDS)",
        f"""(SELECT *, window_start + INTERVAL '{step} seconds' * i AS window_end
        FROM (SELECT *, {start} AS window_start FROM {{s}}), range(1, {steps + 1}) AS r(i)
        WHERE ts < window_start + INTERVAL '{step} seconds' * i)""",
    )


def session(gap, key=None):
    """A row at least `gap` after the one before it begins a session."""
    by = f"PARTITION BY {key}" if key else ""
    per_session = f"PARTITION BY {key + ', ' if key else ''}number"
    return Window(
        f"{{s}} WINDOW SESSION (GAP {gap}{', KEY ' + key if key else ''})",
        f"""(SELECT *, min(ts) OVER ({per_session}) AS window_start,
            max(ts) OVER ({per_session}) + INTERVAL '{gap}' AS window_end
        FROM (SELECT *, count(*) FILTER (WHERE opens) OVER ({by} ORDER BY ts, id) AS number
        FROM (SELECT *, coalesce(ts - lag(ts) OVER ({by} ORDER BY ts, id) >= INTERVAL '{gap}', true) AS opens
        FROM {{s}})))""",
    )


def late(lateness):
    """Rows of a tumbling window, which is closed when an earlier row is so far past its end."""
    reached = f"""max(ts) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        - INTERVAL '{lateness} seconds' >= window_end"""
    rows = tumbling("10 seconds").duckdb
    return dict(
        window=Window(tumbling("10 seconds").ceptra, f"(SELECT * FROM {rows} QUALIFY ({reached}) IS NOT TRUE)"),
        late=f"SELECT count(*) FROM (SELECT {reached} AS late FROM {rows}) WHERE late",
        lateness=lateness,
    )


RETRACT = """, "late.policy" = 'retract'"""

BY_WINDOW = "GROUP BY window_start, window_end"
BY_KEY = BY_WINDOW + ", k"
# In event-time windows rows go by (event time, arrival); DuckDB has to be told.
FIRST_LAST = {
    "first(m)": "first(m ORDER BY ts, id)",
    "last(m)": "last(m ORDER BY ts, id)",
    "first(k)": "first(k ORDER BY ts, id)",
    "last(t)": "last(t ORDER BY ts, id)",
}
BASIC = """SELECT window_start, window_end, k, count(*) AS c, count(n) AS cn, sum(n) AS s, min(n) AS lo,
    max(m) AS hi, sum(v) AS sv, avg(v) AS av, min(w) AS lw, max(ts) AS seen FROM {w} """ + BY_KEY
SPREAD = """SELECT window_start, window_end, k, avg(w) AS aw, stddev_pop(w) AS sp, stddev_samp(w) AS ss,
    var_pop(w) AS vp, var_samp(w) AS vs, sum(w) AS sw, stddev_pop(n) AS spn, avg(n) AS an FROM {w} """ + BY_KEY
SPREAD_NEAR = ("aw", "sp", "ss", "vp", "vs", "sw", "spn", "an")
ENDS = """SELECT window_start, window_end, k, first(m) AS f, last(m) AS l, last(t) AS lt, min(t) AS mt,
    max(t) AS xt, count(DISTINCT t) AS dt, count(DISTINCT n) AS dn, count(DISTINCT b) AS db FROM {w} """ + BY_KEY
FILTERED = """SELECT window_start, k, count(*) FILTER (WHERE b) AS yes, sum(n) FILTER (WHERE v > 0) AS s,
    avg(v) FILTER (WHERE NOT b) AS a, bool_or(b) AS any_b, bool_and(b) AS all_b FROM {w} """ + BY_KEY + """
    HAVING count(*) >= 3 AND sum(n) IS NOT NULL"""

WINDOWS = {
    "tumbling": tumbling("1 minute"),
    "hop": hop("1 minute", "20 seconds"),
    "cumulate": cumulate(10, 6),
    "session": session("20 seconds", "k"),
}


def over(group, name, columns, **more):
    """OVER in the order of event time; rows of one time in the order of arrival."""
    ours = columns.replace("[", "PARTITION BY k ORDER BY ts").replace("]", "")
    theirs = columns.replace("[", "PARTITION BY k ORDER BY ts, id").replace("]", "")
    return Query(group, name, f"SELECT id, k, {ours} FROM {{s}}", swap={ours: theirs}, **more)


QUERIES = [
    # Filters and projections.
    Query("filter", "star", "SELECT * FROM {s}"),
    Query("filter", "comparisons", "SELECT id FROM {s} WHERE n > 10 AND v <= 100 OR NOT b AND m <> n"),
    Query("filter", "null-logic", """SELECT id, b AND n > 0 AS a, b OR n > 0 AS o, NOT b AS no, n IS NULL AS nn,
        n = 3 AS eq, b IS TRUE AS t, b IS NOT FALSE AS nf, n IS DISTINCT FROM 3 AS d,
        n IS NOT DISTINCT FROM NULL AS nd FROM {s}"""),
    Query("filter", "in-between", """SELECT id, n FROM {s}
        WHERE n IN (1, 2, 3, -50, 50) OR n BETWEEN -20 AND -10 OR k IN ('a', 'Éa') AND n NOT IN (5, 6)"""),
    Query("filter", "in-null", "SELECT id, n IN (1, NULL) AS i, n NOT IN (1, NULL) AS ni, n BETWEEN NULL AND 0 AS bt FROM {s}"),
    Query("filter", "like", r"""SELECT id, t LIKE '%a%' AS a, t LIKE '_l%' AS l, t LIKE '%\_%' ESCAPE '\' AS u,
        t LIKE '%3!%' ESCAPE '!' AS p, t NOT LIKE 'B%' AS nb, t ILIKE 'b%' AS ib, k LIKE '_' AS one FROM {s}"""),
    Query("filter", "regexp", """SELECT id, regexp_replace(t, '[0-9]+', '#', 'g') AS g, regexp_replace(t, '[aeiou]', '') AS f,
        regexp_extract(t, '([a-z]+)[-_]([0-9]+)', 2) AS x FROM {s} WHERE regexp_matches(t, '^[A-Za-z]+.[0-9]+')""",
        # Without a match NULL here, '' there.
        swap={"regexp_extract(t, '([a-z]+)[-_]([0-9]+)', 2)": "nullif(regexp_extract(t, '([a-z]+)[-_]([0-9]+)', 2), '')"}),
    Query("filter", "time-range", """SELECT id, ts FROM {s} WHERE ts >= TIMESTAMP '2024-02-28 23:00:00'
        OR ts < TIMESTAMP '1969-12-31 23:59:59.5'"""),
    Query("project", "case", """SELECT id, CASE WHEN n < 0 THEN 'minus' WHEN n = 0 THEN 'zero' WHEN n > 0 THEN 'plus' END AS sign,
        CASE k WHEN 'a' THEN 1 WHEN 'b' THEN 2 ELSE -1 END AS code, CASE WHEN b THEN v ELSE w END AS pick FROM {s}"""),
    Query("project", "coalesce", """SELECT id, coalesce(n, m, 0) AS c, nullif(n, 3) AS nu, greatest(n, 0) AS g,
        least(n, m) AS l, coalesce(k, t, 'none') AS ct FROM {s}"""),
    Query("project", "integers", """SELECT id, n + m AS a, n - m AS s, n * n AS p, m / nullif(n, 0) AS q, m % nullif(n, 0) AS r,
        n / 7 AS q7, n % 7 AS r7, -n AS neg, abs(n) AS ab, n % -3 AS rm3 FROM {s}""",
        swap={"m / nullif": "m // nullif", "n / 7": "n // 7"}),
    Query("project", "doubles", """SELECT id, v + w AS a, v * w AS p, v / w AS q, v - n AS s, floor(v) AS f, ceil(v) AS c,
        round(v) AS r, trunc(v) AS t, abs(v) AS ab, sqrt(w) AS sq, sign(v) AS si FROM {s}""",
        swap={"sign(v)": "CAST(sign(v) AS DOUBLE)"}),
    Query("project", "rounding", "SELECT id, round(v, 1) AS r1, round(w, 2) AS r2, round(v / 4) AS r3, floor(-w) AS f FROM {s}"),
    Query("project", "casts", """SELECT id, CAST(trunc(v) AS BIGINT) AS vi, CAST(n AS DOUBLE) AS nd, CAST(n AS {text}) AS nt,
        CAST(v AS {text}) AS vt, CAST(b AS {text}) AS bt, CAST(b AS BIGINT) AS bi, CAST(ts AS DATE) AS d,
        CAST(v AS DECIMAL(12, 3)) AS vd, CAST(n AS DECIMAL(10, 2)) * 3 AS nd3, CAST(w AS DECIMAL(12, 2)) AS wd FROM {s}"""
        .replace("{text}", "STRING"), swap={"STRING": "VARCHAR"}),
    Query("project", "try-cast", "SELECT id, TRY_CAST(t AS BIGINT) AS i, TRY_CAST(t AS DOUBLE) AS d FROM {s}"),
    # A row whose expression fails is left out and counted.
    Query("project", "failing-rows", "SELECT id, CAST(t AS BIGINT) AS i FROM {s}",
        swap={"CAST(t AS BIGINT) AS i FROM {s}": "TRY_CAST(t AS BIGINT) AS i FROM {s} WHERE t IS NULL OR i IS NOT NULL"},
        errors="SELECT count(*) FROM {s} WHERE t IS NOT NULL AND TRY_CAST(t AS BIGINT) IS NULL"),
    Query("project", "time-parts", """SELECT id, date_trunc('minute', ts) AS mi, date_trunc('hour', ts) AS h, date_trunc('day', ts) AS d,
        date_trunc('month', ts) AS mo, date_trunc('week', ts) AS wk, extract(year FROM ts) AS y, extract(month FROM ts) AS m,
        extract(day FROM ts) AS dd, extract(hour FROM ts) AS hh, extract(minute FROM ts) AS mm, extract(doy FROM ts) AS doy,
        extract(dow FROM ts) AS dow, extract(week FROM ts) AS w, extract(quarter FROM ts) AS q, isodow(ts) AS iso FROM {s}""",
        swap={f"date_trunc('{unit}', ts)": f"CAST(date_trunc('{unit}', ts) AS TIMESTAMP)" for unit in ("day", "month", "week")}),
    Query("project", "time-sums", """SELECT id, ts + INTERVAL '90' MINUTE AS a, ts - INTERVAL '1' DAY AS s, ts + INTERVAL '1' MONTH AS m,
        date_diff('hour', ts, TIMESTAMP '2024-03-01 00:00:00') AS h, epoch_ms(ts) AS ms, epoch_us(ts) AS us,
        dayname(ts) AS dn, monthname(ts) AS mn, last_day(ts) AS ld FROM {s}""",
        # Before 1970 as well, the millisecond that the time is in.
        swap={"epoch_ms(ts)": "CAST(floor(epoch_us(ts) / 1000) AS BIGINT)"}),
    Query("project", "text", """SELECT id, upper(t) AS u, lower(t) AS l, length(t) AS len, octet_length(k) AS bytes, trim(t) AS tr,
        ltrim(t) AS lt, reverse(t) AS re, substr(t, 2, 3) AS su, substring(k, 1, 1) AS k1, replace(t, 'a', '<>') AS rp,
        strpos(t, 'a') AS po, left(t, 3) AS le, right(t, 3) AS ri FROM {s}""",
        swap={"octet_length(k)": "octet_length(encode(k))"}),
    Query("project", "text-more", """SELECT id, lpad(t, 8, '*') AS lp, rpad(t, 8, '.') AS rp, t || '/' || k AS j, concat(t, '-', k) AS c,
        concat_ws('+', t, k, 'z') AS cw, split_part(t, '.', 2) AS sp, starts_with(t, 'al') AS st, repeat(k, 2) AS r2,
        translate(t, 'abc', 'xy') AS tl, ascii(k) AS asc1, md5(t) AS md, sha256(t) AS sha,
        levenshtein(translate(k, 'É日本', 'Eni'), 'delay') AS lev FROM {s}"""),
    Query("project", "functions", """SELECT id, power(w, 2) AS p, ln(w) AS l, exp(w / 10) AS e, sin(v) AS si, atan2(v, w) AS a2,
        log10(w) AS l10, cbrt(v) AS cb, mod(n, 5) AS mo, gcd(n, 12) AS g FROM {s}""",
        near=("p", "l", "e", "si", "a2", "l10", "cb")),
    Query("project", "subquery", """WITH plus AS (SELECT id, n + 1 AS n1, k FROM {s} WHERE n IS NOT NULL)
        SELECT id, n1 * 2 AS n2 FROM (SELECT * FROM plus WHERE n1 > 0) WHERE k <> 'a'"""),
    # Every kind of window with every set of aggregates.
    *(Query(kind, f"{kind}-{name}", text, window, swap, near)
      for kind, window in WINDOWS.items()
      for name, text, swap, near in (
          ("sums", BASIC, {}, ()),
          ("spread", SPREAD, {}, SPREAD_NEAR),
          ("ends", ENDS, {ours: theirs for ours, theirs in FIRST_LAST.items() if ours in ENDS}, ()),
          ("filter-having", FILTERED, {}, ()),
      )),
    Query("tumbling", "tumbling-all", "SELECT window_start, window_end, count(*) AS c, sum(n) AS s, first(k) AS f FROM {w} " + BY_WINDOW,
        tumbling("90 seconds"), {"first(k)": FIRST_LAST["first(k)"]}),
    Query("tumbling", "tumbling-offset", "SELECT window_start, k, count(*) AS c, sum(v) AS s FROM {w} " + BY_KEY,
        tumbling("7 minutes", "100 seconds")),
    Query("tumbling", "tumbling-day", "SELECT window_start, window_end, count(*) AS c FROM {w} " + BY_WINDOW, tumbling("1 day")),
    Query("tumbling", "tumbling-where", "SELECT window_start, k, count(*) AS c FROM {w} WHERE n > 0 AND k IS NOT NULL " + BY_KEY,
        tumbling("30 seconds")),
    Query("tumbling", "tumbling-by-expression", """SELECT window_start, n % 3 AS r, upper(k) AS u, count(*) AS c
        FROM {w} GROUP BY window_start, window_end, n % 3, upper(k)""", tumbling("2 minutes")),
    Query("tumbling", "tumbling-regr", """SELECT window_start, regr_count(w, v) AS n, regr_avgx(w, v) AS ax,
        regr_avgy(w, v) AS ay, regr_slope(w, w + v / 1000) AS s, regr_intercept(w, w + v / 1000) AS i,
        regr_r2(w, w + v / 1000) AS r, regr_sxx(v / 1000, w) AS sxx, regr_syy(w, v / 1000) AS syy,
        regr_sxy(w, v / 1000) AS sxy FROM {w} """ + BY_WINDOW + " HAVING count(*) > 20", tumbling("5 minutes"),
        near=("ax", "ay", "s", "i", "r", "sxx", "syy", "sxy")),
    Query("tumbling", "tumbling-corr", """SELECT window_start, corr(w, w + v / 1000) AS co, covar_pop(w, v) AS cp, covar_samp(w, v) AS cs
        FROM {w} """ + BY_WINDOW + " HAVING count(*) > 20", tumbling("5 minutes"),
        near=("co", "cp", "cs")),
    Query("tumbling", "tumbling-distinct-sums", """SELECT window_start, sum(DISTINCT n) AS s, avg(DISTINCT v) AS a, count(DISTINCT k) AS k,
        count(DISTINCT t) FILTER (WHERE b) AS t FROM {w} """ + BY_WINDOW, tumbling("2 minutes")),
    Query("tumbling", "tumbling-quantiles", """SELECT window_start, median(v) AS m, quantile_cont(v, 0.25) AS q, bit_xor(n) AS x, bit_or(n) AS o,
        bit_and(n) AS a FROM {w} """ + BY_WINDOW, tumbling("2 minutes"), near=("q",)),
    Query("tumbling", "tumbling-text", """SELECT window_start, string_agg(t, '|' ORDER BY m) AS j, max(k) AS mk, arg_max(k, m) AS am, arg_min(t, m) AS an
        FROM {w} WHERE m IS NOT NULL """ + BY_WINDOW, tumbling("30 seconds"),
        # The value of that row, be it NULL.
        {"arg_max": "arg_max_null", "arg_min": "arg_min_null"}),
    Query("tumbling", "tumbling-top", "SELECT window_start, id, n FROM {w} ORDER BY n DESC NULLS LAST, id LIMIT 3", tumbling("1 minute"),
        {"ORDER BY n DESC NULLS LAST, id LIMIT 3": "QUALIFY row_number() OVER (PARTITION BY window_start ORDER BY n DESC NULLS LAST, id) <= 3"}),
    Query("hop", "hop-uneven", "SELECT window_start, window_end, count(*) AS c, sum(n) AS s, count(DISTINCT k) AS d FROM {w} " + BY_WINDOW,
        hop("50 seconds", "15 seconds")),
    Query("hop", "hop-gaps", "SELECT window_start, window_end, count(*) AS c, max(v) AS m FROM {w} " + BY_WINDOW,
        hop("10 seconds", "25 seconds")),
    Query("session", "session-all", "SELECT window_start, window_end, count(*) AS c, sum(n) AS s, avg(v) AS a FROM {w} " + BY_WINDOW,
        session("4 seconds")),
    Query("session", "session-short", "SELECT window_start, window_end, k, count(*) AS c, max(m) AS m FROM {w} " + BY_KEY,
        session("2 seconds", "k")),
    Query("session", "session-other-key", "SELECT window_start, window_end, b, count(*) AS c, sum(m) AS m FROM {w} GROUP BY window_start, window_end, b",
        session("5 seconds", "b")),
    # OVER.
    over("over", "over-number", """row_number() OVER ([]) AS r, count(*) OVER ([ ROWS 1000000 PRECEDING]) AS c,
        count(*) OVER ([ ROWS UNBOUNDED PRECEDING]) AS u"""),
    over("over", "over-lag", """lag(n) OVER ([]) AS l1, lag(n, 3) OVER ([]) AS l3, lag(t, 2, 'none') OVER ([]) AS lt,
        n - lag(n) OVER ([]) AS d"""),
    over("over", "over-sums", """sum(n) OVER ([ ROWS BETWEEN 4 PRECEDING AND CURRENT ROW]) AS s,
        avg(v) OVER ([ ROWS BETWEEN 9 PRECEDING AND 1 PRECEDING]) AS a,
        count(n) OVER ([ ROWS BETWEEN 4 PRECEDING AND 2 PRECEDING]) AS c,
        sum(v) OVER ([ ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING]) AS sv,
        sum(v) OVER ([ ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW]) AS su"""),
    over("over", "over-extremes", """min(n) OVER ([ ROWS BETWEEN 6 PRECEDING AND CURRENT ROW]) AS lo,
        max(v) OVER ([ ROWS BETWEEN 6 PRECEDING AND CURRENT ROW]) AS hi,
        min(t) OVER ([ ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING]) AS mt,
        max(n) OVER ([ ROWS UNBOUNDED PRECEDING]) AS mu"""),
    over("over", "over-first", """first_value(m) OVER ([ ROWS BETWEEN 5 PRECEDING AND CURRENT ROW]) AS f,
        last_value(m) OVER ([ ROWS BETWEEN 5 PRECEDING AND 1 PRECEDING]) AS l,
        nth_value(n, 2) OVER ([ ROWS BETWEEN 5 PRECEDING AND CURRENT ROW]) AS n2, first_value(t) OVER ([ ROWS UNBOUNDED PRECEDING]) AS ft"""),
    over("over", "over-spread", """stddev_samp(w) OVER ([ ROWS BETWEEN 19 PRECEDING AND CURRENT ROW]) AS ss,
        var_pop(w) OVER ([ ROWS BETWEEN 19 PRECEDING AND CURRENT ROW]) AS vp,
        avg(w) OVER ([ ROWS BETWEEN 19 PRECEDING AND CURRENT ROW]) AS aw""", near=("ss", "vp", "aw")),
    Query("over", "over-arrival", """SELECT id, row_number() OVER () AS r, lag(n) OVER (PARTITION BY k) AS l,
        sum(n) OVER (PARTITION BY k ROWS 3 PRECEDING) AS s FROM {s}""",
        swap={"OVER ()": "OVER (ORDER BY id)", "PARTITION BY k": "PARTITION BY k ORDER BY id"}),
    # Frames of RANGE have all rows of one time.
    Query("over", "over-range", """SELECT id, count(*) OVER (PARTITION BY k ORDER BY ts) AS c, sum(n) OVER (PARTITION BY k ORDER BY ts) AS s,
        max(v) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW) AS m,
        avg(v) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW) AS a FROM {s}"""),
    Query("over", "over-qualify", """SELECT id, n - lag(n) OVER p AS d FROM {s} QUALIFY row_number() OVER p > 3 AND lag(n) OVER p < n
        WINDOW p AS (PARTITION BY k ORDER BY ts)""",
        swap={"""QUALIFY row_number() OVER p > 3 AND lag(n) OVER p < n
        WINDOW p AS (PARTITION BY k ORDER BY ts)""": """WINDOW p AS (PARTITION BY k ORDER BY ts, id)
        QUALIFY row_number() OVER p > 3 AND lag(n) OVER p < n"""}),
    # On the result of a batch window OVER sees one window at a time.
    Query("over", "over-in-window", """SELECT window_start, k, c, rank() OVER (ORDER BY c DESC) AS r, sum(c) OVER (ORDER BY k ROWS UNBOUNDED PRECEDING) AS s,
        c - lead(c) OVER (ORDER BY k) AS d FROM (SELECT window_start, k, count(*) AS c FROM {w} WHERE k IS NOT NULL """ + BY_KEY + ")", tumbling("1 minute"),
        swap={"OVER (": "OVER (PARTITION BY window_start "}),
    # A stream between the two sees all windows, in the order of their ends.
    Query("over", "over-after-window", f"""CREATE STREAM counts AS SELECT window_start, k, count(*) AS c FROM {{w}} {BY_KEY};
        SELECT window_start, k, c, c - lag(c) OVER (PARTITION BY k) AS d FROM counts""", tumbling("1 minute"),
        swap={"CREATE STREAM counts AS SELECT": "WITH counts AS (SELECT", f"{BY_KEY};": f"{BY_KEY})",
              "(PARTITION BY k)": "(PARTITION BY k ORDER BY window_start)"}),
    Query("over", "window-after-window", f"""CREATE STREAM counts AS SELECT window_start, window_end, k, count(*) AS c, sum(n) AS s FROM {{w}} {BY_KEY};
        SELECT k, max(c) AS m, sum(s) AS s, count(*) AS windows FROM counts GROUP BY k""", tumbling("20 seconds"), key=("k",),
        swap={"CREATE STREAM counts AS SELECT": "WITH counts AS (SELECT", f"{BY_KEY};": f"{BY_KEY})"}),
    # Sliding windows: one row for every row that comes.
    Query("sliding", "length", "SELECT id, count(*) AS c, sum(n) AS s, max(v) AS m FROM {s} WINDOW LENGTH(25)",
        swap={"count(*)": "count(*) OVER w", "sum(n)": "sum(n) OVER w", "max(v)": "max(v) OVER w",
              "WINDOW LENGTH(25)": "WINDOW w AS (ORDER BY id ROWS 24 PRECEDING)"}),
    Query("sliding", "time", "SELECT id, count(*) AS c, sum(n) AS s, min(v) AS m FROM {s} WINDOW TIME(30 SECONDS)",
        swap={"SELECT id, count(*) AS c, sum(n) AS s, min(v) AS m FROM {s} WINDOW TIME(30 SECONDS)":
              """WITH stamped AS (SELECT *, max(ts) OVER (ORDER BY id) AS stamp FROM {s})
              SELECT a.id, count(*) AS c, sum(p.n) AS s, min(p.v) AS m FROM stamped a
              JOIN stamped p ON p.id <= a.id AND p.stamp > a.stamp - INTERVAL '30 seconds' GROUP BY a.id"""}),
    Query("sliding", "length-batch", "SELECT count(*) AS c, sum(n) AS s, max(m) AS m, last(id) AS id FROM {s} WINDOW LENGTHBATCH(64)",
        swap={"last(id)": "max(id)", "WINDOW LENGTHBATCH(64)": "GROUP BY id // 64"}),
    Query("sliding", "length-spread", "SELECT id, stddev_samp(w) AS s, avg(w) AS a FROM {s} WINDOW LENGTH(10)",
        swap={"stddev_samp(w)": "stddev_samp(w) OVER p", "avg(w)": "avg(w) OVER p",
              "WINDOW LENGTH(10)": "WINDOW p AS (ORDER BY id ROWS 9 PRECEDING)"}, near=("s", "a")),
    Query("sliding", "length-per-key", "SELECT id, k, count(*) AS c, sum(v) AS s FROM {s} WINDOW LENGTH(50) GROUP BY k",
        swap={"SELECT id, k, count(*) AS c, sum(v) AS s FROM {s} WINDOW LENGTH(50) GROUP BY k":
              """SELECT a.id, any_value(a.k) AS k, count(*) AS c, sum(p.v) AS s FROM {s} a
              JOIN {s} p ON p.id BETWEEN a.id - 49 AND a.id AND p.k IS NOT DISTINCT FROM a.k GROUP BY a.id"""}),
    # Rows that come too late.
    Query("late", "late-drop", "SELECT window_start, k, count(*) AS c, sum(n) AS s, max(m) AS m FROM {w} " + BY_KEY, **late(5)),
    Query("late", "late-drop-at-once", "SELECT window_start, count(*) AS c, sum(n) AS s FROM {w} " + BY_WINDOW, **late(0)),
    *(Query("late", f"retract-{kind}", """SELECT window_start, window_end, k, count(*) AS c, count(DISTINCT n) AS d, sum(n) AS s, min(v) AS lo, max(m) AS hi,
        avg(v) AS a FROM {w} """ + BY_KEY + having, window, key=("window_start", "window_end", "k"), options=RETRACT, lateness=1)
      for kind, window, having in (
          ("tumbling", tumbling("10 seconds"), ""),
          ("having", tumbling("10 seconds"), " HAVING sum(n) > 0"),
          ("hop", hop("20 seconds", "5 seconds"), ""),
          ("cumulate", cumulate(5, 4), ""),
      )),
    # No window: the last row of every group.
    Query("unwindowed", "group-by", """SELECT k, count(*) AS c, count(n) AS cn, sum(n) AS s, min(m) AS lo, max(v) AS hi, avg(v) AS a,
        count(DISTINCT t) AS d FROM {s} GROUP BY k""", key=("k",)),
    Query("unwindowed", "group-by-two", """SELECT k, b, sum(v) AS s, avg(w) AS aw, stddev_pop(w) AS sp, var_samp(w) AS vs, max(t) AS mt
        FROM {s} WHERE n IS NOT NULL GROUP BY k, b""", key=("k", "b"), near=("aw", "sp", "vs")),
    Query("unwindowed", "group-by-having", "SELECT n, count(*) AS c, sum(v) AS s FROM {s} GROUP BY n HAVING sum(v) > 0", key=("n",)),
    Query("unwindowed", "group-by-expression", """SELECT date_trunc('hour', ts) AS h, n % 4 AS r, count(*) AS c, sum(m) AS s FROM {s}
        GROUP BY date_trunc('hour', ts), n % 4""", key=("h", "r")),
    Query("unwindowed", "total", "SELECT count(*) AS c, sum(n) AS s, avg(v) AS a, corr(w, w + v / 1000) AS co FROM {s}", key=(), near=("co",)),
    # Every row of the changelog, not the last one only.
    Query("unwindowed", "changelog", "SELECT k, count(*) AS c, sum(n) AS s, max(m) AS m FROM {s} GROUP BY k",
        swap={"SELECT k, count(*) AS c, sum(n) AS s, max(m) AS m FROM {s} GROUP BY k":
              """SELECT CASE WHEN count(*) OVER p = 1 THEN '+I' ELSE '+U' END AS _op, k, count(*) OVER p AS c, sum(n) OVER p AS s,
              max(m) OVER p AS m FROM {s} WINDOW p AS (PARTITION BY k ORDER BY id ROWS UNBOUNDED PRECEDING)"""}),
    Query("unwindowed", "decimals", """SELECT k, sum(CAST(v AS DECIMAL(10, 3))) AS s, max(CAST(w AS DECIMAL(10, 2))) AS m,
        sum(DISTINCT CAST(n AS DECIMAL(10, 1))) AS d FROM {s} GROUP BY k""", key=("k",)),
    # Sets of rows.
    Query("sets", "distinct", "SELECT DISTINCT k, b FROM {s}"),
    Query("sets", "distinct-expression", "SELECT DISTINCT n / 10 AS d, t FROM {s} WHERE v > 0", swap={"n / 10": "n // 10"}),
    Query("sets", "distinct-doubles", "SELECT DISTINCT v FROM {s}"),
    Query("sets", "union-all", "SELECT id, k, n FROM {s} WHERE n > 0 UNION ALL SELECT id, t, m FROM {s} WHERE b"),
    Query("sets", "union-all-streams", "SELECT id, ts, k, v FROM e UNION ALL SELECT id, ts, k, w FROM o", streams="e", reads="eo"),
    Query("sets", "union-all-window", """SELECT window_start, k, count(*) AS c, sum(n) AS s FROM {w} """ + BY_KEY, Window(
        "(SELECT ts, k, n FROM {s} WHERE b UNION ALL SELECT ts, t, -n FROM {s} WHERE n > 0) WINDOW TUMBLING (SIZE 1 MINUTE)",
        """(SELECT *, time_bucket(INTERVAL '1 minute', ts) AS window_start, window_start AS window_end
        FROM (SELECT ts, k, n FROM {s} WHERE b UNION ALL SELECT ts, t, -n FROM {s} WHERE n > 0))""")),
]
