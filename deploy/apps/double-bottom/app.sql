-- Double bottom: a share falls, recovers, falls to about the same price again, and then rises above
-- the recovery. Chart readers take the last step for the end of the fall.

CREATE STREAM aapl (ticker STRING, trading_day TIMESTAMP, adjusted DOUBLE)
WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = '../stock-spike/AAPL.csv', "csv.has-header" = 'true',
    "csv.mapping.ticker" = 'Ticker', "csv.mapping.trading_day" = 'Date', "csv.mapping.adjusted" = 'Adj Close',
    "event.time" = 'trading_day', "event.time.format" = '%Y-%m-%d'
);
CREATE STREAM ibm (ticker STRING, trading_day TIMESTAMP, adjusted DOUBLE)
WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = '../stock-spike/IBM.csv', "csv.has-header" = 'true',
    "csv.mapping.ticker" = 'Ticker', "csv.mapping.trading_day" = 'Date', "csv.mapping.adjusted" = 'Adj Close',
    "event.time" = 'trading_day', "event.time.format" = '%Y-%m-%d'
);
CREATE STREAM quotes AS
SELECT ticker, trading_day, adjusted FROM aapl UNION ALL SELECT ticker, trading_day, adjusted FROM ibm;

-- Days are too restless for shapes: take the last price of each week, Monday to Sunday.
CREATE STREAM weeks AS
SELECT ticker, window_start AS week, last(adjusted) AS price
FROM quotes WINDOW TUMBLING (SIZE 7 DAYS, OFFSET 4 DAYS)
GROUP BY ticker, window_start;

SELECT
    ticker,
    CAST(fell_from AS DATE) AS fell_from, top,
    CAST(bottom_week AS DATE) AS first_bottom, bottom,
    CAST(peak_week AS DATE) AS recovered_until, peak,
    CAST(again_week AS DATE) AS second_bottom, bottom_again,
    CAST(confirmed AS DATE) AS confirmed, price, weeks, number
FROM weeks MATCH_RECOGNIZE (
    PARTITION BY ticker
    ORDER BY week
    MEASURES
        HIGH.week         AS fell_from,   HIGH.price        AS top,
        LAST(FALL.week)   AS bottom_week, LAST(FALL.price)  AS bottom,
        LAST(RISE.week)   AS peak_week,   LAST(RISE.price)  AS peak,
        LAST(AGAIN.week)  AS again_week,  LAST(AGAIN.price) AS bottom_again,
        OUTBREAK.week     AS confirmed,   OUTBREAK.price    AS price,
        count(*)          AS weeks,       MATCH_NUMBER()    AS number
    ONE ROW PER MATCH
    AFTER MATCH SKIP PAST LAST ROW
    PATTERN (HIGH FALL+ RISE+ AGAIN+ UP*? OUTBREAK) WITHIN INTERVAL '180' DAY
    DEFINE
        FALL  AS price < PREV(price),
        RISE  AS price > PREV(price),
        AGAIN AS price < PREV(price),
        UP    AS price > PREV(price),
        -- the shape is asked once, where it is complete
        OUTBREAK AS price > PREV(price)
            AND price > LAST(RISE.price)
            AND LAST(FALL.price) <= HIGH.price * 0.92
            AND LAST(RISE.price) >= LAST(FALL.price) * 1.02
            AND abs(LAST(AGAIN.price) - LAST(FALL.price)) <= LAST(FALL.price) * 0.05
) AS shapes;
