"""What an emulator is started with: numbers, users, templates, limits and the pace of its world."""

import os
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from channels.emulator.mpesa.settings import MpesaSettings

CONFIG_ENV = "CHATNATION_EMULATOR_CONFIG"

# Meta retries at once and then ever more rarely for days; the same shape, with the first hour compressed into two minutes.
RETRY_SCHEDULE_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 21600.0, 86400.0)


# Contract section 1.1: all that a dashboard offers and a bot may want.
FIELDS = (
    "account_alerts",
    "account_review_update",
    "account_settings_update",
    "account_update",
    "automatic_events",
    "business_capability_update",
    "business_username_updates",
    "calls",
    "flows",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "history",
    "message_echoes",
    "message_template_components_update",
    "message_template_quality_update",
    "message_template_status_update",
    "messages",
    "messaging_handovers",
    "partner_solutions",
    "payment_configuration_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "smb_app_state_sync",
    "smb_message_echoes",
    "standby",
    "template_category_update",
    "template_correct_category_detection",
    "user_preferences",
)


class NumberSettings(BaseModel):
    """One business number. Numbers of one app share its secret; numbers of one portfolio see the same BSUIDs and share the tier."""

    model_config = ConfigDict(extra="allow")

    phone_number_id: str
    waba_id: str
    display_phone_number: str
    name: str
    app_id: str = "100000000000001"
    app_secret: str
    verify_token: str
    access_token: str
    portfolio_id: str | None = None  # None: every WABA is a portfolio of its own
    webhook_url: str | None = None  # None: the emulator's
    throughput_per_s: int = 80
    messaging_limit: int = 100_000  # distinct users outside the window in 24 h; 250, 2K, 10K, 100K at Meta
    quality: Literal["GREEN", "YELLOW", "RED", "UNKNOWN"] = "GREEN"
    token_expires_at: float = 0.0  # seconds since 1970; 0: never
    scopes: tuple[str, ...] = ("whatsapp_business_messaging", "whatsapp_business_management")
    fields: tuple[str, ...] = FIELDS  # what its app is subscribed to; others are not delivered

    @property
    def portfolio(self) -> str:
        return self.portfolio_id or f"waba:{self.waba_id}"


class UserSettings(BaseModel):
    """One person with a phone. `user_id` is the BSUID in the first number's portfolio; it is derived when absent."""

    model_config = ConfigDict(extra="allow")

    wa_id: str
    name: str = ""
    username: str | None = None
    user_id: str | None = None
    hide_phone: bool = False
    auto_read: bool | None = None
    online: bool = True


class TemplateSettings(BaseModel):
    """A template that exists when the emulator starts."""

    model_config = ConfigDict(extra="allow")

    waba_id: str
    name: str
    language: str = "en"
    category: Literal["MARKETING", "UTILITY", "AUTHENTICATION"] = "UTILITY"
    parameter_format: Literal["POSITIONAL", "NAMED"] = "POSITIONAL"
    components: list[dict[str, Any]]
    status: str = "APPROVED"
    quality: str = "UNKNOWN"
    rejected_reason: str = "NONE"


class Limits(BaseModel):
    """Meta's rules with state. Each can be switched off; the ledger counts breaches either way."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    enforce_window: bool = True
    window_s: float = 86_400.0
    window_error: Literal["sync", "async"] = "sync"  # Meta does both; async accepts and reports 131047 in a status
    enforce_pair: bool = True
    pair_burst: int = 45
    pair_interval_s: float = 6.0
    enforce_rate: bool = True
    rate_tolerance: float = (
        0.05  # share above the limit before 130429: arrival jitter of an exact pacer is not its fault
    )
    rate_counts_inbound: bool = False
    enforce_tier: bool = True
    marketing_per_user_24h: int | None = None  # beyond it 131049; None: no cap


class EmulatorSettings(BaseModel):
    """The whole configuration; the JSON file has these keys. Times are real seconds unless a comment says otherwise."""

    model_config = ConfigDict(extra="allow")

    webhook_url: str = "http://127.0.0.1:8000/webhooks/whatsapp"
    numbers: list[NumberSettings] = Field(default_factory=list)
    users: list[UserSettings] = Field(default_factory=list)
    templates: list[TemplateSettings] = Field(default_factory=list)
    limits: Limits = Field(default_factory=Limits)
    mpesa: MpesaSettings = Field(default_factory=MpesaSettings)
    seed: int = 1
    clock_speed: float = 1.0  # emulated seconds per real second

    retry_schedule_s: tuple[float, ...] = RETRY_SCHEDULE_S  # the last value repeats
    retry_jitter: float = 0.1
    webhook_timeout_s: float = 10.0
    webhook_concurrency: int = 40
    batch_max: int = 1  # updates per POST when deliveries queue up; Meta's cap is 1000
    ordered_per_user: bool = False  # hold a user's next update until the one before was answered 200; Meta does not

    sent_after_s: float = 0.01
    delivered_after_s: float = 0.05
    read_after_s: float = 0.4
    auto_read: bool = True
    template_review_s: float = 2.0
    unknown_recipients: Literal["fail", "create"] = "fail"  # fail: accepted, then a failed status 131026
    fetch_links: bool = True  # media sent by link is downloaded, as Meta does

    wire_log_size: int = 1000
    data: Path | None = None

    def unknown_keys(self) -> list[str]:
        """Keys of the configuration that nothing reads: most likely misspelt."""
        parts: list[tuple[str, BaseModel]] = [("", self)]
        parts += [(f"numbers[{i}].", n) for i, n in enumerate(self.numbers)]
        parts += [(f"users[{i}].", u) for i, u in enumerate(self.users)]
        parts += [("mpesa.", self.mpesa)]
        parts += [(f"mpesa.businesses[{i}].", b) for i, b in enumerate(self.mpesa.businesses)]
        return [f"{prefix}{key}" for prefix, model in parts for key in (model.model_extra or {})]


def load_settings(config: Path | None) -> EmulatorSettings:
    """Reads the JSON file given, or the one named by CHATNATION_EMULATOR_CONFIG, or a demo with one number and two users.

    Raises:
        OSError: the file cannot be read.
        orjson.JSONDecodeError, pydantic.ValidationError: it is not what it should be.
    """
    path = config or (Path(os.environ[CONFIG_ENV]) if os.environ.get(CONFIG_ENV) else None)
    if path is None:
        return demo_settings()
    return EmulatorSettings.model_validate(orjson.loads(path.read_bytes()))


def demo_settings(webhook_url: str = "http://127.0.0.1:8000/webhooks/whatsapp") -> EmulatorSettings:
    """One number and two people; enough for a first look without a configuration."""
    return EmulatorSettings(
        webhook_url=webhook_url,
        numbers=[
            NumberSettings(
                phone_number_id="106540352242922",
                waba_id="102290129340398",
                display_phone_number="+254 700 000 001",
                name="Demo Organization",
                app_secret="demo-app-secret",
                verify_token="demo-verify-token",
                access_token="demo-access-token",
            )
        ],
        users=[UserSettings(wa_id="254711000001", name="Asha"), UserSettings(wa_id="254711000002", name="Brian")],
    )
