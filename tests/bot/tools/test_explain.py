"""`chatnation explain` on rows of real turns."""

from __future__ import annotations

import pytest

from bot.errors import ChatNationError
from bot.messages import Text
from bot.testing import Stage
from bot.tools.traces import turns_of
from store.tenancy import organization_scope
from tests.support.database import Database


async def test_each_answer_stands_with_its_message_however_quickly_people_write(database: Database) -> None:
    async with Stage.open(skills=("assistant",)) as stage:
        ann = stage.person("Ann")
        for text in ("hi", "thanks"):
            await stage.accept(ann, Text(text=text))
        await stage.settle()
        with organization_scope(stage.organization_id):
            hi, thanks = await turns_of(stage.organization_id, "")
            assert await turns_of(stage.organization_id, str(hi["session_id"])) == [hi, thanks]
        assert [turn["message"]["text"] for turn in (hi, thanks)] == ["hi", "thanks"]
        assert hi["understanding"]["considered"][0]["flow"] == "assistant:assistant_greeting"
        assert [each["from"].partition("/")[0] for each in hi["answers"]] == ["assistant:assistant_greeting"]
        assert [each["from"].partition("/")[0] for each in thanks["answers"]] == ["assistant:assistant_thanks"]
        assert hi["answers"][0]["text"].startswith("Hello Ann")


async def test_what_is_no_id_is_refused(database: Database) -> None:
    async with Stage.open(skills=("assistant",)) as stage:
        with organization_scope(stage.organization_id), pytest.raises(ChatNationError, match="'abc' is no id"):
            await turns_of(stage.organization_id, "abc")
