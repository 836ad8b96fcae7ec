"""What else must be right: templates, and the time."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

from bot.provider import Outcome
from channels.whatsapp.client import Answer
from channels.whatsapp.doctor.case import Case, Result, check, words
from channels.whatsapp.doctor.plain import counted
from channels.whatsapp.reading import said

SKEW_WARN_S, SKEW_BAD_S = 30.0, 300.0


@check("templates", "Templates are approved", "Violezo vimeidhinishwa")
async def templates(case: Case) -> Result:
    tried = words("Counted the account's message templates", "Imehesabu violezo vya akaunti")
    known = case.known
    if known.templates_at is None:
        came = words("They were never fetched", "Havijawahi kuletwa")
        return Result(
            Outcome.SKIPPED,
            tried,
            came,
            words("Press “Fetch” on the Channels page.", "Bonyeza “Leta” kwenye ukurasa wa Njia."),
        )
    listed, at = counted(known.templates), case.moment(known.templates_at)
    came = words(f"{listed['en']} (fetched on {at})", f"{listed['sw']} (vimeletwa {at})")
    bad = sum(known.templates.get(status, 0) for status in ("REJECTED", "PAUSED", "DISABLED", "FLAGGED"))
    mend = words(
        "Without an approved template you cannot write first after 24 hours. Rejected ones say why on the Channels page; edit them at Meta and"
        " they are reviewed again.",
        "Bila kiolezo kilichoidhinishwa huwezi kuandika kwanza baada ya saa 24. Vilivyokataliwa vinaeleza sababu kwenye ukurasa wa Njia.",
    )
    if not known.templates.get("APPROVED"):
        return Result(Outcome.WARN, tried, came, mend)
    return Result(Outcome.WARN, tried, came, mend) if bad else Result(Outcome.GOOD, tried, came)


@check("clock", "Our clock is right", "Saa yetu ni sahihi")
async def clock(case: Case) -> Result:
    tried = words(
        "Compared our clock with the date of Meta's answer", "Imelinganisha saa yetu na tarehe ya jibu la Meta"
    )
    answer = await case.graph.read(case.line.token, case.line.phone_number_id, params={"fields": "id"})
    theirs = _date_of(answer)
    if theirs is None:
        came = said(answer) if not isinstance(answer, Answer) else words("It had no date", "Halikuwa na tarehe")
        return Result(Outcome.SKIPPED, tried, came)
    skew_s = (case.known.now - theirs).total_seconds()
    came = words(f"We differ by {abs(skew_s):.0f} s", f"Tofauti ni sekunde {abs(skew_s):.0f}")
    mend = words(
        "Let the machine keep its time by NTP: the 24-hour window is judged by it.",
        "Acha mashine ipate saa kwa NTP: dirisha la saa 24 hupimwa kwayo.",
    )
    if abs(skew_s) > SKEW_BAD_S:
        return Result(Outcome.BAD, tried, came, mend)
    return Result(Outcome.WARN, tried, came, mend) if abs(skew_s) > SKEW_WARN_S else Result(Outcome.GOOD, tried, came)


def _date_of(answer: object) -> datetime | None:
    if not isinstance(answer, Answer):
        return None
    try:
        return parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        return None
