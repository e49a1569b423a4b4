-- SSH brute force: tell which addresses try passwords on a host, and whether one of them got in.

-- Log lines become columns through the named groups of a regular expression; lines that do not
-- match (cron, sudo, closed connections, …) are skipped. The group `repeats` is absent from most
-- lines and NULL there: syslog folds equal lines into "message repeated 5 times: [ … ]", and a
-- counter that overlooks this misses 410 of the 1,042 failures in this log.
CREATE STREAM sshd (
    ts      TIMESTAMP,
    repeats BIGINT,
    outcome STRING,          -- Failed or Accepted
    account STRING,          -- unknown accounts read 'invalid user NAME'
    address STRING
) WITH (
    type = 'source', extension = 'file', format = 'regex',
    "file.path" = 'sshd_auth.log',
    "regex.pattern" = '^(?P<ts>\w{3} +\d+ \d\d:\d\d:\d\d) \S+ sshd\[\d+\]: (?:message repeated (?P<repeats>\d+) times: \[ )?(?P<outcome>Failed|Accepted) \w+ for (?P<account>.+?) from (?P<address>\S+) port \d+',
    "regex.no-match" = 'skip',
    "event.time" = 'ts',
    "event.time.format" = '%b %e %H:%M:%S',
    -- syslog stamps carry no year: say which one it was
    "event.time.year" = '2017',
    "partition.by" = 'address'
);

-- Every quarter of an hour, the hour before it: a burst is seen early, wherever the hour begins.
CREATE STREAM suspects AS
SELECT
    window_start,
    window_end,
    address,
    sum(coalesce(repeats, 1)) FILTER (WHERE outcome = 'Failed') AS failures,
    count(DISTINCT account)   FILTER (WHERE outcome = 'Failed') AS accounts,
    count(*) FILTER (WHERE outcome = 'Failed' AND account LIKE 'invalid user%') AS unknown_lines,
    count(*) FILTER (WHERE outcome = 'Accepted') AS logins
FROM sshd WINDOW HOP (SIZE 1 HOUR, SLIDE 15 MINUTES)
GROUP BY window_start, window_end, address
HAVING sum(coalesce(repeats, 1)) FILTER (WHERE outcome = 'Failed') >= 10;

SELECT
    window_end,
    address,
    CASE
        WHEN logins > 0    THEN 'failures and logins: look at this now'
        WHEN accounts >= 3 THEN 'guessing accounts and passwords'
        ELSE 'guessing passwords'
    END AS alert,
    failures,
    accounts,
    unknown_lines,
    logins
FROM suspects;
