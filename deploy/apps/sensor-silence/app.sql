-- Sensor silence: a roadside sensor that says nothing for six hours is told of when the six hours are
-- over, not when it speaks again.

CREATE STREAM occupancy (ts TIMESTAMP, value DOUBLE)
WITH (type = 'source', extension = 'file', format = 'csv', "file.path" = 'occupancy_6005.csv',
      "csv.has-header" = 'true', "csv.mapping.ts" = 'timestamp', "event.time" = 'ts');
CREATE STREAM speed (ts TIMESTAMP, value DOUBLE)
WITH (type = 'source', extension = 'file', format = 'csv', "file.path" = 'speed_6005.csv',
      "csv.has-header" = 'true', "csv.mapping.ts" = 'timestamp', "event.time" = 'ts');
CREATE STREAM travel_time (ts TIMESTAMP, value DOUBLE)
WITH (type = 'source', extension = 'file', format = 'csv', "file.path" = 'TravelTime_387.csv',
      "csv.has-header" = 'true', "csv.mapping.ts" = 'timestamp', "event.time" = 'ts');

CREATE STREAM sensors (sensor STRING, ts TIMESTAMP, value DOUBLE) WITH ("event.time" = 'ts');
INSERT INTO sensors SELECT 'occupancy 6005', ts, value FROM occupancy;
INSERT INTO sensors SELECT 'speed 6005', ts, value FROM speed;
INSERT INTO sensors SELECT 'travel time 387', ts, value FROM travel_time;

-- Every reading begins to wait for the next one. Time is the time of all sensors, so that the silence
-- of one is noticed by the readings of the others.
SELECT r.sensor, r.ts AS last_heard, r.value AS last_value, r.ts + INTERVAL '6' HOUR AS silent_at
FROM PATTERN (EVERY r = sensors -> NOT sensors FOR 6 HOURS) PARTITION BY sensor;

-- It is back: the first reading after such a silence.
SELECT back.sensor, r.ts AS last_heard, back.ts AS back_at, back.ts - r.ts AS silence
FROM PATTERN (EVERY r = sensors -> NOT sensors FOR 6 HOURS -> back = sensors) PARTITION BY sensor;
