"""Letters against a real SMTP server, texts against a real HTTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from bot.config import Configuration
from bot.errors import Permanent, Retryable
from bot.identity import letters
from bot.identity.settings import EmailSettings, SmsSettings
from bot.ports import Letter
from channels.notify import Notify

LETTER = Letter("jane@savanna.example", "Habari", "Text — kwa Kiswahili", "<p>Text</p>")


@dataclass
class Mailbox:
    envelopes: list[Any] = field(default_factory=list)
    answer: str = "250 OK"
    refuses: str = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.envelopes.append(envelope)
        return self.answer


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"mailer", b"sesame"), handled=False)


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[Mailbox, int]]:
    box = Mailbox()

    def served() -> SMTP:
        return SMTP(box, authenticator=_authenticate, auth_require_tls=False)

    server = await asyncio.get_running_loop().create_server(served, "127.0.0.1", 0)
    try:
        yield box, server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _notify(tmp_path: Path, port: int = 0, **more: Any) -> Notify:
    given: dict[str, Any] = {"security": "none", "sender": "Savanna Events <hello@savanna.example>", "timeout_s": 5}
    if port:
        given |= {"host": "127.0.0.1", "port": port}
    return Notify(EmailSettings(**{**given, **more}), SmsSettings(), tmp_path / "mail")


def _read(content: bytes) -> Any:
    return email.message_from_bytes(content, policy=email.policy.default)


async def test_a_letter_arrives_as_text_and_page(mailbox: tuple[Mailbox, int], tmp_path: Path) -> None:
    box, port = mailbox
    await _notify(tmp_path, port).email(LETTER)
    (envelope,) = box.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("hello@savanna.example", ["jane@savanna.example"])
    message = _read(envelope.content)
    assert (message["Subject"], message["From"]) == ("Habari", "Savanna Events <hello@savanna.example>")
    assert message.get_body(("plain",)).get_content().strip() == "Text — kwa Kiswahili"
    assert message.get_body(("html",)).get_content().strip() == "<p>Text</p>"
    assert message["Auto-Submitted"] == "auto-generated"


async def test_a_login_is_used_and_a_wrong_one_named(mailbox: tuple[Mailbox, int], tmp_path: Path) -> None:
    box, port = mailbox
    await _notify(tmp_path, port, username="mailer", password="sesame").email(LETTER)
    assert len(box.envelopes) == 1
    with pytest.raises(Permanent, match="CHATNATION__EMAIL__USERNAME"):
        await _notify(tmp_path, port, username="mailer", password="wrong").email(LETTER)


@pytest.mark.parametrize(("field", "code"), [("answer", "451 later"), ("refuses", "450 greylisted")])
async def test_a_busy_server_is_asked_again_later(
    mailbox: tuple[Mailbox, int], tmp_path: Path, field: str, code: str
) -> None:
    box, port = mailbox
    setattr(box, field, code)
    with pytest.raises(Retryable):
        await _notify(tmp_path, port).email(LETTER)


@pytest.mark.parametrize(("field", "code"), [("answer", "554 spam"), ("refuses", "550 no such user")])
async def test_a_refusal_is_final(mailbox: tuple[Mailbox, int], tmp_path: Path, field: str, code: str) -> None:
    box, port = mailbox
    setattr(box, field, code)
    with pytest.raises(Permanent):
        await _notify(tmp_path, port).email(LETTER)


async def test_a_server_that_is_away_or_speaks_no_tls_is_a_reason_to_wait(
    mailbox: tuple[Mailbox, int], tmp_path: Path
) -> None:
    _, port = mailbox
    with pytest.raises(Retryable):
        await _notify(tmp_path, port, security="starttls").email(LETTER)  # never in the clear instead
    with pytest.raises(Retryable):
        await _notify(tmp_path, 9).email(LETTER)


@pytest.mark.parametrize("address", ["jane@savanna.example\r\nBcc: all@x.example", "jane", "", "a b@c.example"])
async def test_an_address_that_is_none_adds_no_header(
    mailbox: tuple[Mailbox, int], tmp_path: Path, address: str
) -> None:
    box, port = mailbox
    with pytest.raises(Permanent):
        await _notify(tmp_path, port).email(Letter(address, "x", "y"))
    assert box.envelopes == []


async def test_a_subject_with_a_line_break_stays_one_line(mailbox: tuple[Mailbox, int], tmp_path: Path) -> None:
    box, port = mailbox
    await _notify(tmp_path, port).email(Letter("jane@savanna.example", "Hi\r\nBcc: all@x.example", "y"))
    message = _read(box.envelopes[0].content)
    assert message["Bcc"] is None
    assert message["Subject"] == "Hi Bcc: all@x.example"


async def test_without_a_server_letters_are_files_for_their_owner_only(tmp_path: Path) -> None:
    await _notify(tmp_path).email(LETTER)
    (path,) = (tmp_path / "mail").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert _read(path.read_bytes())["To"] == "jane@savanna.example"


@pytest.mark.parametrize("locale", letters.LOCALES)
async def test_every_letter_of_every_language_can_be_sent(
    mailbox: tuple[Mailbox, int], tmp_path: Path, locale: str
) -> None:
    box, port = mailbox
    kinds = ("verify", "reset", "invitation", "password_changed")
    for kind in kinds:
        letter = letters.write(
            kind,
            "jane@savanna.example",
            locale,
            link="https://chatnation.example/x?token=abc",
            **dict.fromkeys(("name", "hours", "minutes", "days", "inviter", "organization", "role"), "Ünïcode 12"),
        )
        await _notify(tmp_path, port).email(letter)
    assert len(box.envelopes) == len(kinds)
    for envelope in box.envelopes:
        text = _read(envelope.content).get_body(("plain",)).get_content()
        assert "https://chatnation.example/x?token=abc" in text
        assert "{" not in text


# -- texts


@dataclass
class Provider:
    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[Any, str | None]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append((await request.json(), request.headers.get("Authorization")))
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    found = Provider()
    app = web.Application()
    app.router.add_post("/send", found.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/send"
    yield found
    await runner.cleanup()


def _sms(provider: Provider, **more: Any) -> Notify:
    return Notify(EmailSettings(), SmsSettings(**{"url": provider.url, **more}), Path("unused"))


async def test_a_text_goes_in_the_form_that_the_settings_say(provider: Provider) -> None:
    body = {"recipient": "{to}", "content": "{sender}: {text}", "type": "plain {json}"}
    await _sms(provider, body=body, token="sesame", sender="Savanna").sms("+254722000111", "Code {to} 123")
    assert provider.asked == [
        (
            {"recipient": "+254722000111", "content": "Savanna: Code {to} 123", "type": "plain {json}"},
            "Bearer sesame",
        )
    ]


async def test_what_a_provider_answers_says_who_tries_again(provider: Provider) -> None:
    provider.status, provider.headers = 429, {"Retry-After": "7"}
    with pytest.raises(Retryable) as caught:
        await _sms(provider).sms("+254722000111", "x")
    assert caught.value.after_s == 7
    provider.status, provider.headers = 503, {}
    with pytest.raises(Retryable):
        await _sms(provider).sms("+254722000111", "x")
    for status in (302, 400, 401):
        provider.status = status
        with pytest.raises(Permanent):
            await _sms(provider).sms("+254722000111", "x")
    with pytest.raises(Retryable):
        await _sms(Provider(url="http://127.0.0.1:9/send")).sms("+254722000111", "x")


async def test_without_a_provider_there_are_no_texts() -> None:
    with pytest.raises(Permanent, match="CHATNATION__SMS__URL"):
        await Notify(EmailSettings(), SmsSettings(), Path("unused")).sms("+254722000111", "x")


def test_the_body_is_set_as_json() -> None:
    read = Configuration.read({"CHATNATION__SMS__BODY": '{"phone": "{to}", "body": "{text}"}'})
    assert read.section(SmsSettings, "sms").body == {"phone": "{to}", "body": "{text}"}
