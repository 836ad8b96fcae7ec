"""How people sign in, and how letters reach them."""

from __future__ import annotations

from pydantic import Field, SecretStr

from bot.settings import Settings

__all__ = ["EmailSettings", "IdentitySettings", "ProviderSettings", "SmsSettings"]


class ProviderSettings(Settings):
    """One OpenID Connect provider; off until a client id is set."""

    client_id: str = ""
    client_secret: SecretStr | None = None
    issuer: str = Field("", pattern=r"^(https?://.*)?$")
    """Google and Microsoft have theirs; for another provider it must be set. Microsoft: put your tenant's for its people only."""
    label: str = ""
    """What the button says; empty: the provider's name."""


class IdentitySettings(Settings):
    base_url: str = Field("http://127.0.0.1:3000", pattern=r"^https?://")
    """Of the admin app, for links in e-mails and the way back from providers."""
    register_open: bool = True
    """Whether anybody may register an organization; else only who is invited gets in."""
    default_skills: tuple[str, ...] = ()
    """Switched on for a new organization, in this order; none: all that are installed."""
    access_min: float = Field(15.0, gt=0, le=60)
    """How long an access token of the API lives."""
    refresh_days: float = Field(30.0, gt=0)
    """How long a refresh token lives; each use gives a new one."""
    session_days: float = Field(30.0, gt=0)
    """A browser is signed in for so long at most."""
    session_idle_h: float = Field(72.0, gt=0)
    """A browser is signed out after so long without a visit."""
    invitation_days: float = Field(7.0, gt=0)
    reset_min: float = Field(60.0, gt=0)
    """How long a link to reset a password is good."""
    verify_h: float = Field(48.0, gt=0)
    """How long a link to confirm an e-mail address is good."""
    free_tries: int = Field(5, ge=1)
    """Wrong passwords of an account in a row before each next one costs a wait, doubled each time."""
    free_tries_per_ip: int = Field(30, ge=1)
    """The same for an address, over all accounts."""
    longest_wait_s: float = Field(900.0, gt=0)
    """The wait grows to this and no further: nobody is locked out for good."""
    argon2_memory_kib: int = Field(65_536, ge=8_192)
    argon2_passes: int = Field(3, ge=1)
    argon2_lanes: int = Field(4, ge=1)
    """RFC 9106's second choice; a stronger one takes hold with each person's next sign-in."""
    google: ProviderSettings = ProviderSettings()
    microsoft: ProviderSettings = ProviderSettings()
    oidc: ProviderSettings = ProviderSettings()
    """Any other provider."""


class EmailSettings(Settings):
    """The mail server; without a host letters are written to the log folder's outbox (`<data>/mail`), for development."""

    host: str = ""
    port: int = Field(587, ge=1, le=65535)
    username: str = ""
    password: SecretStr | None = None
    security: str = Field("starttls", pattern="^(starttls|tls|none)$")
    """starttls: port 587; tls: port 465; none: a server on this machine."""
    sender: str = "ChatNation <no-reply@chatnation.test>"
    timeout_s: float = Field(10.0, gt=0)


class SmsSettings(Settings):
    """One HTTP call per text; without an address there are none."""

    url: str = Field("", pattern=r"^(https?://.*)?$")
    token: SecretStr | None = None
    """Sent as Authorization: Bearer."""
    body: dict[str, str] = Field(default_factory=lambda: {"to": "{to}", "message": "{text}"})
    """JSON that is posted; {to} is E.164, {text} the text, {sender} the sender."""
    sender: str = "ChatNation"
    timeout_s: float = Field(10.0, gt=0)
