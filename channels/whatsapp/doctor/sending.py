"""Whether we may speak: the token, the number, its account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.provider import Outcome
from channels.whatsapp.client import Answer, Refused
from channels.whatsapp.doctor.case import Case, Result, check, failed, words
from channels.whatsapp.doctor.plain import limit, plain
from channels.whatsapp.lenient import as_dict, as_list, text
from channels.whatsapp.reading import NUMBER_FIELDS, Failed, expiry, read_number

SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
SOON = timedelta(days=14)


async def _token_data(case: Case) -> dict[str, Any] | Failed:
    """With the app's own token, which lives when the other does not; without one the token is asked of itself."""
    answer = await case.graph.read(
        case.app_token or case.line.token, "debug_token", params={"input_token": case.line.token}
    )
    if (
        isinstance(answer, Refused) and case.app_token
    ):  # a wrong secret makes a wrong app token: that is another check's
        answer = await case.graph.read(case.line.token, "debug_token", params={"input_token": case.line.token})
    return as_dict((answer.body or {}).get("data")) if isinstance(answer, Answer) else answer


@check("token", "The access token lives", "Tokeni iko hai")
async def token(case: Case) -> Result:
    tried = words("Asked Meta about our token (debug_token)", "Imeiuliza Meta kuhusu tokeni yetu (debug_token)")
    mend = words(
        "Make a new token for the system user in Meta's business settings and give it here under “New token”.",
        "Tengeneza tokeni mpya ya mtumiaji wa mfumo katika mipangilio ya biashara ya Meta, kisha iweke hapa kwa “Tokeni mpya”.",
    )
    data = await _token_data(case)
    if not isinstance(data, dict):
        return failed(tried, data, mend)
    if data.get("is_valid") is not True:
        error = as_dict(data.get("error"))
        number = "/".join(each for each in (text(error.get("code")), text(error.get("subcode"))) if each)
        came = words(f"The token is not valid {number}".rstrip(), f"Tokeni si halali {number}".rstrip())
        return Result(Outcome.BAD, tried, came, mend)
    until = expiry(data)
    if until is None:
        return Result(Outcome.GOOD, tried, words("Valid, and it never expires", "Halali, haina mwisho"))
    came = words(f"Valid until {case.moment(until)}", f"Halali hadi {case.moment(until)}")
    if until - case.known.now < SOON:
        return Result(Outcome.WARN, tried, came, mend)
    return Result(Outcome.GOOD, tried, came)


@check("permissions", "The token may do what we need", "Tokeni ina ruhusa zinazohitajika")
async def permissions(case: Case) -> Result:
    tried = words("Asked Meta what the token may do", "Imeiuliza Meta ruhusa za tokeni")
    data = await _token_data(case)
    if not isinstance(data, dict):
        return failed(tried, data)
    scopes = {text(each) for each in as_list(data.get("scopes"))}
    missing = [scope for scope in SCOPES if scope not in scopes]
    elsewhere = [each for each in as_list(data.get("granular_scopes")) if _leaves_out(as_dict(each), case.line.waba_id)]
    if not missing and not elsewhere:
        return Result(Outcome.GOOD, tried, words(f"It has {' and '.join(SCOPES)}", f"Ina {' na '.join(SCOPES)}"))
    lacking = ", ".join(missing) or text(as_dict(elsewhere[0]).get("scope"))
    return Result(
        Outcome.BAD,
        tried,
        words(f"It lacks {lacking}", f"Haina {lacking}")
        if missing
        else words(f"It has {lacking} for other accounts only", f"Ina {lacking} kwa akaunti nyingine tu"),
        words(
            "Give the system user this WhatsApp account with full control, then make a token with both permissions:"
            " messaging brings messages, management everything else.",
            "Mpe mtumiaji wa mfumo akaunti hii ya WhatsApp kwa udhibiti kamili, kisha tengeneza tokeni yenye ruhusa zote mbili.",
        ),
    )


def _leaves_out(granted: dict[str, Any], waba_id: str) -> bool:
    """A permission may be limited to some accounts."""
    targets = {text(each) for each in as_list(granted.get("target_ids"))}
    return text(granted.get("scope")) in SCOPES and bool(targets) and waba_id not in targets


@check("number", "The token reaches the number", "Tokeni inaifikia namba")
async def number(case: Case) -> Result:
    tried = words(
        f"Asked Meta for number {case.line.phone_number_id}", f"Imeiuliza Meta namba {case.line.phone_number_id}"
    )
    answer = await case.graph.read(case.line.token, case.line.phone_number_id, params={"fields": NUMBER_FIELDS})
    if not isinstance(answer, Answer):
        mend = words(
            "The phone number ID (not the phone number) stands in Meta's app dashboard under WhatsApp > API setup. If it is right, the"
            " token belongs to another business.",
            "Kitambulisho cha namba (si namba yenyewe) kiko kwenye dashibodi ya Meta, WhatsApp > API setup. Kama ni sahihi, tokeni ni ya"
            " biashara nyingine.",
        )
        return failed(tried, answer, mend)
    facts = read_number(answer.body or {})
    name = f"{facts.display_phone_number} “{facts.verified_name}”"
    return Result(Outcome.GOOD, tried, words(f"Meta says: {name}", f"Meta inasema: {name}"))


@check("account", "The number belongs to the account", "Namba ni ya akaunti hii")
async def account(case: Case) -> Result:
    tried = words(
        f"Listed the numbers of account {case.line.waba_id}", f"Imeorodhesha namba za akaunti {case.line.waba_id}"
    )
    mend = words(
        "Connect the number again with the WhatsApp Business Account ID that stands beside it in Meta's dashboard.",
        "Unganisha namba tena kwa kitambulisho cha akaunti kilicho karibu nayo kwenye dashibodi ya Meta.",
    )
    answer = await case.graph.read(
        case.line.token, case.line.waba_id, "phone_numbers", params={"fields": "id", "limit": "100"}
    )
    if not isinstance(answer, Answer):
        return failed(tried, answer, mend)
    ids = [text(as_dict(each).get("id")) for each in as_list((answer.body or {}).get("data"))]
    if case.line.phone_number_id in ids:
        return Result(Outcome.GOOD, tried, words(f"It is one of {len(ids)}", f"Ni moja kati ya {len(ids)}"))
    came = words(f"The account has {len(ids)} numbers, not this one", f"Akaunti ina namba {len(ids)}, hii haimo")
    return Result(Outcome.BAD, tried, came, mend)


@check("registered", "The number is registered", "Namba imesajiliwa")
async def registered(case: Case) -> Result:
    tried = words("Read the number's status and mode", "Imesoma hali ya namba")
    answer = await case.graph.read(case.line.token, case.line.phone_number_id, params={"fields": NUMBER_FIELDS})
    if not isinstance(answer, Answer):
        return failed(tried, answer)
    facts = read_number(answer.body or {})
    status, platform, mode = plain(facts.status), plain(facts.platform), plain(facts.mode)
    came = words(
        f"Status: {status['en']}, platform: {platform['en']}, mode: {mode['en']}",
        f"Hali: {status['sw']}, jukwaa: {platform['sw']}, namna: {mode['sw']}",
    )
    if facts.status and facts.status != "CONNECTED":
        return Result(
            Outcome.WARN if facts.status in ("FLAGGED", "RATE_LIMITED") else Outcome.BAD,
            tried,
            came,
            words(
                "Register the number for the Cloud API in Meta's dashboard (it asks for the six digits of the two-step PIN). If it is"
                " banned or restricted, Meta's account quality page says why and takes an appeal.",
                "Sajili namba kwa Cloud API kwenye dashibodi ya Meta (itauliza PIN ya tarakimu sita). Kama imezuiwa, ukurasa wa ubora wa"
                " akaunti wa Meta unaeleza sababu.",
            ),
        )
    if facts.platform not in ("", "CLOUD_API"):
        mend = words(
            "The number runs elsewhere: migrate it to the Cloud API.", "Namba iko kwingine: ihamishie kwenye Cloud API."
        )
        return Result(Outcome.BAD, tried, came, mend)
    if facts.mode == "SANDBOX":
        mend = words(
            "A test number reaches five listed phones only. Connect a real one before you go live.",
            "Namba ya majaribio inafikia simu tano tu. Unganisha namba halisi kabla ya kuanza.",
        )
        return Result(Outcome.WARN, tried, came, mend)
    return Result(Outcome.GOOD, tried, came)


@check("quality", "Quality and limits", "Ubora na mipaka")
async def quality(case: Case) -> Result:
    tried = words("Read quality, messaging limit and health", "Imesoma ubora, kikomo na afya")
    answer = await case.graph.read(case.line.token, case.line.phone_number_id, params={"fields": NUMBER_FIELDS})
    if not isinstance(answer, Answer):
        return failed(tried, answer)
    facts = read_number(answer.body or {})
    rated, most, sending = plain(facts.quality), limit(facts.messaging_limit), plain(facts.can_send)
    came = words(
        f"Quality: {rated['en']}, limit: {most['en']}, sending: {sending['en']}",
        f"Ubora: {rated['sw']}, kikomo: {most['sw']}, kutuma: {sending['sw']}",
    )
    mend = words(
        "People block or report what is sent. Pause broadcasts, write only to who asked for it, and make STOP easy; quality is judged over"
        " seven days.",
        "Watu wanazuia au kuripoti ujumbe. Sitisha matangazo, waandikie walioomba tu, na rahisisha STOP; ubora hupimwa kwa siku saba.",
    )
    if facts.can_send == "BLOCKED" or facts.quality == "RED":
        return Result(Outcome.BAD, tried, came, mend)
    if facts.can_send == "LIMITED" or facts.quality == "YELLOW":
        return Result(Outcome.WARN, tried, came, mend)
    return Result(Outcome.GOOD, tried, came)
