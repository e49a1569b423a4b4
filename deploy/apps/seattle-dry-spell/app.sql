-- Seattle dry spell: every day on which the last fourteen days brought at most one millimetre of rain.

CREATE STREAM weather (
    observed      TIMESTAMP,
    precipitation DOUBLE,    -- millimetres
    temp_max      DOUBLE,    -- degrees Celsius
    sky           STRING     -- drizzle, rain, sun, snow, fog
) WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = 'seattle-weather.csv', "csv.has-header" = 'true',
    "csv.mapping.observed" = 'date', "csv.mapping.sky" = 'weather',
    "event.time" = 'observed', "event.time.format" = '%Y-%m-%d'
);

-- A sliding window: every row brings one result over the last fourteen rows, itself included.
-- There is one row a day. The first thirteen results are over fewer days and are not wanted.
SELECT
    CAST(first(observed) AS DATE)         AS from_day,
    CAST(last(observed) AS DATE)          AS to_day,
    sum(precipitation)                    AS rain,
    avg(temp_max)                         AS mean_high,
    max(temp_max)                         AS hottest,
    stddev_pop(temp_max)                  AS spread,
    count(*) FILTER (WHERE sky = 'sun')   AS sunny_days
FROM weather WINDOW LENGTH(14)
HAVING count(*) = 14 AND sum(precipitation) <= 1;
