"""Ids of interactive options: `session.step.revision.k-n.mac`, at most 200 characters (decision 25).

`revision` and `k` (which message of the segment) find the row that keeps the payloads; the mac says that we made the id. `n` is the option's
number, or `p2` for the page that a "More" row opens.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from uuid import UUID

from store.crypto import OrganizationKeys

__all__ = ["OptionId", "parse", "seal", "stem"]

MAC_CHARS = 12  # 48 bits: an id cannot be guessed within the lifetime of a chat
STEP_CHARS = 60
_ID = re.compile(r"([0-9a-f]{32})\.([^.]{0,60})\.(\d{1,9})\.(\d{1,3})-(p?)(\d{1,4})\.([0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class OptionId:
    session_id: UUID
    step: str
    revision: int
    ordinal: int  # k: which message of the segment
    number: int  # of the option, or of the page when `is_page`
    is_page: bool

    @property
    def stem(self) -> str:
        return f"{self.session_id.hex}.{self.step}.{self.revision}.{self.ordinal}-"


def stem(session_id: UUID, step: str, revision: int, ordinal: int) -> str:
    """What the ids of one message's options begin with; kept in its row."""
    clean = re.sub(r"[^\w:/-]", "_", step)[-STEP_CHARS:]
    return f"{session_id.hex}.{clean}.{revision}.{ordinal}-"


def seal(stem: str, number: str, keys: OrganizationKeys) -> str:
    """The whole id of option `number` ("0", "p2")."""
    return f"{stem}{number}.{_mac(stem + number, keys)}"


def parse(option_id: str, keys: OrganizationKeys) -> OptionId | None:
    """None: not one of ours."""
    found = _ID.fullmatch(option_id)
    if found is None:
        return None
    session, step, revision, ordinal, page, number, mac = found.groups()
    parsed = OptionId(UUID(session), step, int(revision), int(ordinal), int(number), bool(page))
    return parsed if hmac.compare_digest(mac, _mac(f"{parsed.stem}{page}{number}", keys)) else None


def _mac(text: str, keys: OrganizationKeys) -> str:
    return keys.blind_index("option:" + text).hex()[:MAC_CHARS]
