"""How people prove who they are, what organizations let them do, and keys for programs."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from store.fields import JsonField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS, OrganizationForeignKey

ISOLATED = ("api_keys", "invitations", "roles")
# What proves who somebody is: read before any organization is known, and by nobody who serves one.
SYSTEM_ONLY = (
    "external_attempts",
    "mailed_tokens",
    "refresh_tokens",
    "sign_in_tries",
    "user_credentials",
    "user_external_identities",
    "user_recovery_codes",
    "user_sessions",
)
OF_A_USER = ("mailed_tokens", "user_credentials", "user_external_identities", "user_recovery_codes", "user_sessions")


class Migration(migrations.Migration):
    dependencies = [("store", "0004_publishing")]

    operations = [
        ops.CreateModel(
            name="ApiKey",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("kind", fields.CharField(default="api", max_length=8)),
                ("name", fields.CharField(max_length=120)),
                ("prefix", fields.CharField(unique=True, max_length=16)),
                ("secret_hash", fields.CharField(max_length=64)),
                ("scopes", JsonField(default=list)),
                ("allowed_ips", JsonField(default=list)),
                ("rate_per_min", fields.IntField(default=600)),
                ("created_by", fields.UUIDField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_used_ip", fields.CharField(default="", max_length=45)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "api_keys",
                "app": "store",
                "pk_attr": "id",
                "table_description": "`kind`: api | internal. It may what is in `scopes` and what `created_by` may at that moment; null: made by the platform.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Credential",
            fields=[
                ("user_id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("password_hash", fields.CharField(default="", max_length=300)),
                ("password_changed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("sealed_totp", fields.BinaryField(null=True)),
                ("totp_confirmed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("totp_step", fields.BigIntField(default=0)),
                ("platform_admin", fields.BooleanField(default=False)),
                ("disabled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "user_credentials",
                "app": "store",
                "pk_attr": "user_id",
                "table_description": "Of one person. `sealed_totp` is sealed by the master key; without `totp_confirmed_at` it is not in use yet.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CustomRole",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("name", fields.CharField(max_length=80)),
                ("description", fields.CharField(default="", max_length=300)),
                ("permissions", JsonField(default=list)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "roles",
                "app": "store",
                "unique_together": (("organization_id", "name"),),
                "pk_attr": "id",
                "table_description": "A set of permissions with a name.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="ExternalAttempt",
            fields=[
                ("state_hash", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ("sealed", fields.BinaryField()),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "external_attempts",
                "app": "store",
                "pk_attr": "state_hash",
                "table_description": "A sign-in that is under way at a provider. `sealed` holds nonce and verifier.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ExternalIdentity",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("user_id", fields.UUIDField(db_index=True)),
                ("provider", fields.CharField(max_length=40)),
                ("issuer", fields.CharField(max_length=300)),
                ("subject", fields.CharField(max_length=300)),
                ("email", fields.CharField(max_length=320)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_used_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "user_external_identities",
                "app": "store",
                "unique_together": (("issuer", "subject"),),
                "pk_attr": "id",
                "table_description": "Who somebody is at an OpenID provider.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Invitation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("email", fields.CharField(max_length=320)),
                ("role", fields.CharField(max_length=40)),
                ("role_id", fields.UUIDField(null=True)),
                ("events", JsonField(null=True)),
                ("exhibitors", JsonField(null=True)),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("invited_by", fields.UUIDField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("accepted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "invitations",
                "app": "store",
                "pk_attr": "id",
                "table_description": "A place that waits for whoever reads this e-mail address.",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="MailedToken",
            fields=[
                ("token_hash", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ("purpose", fields.CharField(max_length=12)),
                ("user_id", fields.UUIDField(db_index=True)),
                ("email", fields.CharField(max_length=320)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "mailed_tokens",
                "app": "store",
                "pk_attr": "token_hash",
                "table_description": "A link in an e-mail, good once. `purpose`: verify | reset.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("user_id", fields.UUIDField(db_index=True)),
                ("code_hash", fields.CharField(max_length=64)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "user_recovery_codes", "app": "store", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RefreshToken",
            fields=[
                ("token_hash", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ("session_id", fields.UUIDField(db_index=True)),
                ("issued_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "refresh_tokens",
                "app": "store",
                "pk_attr": "token_hash",
                "table_description": "One of a family (the session). Used twice, it gives the family away.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SignInTries",
            fields=[
                ("key", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ("tries", fields.IntField()),
                ("last_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("blocked_until", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "sign_in_tries",
                "app": "store",
                "pk_attr": "key",
                "table_description": "Tries in a row of an account or an address, both as blind indexes; strangers' e-mail addresses are kept nowhere.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="UserSession",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("user_id", fields.UUIDField(db_index=True)),
                ("kind", fields.CharField(default="browser", max_length=8)),
                ("method", fields.CharField(default="password", max_length=40)),
                ("second_factor", fields.BooleanField(default=False)),
                ("ip", fields.CharField(default="", max_length=45)),
                ("user_agent", fields.CharField(default="", max_length=300)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("revoked_for", fields.CharField(default="", max_length=40)),
                ("impersonating", fields.UUIDField(null=True)),
                ("impersonating_in", fields.UUIDField(null=True)),
            ],
            options={
                "table": "user_sessions",
                "app": "store",
                "pk_attr": "id",
                "table_description": "Somebody signed in: a browser, or a family of API tokens. Revoked, it stays for the list until it is swept.",
            },
            bases=["Model"],
        ),
        ops.AlterModelOptions(
            name="Membership",
            options={
                "table": "memberships",
                "app": "store",
                "unique_together": (("organization_id", "user_id"),),
                "pk_attr": "id",
                "table_description": '`role` is one of `bot.identity.roles.Role`, or "custom" with `role_id`. `events`, `exhibitors`: lists of ids; null: all.',
            },
        ),
        ops.AddField(
            model_name="Membership",
            name="events",
            field=JsonField(null=True),
        ),
        ops.AddField(
            model_name="Membership",
            name="exhibitors",
            field=JsonField(null=True),
        ),
        ops.AddField(
            model_name="Membership",
            name="invited_by",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="Membership",
            name="role_id",
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name="User",
            name="email_verified_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="User",
            name="locale",
            field=fields.CharField(default="en", max_length=12),
        ),
        *[
            ops.RunSQL(
                f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)",
                f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_organization",
            )
            for table in ISOLATED
        ],
        *[EnableOrganizationRLS(table) for table in ISOLATED],
        OrganizationForeignKey("memberships", "role_id", "roles", on_delete="RESTRICT"),
        OrganizationForeignKey("invitations", "role_id", "roles", on_delete="CASCADE"),
        *[
            ops.RunSQL(
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO chatnation_system",
                f"REVOKE ALL ON {table} FROM chatnation_system",
            )
            for table in SYSTEM_ONLY
        ],
        *[
            ops.RunSQL(
                f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE",
                f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_user",
            )
            for table in OF_A_USER
        ],
        ops.RunSQL(
            "ALTER TABLE refresh_tokens ADD CONSTRAINT fk_refresh_tokens_session"
            " FOREIGN KEY (session_id) REFERENCES user_sessions (id) ON DELETE CASCADE",
            "ALTER TABLE refresh_tokens DROP CONSTRAINT fk_refresh_tokens_session",
        ),
        # A person belongs to herself: organizations see their members and change none of them.
        ops.RunSQL(
            "REVOKE INSERT, UPDATE, DELETE ON users FROM chatnation_app",
            "GRANT INSERT, UPDATE, DELETE ON users TO chatnation_app",
        ),
        ops.RunSQL(
            "CREATE INDEX ix_memberships_user ON memberships (user_id);"
            " CREATE UNIQUE INDEX uq_open_invitation ON invitations (organization_id, email)"
            " WHERE accepted_at IS NULL AND revoked_at IS NULL",
            "DROP INDEX ix_memberships_user; DROP INDEX uq_open_invitation",
        ),
    ]
