"""How people prove who they are. Platform tables: the application's role may not touch them, `store/people.py` does."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from store.ids import uuid7


class Credential(Model):
    """Of one person. `sealed_totp` is sealed by the master key; without `totp_confirmed_at` it is not in use yet."""

    user_id = fields.UUIDField(primary_key=True, default=uuid7)
    password_hash = fields.CharField(max_length=300, default="")  # argon2id; empty: signs in elsewhere
    password_changed_at = fields.DatetimeField(null=True)
    sealed_totp = fields.BinaryField(null=True)
    totp_confirmed_at = fields.DatetimeField(null=True)
    totp_step = fields.BigIntField(default=0)  # the last one used: a code counts once
    platform_admin = fields.BooleanField(default=False)
    disabled_at = fields.DatetimeField(null=True)

    class Meta:
        table = "user_credentials"


class RecoveryCode(Model):
    id = fields.UUIDField(primary_key=True, default=uuid7)
    user_id = fields.UUIDField(db_index=True)
    code_hash = fields.CharField(max_length=64)
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "user_recovery_codes"


class UserSession(Model):
    """Somebody signed in: a browser, or a family of API tokens. Revoked, it stays for the list until it is swept."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    user_id = fields.UUIDField(db_index=True)
    kind = fields.CharField(max_length=8, default="browser")  # browser | api
    method = fields.CharField(max_length=40, default="password")  # password | the name of an OpenID provider
    second_factor = fields.BooleanField(default=False)
    ip = fields.CharField(max_length=45, default="")
    user_agent = fields.CharField(max_length=300, default="")
    created_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)
    revoked_for = fields.CharField(max_length=40, default="")
    impersonating = fields.UUIDField(null=True)  # the person whose eyes a platform admin borrows
    impersonating_in = fields.UUIDField(null=True)  # in this organization alone

    class Meta:
        table = "user_sessions"


class RefreshToken(Model):
    """One of a family (the session). Used twice, it gives the family away."""

    token_hash = fields.CharField(max_length=64, primary_key=True)
    session_id = fields.UUIDField(db_index=True)
    issued_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "refresh_tokens"


class MailedToken(Model):
    """A link in an e-mail, good once. `purpose`: verify | reset."""

    token_hash = fields.CharField(max_length=64, primary_key=True)
    purpose = fields.CharField(max_length=12)
    user_id = fields.UUIDField(db_index=True)
    email = fields.CharField(max_length=320)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "mailed_tokens"


class ExternalIdentity(Model):
    """Who somebody is at an OpenID provider."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    user_id = fields.UUIDField(db_index=True)
    provider = fields.CharField(max_length=40)
    issuer = fields.CharField(max_length=300)
    subject = fields.CharField(max_length=300)
    email = fields.CharField(max_length=320)
    created_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField()

    class Meta:
        table = "user_external_identities"
        unique_together = (("issuer", "subject"),)


class ExternalAttempt(Model):
    """A sign-in that is under way at a provider. `sealed` holds nonce and verifier."""

    state_hash = fields.CharField(max_length=64, primary_key=True)
    sealed = fields.BinaryField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "external_attempts"


class SignInTries(Model):
    """Tries in a row of an account or an address, both as blind indexes; strangers' e-mail addresses are kept nowhere."""

    key = fields.CharField(max_length=64, primary_key=True)
    tries = fields.IntField()
    last_at = fields.DatetimeField()
    blocked_until = fields.DatetimeField()

    class Meta:
        table = "sign_in_tries"
