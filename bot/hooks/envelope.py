"""What every webhook's body looks like, whatever it tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

__all__ = ["envelope"]


def envelope(type_: str, event_id: UUID, at: datetime, data: Mapping[str, Any]) -> str:
    """JSON. `data` is JSON already, but for ids and times."""
    return orjson.dumps({"id": str(event_id), "type": type_, "timestamp": at, "data": data}).decode()
