-- Web sessions: what one client does without a break of half an hour, from a web server's log.
-- Prints the sessions that are worth a look: many requests, or many errors.

-- The log is not in order: half of its lines step back in time, by up to 59 seconds. A lateness of
-- 60 seconds waits for all of them. The file is read straight from gzip.
CREATE STREAM requests (
    client STRING,
    ts     TIMESTAMP,
    path   STRING,
    status INT,
    bytes  BIGINT            -- NULL where the log has '-'
) WITH (
    type = 'source', extension = 'file', format = 'regex',
    "file.path" = 'apache_access.log.gz',
    "regex.pattern" = '^(?P<client>\S+) \S+ \S+ \[(?P<ts>[^\]]+)\] "[A-Z]+ (?P<path>\S+) [^"]*" (?P<status>\d{3}) (?:(?P<bytes>\d+)|-)',
    "regex.no-match" = 'skip',
    "event.time" = 'ts',
    "event.time.format" = '%d/%b/%Y:%H:%M:%S %z',
    "watermark.lateness" = '60 seconds',
    "partition.by" = 'client'
);

CREATE VIEW sessions AS
SELECT
    client,
    min(ts)   AS first_request,
    -- the window ends half an hour after the last request
    window_end,
    count(*)  AS requests,
    count(DISTINCT path) AS pages,
    count(*) FILTER (WHERE status >= 400) AS errors,
    sum(bytes) AS bytes,
    to_unixtime(max(ts)) - to_unixtime(min(ts)) AS duration_s
FROM requests WINDOW SESSION (GAP 30 MINUTES, KEY client)
GROUP BY window_start, window_end, client
HAVING count(*) >= 20 OR count(*) FILTER (WHERE status >= 400) >= 3;

SELECT
    client,
    first_request,
    window_end,
    CASE
        WHEN errors >= 3 THEN 'many errors: a broken link or a scan'
        WHEN requests > 2 * pages THEN 'the same pages over and over'
        ELSE 'busy'
    END AS note,
    requests,
    pages,
    errors,
    bytes,
    duration_s
FROM sessions;
