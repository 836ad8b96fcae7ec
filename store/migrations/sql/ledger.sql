-- The ledger. An entry takes milli-tokens from a debit account and gives them to a credit account; its trigger moves everything that follows from
-- it (both balances, the lot, the hold, the wallet's chain), and nothing else may move them. `cn_ledger` is the one way in: it locks the wallets,
-- then answers one operation after the other. What a rule refuses is answered as {"error": ...}, with nothing written but what was due to expire
-- anyway: the caller's transaction goes on.

CREATE FUNCTION cn_ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION cn_ledger_refuse('append-only; correct by an opposite entry');
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_operations FOR EACH STATEMENT EXECUTE FUNCTION cn_ledger_refuse('append-only');
CREATE TRIGGER by_entries BEFORE UPDATE ON ledger_accounts FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION cn_ledger_refuse('moved by entries only');
CREATE TRIGGER by_entries BEFORE UPDATE ON ledger_lots FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION cn_ledger_refuse('moved by entries only');
CREATE TRIGGER by_entries BEFORE INSERT OR UPDATE ON ledger_hold_parts FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION cn_ledger_refuse('moved by entries only');
CREATE TRIGGER made_empty BEFORE INSERT ON ledger_accounts FOR EACH ROW WHEN (NEW.balance <> 0) EXECUTE FUNCTION cn_ledger_refuse('begins empty');
CREATE TRIGGER made_empty BEFORE INSERT ON ledger_lots FOR EACH ROW WHEN (NEW.remaining <> 0) EXECUTE FUNCTION cn_ledger_refuse('begins empty');

-- Accounts begin at zero and each statement leaves their sum as it was: so the sum of an organization is zero, always.
CREATE FUNCTION cn_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(f.balance - s.balance) FROM fresh f JOIN stale s ON s.id = f.id) <> 0 THEN
        RAISE EXCEPTION 'ledger_accounts: an entry has two equal sides' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER balanced AFTER UPDATE ON ledger_accounts REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
FOR EACH STATEMENT EXECUTE FUNCTION cn_ledger_balanced();

CREATE FUNCTION cn_ledger_seal(p_before bytea, e ledger_entries) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(p_before || convert_to(jsonb_build_array(e.organization_id, e.id, e.operation_id, e.wallet_id, e.n, e.debit_account_id,
        e.credit_account_id, e.lot_id, e.to_lot_id, e.hold_id, e.amount, e.debit_after, e.credit_after,
        (extract(epoch FROM e.at) * 1000000)::bigint, e.meter, e.quantity, e.price, e.subject)::text, 'UTF8'))
$$;

CREATE FUNCTION cn_ledger_post() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    debit_kind text;
    credit_kind text;
    before bytea;
BEGIN
    WITH moved AS (
        UPDATE ledger_accounts a SET balance = a.balance + CASE a.id WHEN NEW.debit_account_id THEN -NEW.amount ELSE NEW.amount END
        WHERE a.organization_id = NEW.organization_id AND a.id IN (NEW.debit_account_id, NEW.credit_account_id)
        RETURNING a.id, a.kind, a.balance
    )
    SELECT d.kind, d.balance, c.kind, c.balance INTO debit_kind, NEW.debit_after, credit_kind, NEW.credit_after
    FROM moved d CROSS JOIN moved c WHERE d.id = NEW.debit_account_id AND c.id = NEW.credit_account_id;
    IF debit_kind = 'available' THEN
        UPDATE ledger_lots l SET remaining = l.remaining - NEW.amount WHERE l.organization_id = NEW.organization_id AND l.id = NEW.lot_id;
    ELSIF debit_kind = 'held' THEN
        UPDATE ledger_hold_parts p SET open = p.open - NEW.amount
        WHERE p.organization_id = NEW.organization_id AND p.hold_id = NEW.hold_id AND p.lot_id = NEW.lot_id;
    END IF;
    IF credit_kind = 'available' THEN
        UPDATE ledger_lots l SET remaining = l.remaining + NEW.amount
        WHERE l.organization_id = NEW.organization_id AND l.id = COALESCE(NEW.to_lot_id, NEW.lot_id);
    ELSIF credit_kind = 'held' THEN
        INSERT INTO ledger_hold_parts AS p (organization_id, hold_id, lot_id, open)
        VALUES (NEW.organization_id, NEW.hold_id, NEW.lot_id, NEW.amount)
        ON CONFLICT (organization_id, hold_id, lot_id) DO UPDATE SET open = p.open + excluded.open;
    END IF;
    SELECT w.entries + 1, w.seal INTO NEW.n, before FROM ledger_wallets w WHERE w.organization_id = NEW.organization_id AND w.id = NEW.wallet_id;
    NEW.seal := cn_ledger_seal(before, NEW);
    UPDATE ledger_wallets w SET entries = NEW.n, seal = NEW.seal, moved_at = NEW.at
    WHERE w.organization_id = NEW.organization_id AND w.id = NEW.wallet_id;
    RETURN NEW;
END $$;

CREATE TRIGGER post BEFORE INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION cn_ledger_post();

-- The wallet of this name, made when it is not there.
CREATE FUNCTION cn_ledger_open(p_org uuid, p_name text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    made uuid;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    INSERT INTO ledger_wallets (id, organization_id, name, opened_at) VALUES (cn_uuid7(), p_org, p_name, clock_timestamp())
    ON CONFLICT (organization_id, name) DO NOTHING RETURNING id INTO made;
    IF made IS NULL THEN
        SELECT w.id INTO made FROM ledger_wallets w WHERE w.organization_id = p_org AND w.name = p_name;
        RETURN made;
    END IF;
    INSERT INTO ledger_accounts (id, organization_id, wallet_id, kind, source)
    SELECT cn_uuid7(), p_org, CASE k WHEN 'counter' THEN NULL ELSE made END, k, s
    FROM unnest(ARRAY['counter', 'available', 'held', 'spent', 'expired']) k CROSS JOIN unnest(ARRAY['purchased', 'granted']) s
    ON CONFLICT (organization_id, wallet_id, kind, source) DO NOTHING;
    RETURN made;
END $$;

CREATE FUNCTION cn_ledger_lot(p_org uuid, p_wallet uuid, p_source text, p_amount bigint, p_priority int, p_expires_at timestamptz, p_born_at timestamptz, p_from uuid)
RETURNS uuid LANGUAGE sql AS $$
    INSERT INTO ledger_lots (id, organization_id, wallet_id, source, amount, priority, expires_at, born_at, from_lot_id)
    VALUES (cn_uuid7(), p_org, p_wallet, p_source, p_amount, p_priority, p_expires_at, p_born_at, p_from) RETURNING id
$$;

-- One entry of a lot's tokens, between accounts of the lot's source. With `p_to_lot` into the wallet of that lot.
CREATE FUNCTION cn_ledger_move(
    p_org uuid, p_operation uuid, p_wallet uuid, p_from text, p_to text, p_lot uuid, p_hold uuid, p_to_lot uuid, p_amount bigint, p_at timestamptz, p_note jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    source_of text;
    receiver uuid := p_wallet;
    debit uuid;
    credit uuid;
BEGIN
    SELECT l.source INTO source_of FROM ledger_lots l WHERE l.organization_id = p_org AND l.id = p_lot;
    IF p_to_lot IS NOT NULL THEN
        SELECT l.wallet_id INTO receiver FROM ledger_lots l WHERE l.organization_id = p_org AND l.id = p_to_lot;
    END IF;
    IF p_from = 'counter' THEN
        SELECT a.id INTO debit FROM ledger_accounts a WHERE a.organization_id = p_org AND a.wallet_id IS NULL AND a.kind = p_from AND a.source = source_of;
    ELSE
        SELECT a.id INTO debit FROM ledger_accounts a WHERE a.organization_id = p_org AND a.wallet_id = p_wallet AND a.kind = p_from AND a.source = source_of;
    END IF;
    SELECT a.id INTO credit FROM ledger_accounts a WHERE a.organization_id = p_org AND a.wallet_id = receiver AND a.kind = p_to AND a.source = source_of;
    INSERT INTO ledger_entries (id, organization_id, operation_id, wallet_id, debit_account_id, credit_account_id, lot_id, to_lot_id, hold_id, amount, at,
                                meter, quantity, price, subject)
    VALUES (cn_uuid7(), p_org, p_operation, p_wallet, debit, credit, p_lot, p_to_lot, p_hold, p_amount, p_at,
            p_note->>'meter', (p_note->>'quantity')::bigint, nullif(p_note->'price', 'null'), nullif(p_note->'subject', 'null'));
END $$;

-- Available tokens, in the order of consumption. The caller has seen that there are enough, under the lock. With `p_receiver` into another wallet.
CREATE FUNCTION cn_ledger_take(p_org uuid, p_operation uuid, p_wallet uuid, p_to text, p_hold uuid, p_receiver uuid, p_amount bigint, p_at timestamptz, p_note jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    l ledger_lots%ROWTYPE;
    part bigint;
    missing bigint := p_amount;
    to_lot uuid;
BEGIN
    FOR l IN SELECT x.* FROM ledger_lots x WHERE x.organization_id = p_org AND x.wallet_id = p_wallet AND x.remaining > 0
             ORDER BY x.priority, x.expires_at, x.born_at, x.seq LOOP
        part := least(missing, l.remaining);
        IF p_receiver IS NOT NULL THEN
            to_lot := cn_ledger_lot(p_org, p_receiver, l.source, part, l.priority, l.expires_at, l.born_at, l.id);
        END IF;
        PERFORM cn_ledger_move(p_org, p_operation, p_wallet, 'available', p_to, l.id, p_hold, to_lot, part, p_at, p_note);
        missing := missing - part;
        EXIT WHEN missing = 0;
    END LOOP;
    IF missing > 0 THEN
        RAISE EXCEPTION 'ledger: % milli-tokens of wallet % are in no lot', missing, p_wallet USING ERRCODE = 'check_violation';
    END IF;
END $$;

-- Out of a hold. What is spent leaves it in the order of consumption, what comes back in the opposite one: so a hold settled in part spends
-- what a debit of that part would have spent. Closes the hold that is empty then.
CREATE FUNCTION cn_ledger_unhold(p_org uuid, p_operation uuid, p_wallet uuid, p_to text, p_hold uuid, p_amount bigint, p_at timestamptz, p_note jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p record;
    part bigint;
    missing bigint := p_amount;
BEGIN
    FOR p IN SELECT x.lot_id, x.open, row_number() OVER (ORDER BY l.priority, l.expires_at, l.born_at, l.seq) * CASE p_to WHEN 'spent' THEN 1 ELSE -1 END AS place
             FROM ledger_hold_parts x JOIN ledger_lots l ON l.organization_id = p_org AND l.id = x.lot_id
             WHERE x.organization_id = p_org AND x.hold_id = p_hold AND x.open > 0 ORDER BY place LOOP
        EXIT WHEN missing = 0;
        part := least(missing, p.open);
        PERFORM cn_ledger_move(p_org, p_operation, p_wallet, 'held', p_to, p.lot_id, p_hold, NULL, part, p_at, p_note);
        missing := missing - part;
    END LOOP;
    UPDATE ledger_holds h SET closed_at = p_at WHERE h.organization_id = p_org AND h.id = p_hold
      AND NOT EXISTS (SELECT FROM ledger_hold_parts x WHERE x.organization_id = p_org AND x.hold_id = p_hold AND x.open > 0);
END $$;

-- Writes down the operation with its answer, after its entries.
CREATE FUNCTION cn_ledger_done(p_org uuid, p_operation uuid, p_wallet uuid, p_kind text, p_key text, p_amount bigint, p_at timestamptz, p_hold uuid, p_of uuid, p_lot uuid)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
BEGIN
    SELECT jsonb_build_object('operation_id', p_operation, 'kind', p_kind, 'key', p_key, 'amount', p_amount, 'at', p_at, 'hold_id', p_hold, 'lot_id', p_lot,
        'wallet', (SELECT w.name FROM ledger_wallets w WHERE w.organization_id = p_org AND w.id = p_wallet),
        'available', sum(a.balance) FILTER (WHERE a.kind = 'available'), 'held', sum(a.balance) FILTER (WHERE a.kind = 'held'))
    INTO answer FROM ledger_accounts a WHERE a.organization_id = p_org AND a.wallet_id = p_wallet;
    INSERT INTO ledger_operations (id, organization_id, key, kind, wallet_id, amount, at, hold_id, of_id, result)
    VALUES (p_operation, p_org, p_key, p_kind, p_wallet, p_amount, p_at, p_hold, p_of, answer);
    RETURN answer;
END $$;

-- What is over by `p_at`: holds give back, then lots expire, also those that got something back just now. The wallet is locked.
CREATE FUNCTION cn_ledger_sweep(p_org uuid, p_wallet uuid, p_at timestamptz) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    each record;
    operation uuid;
    swept int := 0;
BEGIN
    FOR each IN SELECT h.id, (SELECT sum(x.open) FROM ledger_hold_parts x WHERE x.organization_id = p_org AND x.hold_id = h.id) AS open
                FROM ledger_holds h WHERE h.organization_id = p_org AND h.wallet_id = p_wallet AND h.closed_at IS NULL AND h.expires_at <= p_at
                ORDER BY h.expires_at, h.id LOOP
        operation := cn_uuid7();
        PERFORM cn_ledger_unhold(p_org, operation, p_wallet, 'available', each.id, each.open::bigint, p_at, NULL);
        PERFORM cn_ledger_done(p_org, operation, p_wallet, 'expire_hold', 'expire:hold:' || each.id, each.open::bigint, p_at, each.id, NULL, NULL);
        swept := swept + 1;
    END LOOP;
    FOR each IN SELECT l.id, l.remaining FROM ledger_lots l
                WHERE l.organization_id = p_org AND l.wallet_id = p_wallet AND l.expires_at <= p_at AND l.remaining > 0 ORDER BY l.expires_at, l.seq LOOP
        operation := cn_uuid7();
        PERFORM cn_ledger_move(p_org, operation, p_wallet, 'available', 'expired', each.id, NULL, NULL, each.remaining, p_at, NULL);
        -- A lot expires again when a refund or a hold gives back to it later: the key is the operation's.
        PERFORM cn_ledger_done(p_org, operation, p_wallet, 'expire_lot', 'expire:lot:' || operation, each.remaining, p_at, NULL, NULL, each.id);
        swept := swept + 1;
    END LOOP;
    RETURN swept;
END $$;

-- What a debit or settlement spent of which lot, less what was refunded since. What was spent last comes back first.
CREATE FUNCTION cn_ledger_spent(p_org uuid, p_operation uuid) RETURNS TABLE (lot_id uuid, spent bigint, place bigint) LANGUAGE sql STABLE AS $$
    SELECT e.lot_id, sum(CASE e.operation_id WHEN p_operation THEN e.amount ELSE -e.amount END)::bigint, min(e.seq)
    FROM ledger_entries e JOIN ledger_accounts c ON c.organization_id = p_org AND c.id = e.credit_account_id
    WHERE e.organization_id = p_org
      AND (e.operation_id = p_operation AND c.kind = 'spent'
           OR e.operation_id IN (SELECT o.id FROM ledger_operations o WHERE o.organization_id = p_org AND o.of_id = p_operation))
    GROUP BY e.lot_id
$$;

-- One operation, its wallets locked. Moments never go back within a wallet, whatever the clocks of its callers do.
CREATE FUNCTION cn_ledger_one(p_org uuid, o jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    kind text := o->>'kind';
    amount bigint := (o->>'amount')::bigint;
    operation uuid := cn_uuid7();
    w ledger_wallets%ROWTYPE;
    receiver ledger_wallets%ROWTYPE;
    h ledger_holds%ROWTYPE;
    d ledger_operations%ROWTYPE;
    first ledger_operations%ROWTYPE;
    lot uuid;
    free bigint;
    p record;
    missing bigint;
    moment timestamptz;
BEGIN
    IF kind IN ('settle', 'release') THEN
        SELECT x.* INTO h FROM ledger_holds x WHERE x.organization_id = p_org AND x.id = (o->>'hold_id')::uuid;
        SELECT x.* INTO w FROM ledger_wallets x WHERE x.organization_id = p_org AND x.id = h.wallet_id;
        IF NOT FOUND THEN
            RETURN jsonb_build_object('error', 'no_such_hold');
        END IF;
    ELSIF kind = 'refund' THEN
        SELECT x.* INTO d FROM ledger_operations x WHERE x.organization_id = p_org AND x.key = o->>'of' AND x.kind IN ('debit', 'settle');
        SELECT x.* INTO w FROM ledger_wallets x WHERE x.organization_id = p_org AND x.id = d.wallet_id;
        IF NOT FOUND THEN
            RETURN jsonb_build_object('error', 'no_such_debit', 'of', o->>'of');
        END IF;
    ELSE
        SELECT x.* INTO w FROM ledger_wallets x WHERE x.organization_id = p_org AND x.name = o->>'wallet';
        IF NOT FOUND THEN
            RETURN jsonb_build_object('error', 'no_such_wallet', 'wallet', o->>'wallet');
        END IF;
    END IF;
    SELECT x.* INTO first FROM ledger_operations x WHERE x.organization_id = p_org AND x.key = o->>'key';
    IF FOUND THEN
        IF first.kind <> kind OR first.wallet_id <> w.id OR first.of_id IS DISTINCT FROM d.id OR (h.id IS NOT NULL AND first.hold_id <> h.id) THEN
            RETURN jsonb_build_object('error', 'key_reused', 'kind', first.kind);
        END IF;
        RETURN first.result || '{"replayed": true}';
    END IF;
    IF kind = 'transfer' THEN
        SELECT x.* INTO receiver FROM ledger_wallets x WHERE x.organization_id = p_org AND x.name = o->>'to';
        IF NOT FOUND THEN
            RETURN jsonb_build_object('error', 'no_such_wallet', 'wallet', o->>'to');
        END IF;
    END IF;
    moment := greatest(coalesce((o->>'now')::timestamptz, clock_timestamp()), w.moved_at, receiver.moved_at);
    PERFORM cn_ledger_sweep(p_org, w.id, moment);

    IF kind IN ('purchase', 'grant') THEN
        lot := cn_ledger_lot(p_org, w.id, CASE kind WHEN 'purchase' THEN 'purchased' ELSE 'granted' END, amount, (o->>'priority')::int,
                             (o->>'expires_at')::timestamptz, moment, NULL);
        PERFORM cn_ledger_move(p_org, operation, w.id, 'counter', 'available', lot, NULL, NULL, amount, moment, o);
    ELSIF kind IN ('debit', 'reserve', 'transfer') THEN
        SELECT sum(a.balance) INTO free FROM ledger_accounts a WHERE a.organization_id = p_org AND a.wallet_id = w.id AND a.kind = 'available';
        IF free < amount THEN
            RETURN jsonb_build_object('error', 'not_enough', 'required', amount, 'available', free);
        END IF;
        IF kind = 'debit' THEN
            PERFORM cn_ledger_take(p_org, operation, w.id, 'spent', NULL, NULL, amount, moment, o);
        ELSIF kind = 'reserve' THEN
            h.id := cn_uuid7();
            INSERT INTO ledger_holds (id, organization_id, wallet_id, amount, opened_at, expires_at)
            VALUES (h.id, p_org, w.id, amount, moment, (o->>'expires_at')::timestamptz);
            PERFORM cn_ledger_take(p_org, operation, w.id, 'held', h.id, NULL, amount, moment, o);
        ELSE
            PERFORM cn_ledger_take(p_org, operation, w.id, 'available', NULL, receiver.id, amount, moment, o);
            UPDATE ledger_wallets x SET moved_at = moment WHERE x.organization_id = p_org AND x.id = receiver.id;
        END IF;
    ELSIF kind IN ('settle', 'release') THEN
        SELECT sum(x.open) INTO free FROM ledger_hold_parts x WHERE x.organization_id = p_org AND x.hold_id = h.id;
        IF free = 0 THEN
            RETURN jsonb_build_object('error', 'hold_over', 'hold_id', h.id);
        END IF;
        amount := coalesce(amount, free);
        IF amount > free THEN
            RETURN jsonb_build_object('error', 'hold_too_small', 'required', amount, 'held', free);
        END IF;
        IF kind = 'release' THEN
            PERFORM cn_ledger_unhold(p_org, operation, w.id, 'available', h.id, amount, moment, o);
        ELSE
            PERFORM cn_ledger_unhold(p_org, operation, w.id, 'spent', h.id, amount, moment, o);
            IF NOT (o->>'keep')::boolean AND amount < free THEN
                PERFORM cn_ledger_unhold(p_org, operation, w.id, 'available', h.id, free - amount, moment, o);
            END IF;
        END IF;
    ELSIF kind = 'refund' THEN
        SELECT coalesce(sum(s.spent), 0) INTO free FROM cn_ledger_spent(p_org, d.id) s;
        amount := coalesce(amount, free);
        IF amount > free OR free = 0 THEN
            RETURN jsonb_build_object('error', 'refund_too_large', 'amount', amount, 'refundable', free);
        END IF;
        missing := amount;
        FOR p IN SELECT s.lot_id, s.spent FROM cn_ledger_spent(p_org, d.id) s ORDER BY s.place DESC LOOP
            EXIT WHEN missing = 0;
            CONTINUE WHEN p.spent = 0;
            PERFORM cn_ledger_move(p_org, operation, w.id, 'spent', 'available', p.lot_id, d.hold_id, NULL, least(missing, p.spent), moment, o);
            missing := missing - least(missing, p.spent);
        END LOOP;
    ELSE
        RAISE EXCEPTION 'ledger: no operation %', kind;
    END IF;
    RETURN cn_ledger_done(p_org, operation, w.id, kind, o->>'key', amount, moment, h.id, d.id, lot);
END $$;

-- Operations of one organization, answered in their order. The wallets' rows are locked first, in one order for everybody, until the transaction ends.
CREATE FUNCTION cn_ledger(p_org uuid, p_operations jsonb) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
    o jsonb;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    IF EXISTS (SELECT FROM jsonb_array_elements(p_operations) x WHERE x->>'wallet' = 'main' OR x->>'to' = 'main')
       AND NOT EXISTS (SELECT FROM ledger_wallets w WHERE w.organization_id = p_org AND w.name = 'main') THEN
        PERFORM cn_ledger_open(p_org, 'main');
    END IF;
    PERFORM FROM ledger_wallets w WHERE w.organization_id = p_org AND (
        w.name IN (SELECT x->>'wallet' FROM jsonb_array_elements(p_operations) x UNION ALL SELECT x->>'to' FROM jsonb_array_elements(p_operations) x)
        OR w.id IN (SELECT h.wallet_id FROM jsonb_array_elements(p_operations) x
                    JOIN ledger_holds h ON h.organization_id = p_org AND h.id = (x->>'hold_id')::uuid)
        OR w.id IN (SELECT d.wallet_id FROM jsonb_array_elements(p_operations) x
                    JOIN ledger_operations d ON d.organization_id = p_org AND d.key = x->>'of'))
    ORDER BY w.id FOR NO KEY UPDATE;
    FOR o IN SELECT x.value FROM jsonb_array_elements(p_operations) WITH ORDINALITY x ORDER BY x.ordinality LOOP
        RETURN NEXT cn_ledger_one(p_org, o);
    END LOOP;
END $$;

-- For the clock: whatever is over in the organization's wallets, so many wallets at a time. How much was swept.
CREATE FUNCTION cn_ledger_expire(p_org uuid, p_now timestamptz, p_wallets int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    w record;
    swept int := 0;
BEGIN
    PERFORM set_config('app.current_org', p_org::text, true);
    FOR w IN SELECT x.id FROM ledger_wallets x WHERE x.organization_id = p_org AND (
                 EXISTS (SELECT FROM ledger_holds h WHERE h.organization_id = p_org AND h.wallet_id = x.id AND h.closed_at IS NULL AND h.expires_at <= p_now)
                 OR EXISTS (SELECT FROM ledger_lots l WHERE l.organization_id = p_org AND l.wallet_id = x.id AND l.expires_at <= p_now AND l.remaining > 0))
             ORDER BY x.id LIMIT p_wallets LOOP
        PERFORM FROM ledger_wallets x WHERE x.organization_id = p_org AND x.id = w.id FOR NO KEY UPDATE;
        swept := swept + cn_ledger_sweep(p_org, w.id, (SELECT greatest(p_now, x.moved_at) FROM ledger_wallets x WHERE x.organization_id = p_org AND x.id = w.id));
    END LOOP;
    RETURN swept;
END $$;

-- As booked: now, or after the last entry up to `p_at`. Two probes of an index an account.
CREATE FUNCTION cn_ledger_balance(p_org uuid, p_wallet text, p_at timestamptz) RETURNS TABLE (kind text, source text, balance bigint) LANGUAGE sql STABLE AS $$
    SELECT a.kind, a.source, CASE WHEN p_at IS NULL THEN a.balance ELSE coalesce((
        SELECT x.after FROM (
            (SELECT e.debit_after AS after, e.at, e.seq FROM ledger_entries e
             WHERE e.organization_id = p_org AND e.debit_account_id = a.id AND e.at <= p_at ORDER BY e.at DESC, e.seq DESC LIMIT 1)
            UNION ALL
            (SELECT e.credit_after, e.at, e.seq FROM ledger_entries e
             WHERE e.organization_id = p_org AND e.credit_account_id = a.id AND e.at <= p_at ORDER BY e.at DESC, e.seq DESC LIMIT 1)
        ) x ORDER BY x.at DESC, x.seq DESC LIMIT 1), 0) END
    FROM ledger_accounts a JOIN ledger_wallets w ON w.organization_id = p_org AND w.id = a.wallet_id AND w.name = p_wallet
    WHERE a.organization_id = p_org
$$;

-- The nightly proof: every balance anew from the entries, every rule, every link of the chains. One row per thing that is wrong.
CREATE FUNCTION cn_ledger_prove(p_org uuid) RETURNS TABLE (rule text, subject text, booked numeric, proven numeric) LANGUAGE sql STABLE AS $$
    WITH sides AS (
        SELECT e.debit_account_id AS account_id, -e.amount AS amount FROM ledger_entries e WHERE e.organization_id = p_org
        UNION ALL SELECT e.credit_account_id, e.amount FROM ledger_entries e WHERE e.organization_id = p_org
    ), accounts AS (
        SELECT a.*, coalesce((SELECT sum(s.amount) FROM sides s WHERE s.account_id = a.id), 0) AS proven FROM ledger_accounts a WHERE a.organization_id = p_org
    ), moves AS (
        SELECT e.*, d.kind AS debit_kind, c.kind AS credit_kind FROM ledger_entries e
        JOIN ledger_accounts d ON d.organization_id = p_org AND d.id = e.debit_account_id
        JOIN ledger_accounts c ON c.organization_id = p_org AND c.id = e.credit_account_id WHERE e.organization_id = p_org
    ), lots AS (
        SELECT l.id, sum(m.amount) FILTER (WHERE m.credit_kind = 'available' AND coalesce(m.to_lot_id, m.lot_id) = l.id) AS got,
               sum(m.amount) FILTER (WHERE m.debit_kind = 'available' AND m.lot_id = l.id) AS gave
        FROM ledger_lots l JOIN moves m ON l.id IN (m.lot_id, m.to_lot_id) WHERE l.organization_id = p_org GROUP BY l.id
    ), parts AS (
        SELECT m.hold_id, m.lot_id, sum(CASE WHEN m.credit_kind = 'held' THEN m.amount ELSE -m.amount END) AS open
        FROM moves m WHERE 'held' IN (m.debit_kind, m.credit_kind) GROUP BY m.hold_id, m.lot_id
    ), chain AS (
        SELECT e.wallet_id, e.n, e.seal, row_number() OVER by_n AS place,
               cn_ledger_seal(coalesce(lag(e.seal) OVER by_n, ''), e) AS proven
        FROM ledger_entries e WHERE e.organization_id = p_org WINDOW by_n AS (PARTITION BY e.wallet_id ORDER BY e.n)
    )
    SELECT 'the accounts add up to zero', '', 0, sum(a.balance) FROM accounts a HAVING sum(a.balance) <> 0
    UNION ALL SELECT 'a balance is the sum of its entries', a.id::text, a.balance, a.proven FROM accounts a WHERE a.balance <> a.proven
    UNION ALL SELECT 'no balance is below zero', a.id::text, a.balance, a.proven FROM accounts a WHERE a.wallet_id IS NOT NULL AND least(a.balance, a.proven) < 0
    UNION ALL SELECT 'available + held + spent + expired = purchased + granted', a.source, sum(a.balance) FILTER (WHERE a.wallet_id IS NOT NULL),
        -sum(a.balance) FILTER (WHERE a.wallet_id IS NULL) FROM accounts a GROUP BY a.source HAVING sum(a.balance) <> 0
    UNION ALL SELECT 'a lot has what its entries left', l.id::text, l.remaining, coalesce(x.got, 0) - coalesce(x.gave, 0)
        FROM ledger_lots l LEFT JOIN lots x ON x.id = l.id WHERE l.organization_id = p_org AND l.remaining <> coalesce(x.got, 0) - coalesce(x.gave, 0)
    UNION ALL SELECT 'the lots of a wallet are what is available', a.id::text, a.balance, coalesce(l.remaining, 0)
        FROM accounts a LEFT JOIN (SELECT wallet_id, source, sum(remaining) AS remaining FROM ledger_lots WHERE organization_id = p_org GROUP BY 1, 2) l
            ON l.wallet_id = a.wallet_id AND l.source = a.source
        WHERE a.kind = 'available' AND a.balance <> coalesce(l.remaining, 0)
    UNION ALL SELECT 'a hold holds what its entries left', coalesce(h.hold_id, x.hold_id)::text, coalesce(h.open, 0), coalesce(x.open, 0)
        FROM (SELECT * FROM ledger_hold_parts WHERE organization_id = p_org) h
        FULL JOIN parts x ON x.hold_id = h.hold_id AND x.lot_id = h.lot_id WHERE coalesce(h.open, 0) <> coalesce(x.open, 0)
    UNION ALL SELECT 'a hold is closed when it is empty', h.id::text, sum(x.open), 0
        FROM ledger_holds h LEFT JOIN ledger_hold_parts x ON x.organization_id = p_org AND x.hold_id = h.id
        WHERE h.organization_id = p_org GROUP BY h.id, h.closed_at HAVING (coalesce(sum(x.open), 0) = 0) <> (h.closed_at IS NOT NULL)
    UNION ALL SELECT 'no refund is above its debit', o.id::text, sum(s.spent), 0
        FROM (SELECT DISTINCT of_id AS id FROM ledger_operations WHERE organization_id = p_org AND of_id IS NOT NULL) o
        CROSS JOIN LATERAL cn_ledger_spent(p_org, o.id) s GROUP BY o.id HAVING min(s.spent) < 0
    UNION ALL SELECT 'the chain of a wallet is whole', c.wallet_id::text, c.n, c.place FROM chain c WHERE c.n <> c.place OR c.seal <> c.proven
    UNION ALL SELECT 'the chain of a wallet ends where the wallet says', w.id::text, w.entries, coalesce(t.n, 0)
        FROM ledger_wallets w LEFT JOIN LATERAL (SELECT c.n, c.seal FROM chain c WHERE c.wallet_id = w.id ORDER BY c.n DESC LIMIT 1) t ON true
        WHERE w.organization_id = p_org AND (w.entries <> coalesce(t.n, 0) OR w.seal <> coalesce(t.seal, ''))
$$;
