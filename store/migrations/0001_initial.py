"""The core tables, who may see them, and the SQL of a message's way (`sql/*.sql`)."""

from pathlib import Path

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from store.fields import JsonField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS, EnablePolicyRLS, GrantPlatformTable, OrganizationForeignKey

SQL = Path(__file__).parent / "sql"

ISOLATED = (
    "audit_entries",
    "channel_accounts",
    "channel_events",
    "charges",
    "consents",
    "contact_identities",
    "contact_merge_proposals",
    "contacts",
    "inbox",
    "jobs",
    "media_files",
    "memberships",
    "message_statuses",
    "messages",
    "organization_keys",
    "outbox",
    "pacing",
    "sessions",
    "skill_installs",
)
REFERENCES = (
    ("contact_identities", "contact_id", "contacts"),
    ("consents", "contact_id", "contacts"),
    ("contact_merge_proposals", "contact_id", "contacts"),
    ("contact_merge_proposals", "other_contact_id", "contacts"),
    ("sessions", "account_id", "channel_accounts"),
    ("sessions", "contact_id", "contacts"),
    ("inbox", "session_id", "sessions"),
    ("inbox", "message_id", "messages"),
    ("outbox", "message_id", "messages"),
    ("message_statuses", "account_id", "channel_accounts"),
    ("media_files", "account_id", "channel_accounts"),
    ("media_files", "message_id", "messages"),
)
# Rows of these name a conversation, its number and its person. One key checks that the three belong together and to the organization, whose own
# key is the session's: a look-up per row instead of four, and no lock on the rows of organization and number, which every transaction would share.
OF_A_SESSION = ("messages", "outbox")
ORGANIZATION_BY_SESSION = (*OF_A_SESSION, "inbox")


def _script(name: str, backward: str = "SELECT 1") -> ops.RunSQL:
    return ops.RunSQL((SQL / f"{name}.sql").read_text(), backward)


# Undone last: by then nothing calls them any more.
DROP_FUNCTIONS = """DO $$ DECLARE f regprocedure; BEGIN
    FOR f IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE 'cn\\_%' AND pronamespace = current_schema()::regnamespace LOOP
        EXECUTE 'DROP FUNCTION ' || f || ' CASCADE';
    END LOOP;
    DROP TYPE IF EXISTS cn_inbox_head;
END $$"""


def _sql(forward: str, backward: str) -> ops.RunSQL:
    return ops.RunSQL(forward, backward)


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("actor", fields.CharField(max_length=120)),
                ("action", fields.CharField(max_length=120)),
                ("subject", fields.CharField(default="", max_length=120)),
                ("before", JsonField(null=True)),
                ("after", JsonField(null=True)),
                ("seal", fields.BinaryField(null=True)),
            ],
            options={
                "table": "audit_entries",
                "app": "store",
                "pk_attr": "id",
                "table_description": "Who did what, when, before and after. The clock seals the hash chain in batches (decision 30).",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="ChannelAccount",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("kind", fields.CharField(default="whatsapp", max_length=20)),
                ("external_id", fields.CharField(max_length=64)),
                ("waba_id", fields.CharField(default="", max_length=64)),
                ("portfolio", fields.CharField(default="", max_length=64)),
                ("meta_app_id", fields.UUIDField(null=True)),
                ("name", fields.CharField(default="", max_length=200)),
                ("display_phone_number", fields.CharField(default="", max_length=32)),
                ("sealed_token", fields.BinaryField()),
                ("number_per_s", fields.FloatField(null=True)),
                ("state", fields.CharField(default="connected", max_length=20)),
                ("state_reason", fields.CharField(default="", max_length=300)),
                ("stopped_seal", fields.CharField(null=True, max_length=64)),
                ("probe_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("probe_steps", fields.SmallIntField(null=True)),
                ("state_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("needs_delivery", fields.BooleanField(null=True)),
                ("hold_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("hold_steps", fields.SmallIntField(null=True)),
                ("bulk_hold_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("bulk_hold_steps", fields.SmallIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "channel_accounts",
                "app": "store",
                "unique_together": (("kind", "external_id"),),
                "pk_attr": "id",
                "table_description": "One WhatsApp number of an organization. `external_id` is Meta's phone_number_id.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="ChannelEvent",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("account_id", fields.UUIDField(null=True)),
                ("kind", fields.CharField(max_length=60)),
                ("external_id", fields.CharField(max_length=255)),
                ("sealed_payload", fields.BinaryField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("applied_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "channel_events",
                "app": "store",
                "unique_together": (("organization_id", "external_id"),),
                "pk_attr": "id",
                "table_description": "What the provider said about an account, a template or a contact, and is no message: kept, logged, applied later.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Charge",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("key", fields.CharField(max_length=200)),
                ("meter", fields.CharField(max_length=80)),
                ("quantity", fields.BigIntField(default=1)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "charges",
                "app": "store",
                "unique_together": (("organization_id", "key"),),
                "pk_attr": "id",
                "table_description": "What the organization owes: a meter, a quantity, once per key. Unpriced until there are prices (decision 29).",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Consent",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField(db_index=True)),
                ("purpose", fields.CharField(default="messages", max_length=40)),
                ("state", fields.CharField(max_length=12)),
                ("source", fields.CharField(max_length=60)),
                ("wording", fields.CharField(default="", max_length=500)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "consents",
                "app": "store",
                "pk_attr": "id",
                "table_description": "The consent ledger: who agreed to or withdrew what, when, how, in which words.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Contact",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("name", fields.CharField(default="", max_length=300)),
                ("profile_name", fields.CharField(default="", max_length=300)),
                ("locale", fields.CharField(null=True, max_length=12)),
                ("country", fields.CharField(default="", max_length=2)),
                ("opted_in_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("opted_out_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("erasure_asked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={"table": "contacts", "app": "store", "pk_attr": "id"},
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="ContactIdentity",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField(db_index=True)),
                ("portfolio", fields.CharField(default="", max_length=64)),
                ("kind", fields.CharField(max_length=16)),
                ("value_index", fields.BinaryField()),
                ("value_sealed", fields.BinaryField()),
                ("value_masked", fields.CharField(default="", max_length=64)),
                ("valid_from", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("valid_to", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "contact_identities",
                "app": "store",
                "pk_attr": "id",
                "table_description": "One way to recognise a contact. `kind`: bsuid | parent_bsuid | phone. Live while `valid_to` is null.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Heartbeat",
            fields=[
                ("name", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=60)),
                ("beat_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("alive_since", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "heartbeats",
                "app": "store",
                "pk_attr": "name",
                "table_description": "When each kind of process was last alive, by the database's clock. Platform table without contents of anyone.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="InboxItem",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("session_id", fields.UUIDField()),
                ("message_id", fields.UUIDField(null=True)),
                ("kind", fields.CharField(default="message", max_length=8)),
                ("payload", JsonField(null=True)),
                ("key", fields.CharField(null=True, max_length=200)),
                ("seq", fields.BigIntField(null=True)),
                ("provider_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="ready", max_length=8)),
                ("attempts", fields.SmallIntField(default=0)),
                ("next_attempt_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("last_error", fields.CharField(default="", max_length=500)),
                ("trace_id", fields.UUIDField(null=True)),
            ],
            options={
                "table": "inbox",
                "app": "store",
                "unique_together": (("organization_id", "key"),),
                "pk_attr": "id",
                "table_description": "Work for a conversation: a message to answer, or an outside event to resume with. Deleted when its turn commits.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="JobRow",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("name", fields.CharField(max_length=120)),
                ("queue", fields.CharField(max_length=12)),
                ("payload", JsonField(default=dict)),
                ("key", fields.CharField(null=True, max_length=200)),
                ("state", fields.CharField(default="ready", max_length=8)),
                ("run_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("hinted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("attempts", fields.SmallIntField(default=0)),
                ("lease_token", fields.UUIDField(null=True)),
                ("lease_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_error", fields.CharField(default="", max_length=500)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("finished_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("trace_id", fields.UUIDField(null=True)),
            ],
            options={
                "table": "jobs",
                "app": "store",
                "unique_together": (("organization_id", "key"),),
                "pk_attr": "id",
                "table_description": "One job: `name` is `skill.job`, `queue` one of interactive, bulk, render. The row is the truth, NATS only a hint.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="MediaFile",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("message_id", fields.UUIDField(null=True)),
                ("account_id", fields.UUIDField()),
                ("direction", fields.CharField(max_length=3)),
                ("external_id", fields.CharField(default="", max_length=255)),
                ("blob", fields.CharField(default="", max_length=64)),
                ("kind", fields.CharField(max_length=12)),
                ("mime_type", fields.CharField(default="", max_length=120)),
                ("filename", fields.CharField(default="", max_length=255)),
                ("size_bytes", fields.BigIntField(null=True)),
                ("state", fields.CharField(default="pending", max_length=8)),
                ("reason", fields.CharField(default="", max_length=300)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "media_files",
                "app": "store",
                "indexes": [
                    Index(fields=["organization_id", "account_id", "blob"]),
                    Index(fields=["organization_id", "message_id"]),
                ],
                "pk_attr": "id",
                "table_description": "A file of a message: the provider's id, and our blob once it is fetched or uploaded.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Membership",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("user_id", fields.UUIDField()),
                ("role", fields.CharField(max_length=40)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "memberships",
                "app": "store",
                "unique_together": (("organization_id", "user_id"),),
                "pk_attr": "id",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="MergeProposal",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField()),
                ("other_contact_id", fields.UUIDField()),
                ("reason", fields.CharField(max_length=120)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "contact_merge_proposals",
                "app": "store",
                "unique_together": (("organization_id", "contact_id", "other_contact_id"),),
                "pk_attr": "id",
                "table_description": "Two contacts that may be one person. Nothing is merged without somebody's decision.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Message",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("session_id", fields.UUIDField()),
                ("account_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField()),
                ("direction", fields.CharField(max_length=3)),
                ("external_id", fields.CharField(null=True, max_length=255)),
                ("type", fields.CharField(max_length=20)),
                ("body", fields.BinaryField()),
                ("reply_to", fields.CharField(null=True, max_length=255)),
                ("key", fields.CharField(null=True, max_length=200)),
                ("origin", fields.CharField(default="", max_length=120)),
                ("status", fields.CharField(default="received", max_length=12)),
                ("provider_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("accepted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("delivered_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("read_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("played_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("failed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("error", JsonField(null=True)),
                ("pricing", JsonField(null=True)),
                ("understanding", JsonField(null=True)),
            ],
            options={
                "table": "messages",
                "app": "store",
                "unique_together": (("organization_id", "account_id", "external_id"), ("organization_id", "key")),
                "indexes": [Index(fields=["organization_id", "session_id", "created_at"])],
                "pk_attr": "id",
                "table_description": "The truth about one message, both directions. `body` is `bot.messages` JSON through `store.crypto`'s body codec.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="MessageStatus",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("account_id", fields.UUIDField()),
                ("external_id", fields.CharField(max_length=255)),
                ("status", fields.CharField(max_length=20)),
                ("participant", fields.CharField(default="", max_length=160)),
                ("message_id", fields.UUIDField(null=True)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("detail", JsonField(null=True)),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("next_attempt_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("attempts", fields.SmallIntField(default=0)),
            ],
            options={
                "table": "message_statuses",
                "app": "store",
                "unique_together": (("organization_id", "account_id", "external_id", "status", "participant"),),
                "pk_attr": "id",
                "table_description": "A status webhook, waiting to be applied. One that names an unknown message is parked here and joined later.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="MetaApp",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("app_id", fields.CharField(unique=True, max_length=40)),
                ("name", fields.CharField(default="", max_length=120)),
                ("sealed", fields.BinaryField()),
            ],
            options={
                "table": "meta_apps",
                "app": "store",
                "pk_attr": "id",
                "table_description": "A Meta app: its secrets sign deliveries. Platform table, read through `store.directory` only.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Organization",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=200)),
                ("slug", fields.CharField(unique=True, max_length=80)),
                ("country", fields.CharField(default="KE", max_length=2)),
                ("locale", fields.CharField(default="en", max_length=12)),
                ("timezone", fields.CharField(default="Africa/Nairobi", max_length=64)),
                ("settings", JsonField(default=dict)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("suspended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "organizations",
                "app": "store",
                "pk_attr": "id",
                "table_description": "The isolated unit. Its rows are seen only in its own scope; RLS goes by `id` here.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrganizationKey",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("version", fields.SmallIntField(default=1)),
                ("wrapped", fields.BinaryField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "organization_keys",
                "app": "store",
                "unique_together": (("organization_id", "version"),),
                "pk_attr": "id",
                "table_description": "A data key of the organization, wrapped by the master key (`store/crypto.py`). The newest version seals, every one opens.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="OutboxItem",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("message_id", fields.UUIDField()),
                ("session_id", fields.UUIDField()),
                ("account_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField()),
                ("lane", fields.SmallIntField(default=0)),
                ("seq", fields.BigIntField(null=True)),
                ("state", fields.CharField(default="ready", max_length=8)),
                ("attempts", fields.SmallIntField(default=0)),
                ("next_attempt_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("lease_token", fields.UUIDField(null=True)),
                ("last_error", fields.CharField(default="", max_length=500)),
                ("throttled", fields.SmallIntField(null=True)),
                ("waits_for", fields.CharField(null=True, max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("trace_id", fields.UUIDField(null=True)),
            ],
            options={
                "table": "outbox",
                "app": "store",
                "pk_attr": "id",
                "table_description": "A message that has yet to reach the channel. Deleted when its fate is known; dead ones stay, with the reason.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="PacingSlot",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("key", fields.CharField(max_length=120)),
                ("tat", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "pacing",
                "app": "store",
                "unique_together": (("organization_id", "key"),),
                "pk_attr": "id",
                "table_description": "GCRA state of a limit: the theoretical arrival time of the next send. `key`: number:<account> | bulk:<account>.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("account_id", fields.UUIDField()),
                ("contact_id", fields.UUIDField()),
                ("state", JsonField(null=True)),
                ("phase", fields.CharField(default="IDLE", max_length=8)),
                ("revision", fields.IntField(default=0)),
                ("lease_token", fields.UUIDField(null=True)),
                ("lease_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("wait_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_user_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("pair_tat", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("started_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "sessions",
                "app": "store",
                "unique_together": (("organization_id", "account_id", "contact_id"),),
                "pk_attr": "id",
                "table_description": "One conversation of a contact with a number: the flow position, and the lease of the worker that drains it.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="SkillInstall",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("skill", fields.CharField(max_length=64)),
                ("enabled", fields.BooleanField(default=True)),
                ("settings", JsonField(default=dict)),
                ("position", fields.SmallIntField(default=0)),
            ],
            options={
                "table": "skill_installs",
                "app": "store",
                "unique_together": (("organization_id", "skill"),),
                "pk_attr": "id",
                "table_description": "Which skills the organization has on, and their settings. Installed is not enabled.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="User",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("email", fields.CharField(unique=True, max_length=320)),
                ("name", fields.CharField(default="", max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "users",
                "app": "store",
                "pk_attr": "id",
                "table_description": "A person of any number of organizations; visible to an organization through a membership only (RLS).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("received_at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=True)),
                ("meta_app_id", fields.UUIDField(null=True)),
                ("sealed_body", fields.BinaryField()),
                ("size_bytes", fields.IntField()),
                ("outcome", fields.CharField(default="accepted", max_length=12)),
                ("detail", fields.CharField(default="", max_length=300)),
                ("attempts", fields.SmallIntField(default=0)),
            ],
            options={
                "table": "webhook_deliveries",
                "app": "store",
                "pk_attr": "id",
                "table_description": "A raw delivery as it came, sealed by the master key. Platform table: the app role may only insert.",
            },
            bases=["Model"],
        ),
        *[
            _sql(
                f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)",
                f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_organization",
            )
            for table in ISOLATED
            if table not in ORGANIZATION_BY_SESSION
        ],
        EnableOrganizationRLS("organizations", "id"),
        *[EnableOrganizationRLS(table) for table in ISOLATED],
        EnablePolicyRLS(
            "users",
            "EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = users.id"
            " AND m.organization_id = nullif(current_setting('app.current_org', true), '')::uuid)",
        ),
        _sql(
            "ALTER TABLE memberships ADD CONSTRAINT fk_memberships_user FOREIGN KEY (user_id) REFERENCES users (id)",
            "ALTER TABLE memberships DROP CONSTRAINT fk_memberships_user",
        ),
        _sql(  # for rows that are written by SQL
            "ALTER TABLE contacts ALTER COLUMN profile_name SET DEFAULT ''",
            "ALTER TABLE contacts ALTER COLUMN profile_name DROP DEFAULT",
        ),
        GrantPlatformTable("webhook_deliveries", insert_only=True),
        GrantPlatformTable("heartbeats"),
        # App secrets are read before any organization is known, and by nobody who serves one.
        _sql(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON meta_apps TO chatnation_system",
            "REVOKE ALL ON meta_apps FROM chatnation_system",
        ),
        *[OrganizationForeignKey(table, column, target) for table, column, target in REFERENCES],
        _sql(
            "ALTER TABLE sessions ADD CONSTRAINT uq_sessions_whole UNIQUE (organization_id, id, account_id, contact_id)",
            "ALTER TABLE sessions DROP CONSTRAINT uq_sessions_whole",
        ),
        *[
            _sql(
                f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_session FOREIGN KEY (organization_id, session_id, account_id, contact_id)"
                " REFERENCES sessions (organization_id, id, account_id, contact_id) ON DELETE CASCADE",
                f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_session",
            )
            for table in OF_A_SESSION
        ],
        _sql(
            "CREATE UNIQUE INDEX uq_live_identity ON contact_identities (organization_id, portfolio, kind, value_index)"
            " WHERE valid_to IS NULL",
            "DROP INDEX uq_live_identity",
        ),
        *[
            _sql(
                f"CREATE SEQUENCE {table}_seq_seq OWNED BY {table}.seq;"
                f" ALTER TABLE {table} ALTER COLUMN seq SET DEFAULT nextval('{table}_seq_seq'), ALTER COLUMN seq SET NOT NULL;"
                f" GRANT USAGE ON SEQUENCE {table}_seq_seq TO chatnation_app, chatnation_system",
                f"ALTER TABLE {table} ALTER COLUMN seq DROP DEFAULT",
            )
            for table in ("inbox", "outbox")
        ],
        _sql(
            "CREATE INDEX ix_inbox_head ON inbox (organization_id, session_id, (attempts = 0), provider_at, seq) WHERE state = 'ready';"
            " CREATE INDEX ix_inbox_due ON inbox (next_attempt_at) WHERE state = 'ready';"
            " CREATE INDEX ix_outbox_head ON outbox (organization_id, session_id, lane, seq) WHERE state <> 'dead';"
            " CREATE INDEX ix_outbox_order ON outbox (organization_id, lane, seq) WHERE state <> 'dead';"
            " CREATE INDEX ix_outbox_due ON outbox (organization_id, lane, next_attempt_at) WHERE state <> 'dead';"
            " CREATE INDEX ix_outbox_message ON outbox (organization_id, message_id);"
            " CREATE INDEX ix_outbox_held ON outbox (organization_id, account_id, lane, seq) WHERE state IN ('held', 'upload');"
            " CREATE INDEX ix_statuses_due ON message_statuses (next_attempt_at);"
            " CREATE INDEX ix_jobs_due ON jobs (organization_id, queue, run_at, id) WHERE state IN ('ready', 'running');"
            " CREATE INDEX ix_sessions_waiting ON sessions (wait_until) WHERE wait_until IS NOT NULL;"
            # Claims and commits then touch no index of sessions: there is none on the lease, and each page keeps room for the new versions.
            " ALTER TABLE sessions SET (fillfactor = 70);"
            " CREATE INDEX ix_deliveries_unparsed ON webhook_deliveries (received_at) WHERE outcome IN ('unparsed', 'unrouted')",
            "DROP INDEX ix_inbox_head, ix_inbox_due, ix_outbox_head, ix_outbox_order, ix_outbox_due, ix_outbox_message, ix_outbox_held, ix_statuses_due, ix_jobs_due,"
            " ix_sessions_waiting, ix_deliveries_unparsed",
        ),
        _script("base", DROP_FUNCTIONS),
        *[_script(name) for name in ("accept", "turn", "outbox", "standing", "leap")],
    ]
