"""`chatnation chat`, piped: what is shown, what its commands do, and that what it records is a test that passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.testing.database import Cluster
from bot.tools.chat import Chat
from bot.tools.recording import record
from tests.bot.tools.fresh import run


@pytest.fixture
def shown() -> list[str]:
    return []


async def talk(cluster: Cluster, shown: list[str], *lines: str, skills: tuple[str, ...] = ("assistant",)) -> Chat:
    chat = Chat(cluster, skills, shown.append)
    try:
        await chat.start()
        for line in lines:
            shown.append(f"> {line}")
            await chat.read(line)
    finally:
        await chat.close()
    return chat


def after(shown: list[str], line: str) -> str:
    """What was shown between this line of input and the next."""
    first = len(shown) - 1 - shown[::-1].index(f"> {line}")
    rest = shown[first + 1 :]
    end = next((n for n, each in enumerate(rest) if each.startswith("> ")), len(rest))
    return "\n".join(rest[:end])


def test_a_piped_chat_records_a_case_that_passes(tmp_path: Path) -> None:
    run(tmp_path, "new-skill", "pizza")
    cases = "skills/pizza/tests/talk.yml"
    given = "pizza\n/tap 2\n/now +25h\n/as Ann\npizza\n1\n"
    done = run(tmp_path, "chat", "pizza", "--record", cases, given=given)
    assert done.returncode == 0, done.stderr
    assert "     [2] Green\n" in done.stdout
    assert "bot: Thank you, green it is!" in done.stdout
    tested = run(tmp_path, "test", cases)
    assert "1 passed, 0 failed" in tested.stdout, tested.stdout
    text = (tmp_path / cases).read_text()
    (tmp_path / cases).write_text(text.replace("red it is", "blue it is"))
    assert run(tmp_path, "test", cases).returncode == 1


def test_a_skill_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "chat", "nothing")
    assert (done.returncode, "there is no skill nothing" in done.stderr) == (2, True)


async def test_state_and_stack_show_where_the_conversation_stands(cluster: Cluster, shown: list[str]) -> None:
    await talk(cluster, shown, "language", "/state", "/stack")
    state = json.loads(after(shown, "/state"))
    assert (state["phase"], state["pending"]["slot"]) == ("LOCKED", "assistant:assistant_language")
    assert [each["flow"] for each in json.loads(after(shown, "/stack"))] == ["assistant:assistant_language"]


async def test_why_tells_what_was_understood_and_done(cluster: Cluster, shown: list[str]) -> None:
    await talk(cluster, shown, "language", "/why")
    told = json.loads(after(shown, "/why"))
    assert told["turn"] == "language"
    assert told["considered"][0]["command"] == "StartFlow"
    assert told["considered"][0]["flow"] == "assistant:assistant_language"
    assert told["considered"][0]["source"] == "words"
    assert [each for each in told["considered"] if each.get("lost")], "why others were not taken"
    assert {"what": "flow_started", "flow": "assistant:assistant_language"} in told["engine"]


async def test_undo_takes_the_last_thing_back(cluster: Cluster, shown: list[str]) -> None:
    chat = await talk(
        cluster, shown, "language", "/tap Kiswahili", "/undo", "/state", "english", "/undo", "/undo", "/undo"
    )
    assert json.loads(after(shown, "/state"))["pending"]["slot"] == "assistant:assistant_language"
    assert shown[-1] == "! there is nothing to take back"
    assert chat.script.acts == []


async def test_the_locale_is_the_organizations(cluster: Cluster, shown: list[str]) -> None:
    await talk(cluster, shown, "/locale sw", "habari")
    assert after(shown, "habari").startswith("bot: Habari!")


async def test_time_passes_and_a_reset_forgets(cluster: Cluster, shown: list[str]) -> None:
    await talk(cluster, shown, "language", "/now +200h", "/reset", "/state")
    assert "UTC" in after(shown, "/now +200h")
    assert json.loads(after(shown, "/state"))["phase"] == "IDLE"


@pytest.mark.parametrize("line", ["/tap 9", "/tap Nonsense", "/now yesterday", "/now", "/locale"])
async def test_a_mistake_is_told_and_ends_nothing(line: str, cluster: Cluster, shown: list[str]) -> None:
    await talk(cluster, shown, line, "language")
    assert after(shown, line).startswith("! ")
    assert after(shown, "language").startswith("bot: ")


async def test_a_recording_does_not_touch_other_files(cluster: Cluster, shown: list[str], tmp_path: Path) -> None:
    chat = await talk(cluster, shown, "language")
    other = tmp_path / "flows.yml"
    other.write_text("flows: {}\n")
    with pytest.raises(Exception, match="holds no test_cases"):
        record(other, chat.script)
    assert other.read_text() == "flows: {}\n"
