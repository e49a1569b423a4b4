-- nginx rates: requests and cache hits a minute, from counters that only ever grow.

-- One status document every five seconds, one JSON object a line, in gzip. The paths pick the
-- few numbers of interest out of a deep document.
CREATE STREAM status (
    ts           TIMESTAMP,
    requests     BIGINT,     -- counters: totals since the server started
    accepted     BIGINT,
    trac         BIGINT,     -- requests of one of the sites
    cache_hits   BIGINT,
    cache_misses BIGINT,
    active       INT         -- a gauge: connections right now
) WITH (
    type = 'source', extension = 'file', format = 'json',
    "file.path" = 'nginx_status.jsonl.gz',
    "json.mapping.ts"           = '$.timestamp',
    "json.mapping.requests"     = '$.requests.total',
    "json.mapping.accepted"     = '$.connections.accepted',
    "json.mapping.trac"         = '$.server_zones["trac.nginx.org"].requests',
    "json.mapping.cache_hits"   = '$.caches.http_cache.hit.responses',
    "json.mapping.cache_misses" = '$.caches.http_cache.miss.responses',
    "json.mapping.active"       = '$.connections.active',
    "event.time" = 'ts',
    "event.time.format" = 'epoch',
    "event.time.unit" = 'ms'
);

-- What happened between one document and the next; NULL for the first one.
CREATE STREAM steps AS
SELECT
    ts,
    active,
    requests     - lag(requests)     OVER by_time AS requests,
    accepted     - lag(accepted)     OVER by_time AS accepted,
    trac         - lag(trac)         OVER by_time AS trac,
    cache_hits   - lag(cache_hits)   OVER by_time AS cache_hits,
    cache_misses - lag(cache_misses) OVER by_time AS cache_misses
FROM status
WINDOW by_time AS (ORDER BY ts);

SELECT
    window_start,
    count(*)                AS documents,
    sum(requests)           AS requests,
    sum(requests) / 60.0    AS requests_per_second,
    sum(accepted)           AS connections,
    sum(trac)               AS trac_requests,
    max(active)             AS most_active,
    sum(cache_hits)         AS cache_hits,
    -- of the cache look-ups of this minute; NULL when there was none
    CAST(sum(cache_hits) AS DOUBLE) / nullif(sum(cache_hits) + sum(cache_misses), 0) AS hit_ratio,
    CASE WHEN sum(requests) >= 720 THEN 'busy' ELSE 'calm' END AS note
FROM steps WINDOW('tumbling', 1 MINUTE)
GROUP BY window_start, window_end;
