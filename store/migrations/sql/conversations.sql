-- The inbox's side of every conversation follows its messages, whoever writes them: one statement per INSERT, rows in the order of their ids, so
-- that two batches never wait for each other crosswise. What a person writes opens a closed conversation again.
CREATE FUNCTION cn_follow_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conversations AS v (id, organization_id, account_id, contact_id, labels, unread, last_message_id, last_at, version)
    SELECT f.session_id, f.organization_id, f.account_id, f.contact_id, '[]', count(*) FILTER (WHERE f.direction = 'in'),
           (array_agg(f.id ORDER BY f.created_at DESC, f.id DESC))[1], max(f.created_at), 1
    FROM fresh f GROUP BY f.session_id, f.organization_id, f.account_id, f.contact_id ORDER BY f.session_id
    ON CONFLICT (organization_id, id) DO UPDATE SET
        unread = v.unread + EXCLUDED.unread,
        last_message_id = CASE WHEN EXCLUDED.last_at >= v.last_at THEN EXCLUDED.last_message_id ELSE v.last_message_id END,
        last_at = GREATEST(v.last_at, EXCLUDED.last_at),
        closed_at = CASE WHEN EXCLUDED.unread > 0 THEN NULL ELSE v.closed_at END,
        version = v.version + 1;
    RETURN NULL;
END $$;

CREATE TRIGGER follow_messages AFTER INSERT ON messages REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION cn_follow_messages();
