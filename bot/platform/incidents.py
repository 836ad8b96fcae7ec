"""What is wrong with the platform as a whole: opened and ended by the clock, looked after by people.

The alarms are those of `configs/prometheus/alerts.yml` that the database can tell, and what the Command Center shows of one organization,
over all of them. Failing requests and workers that only fail are known to Prometheus alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bot.identity import Principal
from bot.identity.errors import NotPossible
from bot.notifications import notify_platform
from bot.notifications.kinds import Words
from store import platform
from store.platform import Finding, Incident

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = ["ALARMS", "Lasting", "acknowledge", "observe", "resolve", "title_of", "what_mends", "write_note"]

MAX_NOTE = 1_000
QUIET_S = 120.0  # not found for so long: over

# kind -> (title, what mends it), with the incident's facts filled in.
ALARMS: dict[str, tuple[Words, Words]] = {
    "backlog": (
        {"en": "{rows:,} rows of {queue} wait", "sw": "Safu {rows:,} za {queue} zinasubiri"},
        {
            "en": "Start more workers of the queue (chatnation worker QUEUE). An outbox that grows alone may be a number that its provider stopped.",
            "sw": "Anzisha wafanyakazi zaidi wa foleni (chatnation worker QUEUE). Outbox inayokua peke yake inaweza kuwa namba iliyosimamishwa.",
        },
    ),
    "late": (
        {
            "en": "The oldest row of {queue} waits for {minutes} min",
            "sw": "Safu ya zamani ya {queue} inasubiri dk {minutes}",
        },
        {
            "en": "Is a worker of this queue alive? See its log for turn.failed and job.failed, and whether NATS is there.",
            "sw": "Je, mfanyakazi wa foleni hii yuko hai? Angalia kumbukumbu zake (turn.failed, job.failed) na NATS.",
        },
    ),
    "connections": (
        {
            "en": "{percent} % of PostgreSQL’s connections are in use",
            "sw": "{percent} % ya miunganisho ya PostgreSQL inatumika",
        },
        {
            "en": "Each process takes up to CHATNATION__STORE__POOL_MAX. Lower it, raise max_connections, or put PgBouncer in between.",
            "sw": "Kila mchakato unachukua hadi CHATNATION__STORE__POOL_MAX. Ipunguze, ongeza max_connections, au weka PgBouncer.",
        },
    ),
    "disk": (
        {"en": "The disk of the data folder is {percent} % full", "sw": "Diski ya folda ya data imejaa {percent} %"},
        {
            "en": "Media and the embedded PostgreSQL live there. Enlarge it, or give blobs a bucket (CHATNATION__STORE__BLOBS_URL).",
            "sw": "Media na PostgreSQL ziko hapo. Iongeze, au weka hifadhi ya nje (CHATNATION__STORE__BLOBS_URL).",
        },
    ),
    "dead": (
        {"en": "{rows:,} rows of {queue} were given up", "sw": "Safu {rows:,} za {queue} zimeachwa"},
        {
            "en": "See why on the page Queues; mend the cause, then try them again or drop them.",
            "sw": "Ona sababu kwenye ukurasa wa Foleni; rekebisha chanzo, kisha zijaribu tena au ziondoe.",
        },
    ),
    "number": (
        {"en": "The number {number} of {organization} is stopped", "sw": "Namba {number} ya {organization} imesimama"},
        {
            "en": "{reason}. Its messages wait. Its people find what to do on their page Channels.",
            "sw": "{reason}. Ujumbe wake unasubiri. Watu wake wataona la kufanya kwenye ukurasa wa Njia.",
        },
    ),
    "unknown_number": (
        {
            "en": "{rows:,} webhook deliveries of the last hour are for a number that nobody has",
            "sw": "Webhook {rows:,} za saa iliyopita ni za namba isiyo ya shirika lolote",
        },
        {
            "en": "Somebody writes and nobody answers. Connect the number to its organization on the page Channels: what came is read again. Or take the subscription away from its app at Meta.",
            "sw": "Mtu anaandika na hakuna anayejibu. Unganisha namba na shirika lake kwenye ukurasa wa Njia: zilizofika zitasomwa tena. Au ondoa usajili wa app yake kwa Meta.",
        },
    ),
    "silent": (
        {
            "en": "The process {process} is not heard of for {minutes} min",
            "sw": "Mchakato {process} haujasikika kwa dk {minutes}",
        },
        {
            "en": "Start it again (chatnation up does by itself) and read its log. Webhooks that it missed come again from Meta.",
            "sw": "Uanzishe tena (chatnation up hufanya yenyewe) na usome kumbukumbu zake. Webhook zilizokosekana zitatumwa tena na Meta.",
        },
    ),
}


class Lasting:
    """Lets a finding through once it has lasted: a peak of a moment is no incident. By this process's clock."""

    def __init__(self, for_s: Mapping[str, float]) -> None:
        self._for_s = for_s
        self._since: dict[str, float] = {}

    def through(self, found: Sequence[Finding]) -> list[Finding]:
        now = time.monotonic()
        self._since = {each.key: self._since.get(each.key, now) for each in found}
        return [each for each in found if now - self._since[each.key] >= self._for_s.get(each.kind, 0.0)]


async def observe(runtime: Runtime, found: Sequence[Finding], *, quiet_s: float = QUIET_S) -> list[Incident]:
    """What is wrong now, for the clock. The platform's people are told of what is new."""
    opened = await platform.observe(found, runtime.clock.now(), quiet_s=quiet_s)
    for each in opened:
        await notify_platform(
            runtime, "incident", title_of(each), f"/platform/incidents/{each.id}", key=f"incident:{each.key}"
        )
    return opened


async def acknowledge(runtime: Runtime, principal: Principal, incident_id: UUID) -> bool:
    """Somebody looks after it; False: somebody does already, or it is over."""
    principal.require("platform.incidents")
    return await platform.change_incident(incident_id, "acknowledged", principal.id, runtime.clock.now())


async def resolve(runtime: Runtime, principal: Principal, incident_id: UUID, *, text: str = "") -> bool:
    """By hand. What is still wrong opens as a new one; False: it was over."""
    principal.require("platform.incidents")
    now = runtime.clock.now()
    return await platform.change_incident(incident_id, "resolved", principal.id, now, text=text.strip()[:MAX_NOTE])


async def write_note(runtime: Runtime, principal: Principal, incident_id: UUID, text: str) -> None:
    """
    Raises:
        NotPossible: empty or too long.
    """
    principal.require("platform.incidents")
    text = text.strip()
    if not text or len(text) > MAX_NOTE:
        raise NotPossible("note", f"write 1 to {MAX_NOTE} characters", field="note")
    await platform.put_note(incident_id, principal.id, runtime.clock.now(), text)


def title_of(each: Incident) -> Words:
    return _filled(ALARMS[each.kind][0], each.facts) if each.kind in ALARMS else each.key


def what_mends(each: Incident) -> Words:
    return _filled(ALARMS[each.kind][1], each.facts) if each.kind in ALARMS else ""


def _filled(words: Words, facts: Mapping[str, Any]) -> Words:
    assert not isinstance(words, str)
    return {locale: text.format(**facts) for locale, text in words.items()}
