-- The database's clock went back: what waits for a while would wait for as long as the leap besides.
-- One row of heartbeats ('latest') keeps the latest moment that was seen. When it lies ahead, every wait of ours is moved back by the difference,
-- so it ends when it should have. Moments that somebody named (the run_at of a reminder, the deadline of a conversation) stay. A send of unknown
-- fate begins its grace anew: it may be repeated late, never early. Rows that somebody holds are being written by the new clock, and nothing is
-- waited for. Over all organizations, as the system role. Returns by how much the clock leapt (0: it did not) and how many rows moved.
CREATE FUNCTION cn_heal_leap(p_least_s float8, p_grace_s float8) RETURNS TABLE (leap_s float8, moved int) LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    seen timestamptz;
    leap interval;
    these int;
BEGIN
    leap_s := 0;
    moved := 0;
    SELECT h.beat_at INTO seen FROM heartbeats h WHERE h.name = 'latest' FOR UPDATE;
    IF seen > moment + make_interval(secs => p_least_s) THEN
        leap := seen - moment;
        leap_s := extract(epoch FROM leap);
        seen := moment;

        UPDATE outbox o SET next_attempt_at = CASE WHEN o.state IN ('sending', 'unknown')
            THEN LEAST(o.next_attempt_at, moment + make_interval(secs => p_grace_s)) ELSE o.next_attempt_at - leap END
        WHERE o.id IN (SELECT w.id FROM outbox w WHERE w.state IN ('ready', 'probe', 'sending', 'unknown') AND w.next_attempt_at > moment
                       AND w.next_attempt_at < 'infinity' FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS these = ROW_COUNT; moved := moved + these;

        UPDATE inbox i SET next_attempt_at = i.next_attempt_at - leap
        WHERE i.id IN (SELECT w.id FROM inbox w WHERE w.state = 'ready' AND w.next_attempt_at > moment FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS these = ROW_COUNT; moved := moved + these;

        -- A job that was to run at once, or is tried again after a while, waits; one that was never tried and has a time of its own is scheduled.
        UPDATE jobs j SET lease_until = j.lease_until - leap, hinted_at = NULL,
            run_at = CASE WHEN j.state = 'ready' AND (j.attempts > 0 OR j.last_error <> '' OR j.name LIKE 'core.%'
                OR j.run_at <= j.created_at + interval '1 second') THEN LEAST(j.run_at, GREATEST(j.run_at - leap, moment)) ELSE j.run_at END
        WHERE j.id IN (SELECT w.id FROM jobs w WHERE w.state IN ('ready', 'running')
                       AND GREATEST(w.run_at, w.lease_until, w.hinted_at) > moment FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS these = ROW_COUNT; moved := moved + these;

        UPDATE message_statuses s SET next_attempt_at = s.next_attempt_at - leap
        WHERE s.id IN (SELECT w.id FROM message_statuses w WHERE w.next_attempt_at > moment FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS these = ROW_COUNT; moved := moved + these;

        UPDATE hook_deliveries d SET next_attempt_at = d.next_attempt_at - leap
        WHERE d.id IN (SELECT w.id FROM hook_deliveries w WHERE w.state = 'ready' AND w.next_attempt_at > moment FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS these = ROW_COUNT; moved := moved + these;

        UPDATE hook_endpoints e SET hold_until = e.hold_until - leap
        WHERE e.id IN (SELECT w.id FROM hook_endpoints w WHERE w.hold_until > moment FOR NO KEY UPDATE SKIP LOCKED);
        GET DIAGNOSTICS these = ROW_COUNT; moved := moved + these;

        UPDATE channel_accounts a SET hold_until = a.hold_until - leap, bulk_hold_until = a.bulk_hold_until - leap, probe_at = a.probe_at - leap
        WHERE a.id IN (SELECT w.id FROM channel_accounts w WHERE GREATEST(w.hold_until, w.bulk_hold_until, w.probe_at) > moment
                       FOR NO KEY UPDATE SKIP LOCKED);
        GET DIAGNOSTICS these = ROW_COUNT; moved := moved + these;

        UPDATE pacing p SET tat = p.tat - leap
        WHERE p.id IN (SELECT w.id FROM pacing w WHERE w.tat > moment FOR UPDATE SKIP LOCKED);
        GET DIAGNOSTICS these = ROW_COUNT; moved := moved + these;

        UPDATE sessions s SET pair_tat = s.pair_tat - leap
        WHERE s.id IN (SELECT w.id FROM sessions w WHERE w.pair_tat > moment FOR NO KEY UPDATE SKIP LOCKED);
        GET DIAGNOSTICS these = ROW_COUNT; moved := moved + these;

        -- Silence before the leap tells nothing any more.
        UPDATE heartbeats h SET beat_at = LEAST(h.beat_at, moment), alive_since = moment WHERE h.name <> 'latest' AND h.alive_since > moment;
    END IF;
    INSERT INTO heartbeats AS h (name, beat_at, alive_since) VALUES ('latest', moment, moment)
    ON CONFLICT (name) DO UPDATE SET beat_at = GREATEST(seen, moment);
    RETURN NEXT;
END $$;
