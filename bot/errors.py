"""The exception tree. The class is the protocol: it says who does what next.

ChatNationError
├── UserFacing(key, **values)   the contact sees the response `key`; the turn goes on
├── Retryable(after_s)          the outside world failed; the row keeps its place, back-off
│   ├── DatabaseAway            PostgreSQL is not there, or went away (store.db)
│   └── BlobStoreAway           the media store is not there (store.blobs)
├── Permanent                   dead letter with the reason; nobody retries
│   ├── Unreadable              a sealed value does not open (store.crypto)
│   └── BlobNotFound, BlobTooLarge, BlobDamaged (store.blobs)
├── TransactionAborted          an error was swallowed inside a transaction (store.db)
├── LlmAway                     no model answered in time; the offline answer stands (bot.llm.errors)
├── LeaseLost                   another worker has the conversation (bot.turn.commit)
├── TurnBroke                   a turn raised what is no error of ours (bot.turn.turn)
├── Refused                     a rule says no
│   ├── NotBound                no organization in scope
│   ├── CrossOrganization       another organization's row
│   ├── NotEnough(required, available)  milli-tokens; the work is not done (402)
│   ├── KeyReused, NoSuchWallet, NoSuchHold, HoldOver, HoldTooSmall, NoSuchDebit, RefundTooLarge (store.ledger)
│   ├── NotAllowed              a permission is missing (bot.identity.principal)
│   ├── Unauthenticated         nobody we know: wrong password, ended session, too many tries ... (bot.identity.errors)
│   ├── NotAMember, NotPossible, WeakPassword, LinkSpent (bot.identity.errors)
│   ├── Moved                   somebody else saved or published in the meantime (bot.publishing)
│   ├── NotConnected            the provider does not confirm what was given of a number (bot.provider)
│   ├── UnknownNumber           the organization has no such number (bot.numbers)
│   └── NotSound                a draft with errors is not published (bot.publishing)
├── Unsafe                      an address that we do not call: not public, not https (bot.hooks.guard)
├── EmbeddedServerError         the embedded PostgreSQL or NATS cannot start; the message says what to change
└── ConfigError                 a setting is missing, misspelt or wrong; the process does not start
"""

from __future__ import annotations

from store.errors import (
    ChatNationError,
    CrossOrganization,
    EmbeddedServerError,
    NotBound,
    NotEnough,
    Permanent,
    Refused,
    Retryable,
)

__all__ = [
    "ChatNationError",
    "ConfigError",
    "CrossOrganization",
    "EmbeddedServerError",
    "NotBound",
    "NotEnough",
    "Permanent",
    "Refused",
    "Retryable",
    "UserFacing",
    "reason_of",
]


class UserFacing(ChatNationError):
    """The contact is told: response `key` of the running skill, filled with `values`; the turn goes on."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def reason_of(error: BaseException) -> str:
    """For a row's `last_error`: the words of an error of ours; of any other its class alone, since its words may be a person's."""
    return str(error) if isinstance(error, ChatNationError) else type(error).__name__


class ConfigError(ChatNationError):
    """A setting is missing, misspelt or wrong. The message names the setting and how to mend it."""
