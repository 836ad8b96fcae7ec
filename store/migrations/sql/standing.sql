-- How a number stands with its provider: stopped (dead token, locked, not registered) or throttled. One row of `channel_accounts` tells all processes.

CREATE FUNCTION cn_upload_key(p_account uuid, p_blob text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'upload:' || p_account || ':' || p_blob $$;

-- The provider refused everything of this number. Its messages keep their places, held with the reason. `stopped`: from now on; `again`: a
-- probe failed, the next pause is longer; `already`: somebody else said so; `stale`: not with the token that the number has now.
-- `p_accepted_at`: it is a status that says so, of a message accepted then; what was accepted before the number stopped or went on says nothing new.
CREATE FUNCTION cn_stop_account(
    p_org uuid, p_account uuid, p_seal text, p_reason text, p_detail jsonb, p_is_probe boolean, p_first_s float8, p_max_s float8, p_spread float8,
    p_accepted_at timestamptz DEFAULT NULL
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a channel_accounts%ROWTYPE;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    SELECT * INTO a FROM channel_accounts WHERE organization_id = p_org AND id = p_account FOR NO KEY UPDATE;
    IF NOT FOUND OR a.state NOT IN ('connected', 'stopped') THEN
        RETURN 'already';
    END IF;
    IF p_accepted_at IS NULL AND encode(sha256(a.sealed_token), 'hex') <> p_seal OR p_accepted_at <= a.state_at THEN
        RETURN 'stale';
    END IF;
    IF a.state = 'stopped' AND NOT p_is_probe AND p_accepted_at IS NULL THEN
        RETURN 'already';
    END IF;
    UPDATE channel_accounts SET state = 'stopped', state_reason = left(p_reason, 300), stopped_seal = encode(sha256(a.sealed_token), 'hex'),
        state_at = CASE WHEN a.state = 'stopped' THEN a.state_at ELSE clock_timestamp() END,
        needs_delivery = a.needs_delivery OR p_accepted_at IS NOT NULL,
        probe_steps = CASE WHEN a.state = 'stopped' THEN LEAST(COALESCE(a.probe_steps, 0) + 1, 30) ELSE 0 END,
        probe_at = clock_timestamp() + make_interval(secs => p_spread * LEAST(p_max_s,
            p_first_s * power(2, CASE WHEN a.state = 'stopped' THEN LEAST(COALESCE(a.probe_steps, 0) + 1, 30) ELSE 0 END)))
    WHERE organization_id = p_org AND id = p_account;
    -- What another process has in hand comes by itself; nobody waits for it here.
    UPDATE outbox SET state = 'held', next_attempt_at = 'infinity', last_error = left(p_reason, 500)
    WHERE organization_id = p_org AND id IN (SELECT o.id FROM outbox o WHERE o.organization_id = p_org AND o.account_id = p_account
        AND o.state = 'ready' FOR UPDATE SKIP LOCKED);
    IF a.state = 'stopped' THEN
        RETURN 'again';
    END IF;
    INSERT INTO audit_entries (id, organization_id, at, actor, action, subject, before, after)
    VALUES (cn_uuid7(), p_org, clock_timestamp(), 'provider', 'channel_account.stopped', 'channel_account:' || p_account,
            jsonb_build_object('state', a.state), p_detail || jsonb_build_object('state', 'stopped'));
    RETURN 'stopped';
END $$;

-- A probe went through: everything goes on. Not when a status stopped the number: then cn_apply_statuses says when.
CREATE FUNCTION cn_resume_account(p_org uuid, p_account uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    UPDATE channel_accounts SET state = 'connected', state_reason = '', stopped_seal = NULL, probe_at = NULL, probe_steps = NULL,
        state_at = clock_timestamp()
    WHERE organization_id = p_org AND id = p_account AND state = 'stopped' AND needs_delivery IS NOT TRUE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO audit_entries (id, organization_id, at, actor, action, subject, before, after)
    VALUES (cn_uuid7(), p_org, clock_timestamp(), 'provider', 'channel_account.resumed', 'channel_account:' || p_account,
            jsonb_build_object('state', 'stopped'), jsonb_build_object('state', 'connected'));
    UPDATE outbox SET state = 'ready', next_attempt_at = clock_timestamp(), last_error = ''
    WHERE organization_id = p_org AND account_id = p_account AND state = 'held';
    RETURN true;
END $$;

-- The probe told nothing about the number: another one at once.
CREATE FUNCTION cn_probe_again(p_org uuid, p_account uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    UPDATE channel_accounts SET probe_at = clock_timestamp() WHERE organization_id = p_org AND id = p_account AND state = 'stopped';
END $$;

-- `p_scope`: number | waba (all numbers of its business account) | bulk. The pause grows each time; those who hear of it while it lasts add
-- nothing. Returns the seconds until it is over for this number.
CREATE FUNCTION cn_throttle(
    p_org uuid, p_account uuid, p_scope text, p_wait_s float8, p_growth float8, p_max_s float8, p_spread float8
) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    IF p_scope = 'bulk' THEN
        UPDATE channel_accounts SET bulk_hold_steps = LEAST(COALESCE(bulk_hold_steps, 0) + 1, 30),
            bulk_hold_until = clock_timestamp() + make_interval(secs => p_spread * GREATEST(p_wait_s,
                LEAST(p_wait_s * power(p_growth, COALESCE(bulk_hold_steps, 0)), p_max_s)))
        WHERE organization_id = p_org AND id = p_account AND (bulk_hold_until IS NULL OR bulk_hold_until <= clock_timestamp());
        SELECT bulk_hold_until INTO until FROM channel_accounts WHERE organization_id = p_org AND id = p_account;
    ELSE
        -- In the order of their ids, so that two processes do not wait for each other crosswise.
        PERFORM 1 FROM channel_accounts a WHERE a.organization_id = p_org AND (a.id = p_account OR (p_scope = 'waba' AND a.waba_id <> ''
            AND a.waba_id = (SELECT b.waba_id FROM channel_accounts b WHERE b.organization_id = p_org AND b.id = p_account)))
        ORDER BY a.id FOR NO KEY UPDATE;
        UPDATE channel_accounts a SET hold_steps = LEAST(COALESCE(a.hold_steps, 0) + 1, 30),
            hold_until = clock_timestamp() + make_interval(secs => p_spread * GREATEST(p_wait_s,
                LEAST(p_wait_s * power(p_growth, COALESCE(a.hold_steps, 0)), p_max_s)))
        WHERE a.organization_id = p_org AND (a.hold_until IS NULL OR a.hold_until <= clock_timestamp())
          AND (a.id = p_account OR (p_scope = 'waba' AND a.waba_id <> ''
            AND a.waba_id = (SELECT b.waba_id FROM channel_accounts b WHERE b.organization_id = p_org AND b.id = p_account)));
        SELECT hold_until INTO until FROM channel_accounts WHERE organization_id = p_org AND id = p_account;
    END IF;
    RETURN GREATEST(COALESCE(extract(epoch FROM until - clock_timestamp())::float8, 0), 0.05);
END $$;

-- The same for what no account stands for, such as a template.
CREATE FUNCTION cn_throttle_key(p_org uuid, p_key text, p_wait_s float8) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('app.current_org', p_org::text, true);
    INSERT INTO pacing AS p (id, organization_id, key, tat) VALUES (cn_uuid7(), p_org, p_key, clock_timestamp() + make_interval(secs => p_wait_s))
    ON CONFLICT (organization_id, key) DO UPDATE SET tat = GREATEST(p.tat, EXCLUDED.tat)
$$;

-- The person ended marketing in the messenger itself, and the provider says so by refusing.
CREATE FUNCTION cn_withdraw_consent(p_org uuid, p_message uuid, p_at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    person uuid;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    UPDATE contacts c SET opted_out_at = p_at FROM messages m
    WHERE m.organization_id = p_org AND m.id = p_message AND c.organization_id = p_org AND c.id = m.contact_id AND c.opted_out_at IS NULL
      -- By a status it may come after a new consent; statuses tell whole seconds only.
      AND (date_trunc('second', c.opted_in_at) <= m.accepted_at) IS NOT FALSE
    RETURNING c.id INTO person;
    IF person IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO consents (id, organization_id, contact_id, purpose, state, source, wording, at)
    VALUES (cn_uuid7(), p_org, person, 'messages', 'withdrawn', 'provider', '', p_at);
    INSERT INTO audit_entries (id, organization_id, at, actor, action, subject, before, after)
    VALUES (cn_uuid7(), p_org, clock_timestamp(), 'provider', 'consent.withdrawn', 'contact:' || person, NULL, '{"source": "provider"}');
    RETURN true;
END $$;

-- Over all organizations, as the system role. Returns how many outbox rows moved.
CREATE FUNCTION cn_wake_held(p_probe_s float8) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    a record;
    moved int;
    more int;
BEGIN
    -- Another token than the one that was refused: the number deserves to be believed again.
    WITH renewed AS (
        UPDATE channel_accounts SET state = 'connected', state_reason = '', stopped_seal = NULL, probe_at = NULL, probe_steps = NULL,
            state_at = clock_timestamp(), needs_delivery = NULL
        WHERE state = 'stopped' AND stopped_seal IS DISTINCT FROM encode(sha256(sealed_token), 'hex') RETURNING organization_id, id
    )
    INSERT INTO audit_entries (id, organization_id, at, actor, action, subject, before, after)
    SELECT cn_uuid7(), r.organization_id, clock_timestamp(), 'clock', 'channel_account.resumed', 'channel_account:' || r.id,
           jsonb_build_object('state', 'stopped'), jsonb_build_object('state', 'connected', 'reason', 'another token') FROM renewed r;

    UPDATE outbox o SET state = 'ready', next_attempt_at = clock_timestamp(), last_error = '' FROM channel_accounts n
    WHERE o.state = 'held' AND n.organization_id = o.organization_id AND n.id = o.account_id AND n.state <> 'stopped';
    GET DIAGNOSTICS moved = ROW_COUNT;

    -- The job is over, and the message came to wait a moment too late to be let go by it.
    UPDATE outbox o SET state = 'ready', next_attempt_at = clock_timestamp()
    WHERE o.state = 'upload' AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.organization_id = o.organization_id
        AND j.key = cn_upload_key(o.account_id, o.waits_for) AND j.state IN ('ready', 'running'));
    GET DIAGNOSTICS more = ROW_COUNT;
    moved := moved + more;

    FOR a IN SELECT n.organization_id, n.id FROM channel_accounts n WHERE n.state = 'stopped' AND n.probe_at <= clock_timestamp()
             ORDER BY n.id FOR NO KEY UPDATE SKIP LOCKED LOOP
        UPDATE outbox SET state = 'probe', next_attempt_at = clock_timestamp() WHERE id = (
            SELECT o.id FROM outbox o WHERE o.organization_id = a.organization_id AND o.account_id = a.id AND o.state = 'held'
            AND o.seq = (SELECT e.seq FROM outbox e WHERE e.organization_id = o.organization_id AND e.session_id = o.session_id
                         AND e.lane = o.lane AND e.state <> 'dead' ORDER BY e.seq LIMIT 1)
            ORDER BY o.lane, o.seq LIMIT 1);
        IF FOUND THEN
            UPDATE channel_accounts SET probe_at = clock_timestamp() + make_interval(secs => p_probe_s)
            WHERE organization_id = a.organization_id AND id = a.id;
            moved := moved + 1;
        END IF;
    END LOOP;
    RETURN moved;
END $$;
