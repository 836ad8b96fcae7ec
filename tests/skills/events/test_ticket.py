"""The signed text of a QR code, and the picture it is drawn into."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import pyvips
import zxingcpp

from bot.testing import Stage
from skills.events import service
from skills.events.models import Ticket
from skills.events.render.ticket import HEIGHT, WIDTH, TicketFace, draw_ticket
from skills.events.service.ticket import ticket_code
from skills.events.testing import given
from store.ids import uuid7
from store.tenancy import organization_scope
from tests.skills.events.people import new_event, new_registrant, register

FACE = TicketFace(
    organization="Savanna Events",
    title="Nairobi AI & Data Summit",
    date="Saturday 12 December 2026",
    time="09:00 – 17:30",
    venue="Sarit Expo Centre, Westlands, Nairobi",
    holder="Wanjiru Kamau",
    ticket_type="General admission",
    code="7K3M-Q9TD",
    qr="CN1.AGJATL7RZ5ZOZGFPW733KBKC5I.PNIRUJP4MTLHPBWAMZSAJKG6XE",
    labels=("Date", "Time", "Venue", "Name", "Ticket", "Code"),
    footer="Show this ticket at the entrance.",
)


def read_codes(image: Any) -> list[str]:
    grey = image.colourspace("b-w")
    pixels = memoryview(grey.write_to_memory()).cast("B", shape=[grey.height, grey.width])
    return [found.text for found in zxingcpp.read_barcodes(pixels)]


def opened(jpeg: bytes) -> Any:
    return pyvips.Image.new_from_buffer(jpeg, "")


@pytest.mark.parametrize("scale", [1.0, 0.4, 0.25])
def test_the_code_can_be_read_also_from_a_small_screen(scale: float) -> None:
    image = opened(draw_ticket(FACE))
    assert (image.width, image.height) == (WIDTH, HEIGHT)
    assert read_codes(image.resize(scale)) == [FACE.qr]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5000,
        "Wolfeschlegelsteinhausenbergerdorff " * 12,
        "<b>&amp;</span> \x00\x1b[31m \u202e reversed",
        "محمد عبد الرحمن بن خالد",
        "שלום עולם",
        "💃🏾🎉🇰🇪",
        "አበበ ቢቂላ",
        "",
        "\n\n\t",
        "a\u0301\u0301\u0301" * 60,
    ],
)
def test_whatever_people_write_the_ticket_is_drawn_and_its_code_read(text: str) -> None:
    face = replace(FACE, organization=text, title=text, venue=text, holder=text, ticket_type=text)
    assert read_codes(opened(draw_ticket(face))) == [FACE.qr]


def test_a_long_name_stays_inside_its_place() -> None:
    """Outside of the card there is nothing but the background: same pixels, whoever holds the ticket."""
    short, long = (opened(draw_ticket(replace(FACE, holder=name))) for name in ("Ann", "Njeri Wanjiru " * 20))
    margin = (WIDTH - 40, 700, 40, 600)
    assert (short.crop(*margin) - long.crop(*margin)).abs().max() <= 8  # JPEG


def test_markup_in_a_name_is_text() -> None:
    plain, marked = (
        opened(draw_ticket(replace(FACE, holder=name))) for name in ("Ann", '<span size="99999">Ann</span>')
    )
    assert (plain - marked).abs().max() > 50


async def test_only_what_this_organization_signed_verifies(stage: Stage) -> None:
    ticket_id = uuid7()
    with organization_scope(stage.organization_id):
        token = await service.ticket_token(ticket_id)
        assert await service.verify_ticket(token) == ticket_id
        assert await service.verify_ticket(f"  {token.lower()} ") == ticket_id
        forged = await service.ticket_token(uuid7())
        mixed = ".".join((*token.split(".")[:2], forged.split(".")[2]))
        for wrong in (
            mixed,
            token[:-1],
            token + "A",
            token.replace("CN1", "CN2"),
            "",
            "CN1",
            "CN1..",
            "CN1.é.1",
            "hello",
        ):
            assert await service.verify_ticket(wrong) is None, wrong


def test_the_code_to_read_out_has_no_letters_to_mistake() -> None:
    codes = {ticket_code(uuid7()) for _ in range(2000)}
    assert len(codes) == 2000
    assert not set("".join(codes)) & set("ILOU")


async def test_the_picture_in_the_chat_carries_the_tickets_own_code(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        await given([{"slug": "fair", "types": [{"name": "Entry"}]}], now=stage.clock.now())
    ann = stage.person("Ann Njeri")
    for text in ("register", "Ann Njeri", "ann@example.com", "yes"):
        await ann.say(text)
    media = ann.heard[-1].media
    assert media is not None
    jpeg = await stage.runtime.blobs.get(stage.organization_id, media.blob)
    with organization_scope(stage.organization_id):
        ticket = await Ticket.get(contact_id=ann.contact_id)
        assert read_codes(opened(jpeg)) == [await service.ticket_token(ticket.id)]
    assert ticket.code in ann.heard[-1].text


async def test_a_ticket_cancelled_before_it_was_drawn_is_not_sent(stage: Stage) -> None:
    with organization_scope(stage.organization_id):
        _, kind = await new_event()
        ticket = await register(stage, kind, await new_registrant(stage))
        await Ticket.filter(id=ticket.id).update(status="cancelled")
        assert await service.picture_drawn(ticket.id, "b" * 64) is None


def test_only_the_render_worker_imports_the_renderer() -> None:
    code = (
        "import sys, skills.events.actions, skills.events.tasks_bulk, skills.events.demo;"
        "print([name for name in ('pyvips', 'segno') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_font_of_the_machine_is_needed() -> None:
    """With empty font folders the picture is the same: our own files are used."""
    code = "import sys; from tests.skills.events.test_ticket import FACE, draw_ticket; sys.stdout.buffer.write(draw_ticket(FACE))"
    environment = {"XDG_DATA_DIRS": "nowhere", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    bare, here = opened(done.stdout), opened(draw_ticket(FACE))
    assert (bare - here).abs().max() <= 8
    assert io.BytesIO(done.stdout).read(2) == b"\xff\xd8"
