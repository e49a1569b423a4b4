-- Login watch: what each address has tried before it gets in, and what kind of accounts are tried.

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
    "event.time.year" = '2017'
);

-- What is known about account names: the table begins with the rows of a file.
CREATE TABLE accounts (account STRING PRIMARY KEY, kind STRING NOT NULL, exists_here BOOL)
WITH (type = 'source', extension = 'file', "file.path" = 'accounts.csv');

-- What each address did so far. Two hundred addresses are remembered, each for a week.
CREATE TABLE seen (address STRING PRIMARY KEY, failures BIGINT NOT NULL, logins BIGINT NOT NULL, since TIMESTAMP)
WITH ("table.rows.max" = 200, "table.full" = 'evict-oldest', "state.ttl" = '7 days',
      "insert.conflict" = 'ignore');

-- Statements run in this order for every line. These reads see what earlier lines wrote: …
SELECT s.ts, s.account, s.address, seen.failures AS failed_before, seen.logins AS logins_before
FROM sshd AS s JOIN seen USING (address)
WHERE s.outcome = 'Accepted' AND seen.failures > 0 AND seen.logins < 3;

-- … and an address that nothing is known of yet, at an account that attackers like to try.
SELECT s.ts, s.account, s.address, a.kind, a.exists_here
FROM sshd[outcome = 'Failed'] AS s LEFT JOIN accounts AS a ON a.account = s.account
WHERE s.address NOT IN (SELECT address FROM seen) AND (a.kind IS NULL OR a.kind <> 'administrator');

INSERT INTO seen SELECT address, 0, 0, ts FROM sshd;
UPDATE seen SET failures = seen.failures + coalesce(s.repeats, 1)
FROM sshd AS s WHERE seen.address = s.address AND s.outcome = 'Failed';
UPDATE seen SET logins = seen.logins + 1
FROM sshd AS s WHERE seen.address = s.address AND s.outcome = 'Accepted';

-- This one stands behind the writes: it sees the line's own. Every tenth failure of an address is told.
SELECT s.ts, s.address, seen.failures, seen.since
FROM sshd[outcome = 'Failed' AND repeats IS NULL] AS s JOIN seen USING (address)
WHERE seen.failures % 10 = 0 AND EXISTS (SELECT * FROM accounts AS a WHERE a.account = s.account AND a.exists_here);
