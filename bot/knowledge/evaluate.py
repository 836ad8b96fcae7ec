"""Golden questions: how much of what is known is found, and how much of what is not is left alone.

questions:
  - {ask: Is there parking?, source: "Visiting our events, Parking"}
  - {ask: je kuna maegesho, locale: sw, source: "Kuhudhuria matukio yetu, Maegesho"}
  - {ask: who won the match}          # nothing here answers it
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.errors import ChatNationError
from bot.knowledge.base import KnowledgeStore, is_known

__all__ = ["BadGolden", "Golden", "Report", "evaluate", "read_golden"]


class BadGolden(ChatNationError):
    """The file of golden questions cannot be used; the message says where."""


class Golden(BaseModel):
    """`source` as it is quoted, "title, heading"; without one the question must stay without an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ask: str
    source: str = ""
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Outcome:
    golden: Golden
    sources: tuple[str, ...]  # as ranked
    is_answered: bool

    @property
    def is_right(self) -> bool:
        return (
            self.is_answered and self.sources[0] == self.golden.source if self.golden.source else not self.is_answered
        )


@dataclass(frozen=True, slots=True)
class Report:
    """Shares between 0 and 1; of nothing at all 1."""

    outcomes: tuple[Outcome, ...]

    def recall(self, at: int) -> float:
        return _share([each.golden.source in each.sources[:at] for each in self.outcomes if each.golden.source])

    @property
    def answered(self) -> float:
        """Of the questions that have an answer, those that got the right one."""
        return _share([each.is_right for each in self.outcomes if each.golden.source])

    @property
    def left_alone(self) -> float:
        """Of the questions that have none, those that got none."""
        return _share([each.is_right for each in self.outcomes if not each.golden.source])


def read_golden(path: Path) -> list[Golden]:
    """
    Raises:
        BadGolden: not YAML, or not golden questions.
    """
    try:
        data = YAML(typ="safe").load(path.read_text("utf-8"))
        return TypeAdapter(dict[str, list[Golden]]).validate_python(data)["questions"]
    except OSError as e:
        raise BadGolden(f"{path}: {e.strerror}") from e
    except (YAMLError, UnicodeDecodeError) as e:
        raise BadGolden(f"{path} is not YAML: {' '.join(str(e).split())}") from e
    except (ValidationError, KeyError) as e:
        raise BadGolden(
            f"{path} needs `questions:`, a list of `ask`, and `source` and `locale` where they apply: {e}"
        ) from e


async def evaluate(knowledge: KnowledgeStore, organization_id: UUID, golden: list[Golden]) -> Report:
    outcomes = []
    for each in golden:
        rated = await knowledge.rated(organization_id, each.ask, locale=each.locale)
        sources = tuple(dict.fromkeys(one.item.source for one in rated))
        outcomes.append(Outcome(each, sources, bool(rated) and is_known(rated[0])))
    return Report(tuple(outcomes))


def _share(holds: list[bool]) -> float:
    return sum(holds) / len(holds) if holds else 1.0
