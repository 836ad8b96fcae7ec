"""People who do not walk straight: they digress, correct, cancel, come back, tap old buttons and change the language, all on the chat page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.testing.openai_server import OpenAIServer
from tests.e2e.phone import Phone
from tests.e2e.stack import Stack, running
from tests.e2e.test_browser import ASHA, BRIAN, PATIENCE_MS, open_browser

SKILLS = ("assistant", "events")
RULES = [
    {"when": "umbrella", "commands": [{"command": "start_flow", "flow": "events:events_register"}]},
    {"when": "parking", "answer": "Across Parklands Road, KES 200 for the evening.", "sources": [1]},
    {"when": "scribble", "commands": [{"command": "set_slot", "slot": "events:events_name", "value": "Asha Mwangi"}]},
    {"when": "bored of this", "commands": [{"command": "cancel_flow"}]},
    {"when": "burn", "status": 503},
]


async def test_without_a_model_a_person_finds_back_from_everywhere(tmp_path: Path) -> None:
    with running(tmp_path, skills=SKILLS, EMBEDDINGS__PROVIDER="local") as stack:
        async with _page(stack) as page, stack.emulator() as client:
            asha = Phone(page, ASHA)
            await asha.say("hi", "Savanna Events")
            await asha.say("register", "Which one interests you?")
            await asha.tap("Makers' Night Market", "which ticket would you like?")
            # A question in the middle is answered with its source, and then the form goes on.
            await asha.say("is there parking?", "Source: Visiting our events", "which ticket would you like?")
            await asha.tap("Entry", "Shall the ticket be on the name")
            await asha.say("yes", "your e-mail address?")
            # Another wish comes between.
            await asha.say("my tickets", "You have no tickets", "Shall we go on with it?")
            await asha.tap("Yes, go on", "your e-mail address?")
            await asha.say("my email is asha@example.org", "Please check:")
            await asha.say("no", "What would you like to change?")
            await asha.tap("The name", "Shall the ticket be on the name")
            await asha.say("Asha Wanjiru", "Asha Wanjiru")
            await asha.say("my email is asha.wanjiru@example.org", "Changed: email", "✉️ asha.wanjiru@example.org")
            # An old button asks first.
            await asha.tap("Pottery class", "Shall I change your answer to", of="which ticket would you like?")
            await asha.tap("No, keep it", "it stays as it was", "🎟️ Entry")
            # An hour later the question stands; a day later going on is offered.
            await client.shift_clock("+1h")
            await asha.say("good evening", "Savanna Events", "Shall we go on")
            await asha.tap("Yes, go on", "Please check:")
            await client.shift_clock("+25h")
            await asha.say("hello", "Savanna Events", "Shall we go on")
            await asha.say("yes", "Please check:")
            await asha.say("cancel", "I have stopped: registration")
            await asha.tap("Entry", "is closed now", of="which ticket would you like?")

            brian = Phone(page, BRIAN)
            await brian.say("kiswahili", "nitakuandikia kwa Kiswahili")
            await brian.say("jisajili", "Ungependa lipi?")
            await brian.tap("Makers' Night Market", "ungependa tiketi gani?")
            await brian.tap("Entry", "Tiketi iandikwe jina")
            await brian.say("english", "I will write to you in English", "Shall we go on with it?")
            await brian.say("kiswahili", "nitakuandikia kwa Kiswahili", "Tuendelee nalo?")
            await brian.say("ndiyo", "Tiketi iandikwe jina")
            await brian.say("kuna maegesho?", "Chanzo: Kuhudhuria matukio yetu", "Tiketi iandikwe jina")
            await brian.say("hapana", "andika jina linalofaa")
            await brian.say("Brian Otieno", "barua pepe yako?")
            await brian.say("brian@example.org", "Tafadhali hakikisha:")
            await brian.say("ndiyo", "Umesajiliwa, Brian Otieno")
            await brian.picture()
            await brian.say("ghairi tiketi", "Ungependa kurudisha tiketi hii?")
            await brian.tap("Ndiyo, ighairi", "imeghairiwa")


async def test_with_a_model_other_words_lead_there_too(tmp_path: Path) -> None:
    async with OpenAIServer.open() as server:
        server.rules = RULES
        with running(
            tmp_path, skills=SKILLS, EMBEDDINGS__PROVIDER="local", LLM__BASE_URL=server.base_url, LLM__TIMEOUT_S=3
        ) as stack:
            async with _page(stack) as page:
                asha = Phone(page, ASHA)
                await asha.say("hi", "Savanna Events")
                await asha.say("it rains, hook me up with an umbrella", "Which one interests you?")
                await asha.tap("Makers' Night Market", "which ticket would you like?")
                await asha.say("is there parking?", "Parklands Road", "which ticket would you like?")
                await asha.tap("Entry", "Shall the ticket be on the name")
                await asha.say("yes", "your e-mail address?")
                await asha.say("burn it", "does not look like an e-mail address")  # the server is away
                await asha.say("asha@example.org", "Please check:")
                await asha.say("scribble me down as Asha Mwangi", "Please check:")
                await asha.say("my email is asha.m@example.org", "Changed: email", "✉️ asha.m@example.org")
                await asha.tap("Entry", "noted already", "Please check:", of="which ticket would you like?")
                await asha.say("kiswahili", "nitakuandikia kwa Kiswahili", "Tuendelee nalo?")
                await asha.say("ndiyo", "Tafadhali hakikisha:")
                # Answered in the language of the message; the person's own stays Swahili.
                await asha.say("I am so bored of this whole thing", "I have stopped:")
                await asha.say("jisajili", "Ungependa lipi?")
            assert server.chats
            assert not any("asha@example.org" in chat.text for chat in server.chats)


@asynccontextmanager
async def _page(stack: Stack) -> AsyncIterator[Any]:
    async with open_browser() as browser:
        page = await (await browser.new_context(viewport={"width": 1280, "height": 900})).new_page()
        page.set_default_timeout(PATIENCE_MS / 2)
        await page.goto(stack.state.urls["chat"])
        yield page
