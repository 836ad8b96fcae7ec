-- What organizations are told of over https is written with the fact itself: no event is lost, and none is told of what was rolled back.
-- Of the core's own facts triggers tell, whoever writes them; skills tell through their unit of work (`cn_tell_hooks`). Who listens is asked
-- row by row of hook_endpoints, a table of few rows; where nobody listens nothing is written.

CREATE FUNCTION cn_tell_hooks(p_org uuid, p_type text, p_event uuid, p_about jsonb, p_body bytea, p_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM hook_endpoints e WHERE e.organization_id = p_org AND e.state IN ('on', 'failing')) THEN
        RETURN; -- asked with every message that is sent
    END IF;
    INSERT INTO hook_deliveries (id, organization_id, endpoint_id, event_id, type, about, body, state, attempts, next_attempt_at, last_error, tries, occurred_at)
    SELECT cn_uuid7(), p_org, e.id, p_event, p_type, p_about, p_body, CASE e.state WHEN 'on' THEN 'ready' ELSE 'held' END, 0, clock_timestamp(), '', '[]', p_at
    FROM hook_endpoints e WHERE e.organization_id = p_org AND e.state IN ('on', 'failing') AND e.event_types ? p_type;
END $$;

-- Messages come in groups: one statement for all of them. Of one message each thing is told once, so its id makes the event's.
CREATE FUNCTION cn_tell_received() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO hook_deliveries (id, organization_id, endpoint_id, event_id, type, about, state, attempts, next_attempt_at, last_error, tries, occurred_at)
    SELECT cn_uuid7(), f.organization_id, e.id, md5('message.received:' || f.id)::uuid, 'message.received', jsonb_build_object('message_id', f.id),
           CASE e.state WHEN 'on' THEN 'ready' ELSE 'held' END, 0, clock_timestamp(), '', '[]', f.created_at
    FROM fresh f JOIN hook_endpoints e ON e.organization_id = f.organization_id AND e.state IN ('on', 'failing') AND e.event_types ? 'message.received'
    WHERE f.direction = 'in';
    RETURN NULL;
END $$;

CREATE TRIGGER tell_received AFTER INSERT ON messages REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION cn_tell_received();

CREATE FUNCTION cn_tell_settled() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told text := CASE WHEN NEW.status IN ('failed', 'refused') THEN 'message.failed' ELSE 'message.sent' END;
BEGIN
    PERFORM cn_tell_hooks(NEW.organization_id, told, md5(told || ':' || NEW.id)::uuid, jsonb_build_object('message_id', NEW.id), NULL, clock_timestamp());
    RETURN NULL;
END $$;

-- Sent: WhatsApp took it, or told of it. That a message which was sent failed later is told too.
CREATE TRIGGER tell_settled AFTER UPDATE OF status ON messages FOR EACH ROW
WHEN (NEW.direction = 'out' AND OLD.status IS DISTINCT FROM NEW.status
      AND (NEW.status IN ('failed', 'refused') OR (OLD.accepted_at IS NULL AND NEW.accepted_at IS NOT NULL)))
EXECUTE FUNCTION cn_tell_settled();

CREATE FUNCTION cn_tell_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM cn_tell_hooks(NEW.organization_id, TG_ARGV[0], cn_uuid7(), jsonb_build_object('contact_id', NEW.id), NULL, clock_timestamp());
    RETURN NULL;
END $$;

CREATE TRIGGER tell_created AFTER INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION cn_tell_contact('contact.created');
-- What belongs to its making is no change.
CREATE TRIGGER tell_updated AFTER UPDATE OF name, locale, country, labels, custom ON contacts FOR EACH ROW
WHEN (OLD.created_at < transaction_timestamp() AND ROW(OLD.name, OLD.locale, OLD.country, OLD.labels, OLD.custom) IS DISTINCT FROM ROW(NEW.name, NEW.locale, NEW.country, NEW.labels, NEW.custom))
EXECUTE FUNCTION cn_tell_contact('contact.updated');
CREATE TRIGGER tell_opted_out AFTER UPDATE OF opted_out_at ON contacts FOR EACH ROW
WHEN (OLD.opted_out_at IS NULL AND NEW.opted_out_at IS NOT NULL) EXECUTE FUNCTION cn_tell_contact('contact.opted_out');

CREATE FUNCTION cn_tell_conversation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM cn_tell_hooks(NEW.organization_id, CASE WHEN NEW.taken_over_at IS NULL THEN 'conversation.given_back' ELSE 'conversation.taken_over' END,
        cn_uuid7(), jsonb_build_object('conversation_id', NEW.id, 'contact_id', NEW.contact_id, 'by', NEW.taken_over_by), NULL, clock_timestamp());
    RETURN NULL;
END $$;

CREATE TRIGGER tell_taken AFTER UPDATE OF taken_over_at ON conversations FOR EACH ROW
WHEN ((OLD.taken_over_at IS NULL) <> (NEW.taken_over_at IS NULL)) EXECUTE FUNCTION cn_tell_conversation();

CREATE FUNCTION cn_tell_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM cn_tell_hooks(NEW.organization_id, 'skill.published', NEW.id,
        jsonb_build_object('skill', NEW.skill, 'version', NEW.number, 'restores', NEW.restores, 'note', NEW.note, 'by', NEW.published_by), NULL, clock_timestamp());
    RETURN NULL;
END $$;

CREATE TRIGGER tell_published AFTER INSERT ON skill_versions FOR EACH ROW EXECUTE FUNCTION cn_tell_published();

-- Endpoints with something due get their job, one each; of one organization so many at a time that other work of it goes on. Asked by the clock
-- alone, over all organizations, as the system role. Who waited longest for a turn is first.
CREATE FUNCTION cn_put_hook_jobs(p_per_org int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    made int;
BEGIN
    WITH due AS (
        SELECT e.organization_id, e.id, row_number() OVER (PARTITION BY e.organization_id ORDER BY j.finished_at NULLS FIRST, e.id)
               + (SELECT count(*) FROM jobs b WHERE b.organization_id = e.organization_id AND b.queue = 'bulk' AND b.state IN ('ready', 'running')
                    AND b.name = 'core.deliver_hooks') AS place
        FROM hook_endpoints e
        LEFT JOIN jobs j ON j.organization_id = e.organization_id AND j.key = 'hooks:' || e.id
        WHERE e.state = 'on' AND (e.hold_until IS NULL OR e.hold_until <= clock_timestamp()) AND (j.id IS NULL OR j.state IN ('done', 'dead'))
          AND EXISTS (SELECT 1 FROM hook_deliveries d WHERE d.organization_id = e.organization_id AND d.endpoint_id = e.id AND d.state = 'ready'
                        AND d.next_attempt_at <= clock_timestamp())
    )
    INSERT INTO jobs (id, organization_id, name, queue, payload, key, state, run_at, attempts, last_error, created_at)
    SELECT cn_uuid7(), d.organization_id, 'core.deliver_hooks', 'bulk', jsonb_build_object('endpoint_id', d.id), 'hooks:' || d.id, 'ready',
           clock_timestamp(), 0, '', clock_timestamp()
    FROM due d WHERE d.place <= p_per_org
    ON CONFLICT (organization_id, key) DO UPDATE SET state = 'ready', run_at = clock_timestamp(), attempts = 0, last_error = '', hinted_at = NULL,
        finished_at = NULL WHERE jobs.state IN ('done', 'dead');
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END $$;
