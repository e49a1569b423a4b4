-- Flight delays: every day, the three airports whose departures run latest.

-- The file is one JSON array of objects, in gzip.
CREATE STREAM flights (
    departure   TIMESTAMP,   -- local time of the airport, taken as UTC
    delay       DOUBLE,      -- minutes, negative when early
    distance    INT,         -- miles
    origin      STRING,
    destination STRING
) WITH (
    type = 'source', extension = 'file', format = 'json',
    "file.path" = 'flights-20k.json.gz',
    "json.mapping.departure" = '$.date',
    "event.time" = 'departure',
    "event.time.format" = '%Y/%m/%d %H:%M'
);

-- The median is not moved by one flight that is ten hours late. Airports with fewer than eight
-- departures in the sample are left out; ORDER BY and LIMIT apply to the result of each window.
SELECT
    window_start,
    origin,
    count(*)                                          AS departures,
    median(delay)                                     AS median_delay,
    avg(delay)                                        AS mean_delay,
    max(delay)                                        AS worst_delay,
    count(*) FILTER (WHERE delay >= 60)               AS over_an_hour,
    count(DISTINCT destination)                       AS destinations,
    sum(distance)                                     AS miles
FROM TABLE(TUMBLE(TABLE flights, DESCRIPTOR(departure), INTERVAL '1' DAY))
GROUP BY window_start, window_end, origin
HAVING count(*) >= 8 AND median(delay) >= 5
ORDER BY median_delay DESC, origin
LIMIT 3;
