-- T1 and T2: claim a conversation, commit a segment of a turn. The lease is checked by the commit itself: the token is the fence. Another worker
-- can take the conversation only once the lease is over by the database's clock, and puts its own token there; until then a late commit harms nobody.

CREATE TYPE cn_inbox_head AS (
    inbox_id uuid, kind text, payload jsonb, attempts smallint, provider_at timestamptz,
    message_id uuid, external_id text, type text, body bytea, reply_to text, retry_in_s float8, trace_id uuid
);

-- The head of a conversation, with the attempt counted before it is tried: a message that kills its process must not come back for ever.
CREATE FUNCTION cn_next_inbox(p_org uuid, p_session uuid, p_max_attempts int) RETURNS cn_inbox_head LANGUAGE plpgsql AS $$
DECLARE
    head inbox%ROWTYPE;
    result cn_inbox_head;
BEGIN
    LOOP
        -- A row that was begun goes on first: the conversation stands in the middle of it.
        SELECT * INTO head FROM inbox i WHERE i.organization_id = p_org AND i.session_id = p_session AND i.state = 'ready'
        ORDER BY i.attempts = 0, i.provider_at, i.seq LIMIT 1;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        IF head.next_attempt_at > clock_timestamp() THEN
            result.retry_in_s := extract(epoch FROM head.next_attempt_at - clock_timestamp());
            RETURN result;
        END IF;
        IF head.attempts >= p_max_attempts THEN
            UPDATE inbox SET state = 'dead', last_error = COALESCE(NULLIF(last_error, ''), 'the process ended each time it was handled')
            WHERE id = head.id AND organization_id = p_org;
            CONTINUE;
        END IF;
        UPDATE inbox SET attempts = inbox.attempts + 1 WHERE id = head.id AND organization_id = p_org;
        SELECT head.id, head.kind, head.payload, head.attempts + 1, head.provider_at, m.id, m.external_id, m.type, m.body, m.reply_to, NULL, head.trace_id
        INTO result FROM (SELECT 1) one LEFT JOIN messages m ON m.organization_id = p_org AND m.id = head.message_id;
        RETURN result;
    END LOOP;
END $$;

CREATE FUNCTION cn_claim(p_org uuid, p_session uuid, p_token uuid, p_lease_s float8, p_max_attempts int)
RETURNS TABLE (
    claimed boolean, account_id uuid, contact_id uuid, state jsonb, phase text, revision int, last_user_at timestamptz, started_at timestamptz,
    contact_name text, contact_locale text, contact_country text, opted_in_at timestamptz, opted_out_at timestamptz,
    phone_sealed bytea, bsuid_sealed bytea,
    inbox_id uuid, kind text, payload jsonb, attempts smallint, provider_at timestamptz,
    message_id uuid, external_id text, type text, body bytea, reply_to text, retry_in_s float8, trace_id uuid,
    taken_over boolean, -- a person answers: the bot keeps silent
    suspended jsonb -- the organization is: the bot says at most what stands in it
) LANGUAGE plpgsql AS $$
DECLARE
    s sessions%ROWTYPE;
    head cn_inbox_head;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    UPDATE sessions SET lease_token = p_token, lease_until = clock_timestamp() + make_interval(secs => p_lease_s)
    WHERE sessions.organization_id = p_org AND sessions.id = p_session
      -- One that would end later than any lease can was taken before the clock leapt back.
      AND (sessions.lease_until IS NULL OR sessions.lease_until < clock_timestamp()
           OR sessions.lease_until > clock_timestamp() + make_interval(secs => 2 * p_lease_s))
    RETURNING * INTO s;
    IF NOT FOUND THEN
        claimed := false;
        RETURN NEXT;
        RETURN;
    END IF;
    head := cn_next_inbox(p_org, p_session, p_max_attempts);
    IF head.inbox_id IS NULL THEN
        UPDATE sessions SET lease_token = NULL, lease_until = NULL WHERE sessions.organization_id = p_org AND sessions.id = p_session;
    END IF;
    RETURN QUERY SELECT true, s.account_id, s.contact_id, s.state, s.phase::text, s.revision, s.last_user_at, s.started_at,
        c.name::text, c.locale::text, c.country::text, c.opted_in_at, c.opted_out_at,
        (SELECT i.value_sealed FROM contact_identities i WHERE i.organization_id = p_org AND i.contact_id = s.contact_id
           AND i.kind = 'phone' AND i.valid_to IS NULL ORDER BY i.valid_from DESC LIMIT 1),
        (SELECT i.value_sealed FROM contact_identities i WHERE i.organization_id = p_org AND i.contact_id = s.contact_id
           AND i.kind = 'bsuid' AND i.valid_to IS NULL ORDER BY i.valid_from DESC LIMIT 1),
        head.inbox_id, head.kind, head.payload, head.attempts, head.provider_at,
        head.message_id, head.external_id, head.type, head.body, head.reply_to, head.retry_in_s, head.trace_id,
        EXISTS (SELECT 1 FROM conversations v WHERE v.organization_id = p_org AND v.id = p_session AND v.taken_over_at IS NOT NULL),
        (SELECT jsonb_build_object('says', g.suspended_says, 'at', g.suspended_at) FROM organizations g WHERE g.id = p_org AND g.suspended_at IS NOT NULL)
    FROM contacts c WHERE c.organization_id = p_org AND c.id = s.contact_id;
END $$;

CREATE FUNCTION cn_renew(p_org uuid, p_session uuid, p_token uuid, p_lease_s float8) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    UPDATE sessions SET lease_until = clock_timestamp() + make_interval(secs => p_lease_s)
    WHERE organization_id = p_org AND id = p_session AND lease_token = p_token;
    RETURN FOUND;
END $$;

-- An inbox row whose turn failed: it keeps its place and is tried again after a while, or is dead with its reason. The lease ends.
CREATE FUNCTION cn_fail(p_org uuid, p_session uuid, p_token uuid, p_inbox uuid, p_error text, p_delay_s float8, p_dead boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    -- Whoever lost the lease has no say any more.
    UPDATE sessions SET lease_token = NULL, lease_until = NULL WHERE organization_id = p_org AND id = p_session AND lease_token = p_token;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE inbox SET last_error = left(p_error, 500), next_attempt_at = clock_timestamp() + make_interval(secs => p_delay_s),
        state = CASE WHEN p_dead THEN 'dead' ELSE state END
    WHERE organization_id = p_org AND id = p_inbox;
END $$;

CREATE FUNCTION cn_put_jobs(p_org uuid, p_jobs jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO jobs (id, organization_id, name, queue, payload, key, state, run_at, attempts, last_error, created_at, trace_id)
    SELECT (j->>'id')::uuid, p_org, j->>'name', j->>'queue', j->'payload', j->>'key', 'ready',
           COALESCE((j->>'run_at')::timestamptz, clock_timestamp()), 0, '', clock_timestamp(), (j->>'trace_id')::uuid
    FROM jsonb_array_elements(p_jobs) j
    ON CONFLICT (organization_id, key) DO NOTHING
$$;

CREATE FUNCTION cn_put_charges(p_org uuid, p_charges jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO charges (id, organization_id, key, meter, quantity, at)
    SELECT cn_uuid7(), p_org, c->>'key', c->>'meter', (c->>'quantity')::bigint, clock_timestamp() FROM jsonb_array_elements(p_charges) c
    ON CONFLICT (organization_id, key) DO NOTHING
$$;

-- One segment: state, replies, jobs, charges, and the inbox row when the turn is over. `committed` false: the lease is lost, roll back.
-- `direct` says whether the replies are leased to this worker; they are not while earlier ones of this conversation wait.
CREATE FUNCTION cn_commit(
    p_org uuid, p_session uuid, p_token uuid, p_state jsonb, p_phase text, p_wait_until timestamptz, p_started_at timestamptz,
    p_last_user_at timestamptz, p_done_inbox uuid, p_lease_s float8, p_max_attempts int, p_settle_s float8,
    p_message uuid[], p_outbox uuid[], p_type text[], p_body bytea[], p_reply_to text[], p_origin text[], p_jobs jsonb, p_charges jsonb,
    p_understanding jsonb, p_trace uuid
) RETURNS TABLE (
    committed boolean, direct boolean,
    inbox_id uuid, kind text, payload jsonb, attempts smallint, provider_at timestamptz,
    message_id uuid, external_id text, type text, body bytea, reply_to text, retry_in_s float8, trace_id uuid
) LANGUAGE plpgsql AS $$
DECLARE
    s record;
    number record;
    head cn_inbox_head;
    release boolean := false;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    SELECT x.account_id, x.contact_id INTO s FROM sessions x
    WHERE x.organization_id = p_org AND x.id = p_session AND x.lease_token = p_token FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        committed := false;
        RETURN NEXT;
        RETURN;
    END IF;
    committed := true;
    direct := false;
    IF array_length(p_message, 1) > 0 THEN
        SELECT a.state = 'stopped' AS is_stopped, a.state_reason, COALESCE(a.hold_until > clock_timestamp(), false) AS is_throttled INTO number
        FROM channel_accounts a WHERE a.organization_id = p_org AND a.id = s.account_id;
        direct := NOT number.is_stopped AND NOT number.is_throttled AND (SELECT o.seq FROM outbox o WHERE o.organization_id = p_org AND o.session_id = p_session AND o.lane = 0 AND o.state <> 'dead'
                   ORDER BY o.seq LIMIT 1) IS NULL;
        INSERT INTO messages (id, organization_id, session_id, account_id, contact_id, direction, type, body, reply_to, origin, status, created_at)
        SELECT m, p_org, p_session, s.account_id, s.contact_id, 'out', t, b, r, o, 'queued', clock_timestamp()
        FROM unnest(p_message, p_type, p_body, p_reply_to, p_origin) WITH ORDINALITY AS u(m, t, b, r, o, n) ORDER BY n;
        INSERT INTO outbox (id, organization_id, message_id, session_id, account_id, contact_id, lane, state, attempts, next_attempt_at,
                            lease_token, last_error, created_at, trace_id)
        SELECT x, p_org, m, p_session, s.account_id, s.contact_id, 0, CASE WHEN number.is_stopped THEN 'held' WHEN direct THEN 'sending' ELSE 'ready' END,
               CASE WHEN direct THEN 1 ELSE 0 END,
               CASE WHEN number.is_stopped THEN 'infinity' WHEN direct THEN clock_timestamp() + make_interval(secs => p_settle_s)
                    ELSE clock_timestamp() END,
               CASE WHEN direct THEN p_token END, CASE WHEN number.is_stopped THEN number.state_reason ELSE '' END, clock_timestamp(), p_trace
        FROM unnest(p_message, p_outbox) WITH ORDINALITY AS u(m, x, n) ORDER BY n;
    END IF;
    IF p_jobs IS NOT NULL THEN
        PERFORM cn_put_jobs(p_org, p_jobs);
    END IF;
    IF p_charges IS NOT NULL THEN
        PERFORM cn_put_charges(p_org, p_charges);
    END IF;
    IF p_done_inbox IS NOT NULL THEN
        IF p_understanding IS NOT NULL THEN
            UPDATE messages SET understanding = p_understanding WHERE messages.organization_id = p_org
              AND messages.id = (SELECT i.message_id FROM inbox i WHERE i.organization_id = p_org AND i.id = p_done_inbox);
        END IF;
        DELETE FROM inbox WHERE inbox.organization_id = p_org AND inbox.id = p_done_inbox;
        head := cn_next_inbox(p_org, p_session, p_max_attempts);
        release := head.inbox_id IS NULL;
    END IF;
    UPDATE sessions SET state = p_state, phase = p_phase, wait_until = p_wait_until, started_at = p_started_at, revision = sessions.revision + 1,
        last_user_at = GREATEST(sessions.last_user_at, p_last_user_at), updated_at = clock_timestamp(),
        lease_token = CASE WHEN release THEN NULL ELSE lease_token END,
        lease_until = CASE WHEN release THEN NULL ELSE clock_timestamp() + make_interval(secs => p_lease_s) END
    WHERE sessions.organization_id = p_org AND sessions.id = p_session;
    inbox_id := head.inbox_id; kind := head.kind; payload := head.payload; attempts := head.attempts; provider_at := head.provider_at;
    message_id := head.message_id; external_id := head.external_id; type := head.type; body := head.body; reply_to := head.reply_to;
    retry_in_s := head.retry_in_s; trace_id := head.trace_id;
    RETURN NEXT;
END $$;
