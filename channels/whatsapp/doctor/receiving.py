"""Whether we hear: the four switches behind "verified, but nothing arrives", and our own webhook."""

from __future__ import annotations

import secrets
from datetime import timedelta

import aiohttp

from bot.provider import Outcome
from channels.whatsapp.client import Answer, Refused
from channels.whatsapp.doctor.case import Case, Result, check, failed, words
from channels.whatsapp.errors import ErrorClass
from channels.whatsapp.lenient import as_dict, as_list, text
from channels.whatsapp.reading import Failed, proof

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
QUIET = timedelta(hours=24)
STATES = {"paused": "imesitishwa", "stopped": "imesimamishwa", "disconnected": "imetenganishwa"}
OWN_TIMEOUT = aiohttp.ClientTimeout(total=8)


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
        words(f"It is {known.state}{reason}", f"Hali: {STATES.get(known.state, known.state)}{reason}"),
        words(
            "What waits is sent as soon as the cause is mended: one message is tried now and then, or at once with a new token.",
            "Ujumbe unaosubiri utatumwa chanzo kikirekebishwa: mmoja hujaribiwa mara kwa mara, au mara moja kwa tokeni mpya.",
        ),
    )


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
        return failed(tried, answer)
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
        return failed(tried, answer)
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
    refusal: Failed | None = None
    for each in case.line.app_secrets:
        answer = await case.graph.read(
            case.line.token,
            case.line.phone_number_id,
            params={"fields": "id", "appsecret_proof": proof(each, case.line.token)},
        )
        if isinstance(answer, Answer):
            return Result(Outcome.GOOD, tried, words("Meta accepts it", "Meta imeikubali"))
        refusal = answer
    assert refusal is not None
    if isinstance(refusal, Refused) and refusal.error_class is not ErrorClass.AUTH:
        came = words(
            "Meta says that it is not the secret of the token's app", "Meta inasema si siri ya programu ya tokeni"
        )
        return Result(Outcome.BAD, tried, came, mend)
    return failed(tried, refusal)


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
        f"One with a wrong signature was refused on {case.moment(known.refused_at)}",
        f"Mmoja wenye sahihi isiyo sawa ulikataliwa {case.moment(known.refused_at)}",
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
    heard = f", a message on {case.moment(known.last_message_at)}" if known.last_message_at else ", no message yet"
    sikika = f", ujumbe {case.moment(known.last_message_at)}" if known.last_message_at else ", bado hakuna ujumbe"
    came = words(f"The last delivery came on {case.moment(at)}{heard}", f"Wa mwisho ulifika {case.moment(at)}{sikika}")
    if known.now - at > QUIET:
        return Result(Outcome.WARN, tried, came, mend)
    return Result(Outcome.GOOD, tried, came)
