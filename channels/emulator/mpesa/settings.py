"""What the emulated M-Pesa is started with: businesses, their keys, and the pace of its people."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class BusinessSettings(BaseModel):
    """One shortcode with the keys of its Daraja app. `tills` are what `CustomerBuyGoodsOnline` may pay."""

    model_config = ConfigDict(extra="allow")

    shortcode: str
    name: str
    passkey: str
    consumer_key: str
    consumer_secret: str
    tills: tuple[str, ...] = ()
    c2b_validation: bool = False  # Safaricom switches it on for a shortcode on request


class Pace(BaseModel):
    """What may change while it runs. Times are real seconds."""

    model_config = ConfigDict(extra="allow", validate_assignment=True)

    prompt_timeout_s: float = 60.0  # a prompt that nobody answers ends with 1037
    callback_after_s: float = 0.05  # from what the person did to the callback
    callback_timeout_s: float = 10.0
    callback_retries: int = 0  # most say that Safaricom posts once, some saw repeats
    validation_timeout_s: float = 8.0
    busy: Literal["async", "sync"] = "async"  # a second push: accepted and then 1001, or refused at once
    loopback_http: bool = True  # callbacks to http://127.0.0.1; Safaricom takes public https only
    values_as: Literal["numbers", "strings"] = "numbers"  # TransactionDate and PhoneNumber were seen as both
    c2b_register_once: bool = False  # production: a second registration is refused


class MpesaSettings(Pace):
    """The `mpesa` part of the configuration."""

    businesses: list[BusinessSettings] = Field(
        default_factory=lambda: [
            BusinessSettings(
                shortcode="174379",
                name="Demo Organization",
                passkey="demo-passkey",
                consumer_key="demo-consumer-key",
                consumer_secret="demo-consumer-secret",
            )
        ]
    )
    balance_kes: int = 50_000  # what each phone starts with
    pin: str = "1234"
