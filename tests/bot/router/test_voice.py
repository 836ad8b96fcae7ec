"""A voice note is a text once somebody has heard it."""

from __future__ import annotations

from bot.bodies import decode_inbound
from bot.messages import Media, MediaKind
from bot.testing import Stage
from bot.testing.openai_server import OpenAIServer
from store.crypto import keyring
from tests.bot.router.conftest import OpenStage, core_text, facts
from tests.bot.router.test_understanding import known, start

NOTE = Media(kind=MediaKind.VOICE, media_id="voice-1", mime_type="audio/ogg; codecs=opus")
UNUSABLE = core_text("utter_unusable_voice")


async def kept(stage: Stage) -> Media:
    keys = await keyring().keys(stage.organization_id)
    [row] = await stage.rows("SELECT body FROM messages WHERE direction = 'in' AND type = 'media'")
    found = decode_inbound(row["body"], keys)
    assert isinstance(found, Media)
    return found


async def test_a_voice_note_is_understood_as_its_text_and_keeps_it(server: OpenAIServer, open_stage: OpenStage) -> None:
    stage = await open_stage(server)
    ann = await known(stage)
    server.transcript = "Order."
    assert [each.text for each in await ann.send_media(NOTE, b"OggS")] == ["How many?"]
    assert server.heard == [("voice.ogg", b"OggS", "")]
    assert (await kept(stage)).transcript == "Order."
    assert (await kept(stage)).media_id == "voice-1"
    [fact] = await facts(stage)
    assert (fact["kind"], fact["size_bytes"]) == ("transcription", 4)
    assert fact["inbox_id"] is not None


async def test_a_voice_note_answers_the_open_question(server: OpenAIServer, open_stage: OpenStage) -> None:
    stage = await open_stage(server)
    ann = await known(stage)
    await ann.say("order")
    server.transcript = "Twenty five, please"
    assert [each.text for each in await ann.send_media(NOTE, b"OggS")] == ["Which size?"]
    assert (await ann.slots())["shop:shop_count"] == 25


async def test_what_is_said_in_other_words_is_asked_too(server: OpenAIServer, open_stage: OpenStage) -> None:
    stage = await open_stage(server)
    server.transcript = "I have a rip in the thing you sold me"
    server.commands(start("shop:shop_refund"))
    assert [each.text for each in await (await known(stage)).send_media(NOTE, b"OggS")] == ["Refunded."]
    assert [each["kind"] for each in await facts(stage)] == ["transcription", "chat"]


async def test_a_voice_note_that_nobody_can_hear_is_told_kindly(server: OpenAIServer, open_stage: OpenStage) -> None:
    stage = await open_stage(server, attempts=1)
    ann = await known(stage)
    server.fails(500)
    assert [each.text for each in await ann.send_media(NOTE, b"OggS")] == [UNUSABLE]
    assert (await kept(stage)).transcript == ""


async def test_a_voice_note_whose_file_is_gone_is_told_kindly(server: OpenAIServer, open_stage: OpenStage) -> None:
    stage = await open_stage(server)
    stage.hold_jobs = True  # the job that fetches files would tell of it as well
    assert [each.text for each in await (await known(stage)).send(NOTE)] == [UNUSABLE]
    assert server.heard == []


async def test_a_voice_note_that_was_heard_in_an_earlier_try_is_not_heard_again(
    server: OpenAIServer, open_stage: OpenStage
) -> None:
    stage = await open_stage(server)
    stage.hold_jobs = True
    heard = NOTE.model_copy(update={"transcript": "order"})
    assert [each.text for each in await (await known(stage)).send(heard)] == ["How many?"]
    assert server.heard == []


async def test_without_a_transcriber_it_cannot_be_used(open_stage: OpenStage) -> None:
    stage = await open_stage()
    assert [each.text for each in await (await known(stage)).send_media(NOTE, b"OggS")] == [UNUSABLE]


async def test_a_music_file_is_not_listened_to(server: OpenAIServer, open_stage: OpenStage) -> None:
    stage = await open_stage(server)
    song = NOTE.model_copy(update={"kind": MediaKind.AUDIO})
    assert [each.text for each in await (await known(stage)).send_media(song, b"OggS")] == [
        core_text("utter_unusable_input")
    ]
    assert server.heard == []
