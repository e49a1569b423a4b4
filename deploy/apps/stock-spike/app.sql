-- Stock spike: tell when a share closes 8 % or more away from its close on the trading day before,
-- and tell a real move from a stock split.

CREATE STREAM aapl (
    ticker      STRING,
    trading_day TIMESTAMP,
    price       DOUBLE,      -- close, US dollars
    adjusted    DOUBLE,      -- close, with later splits and dividends taken out
    volume      BIGINT       -- shares
) WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = 'AAPL.csv', "csv.has-header" = 'true',
    "csv.mapping.ticker" = 'Ticker', "csv.mapping.trading_day" = 'Date',
    "csv.mapping.price" = 'Close', "csv.mapping.adjusted" = 'Adj Close',
    "csv.mapping.volume" = 'Volume',
    "event.time" = 'trading_day', "event.time.format" = '%Y-%m-%d'
);

CREATE STREAM ibm (
    ticker      STRING,
    trading_day TIMESTAMP,
    price       DOUBLE,
    adjusted    DOUBLE,
    volume      BIGINT
) WITH (
    type = 'source', extension = 'file', format = 'csv',
    "file.path" = 'IBM.csv', "csv.has-header" = 'true',
    "csv.mapping.ticker" = 'Ticker', "csv.mapping.trading_day" = 'Date',
    "csv.mapping.price" = 'Close', "csv.mapping.adjusted" = 'Adj Close',
    "csv.mapping.volume" = 'Volume',
    "event.time" = 'trading_day', "event.time.format" = '%Y-%m-%d'
);

-- Both shares in one stream, day by day.
CREATE STREAM quotes AS
SELECT ticker, trading_day, price, adjusted, volume FROM aapl
UNION ALL
SELECT ticker, trading_day, price, adjusted, volume FROM ibm;

WITH steps AS (
    SELECT
        ticker, trading_day, price, adjusted, volume,
        lag(price)    OVER (PARTITION BY ticker ORDER BY trading_day) AS previous_price,
        lag(adjusted) OVER (PARTITION BY ticker ORDER BY trading_day) AS previous_adjusted
    FROM quotes
),
changes AS (
    SELECT
        ticker, trading_day, price, previous_price, volume,
        (price - previous_price) / previous_price * 100          AS change_percent,
        (adjusted - previous_adjusted) / previous_adjusted * 100 AS adjusted_percent
    FROM steps
)
SELECT
    CAST(trading_day AS DATE) AS trading_day,
    ticker,
    -- the adjusted price knows about splits: where the two changes disagree, it was one
    CASE
        WHEN abs(change_percent - adjusted_percent) > 5 THEN 'split'
        WHEN change_percent > 0 THEN 'spike'
        ELSE 'crash'
    END AS alert,
    previous_price,
    price,
    change_percent,
    adjusted_percent,
    volume
FROM changes
WHERE abs(change_percent) >= 8;
