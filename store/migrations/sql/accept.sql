-- T0: what a webhook delivery leaves behind, for one organization, in one statement of a group commit.
-- Items of a batch are resolved in the order of their identities, so that two batches never wait for each other crosswise,
-- and enter the inbox in the order in which they came.

CREATE FUNCTION cn_contact(
    p_org uuid, p_portfolio text, p_bsuid_index bytea, p_bsuid_sealed bytea, p_bsuid_masked text,
    p_phone_index bytea, p_phone_sealed bytea, p_phone_masked text, p_name text, p_country text
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    by_bsuid uuid;
    by_phone uuid;
    target uuid;
    fresh uuid;
BEGIN
    IF p_bsuid_index IS NOT NULL THEN
        SELECT contact_id INTO by_bsuid FROM contact_identities
        WHERE organization_id = p_org AND portfolio = p_portfolio AND kind = 'bsuid' AND value_index = p_bsuid_index AND valid_to IS NULL;
    END IF;
    IF p_phone_index IS NOT NULL THEN
        SELECT contact_id INTO by_phone FROM contact_identities
        WHERE organization_id = p_org AND portfolio = '' AND kind = 'phone' AND value_index = p_phone_index AND valid_to IS NULL;
    END IF;
    target := COALESCE(by_bsuid, by_phone);

    -- A phone that answers to another BSUID of the same portfolio is somebody else's now: route by BSUID, propose, never merge.
    IF by_bsuid IS NULL AND by_phone IS NOT NULL AND p_bsuid_index IS NOT NULL AND EXISTS (
        SELECT 1 FROM contact_identities WHERE organization_id = p_org AND contact_id = by_phone AND portfolio = p_portfolio
        AND kind = 'bsuid' AND valid_to IS NULL
    ) THEN
        target := NULL;
    END IF;

    IF target IS NULL THEN
        fresh := cn_uuid7();
        INSERT INTO contacts (id, organization_id, name, profile_name, country, created_at)
        VALUES (fresh, p_org, p_name, p_name, p_country, clock_timestamp());
        target := fresh;
    ELSIF p_name <> '' THEN  -- the name follows the profile's until people here write another one
        UPDATE contacts SET profile_name = p_name, name = CASE WHEN name IN ('', profile_name) THEN p_name ELSE name END
        WHERE organization_id = p_org AND id = target AND profile_name <> p_name;
    END IF;

    IF p_bsuid_index IS NOT NULL AND by_bsuid IS NULL THEN
        INSERT INTO contact_identities (id, organization_id, contact_id, portfolio, kind, value_index, value_sealed, value_masked, valid_from)
        VALUES (cn_uuid7(), p_org, target, p_portfolio, 'bsuid', p_bsuid_index, p_bsuid_sealed, p_bsuid_masked, clock_timestamp())
        ON CONFLICT (organization_id, portfolio, kind, value_index) WHERE valid_to IS NULL DO NOTHING;
        IF NOT FOUND THEN  -- another delivery of the same person won the race
            SELECT contact_id INTO by_bsuid FROM contact_identities
            WHERE organization_id = p_org AND portfolio = p_portfolio AND kind = 'bsuid' AND value_index = p_bsuid_index AND valid_to IS NULL;
            IF fresh IS NOT NULL THEN DELETE FROM contacts WHERE organization_id = p_org AND id = fresh; END IF;
            target := by_bsuid;
        END IF;
    END IF;
    IF p_phone_index IS NOT NULL AND by_phone IS NULL THEN
        INSERT INTO contact_identities (id, organization_id, contact_id, portfolio, kind, value_index, value_sealed, value_masked, valid_from)
        VALUES (cn_uuid7(), p_org, target, '', 'phone', p_phone_index, p_phone_sealed, p_phone_masked, clock_timestamp())
        ON CONFLICT (organization_id, portfolio, kind, value_index) WHERE valid_to IS NULL DO NOTHING;
        IF NOT FOUND THEN
            SELECT contact_id INTO by_phone FROM contact_identities
            WHERE organization_id = p_org AND portfolio = '' AND kind = 'phone' AND value_index = p_phone_index AND valid_to IS NULL;
            IF fresh IS NOT NULL AND p_bsuid_index IS NULL THEN
                DELETE FROM contacts WHERE organization_id = p_org AND id = fresh;
                target := by_phone;
            END IF;
        END IF;
    END IF;

    IF by_phone IS NOT NULL AND by_phone <> target THEN
        INSERT INTO contact_merge_proposals (id, organization_id, contact_id, other_contact_id, reason, created_at)
        VALUES (cn_uuid7(), p_org, target, by_phone, 'one phone number, two business-scoped user ids', clock_timestamp())
        ON CONFLICT (organization_id, contact_id, other_contact_id) DO NOTHING;
    END IF;
    RETURN target;
END $$;

-- People whom we know, and whose identities agree, are found in one query; everybody else goes through cn_contact one by one.
CREATE FUNCTION cn_accept(
    p_org uuid, p_account uuid[], p_portfolio text[],
    p_bsuid_index bytea[], p_bsuid_sealed bytea[], p_bsuid_masked text[],
    p_phone_index bytea[], p_phone_sealed bytea[], p_phone_masked text[], p_name text[], p_country text[],
    p_message uuid[], p_inbox uuid[], p_external text[], p_type text[], p_body bytea[], p_reply_to text[], p_at timestamptz[],
    p_trace uuid[]
) RETURNS TABLE (session_id uuid, inbox_id uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    i int;
    contact uuid;
    contacts uuid[];
    sessions_of uuid[];
    target uuid;
    is_incomplete boolean;
    is_renamed boolean;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    SELECT array_agg(k.contact ORDER BY k.o), array_agg(k.session ORDER BY k.o), bool_or(k.session IS NULL), bool_or(k.renamed)
    INTO contacts, sessions_of, is_incomplete, is_renamed
    FROM (
        SELECT x.o, x.contact,
            (SELECT s.id FROM sessions s WHERE s.organization_id = p_org AND s.account_id = x.a AND s.contact_id = x.contact) AS session,
            x.name <> '' AND x.name <> (SELECT c.profile_name FROM contacts c WHERE c.organization_id = p_org AND c.id = x.contact) AS renamed
        FROM (
            SELECT f.o, f.a, f.name, CASE WHEN (f.b IS NULL) = (f.by_bsuid IS NULL) AND (f.p IS NULL) = (f.by_phone IS NULL)
                AND COALESCE(f.by_bsuid = f.by_phone, true) THEN COALESCE(f.by_bsuid, f.by_phone) END AS contact
            FROM (
                SELECT u.o, u.a, u.name, u.b, u.p,
                    (SELECT d.contact_id FROM contact_identities d WHERE d.organization_id = p_org AND d.portfolio = u.portfolio
                       AND d.kind = 'bsuid' AND d.value_index = u.b AND d.valid_to IS NULL) AS by_bsuid,
                    (SELECT d.contact_id FROM contact_identities d WHERE d.organization_id = p_org AND d.portfolio = ''
                       AND d.kind = 'phone' AND d.value_index = u.p AND d.valid_to IS NULL) AS by_phone
                FROM unnest(p_account, p_portfolio, p_bsuid_index, p_phone_index, p_name) WITH ORDINALITY AS u(a, portfolio, b, p, name, o)
                OFFSET 0
            ) f OFFSET 0
        ) x
    ) k;

    IF is_incomplete THEN
        FOR i IN SELECT o FROM generate_series(1, array_length(p_message, 1)) o WHERE sessions_of[o] IS NULL
                 ORDER BY COALESCE(p_bsuid_index[o], p_phone_index[o]), o LOOP
            IF EXISTS (SELECT 1 FROM messages m WHERE m.organization_id = p_org AND m.account_id = p_account[i] AND m.external_id = p_external[i]) THEN
                CONTINUE;  -- delivered before
            END IF;
            contact := cn_contact(p_org, p_portfolio[i], p_bsuid_index[i], p_bsuid_sealed[i], p_bsuid_masked[i],
                                  p_phone_index[i], p_phone_sealed[i], p_phone_masked[i], p_name[i], p_country[i]);
            contacts[i] := contact;
            SELECT s.id INTO target FROM sessions s WHERE s.organization_id = p_org AND s.account_id = p_account[i] AND s.contact_id = contact;
            IF target IS NULL THEN
                INSERT INTO sessions AS s (id, organization_id, account_id, contact_id, phase, revision, created_at, updated_at)
                VALUES (cn_uuid7(), p_org, p_account[i], contact, 'IDLE', 0, clock_timestamp(), clock_timestamp())
                ON CONFLICT (organization_id, account_id, contact_id) DO NOTHING RETURNING s.id INTO target;
                IF target IS NULL THEN
                    SELECT s.id INTO target FROM sessions s WHERE s.organization_id = p_org AND s.account_id = p_account[i] AND s.contact_id = contact;
                END IF;
            END IF;
            sessions_of[i] := target;
        END LOOP;
    END IF;

    -- Who was merged has several numbers: the answer goes to the one that wrote.
    IF EXISTS (SELECT 1 FROM contacts c WHERE c.organization_id = p_org AND c.merged_into IS NOT NULL) THEN
        UPDATE contact_identities d SET valid_from = clock_timestamp()
        WHERE d.organization_id = p_org AND d.valid_to IS NULL AND d.value_index = ANY(p_phone_index || p_bsuid_index)
          AND EXISTS (SELECT 1 FROM contact_identities e WHERE e.organization_id = p_org AND e.contact_id = d.contact_id AND e.kind = d.kind
                      AND e.valid_to IS NULL AND e.id <> d.id AND e.valid_from >= d.valid_from);
    END IF;

    -- Messages in the order of their ids, so that two batches with the same ones do not wait for each other crosswise; the inbox as they came.
    RETURN QUERY
    WITH item AS (
        SELECT * FROM unnest(p_message, p_inbox, p_account, p_external, p_type, p_body, p_reply_to, p_at, p_trace, contacts, sessions_of) WITH ORDINALITY
            AS u(message, inbox, account, external, type, body, reply_to, at, trace, contact, session, o) WHERE u.session IS NOT NULL
    ), fresh AS (
        INSERT INTO messages (id, organization_id, session_id, account_id, contact_id, direction, external_id, type, body, reply_to, origin,
                              status, provider_at, created_at)
        SELECT t.message, p_org, t.session, t.account, t.contact, 'in', t.external, t.type, t.body, t.reply_to, '', 'received', t.at,
               statement_timestamp() + t.o * interval '1 microsecond'
        FROM item t ORDER BY t.account, t.external, t.o
        ON CONFLICT (organization_id, account_id, external_id) DO NOTHING RETURNING id
    ), renamed AS (
        UPDATE contacts c SET profile_name = l.name, name = CASE WHEN c.name IN ('', c.profile_name) THEN l.name ELSE c.name END FROM (
            SELECT DISTINCT ON (n.contact) n.contact, n.name FROM unnest(contacts, p_name, p_message) WITH ORDINALITY AS n(contact, name, message, o)
            JOIN fresh ON fresh.id = n.message WHERE is_renamed AND n.name <> '' ORDER BY n.contact, n.o DESC
        ) l WHERE c.organization_id = p_org AND c.id = l.contact AND c.profile_name <> l.name
    ), media AS (
        INSERT INTO jobs (id, organization_id, name, queue, payload, key, state, run_at, attempts, last_error, created_at, trace_id)
        SELECT cn_uuid7(), p_org, 'core.fetch_media', 'bulk', jsonb_build_object('message_id', t.message),
               'media:' || t.message, 'ready', clock_timestamp(), 0, '', clock_timestamp(), t.trace
        FROM item t JOIN fresh ON fresh.id = t.message WHERE t.type = 'media'
        ON CONFLICT (organization_id, key) DO NOTHING
    )
    INSERT INTO inbox AS b (id, organization_id, session_id, message_id, kind, provider_at, state, attempts, next_attempt_at, last_error, trace_id)
    SELECT t.inbox, p_org, t.session, t.message, 'message', t.at, 'ready', 0, clock_timestamp(), '', t.trace
    FROM item t JOIN fresh ON fresh.id = t.message ORDER BY t.o
    RETURNING b.session_id, b.id;
END $$;

CREATE FUNCTION cn_accept_statuses(
    p_org uuid, p_id uuid[], p_account uuid[], p_external text[], p_status text[], p_participant text[], p_message uuid[],
    p_at timestamptz[], p_detail jsonb[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    INSERT INTO message_statuses (id, organization_id, account_id, external_id, status, participant, message_id, at, detail,
                                  received_at, next_attempt_at, attempts)
    SELECT i, p_org, a, e, s, p, m, t, d, clock_timestamp(), clock_timestamp(), 0
    FROM unnest(p_id, p_account, p_external, p_status, p_participant, p_message, p_at, p_detail) AS u(i, a, e, s, p, m, t, d)
    ORDER BY a, e, s, p
    ON CONFLICT (organization_id, account_id, external_id, status, participant) DO NOTHING;
END $$;

CREATE FUNCTION cn_accept_events(
    p_org uuid, p_id uuid[], p_account uuid[], p_kind text[], p_external text[], p_payload bytea[], p_at timestamptz[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    INSERT INTO channel_events (id, organization_id, account_id, kind, external_id, sealed_payload, at)
    SELECT i, p_org, a, k, e, p, t FROM unnest(p_id, p_account, p_kind, p_external, p_payload, p_at) AS u(i, a, k, e, p, t)
    ORDER BY e
    ON CONFLICT (organization_id, external_id) DO NOTHING;
END $$;
