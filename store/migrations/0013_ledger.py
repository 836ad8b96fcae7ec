"""The ledger: wallets, their accounts, lots, holds, operations and entries. No models: `store.ledger` alone writes them, by functions."""

from pathlib import Path

from tortoise import migrations
from tortoise.migrations import operations as ops

from store.rls import EnableOrganizationRLS, OrganizationForeignKey

SQL = Path(__file__).parent / "sql" / "ledger.sql"
TABLES = """
CREATE TABLE ledger_wallets (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL CONSTRAINT fk_ledger_wallets_organization REFERENCES organizations (id),
    name varchar(80) NOT NULL,
    opened_at timestamptz NOT NULL,
    moved_at timestamptz,
    entries bigint NOT NULL DEFAULT 0,
    seal bytea NOT NULL DEFAULT '',
    CONSTRAINT uq_ledger_wallets_name UNIQUE (organization_id, name)
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_wallets IS 'The row that every operation locks. `entries` and `seal`: how many there are, and the end of their chain.';

CREATE TABLE ledger_accounts (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    wallet_id uuid,
    kind varchar(12) NOT NULL,
    source varchar(12) NOT NULL,
    balance bigint NOT NULL DEFAULT 0,
    CONSTRAINT uq_ledger_accounts_kind UNIQUE NULLS NOT DISTINCT (organization_id, wallet_id, kind, source),
    CONSTRAINT ledger_accounts_not_below_zero CHECK (wallet_id IS NULL OR balance >= 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_accounts IS 'Of a wallet: available, held, spent, expired; of no wallet: counter, whose balance is below zero. Milli-tokens. Only entries move a balance.';

CREATE TABLE ledger_lots (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    wallet_id uuid NOT NULL,
    source varchar(12) NOT NULL,
    amount bigint NOT NULL CONSTRAINT ledger_lots_some CHECK (amount > 0),
    remaining bigint NOT NULL DEFAULT 0,
    priority smallint NOT NULL,
    expires_at timestamptz,
    born_at timestamptz NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    from_lot_id uuid,
    CONSTRAINT ledger_lots_within CHECK (remaining BETWEEN 0 AND amount)
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_lots IS 'Tokens that came together and expire together. `remaining`: available ones. Consumed by priority (lowest first), expiry, age.';

CREATE TABLE ledger_holds (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    wallet_id uuid NOT NULL,
    amount bigint NOT NULL CONSTRAINT ledger_holds_some CHECK (amount > 0),
    opened_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    closed_at timestamptz
);
CREATE TABLE ledger_hold_parts (
    organization_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    lot_id uuid NOT NULL,
    open bigint NOT NULL CONSTRAINT ledger_hold_parts_not_below_zero CHECK (open >= 0),
    PRIMARY KEY (organization_id, hold_id, lot_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger_hold_parts IS 'What of which lot a hold still holds.';

CREATE TABLE ledger_operations (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    key varchar(200) NOT NULL,
    kind varchar(20) NOT NULL,
    wallet_id uuid NOT NULL,
    amount bigint NOT NULL,
    at timestamptz NOT NULL,
    hold_id uuid,
    of_id uuid,
    result jsonb NOT NULL,
    CONSTRAINT uq_ledger_operations_key UNIQUE (organization_id, key)
);
COMMENT ON TABLE ledger_operations IS 'What was asked for, once per key, with the answer that a replay gets again. `of_id`: the debit that a refund returns.';

CREATE TABLE ledger_entries (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    operation_id uuid NOT NULL,
    wallet_id uuid NOT NULL,
    n bigint NOT NULL,
    debit_account_id uuid NOT NULL,
    credit_account_id uuid NOT NULL,
    lot_id uuid NOT NULL,
    to_lot_id uuid,
    hold_id uuid,
    amount bigint NOT NULL CONSTRAINT ledger_entries_some CHECK (amount > 0),
    debit_after bigint NOT NULL,
    credit_after bigint NOT NULL,
    at timestamptz NOT NULL,
    meter varchar(80),
    quantity bigint,
    price jsonb,
    subject jsonb,
    seal bytea NOT NULL,
    CONSTRAINT ledger_entries_two_sides CHECK (debit_account_id <> credit_account_id),
    CONSTRAINT uq_ledger_entries_n UNIQUE (organization_id, wallet_id, n)
);
COMMENT ON TABLE ledger_entries IS 'Append-only. `amount` milli-tokens leave the debit account for the credit account; `n` counts in the wallet, `seal` chains to the entry before.';
"""
INDEXES = """
ALTER TABLE ledger_entries ADD CONSTRAINT fk_ledger_entries_operation_id FOREIGN KEY (organization_id, operation_id)
    REFERENCES ledger_operations (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX ix_ledger_lots_order ON ledger_lots (organization_id, wallet_id, priority, expires_at, born_at, seq);
CREATE INDEX ix_ledger_lots_expiry ON ledger_lots (organization_id, wallet_id, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX ix_ledger_holds_expiry ON ledger_holds (organization_id, wallet_id, expires_at) WHERE closed_at IS NULL;
CREATE INDEX ix_ledger_operations_of ON ledger_operations (organization_id, of_id) WHERE of_id IS NOT NULL;
CREATE INDEX ix_ledger_entries_operation ON ledger_entries (organization_id, operation_id);
CREATE INDEX ix_ledger_entries_debit ON ledger_entries (organization_id, debit_account_id, at, seq);
CREATE INDEX ix_ledger_entries_credit ON ledger_entries (organization_id, credit_account_id, at, seq);
REVOKE UPDATE, DELETE ON ledger_entries, ledger_operations FROM chatnation_app, chatnation_system;
REVOKE DELETE ON ledger_wallets, ledger_accounts, ledger_lots, ledger_holds, ledger_hold_parts FROM chatnation_app, chatnation_system;
"""
NO_INDEXES = """
GRANT UPDATE, DELETE ON ledger_entries, ledger_operations TO chatnation_app, chatnation_system;
GRANT DELETE ON ledger_wallets, ledger_accounts, ledger_lots, ledger_holds, ledger_hold_parts TO chatnation_app, chatnation_system;
DROP INDEX ix_ledger_lots_order, ix_ledger_lots_expiry, ix_ledger_holds_expiry, ix_ledger_operations_of, ix_ledger_entries_operation,
    ix_ledger_entries_debit, ix_ledger_entries_credit;
ALTER TABLE ledger_entries DROP CONSTRAINT fk_ledger_entries_operation_id
"""
UNDO = """
DROP FUNCTION cn_ledger_prove(uuid), cn_ledger_balance(uuid, text, timestamptz), cn_ledger_expire(uuid, timestamptz, int), cn_ledger(uuid, jsonb),
    cn_ledger_one(uuid, jsonb), cn_ledger_spent(uuid, uuid), cn_ledger_sweep(uuid, uuid, timestamptz),
    cn_ledger_done(uuid, uuid, uuid, text, text, bigint, timestamptz, uuid, uuid, uuid),
    cn_ledger_unhold(uuid, uuid, uuid, text, uuid, bigint, timestamptz, jsonb),
    cn_ledger_take(uuid, uuid, uuid, text, uuid, uuid, bigint, timestamptz, jsonb),
    cn_ledger_move(uuid, uuid, uuid, text, text, uuid, uuid, uuid, bigint, timestamptz, jsonb),
    cn_ledger_lot(uuid, uuid, text, bigint, int, timestamptz, timestamptz, uuid), cn_ledger_open(uuid, text), cn_ledger_post(),
    cn_ledger_seal(bytea, ledger_entries), cn_ledger_balanced(), cn_ledger_refuse() CASCADE
"""
ORDER = ("wallets", "accounts", "lots", "holds", "operations", "entries")


class Migration(migrations.Migration):
    dependencies = [("store", "0012_channels")]

    operations = [
        ops.RunSQL(TABLES, "DROP TABLE " + ", ".join(f"ledger_{name}" for name in (*ORDER, "hold_parts"))),
        *[EnableOrganizationRLS(f"ledger_{name}") for name in ORDER],
        EnableOrganizationRLS("ledger_hold_parts", identity=None),
        *[
            OrganizationForeignKey(f"ledger_{table}", column, f"ledger_{target}", "NO ACTION")
            for table, column, target in (
                ("accounts", "wallet_id", "wallets"),
                ("lots", "wallet_id", "wallets"),
                ("lots", "from_lot_id", "lots"),
                ("holds", "wallet_id", "wallets"),
                ("hold_parts", "hold_id", "holds"),
                ("hold_parts", "lot_id", "lots"),
                ("operations", "wallet_id", "wallets"),
                ("operations", "hold_id", "holds"),
                ("operations", "of_id", "operations"),
                ("entries", "wallet_id", "wallets"),
                ("entries", "debit_account_id", "accounts"),
                ("entries", "credit_account_id", "accounts"),
                ("entries", "lot_id", "lots"),
                ("entries", "to_lot_id", "lots"),
                ("entries", "hold_id", "holds"),
            )
        ],
        ops.RunSQL(INDEXES, NO_INDEXES),
        ops.RunSQL(SQL.read_text(), UNDO),
    ]
