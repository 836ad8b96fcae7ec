-- Delivery: claim what is due, mark what became of it, settle what nobody knew.

CREATE FUNCTION cn_claim_outbox(p_org uuid, p_lane int, p_account uuid, p_limit int, p_token uuid, p_settle_s float8)
RETURNS TABLE (
    outbox_id uuid, message_id uuid, session_id uuid, account_id uuid, contact_id uuid, lane smallint, attempts smallint, was_unknown boolean,
    type text, body bytea, reply_to text, last_user_at timestamptz, opted_in_at timestamptz, opted_out_at timestamptz, locale text,
    phone_sealed bytea, bsuid_sealed bytea, is_probe boolean, throttled smallint, trace_id uuid
) LANGUAGE sql AS $$
    SELECT set_config('app.current_org', p_org::text, true);
    WITH due AS (
        SELECT o.id, o.state FROM outbox o
        WHERE o.organization_id = p_org AND o.lane = p_lane AND (p_account IS NULL OR o.account_id = p_account)
          AND o.state <> 'dead' AND o.next_attempt_at <= clock_timestamp()
          -- The provider told the number to be quiet for a while.
          AND o.account_id <> ALL (ARRAY(SELECT a.id FROM channel_accounts a WHERE a.organization_id = p_org
              AND (a.hold_until > clock_timestamp() OR (p_lane = 1 AND a.bulk_hold_until > clock_timestamp()))))
          -- What a suspended organization starts waits; replies go.
          AND (p_lane = 0 OR NOT EXISTS (SELECT 1 FROM organizations g WHERE g.id = p_org AND g.suspended_at IS NOT NULL))
          -- What may have gone is sent again only when statuses could have come back for the whole grace: no silence of ours counts.
          AND (o.state IN ('ready', 'probe') OR NOT EXISTS (
              SELECT 1 FROM heartbeats h WHERE h.name IN ('web', 'clock')
              AND (h.beat_at < clock_timestamp() - interval '2 seconds' OR h.alive_since > clock_timestamp() - make_interval(secs => p_settle_s))))
          -- The first of its conversation. Asked by order, which only the right index has: a plan made while the table was empty stays good.
          AND o.seq = (SELECT e.seq FROM outbox e WHERE e.organization_id = p_org AND e.session_id = o.session_id AND e.lane = o.lane
                       AND e.state <> 'dead' ORDER BY e.seq LIMIT 1)
        ORDER BY o.seq LIMIT p_limit FOR UPDATE SKIP LOCKED
    ), mine AS (
        UPDATE outbox o SET state = 'sending', attempts = o.attempts + 1, lease_token = p_token,
            next_attempt_at = clock_timestamp() + make_interval(secs => p_settle_s)
        FROM due WHERE o.organization_id = p_org AND o.id = due.id
        RETURNING o.*, due.state AS old_state
    )
    SELECT q.id, q.message_id, q.session_id, q.account_id, q.contact_id, q.lane, q.attempts, q.old_state NOT IN ('ready', 'probe'),
           m.type::text, m.body, m.reply_to::text, s.last_user_at, c.opted_in_at, c.opted_out_at, c.locale::text,
           (SELECT i.value_sealed FROM contact_identities i WHERE i.organization_id = p_org AND i.contact_id = q.contact_id
              AND i.kind = 'phone' AND i.valid_to IS NULL ORDER BY i.valid_from DESC LIMIT 1),
           (SELECT i.value_sealed FROM contact_identities i WHERE i.organization_id = p_org AND i.contact_id = q.contact_id
              AND i.kind = 'bsuid' AND i.valid_to IS NULL ORDER BY i.valid_from DESC LIMIT 1),
           q.old_state = 'probe', COALESCE(q.throttled, 0::smallint), q.trace_id
    FROM mine q
    JOIN messages m ON m.organization_id = p_org AND m.id = q.message_id
    JOIN sessions s ON s.organization_id = p_org AND s.id = q.session_id
    JOIN contacts c ON c.organization_id = p_org AND c.id = q.contact_id
    ORDER BY q.seq
$$;

-- `p_outcome`: accepted | refused (policy) | failed (provider, for good) | retry | wait (no try counted) | throttled (a wait that the provider
-- asked for) | held (its number is stopped) | upload (`p_upload`, the payload of core.upload_media, comes first) | unknown | release (not tried).
CREATE FUNCTION cn_mark_outbox(
    p_org uuid, p_token uuid[], p_outbox uuid[], p_message uuid[], p_outcome text[], p_external text[], p_delay_s float8[], p_error jsonb[],
    p_upload jsonb[] DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    UPDATE messages m SET
        -- An id that another message has already says nothing new, and must not spoil the marks of the others.
        external_id = COALESCE(m.external_id, CASE WHEN NOT EXISTS (SELECT 1 FROM messages o WHERE o.organization_id = p_org
            AND o.account_id = m.account_id AND o.external_id = r.external) THEN r.external END),
        accepted_at = CASE WHEN r.outcome = 'accepted' THEN COALESCE(m.accepted_at, clock_timestamp()) ELSE m.accepted_at END,
        failed_at = CASE WHEN r.outcome IN ('refused', 'failed') THEN clock_timestamp() ELSE m.failed_at END,
        error = COALESCE(r.error, m.error),
        status = CASE WHEN m.status <> 'queued' THEN m.status
                      WHEN r.outcome IN ('accepted', 'refused', 'failed') THEN r.outcome ELSE m.status END
    FROM unnest(p_message, p_outcome, p_external, p_error) AS r(message, outcome, external, error)
    WHERE m.organization_id = p_org AND m.id = r.message AND r.outcome IN ('accepted', 'refused', 'failed');

    INSERT INTO charges (id, organization_id, key, meter, quantity, at)
    SELECT cn_uuid7(), p_org, 'out:' || r.message, 'message.out', 1, clock_timestamp()
    FROM unnest(p_message, p_outcome) AS r(message, outcome) WHERE r.outcome = 'accepted'
    ON CONFLICT (organization_id, key) DO NOTHING;

    -- A send that went after the pause was over ends the growth of the pauses.
    IF EXISTS (SELECT 1 FROM channel_accounts a WHERE a.organization_id = p_org AND (a.hold_steps > 0 OR a.bulk_hold_steps > 0)) THEN
        UPDATE channel_accounts a SET
            hold_steps = CASE WHEN a.hold_until < clock_timestamp() THEN 0 ELSE a.hold_steps END,
            bulk_hold_steps = CASE WHEN g.in_bulk AND a.bulk_hold_until < clock_timestamp() THEN 0 ELSE a.bulk_hold_steps END
        FROM (SELECT o.account_id, bool_or(o.lane = 1) AS in_bulk FROM unnest(p_outbox, p_outcome) AS r(id, outcome)
              JOIN outbox o ON o.organization_id = p_org AND o.id = r.id WHERE r.outcome = 'accepted' GROUP BY o.account_id) g
        WHERE a.organization_id = p_org AND a.id = g.account_id;
    END IF;

    DELETE FROM outbox o USING unnest(p_outbox, p_outcome) AS r(id, outcome)
    WHERE o.organization_id = p_org AND o.id = r.id AND r.outcome IN ('accepted', 'refused');

    IF p_outcome <@ ARRAY['accepted', 'refused'] THEN
        RETURN; -- nothing stays: nearly always
    END IF;

    UPDATE outbox o SET
        state = CASE r.outcome WHEN 'failed' THEN 'dead' WHEN 'unknown' THEN 'unknown' WHEN 'held' THEN 'held' WHEN 'upload' THEN 'upload'
                               ELSE 'ready' END,
        attempts = CASE WHEN r.outcome IN ('release', 'wait', 'throttled', 'held') THEN GREATEST(o.attempts - 1, 0) ELSE o.attempts END,
        throttled = CASE WHEN r.outcome = 'throttled' THEN LEAST(COALESCE(o.throttled, 0) + 1, 100) ELSE o.throttled END,
        waits_for = CASE WHEN r.outcome = 'upload' THEN r.upload->>'blob' ELSE o.waits_for END,
        next_attempt_at = CASE WHEN r.outcome IN ('held', 'upload') THEN 'infinity'
                               ELSE clock_timestamp() + make_interval(secs => COALESCE(r.delay_s, 0)) END,
        lease_token = NULL,
        last_error = left(COALESCE(r.error->>'reason', ''), 500)
    FROM unnest(p_token, p_outbox, p_outcome, p_delay_s, p_error, p_upload) AS r(token, id, outcome, delay_s, error, upload)
    WHERE o.organization_id = p_org AND o.id = r.id AND o.lease_token = r.token
      AND r.outcome IN ('failed', 'retry', 'wait', 'throttled', 'held', 'upload', 'unknown', 'release');

    -- One job per file and number, however many messages wait for it.
    INSERT INTO jobs (id, organization_id, name, queue, payload, key, state, run_at, attempts, last_error, created_at, trace_id)
    SELECT DISTINCT ON (k.key) cn_uuid7(), p_org, 'core.upload_media', 'bulk', k.upload, k.key, 'ready', clock_timestamp(), 0, '', clock_timestamp(), k.trace_id
    FROM (SELECT r.upload, cn_upload_key((r.upload->>'account_id')::uuid, r.upload->>'blob') AS key,
              (SELECT o.trace_id FROM outbox o WHERE o.organization_id = p_org AND o.id = r.id) AS trace_id
          FROM unnest(p_outbox, p_outcome, p_upload) AS r(id, outcome, upload) WHERE r.outcome = 'upload') k
    ORDER BY k.key
    ON CONFLICT (organization_id, key) DO UPDATE SET state = 'ready', payload = EXCLUDED.payload, run_at = clock_timestamp(), attempts = 0,
        last_error = '', hinted_at = NULL, finished_at = NULL, trace_id = EXCLUDED.trace_id
        WHERE jobs.state IN ('done', 'dead');
END $$;

-- One step of GCRA without burst: seconds until the first of `p_n` slots, which are then taken. By the database's clock.
CREATE FUNCTION cn_pace(p_org uuid, p_key text, p_interval_s float8, p_n int) RETURNS float8 LANGUAGE sql AS $$
    SELECT set_config('app.current_org', p_org::text, true);
    INSERT INTO pacing AS p (id, organization_id, key, tat)
    VALUES (cn_uuid7(), p_org, p_key, clock_timestamp() + make_interval(secs => p_interval_s * p_n))
    ON CONFLICT (organization_id, key) DO UPDATE
        SET tat = GREATEST(p.tat, clock_timestamp()) + make_interval(secs => p_interval_s * p_n)
    RETURNING GREATEST(extract(epoch FROM p.tat - clock_timestamp())::float8 - p_interval_s * p_n, 0)
$$;

-- The pair limit: a burst of `p_burst`, then one per `p_interval_s`. Returns 0 and takes the slot, or the seconds to wait and takes nothing.
CREATE FUNCTION cn_pace_pair(p_org uuid, p_session uuid, p_interval_s float8, p_burst int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    wait_s float8;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    UPDATE sessions SET pair_tat = GREATEST(pair_tat, clock_timestamp()) + make_interval(secs => p_interval_s)
    WHERE organization_id = p_org AND id = p_session
      AND (pair_tat IS NULL OR pair_tat - make_interval(secs => p_interval_s * (p_burst - 1)) <= clock_timestamp());
    IF FOUND THEN
        RETURN 0;
    END IF;
    SELECT extract(epoch FROM pair_tat - make_interval(secs => p_interval_s * (p_burst - 1)) - clock_timestamp()) INTO wait_s
    FROM sessions WHERE organization_id = p_org AND id = p_session;
    RETURN GREATEST(COALESCE(wait_s, 0), 0.05);
END $$;

-- The same for many conversations at once. NULL: somebody holds the conversation just now, ask for it alone.
CREATE FUNCTION cn_pace_pairs(p_org uuid, p_sessions uuid[], p_interval_s float8, p_burst int)
RETURNS TABLE (session_id uuid, wait_s float8) LANGUAGE sql AS $$
    SELECT set_config('app.current_org', p_org::text, true);
    WITH free AS (
        SELECT s.id, GREATEST(extract(epoch FROM s.pair_tat - make_interval(secs => p_interval_s * (p_burst - 1)) - clock_timestamp())::float8, 0) AS wait_s
        FROM sessions s WHERE s.organization_id = p_org AND s.id = ANY(p_sessions) ORDER BY s.id FOR NO KEY UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE sessions s SET pair_tat = GREATEST(s.pair_tat, clock_timestamp()) + make_interval(secs => p_interval_s)
        FROM free WHERE s.organization_id = p_org AND s.id = free.id AND COALESCE(free.wait_s, 0) = 0
    )
    SELECT w.id, CASE WHEN free.id IS NOT NULL AND COALESCE(free.wait_s, 0) > 0 THEN GREATEST(free.wait_s, 0.05)
                      WHEN free.id IS NOT NULL THEN 0 END
    FROM unnest(p_sessions) AS w(id) LEFT JOIN free ON free.id = w.id
$$;

CREATE FUNCTION cn_rank(p_status text) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_status WHEN 'queued' THEN 0 WHEN 'refused' THEN 0 WHEN 'accepted' THEN 1 WHEN 'sent' THEN 2 WHEN 'failed' THEN 3
                         WHEN 'delivered' THEN 4 WHEN 'read' THEN 5 WHEN 'played' THEN 6 ELSE -1 END
$$;

-- Statuses are a ladder, never a sequence of assignments: each keeps its own time, the best one names the message. A status that carries
-- our id also proves that an unknown send went. Runs over all organizations, as the system role. Returns how many rows it looked at.
CREATE FUNCTION cn_apply_statuses(p_limit int, p_keep interval) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    looked int;
BEGIN
    CREATE TEMP TABLE IF NOT EXISTS cn_batch (LIKE message_statuses) ON COMMIT DELETE ROWS;
    INSERT INTO cn_batch SELECT s.* FROM message_statuses s WHERE s.next_attempt_at <= clock_timestamp()
    ORDER BY s.next_attempt_at LIMIT p_limit FOR UPDATE SKIP LOCKED;
    GET DIAGNOSTICS looked = ROW_COUNT;
    IF looked = 0 THEN
        RETURN 0;
    END IF;
    CREATE TEMP TABLE IF NOT EXISTS cn_matched (id uuid, organization_id uuid, message uuid) ON COMMIT DELETE ROWS;
    INSERT INTO cn_matched
    SELECT b.id, b.organization_id, m.id FROM cn_batch b JOIN messages m ON m.organization_id = b.organization_id AND m.id = b.message_id
        AND m.direction = 'out' AND m.account_id = b.account_id;
    INSERT INTO cn_matched
    SELECT b.id, b.organization_id, m.id FROM cn_batch b JOIN messages m ON m.organization_id = b.organization_id
        AND m.account_id = b.account_id AND m.external_id = b.external_id AND m.direction = 'out'
    WHERE NOT EXISTS (SELECT 1 FROM cn_matched x WHERE x.id = b.id);

    UPDATE messages m SET
        external_id = COALESCE(m.external_id, CASE WHEN NOT EXISTS (SELECT 1 FROM messages o WHERE o.organization_id = m.organization_id
            AND o.account_id = m.account_id AND o.external_id = g.external_id) THEN g.external_id END),
        accepted_at = COALESCE(m.accepted_at, g.first_at),
        sent_at = COALESCE(m.sent_at, g.sent_at),
        delivered_at = COALESCE(m.delivered_at, g.delivered_at),
        read_at = COALESCE(m.read_at, g.read_at),
        played_at = COALESCE(m.played_at, g.played_at),
        failed_at = COALESCE(m.failed_at, g.failed_at),
        error = COALESCE(g.errors, m.error),
        pricing = COALESCE(g.pricing, m.pricing),
        status = CASE WHEN cn_rank(g.best) > cn_rank(m.status) THEN g.best ELSE m.status END
    FROM (
        SELECT x.organization_id, x.message, min(b.external_id) AS external_id, min(b.at) AS first_at,
            min(b.at) FILTER (WHERE b.status = 'sent') AS sent_at, min(b.at) FILTER (WHERE b.status = 'delivered') AS delivered_at,
            min(b.at) FILTER (WHERE b.status = 'read') AS read_at, min(b.at) FILTER (WHERE b.status = 'played') AS played_at,
            min(b.at) FILTER (WHERE b.status = 'failed') AS failed_at,
            (array_agg(b.detail->'errors') FILTER (WHERE b.status = 'failed'))[1] AS errors,
            (array_agg(b.detail->'pricing') FILTER (WHERE b.detail->'pricing' IS NOT NULL AND b.detail->>'pricing' IS NOT NULL))[1] AS pricing,
            (array_agg(b.status ORDER BY cn_rank(b.status) DESC))[1] AS best
        FROM cn_matched x JOIN cn_batch b ON b.id = x.id GROUP BY x.organization_id, x.message
    ) g WHERE m.organization_id = g.organization_id AND m.id = g.message;

    INSERT INTO charges (id, organization_id, key, meter, quantity, at)
    SELECT cn_uuid7(), x.organization_id, 'out:' || x.message, 'message.out', 1, clock_timestamp()
    FROM (SELECT DISTINCT y.organization_id, y.message FROM cn_matched y JOIN cn_batch b ON b.id = y.id WHERE b.status <> 'failed') x
    ON CONFLICT (organization_id, key) DO NOTHING;

    -- What a late no stops besides its message is applied by a job; of a number one of a batch speaks for all.
    INSERT INTO jobs (id, organization_id, name, queue, payload, key, state, run_at, attempts, last_error, created_at)
    SELECT DISTINCT ON (x.organization_id, m.account_id, r.stops, CASE WHEN r.stops NOT IN ('number', 'kind') THEN m.id END)
        cn_uuid7(), x.organization_id, 'core.apply_refusal', 'interactive', b.detail->'refused' || jsonb_build_object('message_id', m.id),
        'refusal:' || m.id, 'ready', clock_timestamp(), 0, '', clock_timestamp()
    FROM cn_matched x JOIN cn_batch b ON b.id = x.id CROSS JOIN LATERAL (SELECT b.detail #>> '{refused,stops}' AS stops) r
    JOIN messages m ON m.organization_id = x.organization_id AND m.id = x.message AND m.status = 'failed'
    WHERE b.status = 'failed' AND r.stops IS NOT NULL
    ORDER BY x.organization_id, m.account_id, r.stops, CASE WHEN r.stops NOT IN ('number', 'kind') THEN m.id END, m.accepted_at DESC
    ON CONFLICT (organization_id, key) DO NOTHING;

    IF EXISTS (SELECT 1 FROM channel_accounts a WHERE a.needs_delivery AND a.state = 'stopped') THEN
        WITH proved AS (
            UPDATE channel_accounts a SET state = 'connected', state_reason = '', stopped_seal = NULL, probe_at = NULL, probe_steps = NULL,
                state_at = clock_timestamp(), needs_delivery = NULL
            FROM cn_matched x JOIN cn_batch b ON b.id = x.id JOIN messages m ON m.organization_id = x.organization_id AND m.id = x.message
            WHERE a.organization_id = m.organization_id AND a.id = m.account_id AND a.needs_delivery AND a.state = 'stopped'
              AND b.status IN ('delivered', 'read', 'played') AND m.accepted_at > a.state_at
            RETURNING a.organization_id, a.id
        )
        INSERT INTO audit_entries (id, organization_id, at, actor, action, subject, before, after)
        SELECT cn_uuid7(), p.organization_id, clock_timestamp(), 'provider', 'channel_account.resumed', 'channel_account:' || p.id,
               jsonb_build_object('state', 'stopped'), jsonb_build_object('state', 'connected', 'reason', 'a message was delivered') FROM proved p;
    END IF;

    DELETE FROM outbox o USING cn_matched x WHERE o.organization_id = x.organization_id AND o.message_id = x.message AND o.state <> 'dead';
    DELETE FROM message_statuses s USING cn_matched x WHERE s.organization_id = x.organization_id AND s.id = x.id;
    DELETE FROM message_statuses s USING cn_batch b WHERE s.organization_id = b.organization_id AND s.id = b.id
        AND s.received_at < clock_timestamp() - p_keep;
    UPDATE message_statuses s SET attempts = LEAST(s.attempts + 1, 30),
        next_attempt_at = clock_timestamp() + LEAST(interval '1 second' * power(2, LEAST(s.attempts, 12)), interval '1 hour')
    FROM cn_batch b WHERE s.organization_id = b.organization_id AND s.id = b.id;
    RETURN looked;
END $$;

-- Business-initiated messages, once per key; the session is made where the contact has none with this number yet.
CREATE FUNCTION cn_put_sends(
    p_org uuid, p_contact uuid[], p_account uuid[], p_message uuid[], p_outbox uuid[], p_type text[], p_body bytea[], p_key text[],
    p_lane int[], p_origin text[], p_trace uuid
) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    made int;
BEGIN
    INSERT INTO sessions (id, organization_id, account_id, contact_id, phase, revision, created_at, updated_at)
    SELECT cn_uuid7(), p_org, a, c, 'IDLE', 0, clock_timestamp(), clock_timestamp()
    FROM (SELECT DISTINCT a, c FROM unnest(p_account, p_contact) AS u(a, c) ORDER BY a, c) pairs
    WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.organization_id = p_org AND s.account_id = a AND s.contact_id = c)
    ON CONFLICT (organization_id, account_id, contact_id) DO NOTHING;

    WITH wanted AS (
        SELECT c, a, m, x, t, b, k, l, o, n, s.id AS session_id
        FROM unnest(p_contact, p_account, p_message, p_outbox, p_type, p_body, p_key, p_lane, p_origin) WITH ORDINALITY
             AS u(c, a, m, x, t, b, k, l, o, n)
        JOIN sessions s ON s.organization_id = p_org AND s.account_id = u.a AND s.contact_id = u.c
    ), fresh AS (
        INSERT INTO messages (id, organization_id, session_id, account_id, contact_id, direction, type, body, key, origin, status, created_at)
        SELECT m, p_org, session_id, a, c, 'out', t, b, k, o, 'queued', clock_timestamp() FROM wanted ORDER BY n
        ON CONFLICT (organization_id, key) DO NOTHING RETURNING id
    )
    INSERT INTO outbox (id, organization_id, message_id, session_id, account_id, contact_id, lane, state, attempts, next_attempt_at, last_error, created_at, trace_id)
    SELECT w.x, p_org, w.m, w.session_id, w.a, w.c, w.l, CASE WHEN h.id IS NULL THEN 'ready' ELSE 'held' END, 0,
           CASE WHEN h.id IS NULL THEN clock_timestamp() ELSE 'infinity' END, COALESCE(h.state_reason, ''), clock_timestamp(), p_trace
    FROM wanted w JOIN fresh f ON f.id = w.m
    LEFT JOIN channel_accounts h ON h.organization_id = p_org AND h.id = w.a AND h.state = 'stopped' ORDER BY w.n;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END $$;
