-- Cloud CPU baseline: tell when a server's CPU use leaves what is usual for that very server.
--
-- Five servers, five files. Two of them idle below 2 %, one works at 92 %: no fixed threshold
-- suits them all, so each is compared with its own past day.

CREATE STREAM ec2_24ae8d (ts TIMESTAMP, busy DOUBLE) WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = 'ec2_cpu_utilization_24ae8d.csv', "csv.has-header" = 'true',
    "csv.mapping.ts" = 'timestamp', "csv.mapping.busy" = 'value', "event.time" = 'ts'
);
CREATE STREAM ec2_53ea38 (ts TIMESTAMP, busy DOUBLE) WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = 'ec2_cpu_utilization_53ea38.csv', "csv.has-header" = 'true',
    "csv.mapping.ts" = 'timestamp', "csv.mapping.busy" = 'value', "event.time" = 'ts'
);
CREATE STREAM ec2_5f5533 (ts TIMESTAMP, busy DOUBLE) WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = 'ec2_cpu_utilization_5f5533.csv', "csv.has-header" = 'true',
    "csv.mapping.ts" = 'timestamp', "csv.mapping.busy" = 'value', "event.time" = 'ts'
);
CREATE STREAM ec2_825cc2 (ts TIMESTAMP, busy DOUBLE) WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = 'ec2_cpu_utilization_825cc2.csv', "csv.has-header" = 'true',
    "csv.mapping.ts" = 'timestamp', "csv.mapping.busy" = 'value', "event.time" = 'ts'
);
CREATE STREAM rds_cc0c53 (ts TIMESTAMP, busy DOUBLE) WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = 'rds_cpu_utilization_cc0c53.csv', "csv.has-header" = 'true',
    "csv.mapping.ts" = 'timestamp', "csv.mapping.busy" = 'value', "event.time" = 'ts'
);

-- One stream for all servers. Rows of several files meet in event-time order; at equal times, in
-- the order in which the files are declared above.
CREATE STREAM cpu (
    server STRING,
    ts     TIMESTAMP,
    busy   DOUBLE            -- per cent
) WITH (
    "event.time" = 'ts',
    "partition.by" = 'server'
);

INSERT INTO cpu SELECT 'ec2-24ae8d', ts, busy FROM ec2_24ae8d;
INSERT INTO cpu SELECT 'ec2-53ea38', ts, busy FROM ec2_53ea38;
INSERT INTO cpu SELECT 'ec2-5f5533', ts, busy FROM ec2_5f5533;
INSERT INTO cpu SELECT 'ec2-825cc2', ts, busy FROM ec2_825cc2;
INSERT INTO cpu SELECT 'rds-cc0c53', ts, busy FROM rds_cc0c53;

-- Beside every sample, the mean and the sample standard deviation of the 288 samples before it:
-- one day at one sample every five minutes.
CREATE VIEW compared AS
SELECT
    server, ts, busy,
    avg(busy)    OVER past_day AS usual,
    stddev(busy) OVER past_day AS spread,
    count(busy)  OVER past_day AS samples
FROM cpu
WINDOW past_day AS (
    PARTITION BY server ORDER BY ts
    ROWS BETWEEN 288 PRECEDING AND 1 PRECEDING
);

-- Four standard deviations away, once there is a whole day to compare with.
SELECT
    ts,
    server,
    CASE WHEN busy > usual THEN 'busier than usual' ELSE 'quieter than usual' END AS alert,
    busy,
    usual,
    spread
FROM compared
WHERE samples = 288 AND abs(busy - usual) > 4 * spread;
