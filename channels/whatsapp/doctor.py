"""The connection doctor: one check, one function. Each asks the real thing over HTTP: Meta's Graph API, or our own webhook.

"Verified, but nothing arrives" has four switches behind it (contract section 1) and a handful of other causes; each has its check here.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from bot.provider import Known, Line, Outcome
from channels.whatsapp.client import Answer, GraphClient, Refused
from channels.whatsapp.errors import ErrorClass
from channels.whatsapp.lenient import as_dict, as_list, text
from channels.whatsapp.reading import NUMBER_FIELDS, Failed, expiry, proof, read_number, said

__all__ = ["CHECKS", "NEEDED_FIELDS", "WANTED_FIELDS", "Case", "Check", "Result"]

Words = Mapping[str, str]

# Without the first nothing arrives; without the others we learn late of what Meta decides.
NEEDED_FIELDS = ("messages",)
WANTED_FIELDS = (
    "account_update",
    "message_template_quality_update",
    "message_template_status_update",
    "phone_number_quality_update",
    "template_category_update",
    "user_preferences",
)
SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
SOON = timedelta(days=14)
QUIET = timedelta(hours=24)
SKEW_WARN_S, SKEW_BAD_S = 30.0, 300.0
OWN_TIMEOUT = aiohttp.ClientTimeout(total=8)


@dataclass(frozen=True, slots=True)
class Case:
    graph: GraphClient
    session: aiohttp.ClientSession
    line: Line
    known: Known
    webhook_url: str
    version: str

    @property
    def app_token(self) -> str:
        """Meta's own form of an app's token."""
        return f"{self.line.app_id}|{self.line.app_secrets[0]}" if self.line.app_id and self.line.app_secrets else ""


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Outcome
    tried: Words
    came: Words
    mend: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    title: Words
    run: Callable[[Case], Awaitable[Result]]


CHECKS: dict[str, Check] = {}
Run = Callable[[Case], Awaitable[Result]]


def check(name: str, english: str, swahili: str) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        CHECKS[name] = Check(words(english, swahili), run)
        return run

    return register


def words(english: str, swahili: str) -> dict[str, str]:
    return {"en": english, "sw": swahili}


# -- the token ------------------------------------------------------------------------------------


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
        return _failed(tried, data, mend)
    if data.get("is_valid") is not True:
        error = as_dict(data.get("error"))
        number = "/".join(each for each in (text(error.get("code")), text(error.get("subcode"))) if each)
        came = words(f"The token is not valid {number}".rstrip(), f"Tokeni si halali {number}".rstrip())
        return Result(Outcome.BAD, tried, came, mend)
    until = expiry(data)
    if until is None:
        return Result(Outcome.GOOD, tried, words("Valid, and it never expires", "Halali, haina mwisho"))
    came = words(f"Valid until {_moment(until)}", f"Halali hadi {_moment(until)}")
    if until - case.known.now < SOON:
        return Result(Outcome.WARN, tried, came, mend)
    return Result(Outcome.GOOD, tried, came)


@check("permissions", "The token may do what we need", "Tokeni ina ruhusa zinazohitajika")
async def permissions(case: Case) -> Result:
    tried = words("Asked Meta what the token may do", "Imeiuliza Meta ruhusa za tokeni")
    data = await _token_data(case)
    if not isinstance(data, dict):
        return _failed(tried, data)
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


# -- the number and its account -------------------------------------------------------------------


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
        return _failed(tried, answer, mend)
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
        return _failed(tried, answer, mend)
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
        return _failed(tried, answer)
    facts = read_number(answer.body or {})
    came = words(
        f"Status {facts.status or '?'}, platform {facts.platform or '?'}, mode {facts.mode or '?'}",
        f"Hali {facts.status or '?'}, jukwaa {facts.platform or '?'}, namna {facts.mode or '?'}",
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
        return _failed(tried, answer)
    facts = read_number(answer.body or {})
    came = words(
        f"Quality {facts.quality or '?'}, limit {facts.messaging_limit or '?'}, sending {facts.can_send or '?'}",
        f"Ubora {facts.quality or '?'}, kikomo {facts.messaging_limit or '?'}, kutuma {facts.can_send or '?'}",
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


@check("ours", "The number is on here", "Namba imewashwa hapa")
async def ours(case: Case) -> Result:
    tried = words("Looked at what we keep of the number", "Imeangalia tunachohifadhi kuhusu namba")
    known = case.known
    if known.state == "connected":
        return Result(Outcome.GOOD, tried, words("It sends and receives", "Inatuma na kupokea"))
    reason = f": {known.state_reason}" if known.state_reason else ""
    return Result(
        Outcome.BAD,
        tried,
        words(f"It is {known.state}{reason}", f"Hali: {known.state}{reason}"),
        words(
            "What waits is sent as soon as the cause is mended: one message is tried now and then, or at once with a new token.",
            "Ujumbe unaosubiri utatumwa chanzo kikirekebishwa: mmoja hujaribiwa mara kwa mara, au mara moja kwa tokeni mpya.",
        ),
    )


# -- the webhook ----------------------------------------------------------------------------------


@check("subscribed", "The account sends to our app", "Akaunti inatuma kwa programu yetu")
async def subscribed(case: Case) -> Result:
    tried = words(
        f"Listed the apps that account {case.line.waba_id} sends to (subscribed_apps)",
        f"Imeorodhesha programu zinazopokea kutoka akaunti {case.line.waba_id} (subscribed_apps)",
    )
    mend = words(
        "Press “Subscribe”: it tells Meta to send this account's deliveries to our app. This is the most frequent reason why nothing arrives.",
        "Bonyeza “Jiandikishe”: inaiambia Meta itume kwa programu yetu. Hii ndiyo sababu ya kawaida ya kutopokea chochote.",
    )
    answer = await case.graph.read(case.line.token, case.line.waba_id, "subscribed_apps")
    if not isinstance(answer, Answer):
        return _failed(tried, answer)
    apps = {
        text(as_dict(as_dict(each).get("whatsapp_business_api_data")).get("id")): as_dict(each)
        for each in as_list((answer.body or {}).get("data"))
    }
    mine = apps.get(case.line.app_id) if case.line.app_id else next(iter(apps.values()), None)
    if mine is None:
        came = words(f"{len(apps)} apps, ours is not among them", f"Programu {len(apps)}, yetu haimo")
        return Result(Outcome.BAD, tried, came, mend)
    override = text(mine.get("override_callback_uri"))
    if override and override != case.webhook_url:
        came = words(f"Ours is there, but messages go to {override}", f"Yetu ipo, lakini ujumbe unaenda {override}")
        mend = words(
            f"An override sends messages elsewhere. Remove it, or set it to {case.webhook_url} (Subscribe removes it).",
            f"Kuna anwani mbadala. Iondoe, au iweke {case.webhook_url} (Jiandikishe huiondoa).",
        )
        return Result(Outcome.BAD, tried, came, mend)
    return Result(Outcome.GOOD, tried, words("Ours is among them", "Yetu imo"))


@check("fields", "Our app listens to what we need", "Programu yetu inasikiliza tunachohitaji")
async def fields(case: Case) -> Result:
    tried = words(
        "Read the app's webhook subscription (app/subscriptions)", "Imesoma usajili wa programu (app/subscriptions)"
    )
    if not case.app_token:
        came = words("We know no app secret of this number", "Hatuna siri ya programu ya namba hii")
        return Result(Outcome.SKIPPED, tried, came)
    answer = await case.graph.read(case.app_token, case.line.app_id, "subscriptions")
    if not isinstance(answer, Answer):
        return _failed(tried, answer)
    rows = [as_dict(each) for each in as_list((answer.body or {}).get("data"))]
    found = next((each for each in rows if text(each.get("object")) == "whatsapp_business_account"), {})
    names = {text(as_dict(each).get("name")) for each in as_list(found.get("fields"))}
    callback = text(found.get("callback_url"))
    missing = [name for name in NEEDED_FIELDS if name not in names]
    mend = words(
        f"In Meta's app dashboard under WhatsApp > Configuration set the callback {case.webhook_url} and tick: {', '.join(missing or _unheard(names))}.",
        f"Kwenye dashibodi ya Meta, WhatsApp > Configuration, weka callback {case.webhook_url} na uchague: {', '.join(missing or _unheard(names))}.",
    )
    if not found or found.get("active") is False or missing:
        came = words(
            "No active subscription to: " + ", ".join(NEEDED_FIELDS), "Hakuna usajili wa: " + ", ".join(NEEDED_FIELDS)
        )
        return Result(Outcome.BAD, tried, came, mend)
    if callback and callback != case.webhook_url:
        came = words(f"The app calls {callback}, not us", f"Programu inaita {callback}, si sisi")
        mend = words(
            f"An app has one callback: a test address takes production's deliveries. Set it to {case.webhook_url}, or tell us its public"
            " address (whatsapp.webhook_url).",
            f"Programu ina callback moja tu. Iweke {case.webhook_url}, au tuambie anwani yetu ya umma (whatsapp.webhook_url).",
        )
        return Result(Outcome.WARN, tried, came, mend)
    if unheard := _unheard(names):
        came = words(
            f"Messages come; not subscribed: {', '.join(unheard)}",
            f"Ujumbe unafika; hazijachaguliwa: {', '.join(unheard)}",
        )
        return Result(Outcome.WARN, tried, came, mend)
    return Result(
        Outcome.GOOD, tried, words(f"{len(names)} fields, to our address", f"Sehemu {len(names)}, kwa anwani yetu")
    )


def _unheard(names: set[str]) -> list[str]:
    return [name for name in WANTED_FIELDS if name not in names]


@check("challenge", "Our webhook answers Meta's challenge", "Webhook yetu inajibu changamoto ya Meta")
async def challenge(case: Case) -> Result:
    tried = words(
        f"Asked {case.webhook_url} as Meta does (hub.challenge)",
        f"Imeuliza {case.webhook_url} kama Meta (hub.challenge)",
    )
    if not case.line.verify_token:
        return Result(
            Outcome.BAD,
            tried,
            words("No verify token is set", "Hakuna verify token"),
            words("Give one under “New token”.", "Weka moja kwa “Tokeni mpya”."),
        )
    number = str(secrets.randbelow(10**9))
    status, body = await _own(case, number, case.line.verify_token)
    if status is None:
        mend = words(
            "Our own address does not answer. Is the web process up, and does its public address lead to it (whatsapp.webhook_url)?"
            " Meta needs https with a valid certificate chain.",
            "Anwani yetu haijibu. Je, web inaendeshwa, na anwani ya umma inaelekea kwake (whatsapp.webhook_url)?",
        )
        return Result(Outcome.BAD, tried, words(f"No answer ({body})", f"Hakuna jibu ({body})"), mend)
    if status != 200 or body.strip() != number:
        mend = words(
            "Something in front of our webhook answers in its place, or it has not yet seen a verify token that was changed in the last ten seconds.",
            "Kitu kilicho mbele ya webhook yetu kinajibu, au bado haijaona verify token iliyobadilishwa punde.",
        )
        return Result(
            Outcome.BAD, tried, words(f"HTTP {status}, not the challenge", f"HTTP {status}, si changamoto"), mend
        )
    other, _ = await _own(case, number, f"wrong-{secrets.token_hex(4)}")
    if other == 200:
        came = words("It also answers a wrong verify token", "Inajibu hata verify token isiyo sahihi")
        mend = words("Whatever stands there is not our webhook.", "Kilichopo hapo si webhook yetu.")
        return Result(Outcome.BAD, tried, came, mend)
    return Result(
        Outcome.GOOD, tried, words("It answered, and refused a wrong one", "Imejibu, na kukataa isiyo sahihi")
    )


async def _own(case: Case, number: str, verify_token: str) -> tuple[int | None, str]:
    query = {"hub.mode": "subscribe", "hub.challenge": number, "hub.verify_token": verify_token}
    try:
        async with case.session.get(case.webhook_url, params=query, timeout=OWN_TIMEOUT) as response:
            return response.status, (await response.content.read(256)).decode("utf-8", "replace")
    except (TimeoutError, aiohttp.ClientError, OSError) as e:
        return None, type(e).__name__


@check("secret", "The app secret is right", "Siri ya programu ni sahihi")
async def secret(case: Case) -> Result:
    tried = words("Proved the secret to Meta (appsecret_proof)", "Imethibitisha siri kwa Meta (appsecret_proof)")
    mend = words(
        "Deliveries are signed with the secret of the app. Copy it from Meta's app dashboard (App settings > Basic) into “New token”.",
        "Ujumbe husainiwa kwa siri ya programu. Inakili kutoka dashibodi ya Meta (App settings > Basic) kwenye “Tokeni mpya”.",
    )
    if not case.line.app_secrets:
        return Result(Outcome.BAD, tried, words("We have none", "Hatuna siri"), mend)
    failed: Failed | None = None
    for each in case.line.app_secrets:
        answer = await case.graph.read(
            case.line.token,
            case.line.phone_number_id,
            params={"fields": "id", "appsecret_proof": proof(each, case.line.token)},
        )
        if isinstance(answer, Answer):
            return Result(Outcome.GOOD, tried, words("Meta accepts it", "Meta imeikubali"))
        failed = answer
    assert failed is not None
    if isinstance(failed, Refused) and failed.error_class is not ErrorClass.AUTH:
        came = words(
            "Meta says that it is not the secret of the token's app", "Meta inasema si siri ya programu ya tokeni"
        )
        return Result(Outcome.BAD, tried, came, mend)
    return _failed(tried, failed)


@check("signature", "Signatures of deliveries match", "Sahihi za ujumbe zinalingana")
async def signature(case: Case) -> Result:
    tried = words("Looked at the last deliveries for this number", "Imeangalia ujumbe wa mwisho wa namba hii")
    known = case.known
    if known.refused_at is None:
        if known.last_delivery_at is None:
            came = words("None has come yet", "Hakuna uliofika bado")
            return Result(Outcome.SKIPPED, tried, came)
        return Result(
            Outcome.GOOD, tried, words("All that came were signed rightly", "Yote iliyofika ilisainiwa sawasawa")
        )
    came = words(
        f"One with a wrong signature was refused on {_moment(known.refused_at)}",
        f"Mmoja wenye sahihi isiyo sawa ulikataliwa {_moment(known.refused_at)}",
    )
    if known.last_delivery_at is not None and known.last_delivery_at > known.refused_at:
        came = words(f"{came['en']}; good ones came since", f"{came['sw']}; mizuri imefika baadaye")
        return Result(Outcome.GOOD, tried, came)
    mend = words(
        "The secret was changed at Meta, or another app sends to us. Check “The app secret is right”, then give the new one under “New token”;"
        " what was refused is sent again by Meta for hours.",
        "Siri ilibadilishwa Meta, au programu nyingine inatutumia. Angalia siri ya programu, kisha weka mpya kwa “Tokeni mpya”; Meta hutuma"
        " tena yaliyokataliwa kwa saa kadhaa.",
    )
    return Result(Outcome.BAD, tried, came, mend)


@check("deliveries", "Deliveries arrive", "Ujumbe unafika")
async def deliveries(case: Case) -> Result:
    tried = words("Looked when Meta was heard last", "Imeangalia Meta ilisikika lini")
    known = case.known
    at = max((each for each in (known.last_delivery_at, known.last_message_at) if each is not None), default=None)
    mend = words(
        "Write to the number from a phone. If nothing shows here, look at the four checks above: the account's app, the fields, the challenge"
        " and whether the app is Live (in Development Meta sends only test deliveries).",
        "Andika kwa namba kutoka simu. Kama hakuna kinachoonekana, angalia vipimo vinne hapo juu, na kama programu iko Live.",
    )
    if at is None:
        return Result(Outcome.BAD, tried, words("Nothing has ever come", "Hakuna kilichowahi kufika"), mend)
    heard = f", a message on {_moment(known.last_message_at)}" if known.last_message_at else ", no message yet"
    sikika = f", ujumbe {_moment(known.last_message_at)}" if known.last_message_at else ", bado hakuna ujumbe"
    came = words(f"The last delivery came on {_moment(at)}{heard}", f"Wa mwisho ulifika {_moment(at)}{sikika}")
    if known.now - at > QUIET:
        return Result(Outcome.WARN, tried, came, mend)
    return Result(Outcome.GOOD, tried, came)


# -- beside it ------------------------------------------------------------------------------------


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
    listed = ", ".join(f"{count} {status}" for status, count in sorted(known.templates.items())) or "0"
    came = words(
        f"{listed} (fetched on {_moment(known.templates_at)})", f"{listed} (vimeletwa {_moment(known.templates_at)})"
    )
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


def _failed(tried: Words, answer: Failed, mend: Words | None = None) -> Result:
    """A definite no is bad. What could not be asked is a warning: nobody knows."""
    if isinstance(answer, Refused) and answer.code is not None:
        if answer.error_class is ErrorClass.AUTH:
            mend = (
                words("First mend “The access token lives”.", "Kwanza rekebisha “Tokeni iko hai”.")
                if mend is None
                else mend
            )
        return Result(Outcome.BAD, tried, said(answer), mend or _UNKNOWN)
    return Result(Outcome.BAD if isinstance(answer, Refused) else Outcome.WARN, tried, said(answer), _AWAY)


_AWAY = words(
    "Try again. If it stays so: does this machine reach the internet, and is whatsapp.graph_url right?",
    "Jaribu tena. Ikiendelea: je, mashine hii inafikia mtandao, na whatsapp.graph_url ni sahihi?",
)
_UNKNOWN = words(
    "Mend the checks above first; the code in brackets is what Meta's support asks for.",
    "Rekebisha vipimo vya juu kwanza; msimbo kwenye mabano ndio unaoulizwa na usaidizi wa Meta.",
)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
