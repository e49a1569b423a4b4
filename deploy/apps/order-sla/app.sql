-- Order SLA: an order has to be sent within its time (a day for express, two days for standard). An
-- order that is not is told at the end of its time, when somebody can still do something.

CREATE STREAM orders (ts TIMESTAMP, id BIGINT, region STRING, service STRING, amount DOUBLE)
WITH (type = 'source', extension = 'file', format = 'csv', "file.path" = 'orders.csv',
      "csv.has-header" = 'true', "event.time" = 'ts');
CREATE STREAM shipments (ts TIMESTAMP, id BIGINT, parcel BIGINT)
WITH (type = 'source', extension = 'file', format = 'csv', "file.path" = 'shipments.csv',
      "csv.has-header" = 'true', "event.time" = 'ts');
CREATE STREAM cancellations (ts TIMESTAMP, id BIGINT)
WITH (type = 'source', extension = 'file', format = 'csv', "file.path" = 'cancellations.csv',
      "csv.has-header" = 'true', "event.time" = 'ts');

-- Neither sent nor cancelled: the absence of two streams at once.
CREATE STREAM overdue AS
SELECT o.id AS id, o.region AS region, o.service AS service, o.amount AS amount, o.ts AS ordered
FROM PATTERN (EVERY o = orders[service = 'express'] -> NOT (shipments OR cancellations) FOR 1 DAY) PARTITION BY id
UNION ALL
SELECT o.id, o.region, o.service, o.amount, o.ts
FROM PATTERN (EVERY o = orders[service = 'standard'] -> NOT (shipments OR cancellations) FOR 2 DAYS) PARTITION BY id;

SELECT id, region, service, ordered FROM overdue;

-- How late the first parcel of such an order was, once it is sent.
SELECT s.id, o.service, o.ts AS ordered, s.ts AS sent, s.ts - o.ts AS took
FROM PATTERN (
    EVERY o = orders[service = 'standard'] -> NOT (shipments OR cancellations) FOR 2 DAYS -> s = shipments
) WITHIN 7 DAYS PARTITION BY id;

-- By region and week of the alarm, how much money waits.
SELECT region, count(*) AS orders_overdue, sum(amount) AS amount FROM overdue GROUP BY region OUTPUT LAST EVERY 20 EVENTS;
