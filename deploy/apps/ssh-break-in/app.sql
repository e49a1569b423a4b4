-- SSH break-in: many failed logins of one address, and then one that works.

CREATE STREAM sshd (
    ts      TIMESTAMP,
    repeats BIGINT,
    outcome STRING,          -- Failed or Accepted
    account STRING,
    address STRING
) WITH (
    type = 'source', extension = 'file', format = 'regex',
    "file.path" = '../ssh-brute-force/sshd_auth.log',
    "regex.pattern" = '^(?P<ts>\w{3} +\d+ \d\d:\d\d:\d\d) \S+ sshd\[\d+\]: (?:message repeated (?P<repeats>\d+) times: \[ )?(?P<outcome>Failed|Accepted) \w+ for (?:invalid user )?(?P<account>.+?) from (?P<address>\S+) port \d+',
    "regex.no-match" = 'skip',
    "event.time" = 'ts',
    "event.time.format" = '%b %e %H:%M:%S',
    "event.time.year" = '2017',
    "partition.by" = 'address'
);

-- Three failed lines or more, then a login, from first to last within a quarter of an hour. Every
-- failure may be the first one; a login that was told takes the failures before it with it, so
-- nothing is told twice.
CREATE STREAM break_ins AS
SELECT
    entered.ts                        AS ts,
    entered.address                   AS address,
    entered.account                   AS account,
    first_try.ts                      AS began,
    coalesce(first_try.repeats, 1) + sum(coalesce(more.repeats, 1)) AS failures,
    count(more) + 1                   AS failed_lines,
    more[last].account                AS last_tried
FROM PATTERN (
    EVERY first_try = sshd[outcome = 'Failed']
    -> more = sshd[outcome = 'Failed']{2,}
    -> entered = sshd[outcome = 'Accepted']
) WITHIN 15 MINUTES PARTITION BY address
AFTER MATCH SKIP PAST LAST ROW;

SELECT * FROM break_ins;

-- Closer: failures and then the login for one and the same account, within ten minutes, with no login for
-- another account in between.
SELECT entered.ts, entered.address, entered.account, first_try.ts AS began, count(more) + 1 AS failed_lines
FROM PATTERN (
    EVERY first_try = sshd[outcome = 'Failed']
    -> more = sshd[outcome = 'Failed' AND account = first_try.account]+
    -> (entered = sshd[outcome = 'Accepted' AND account = first_try.account]
        AND NOT sshd[outcome = 'Accepted' AND account <> first_try.account])
) WITHIN 10 MINUTES PARTITION BY address
AFTER MATCH SKIP PAST LAST ROW;
