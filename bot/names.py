"""What a worker remembers for a while of the names of organizations' own things."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from bot.bounded import Bounded
from bot.skill import Named, NamesFunction
from bot.understand.names import Names, index_names
from store.tenancy import organization_scope

__all__ = ["KnownNames"]

log = logging.getLogger(__name__)

FRESH_S = 30.0  # a new event is known by its name within this time; it is on the lists at once
READING_S = 5.0  # for as long, others go on with the old while one reads
MAX_ORGANIZATIONS = 2_000
MAX_NAMES = 200  # of one entity


class KnownNames:
    """Read through, per process."""

    def __init__(self) -> None:
        self._held: Bounded[UUID, tuple[float, tuple[str, ...], Names]] = Bounded(MAX_ORGANIZATIONS)

    async def of(self, organization_id: UUID, tellers: Mapping[str, NamesFunction], *, now: datetime) -> Names:
        """One query per teller when what is known has grown old, none otherwise; a teller that fails names nothing."""
        if not tellers:
            return Names()
        held, at = self._held.get(organization_id), time.monotonic()
        who = tuple(sorted(tellers))
        if held is not None and held[1] == who:
            if held[0] > at:
                return held[2]
            self._held.put(organization_id, (at + READING_S, who, held[2]))
        things: dict[str, list[Named]] = {}
        for entity, tell in tellers.items():
            try:
                with organization_scope(organization_id):
                    things[entity] = list(await tell(now))[:MAX_NAMES]
            except Exception:  # without the names there are still the lists to choose from
                log.exception("names cannot be read", extra={"entity": entity})
        found = index_names(things)
        self._held.put(organization_id, (time.monotonic() + FRESH_S, who, found))
        return found
