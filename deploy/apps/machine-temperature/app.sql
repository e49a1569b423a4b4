-- Machine temperature: tell when an industrial machine leaves its working range, and when it is back.
--
-- Run it from the root of the repository:
--   cargo run --release -- run deploy/apps/machine-temperature/app.sql

-- 1. Where the events come from: one sensor, one reading every five minutes for eleven weeks.
CREATE STREAM machine (
    ts          TIMESTAMP,
    temperature DOUBLE
) WITH (
    type   = 'source',
    extension = 'file',
    format = 'csv',
    "file.path" = 'machine_temperature_system_failure.csv',
    "csv.has-header" = 'true',
    "csv.mapping.ts" = 'timestamp',
    "csv.mapping.temperature" = 'value',
    "event.time" = 'ts'
);

-- 2. One reading says little: look at the average of each hour.
--    Time is the time in the data, so a window closes when later readings arrive.
CREATE STREAM hourly AS
SELECT
    window_start,
    avg(temperature) AS mean,
    min(temperature) AS lowest,
    max(temperature) AS highest,
    count(*)         AS readings
FROM machine WINDOW TUMBLING (SIZE 1 HOUR)
GROUP BY window_start, window_end;

-- 3. Name the state of the machine in that hour.
CREATE VIEW judged AS
SELECT
    window_start, mean, lowest, highest, readings,
    CASE
        WHEN mean < 45   THEN 'STOPPED'
        WHEN mean < 55   THEN 'COLD'
        WHEN mean >= 104 THEN 'HOT'
        ELSE 'NORMAL'
    END AS state
FROM hourly;

-- 4. Put the state of the hour before beside it. Hours leave step 2 in order, so
--    "the row before" is the hour before; before the first one the machine counts as normal.
CREATE VIEW changes AS
SELECT
    window_start, mean, lowest, highest, readings, state,
    lag(state, 1, 'NORMAL') OVER () AS state_before
FROM judged;

-- 5. An alert is a change of state.
CREATE STREAM alerts AS
SELECT
    window_start AS since,
    CASE state
        WHEN 'STOPPED' THEN 'STOPPED: the machine has gone cold, it does not work'
        WHEN 'COLD'    THEN 'COLD: far below working temperature'
        WHEN 'HOT'     THEN 'HOT: above working temperature'
        ELSE 'NORMAL: back in the working range'
    END AS alert,
    state_before AS was,
    -- whole degrees are enough for a person; the rules above used every digit
    CAST(floor(mean) AS BIGINT)    AS mean,
    CAST(floor(lowest) AS BIGINT)  AS lowest,
    CAST(floor(highest) AS BIGINT) AS highest,
    readings
FROM changes
WHERE state <> state_before;

-- 6. A bare SELECT prints.
SELECT * FROM alerts;
