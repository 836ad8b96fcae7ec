"""`chatnation new-skill NAME`: a small skill that works, passes `check` and `test`, and is there to be changed."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from bot.errors import ChatNationError
from bot.registry import find_skills

__all__ = ["BadName", "make_skill"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
RESERVED = ("core", "store", "tests", "skills")  # the engine's own names


class BadName(ChatNationError):
    """The name cannot be used; the message says why and what could."""


def make_skill(name: str, parent: Path) -> list[Path]:
    """Writes `parent/name`; returns the files.

    Raises:
        BadName: it is no name for a skill, or there is one of that name.
    """
    _check(name, parent)
    folder = parent / name
    made = []
    for file, text in FILES.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(text, name), encoding="utf-8")
        made.append(path)
    return made


def _check(name: str, parent: Path) -> None:
    if NAME.fullmatch(name) is None:
        hint = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_").lstrip("0123456789_")[:31]
        raise BadName(
            f"{name!r} is no name for a skill: small letters, digits and _, at most 31, a letter first"
            + (f"; {hint} would do" if NAME.fullmatch(hint) else "")
        )
    if name in RESERVED or keyword.iskeyword(name):
        raise BadName(f"{name} means something else already; {name}_skill would do")
    taken = next((folder for known, _, folder in find_skills() if known == name), None)
    if taken is not None:
        raise BadName(f"there is a skill {name} in {taken}")
    if (parent / name).exists():
        raise BadName(f"{parent / name} is there already; nothing was changed")


def _filled(text: str, name: str) -> str:
    words = name.replace("_", " ").strip()
    return text.lstrip("\n").replace("NAME", name).replace("WORDS", words).replace("TITLE", words.capitalize()[:24])


FILES = {
    "__init__.py": "",
    "skill.yml": """
name: NAME
title: {en: TITLE, sw: TITLE}
description:
  en: Asks for a colour and says thank you.
  sw: Huuliza rangi na kusema asante.
version: 0.1.0
engine: ">=1,<2"
languages: [en, sw]
menu:
  - flow: NAME_start
    title: {en: TITLE, sw: TITLE}
""",
    "flows/start.yml": """
flows:
  NAME_start:
    name: WORDS
    description: Asks for a favourite colour and says thank you
    words:
      en: [WORDS]
      sw: [WORDS]
    steps:
      - collect: NAME_colour
      - action: utter_NAME_thanks
""",
    "domain.yml": """
slots:
  NAME_colour:
    type: categorical
    values: [red, green, blue]

responses:
  utter_ask_NAME_colour:
    - text: Which colour do you like best?
      buttons:
        - {title: Red, payload: /SetSlots(NAME_colour=red)}
        - {title: Green, payload: /SetSlots(NAME_colour=green)}
        - {title: Blue, payload: /SetSlots(NAME_colour=blue)}
  utter_NAME_thanks:
    - text: "Thank you, {NAME_colour} it is!"
""",
    "locales/sw.yml": """
flows:
  NAME_start: {name: WORDS}

responses:
  utter_ask_NAME_colour:
    - text: Unapenda rangi gani zaidi?
      buttons:
        - {title: Nyekundu, payload: /SetSlots(NAME_colour=red)}
        - {title: Kijani, payload: /SetSlots(NAME_colour=green)}
        - {title: Bluu, payload: /SetSlots(NAME_colour=blue)}
  utter_NAME_thanks:
    - text: Asante! Nimeandika rangi yako.
""",
    "nlu.yml": """
nlu:
  - flow: NAME_start
    examples:
      - I would like to tell you my favourite colour
      - ask me about colours
      - nataka kukuambia rangi ninayoipenda
""",
    "tests/start.yml": """
test_cases:
  - test_case: a colour is chosen by its button
    steps:
      - user: WORDS
      - utter: utter_ask_NAME_colour
      - tap: Green
      - slot_was_set: [{NAME_colour: green}]
      - bot: Thank you, green it is!

  - test_case: a colour is written
    steps:
      - user: WORDS
      - user: blue
      - bot: Thank you, blue it is!

  - test_case: in Swahili
    locale: sw
    steps:
      - user: WORDS
      - bot: Unapenda rangi gani zaidi?
      - tap: Bluu
      - utter: utter_NAME_thanks
""",
    "README.md": """
# NAME

Asks for a colour and says thank you. Change it into what you need:

| file | what is in it |
|---|---|
| `skill.yml` | name, languages, and its lines in the organization's menu |
| `flows/` | the steps of each conversation |
| `domain.yml` | slots (what is remembered) and responses (what is said) |
| `locales/sw.yml` | the same responses in Swahili |
| `nlu.yml` | examples of how people ask for a flow |
| `tests/` | conversations that must go as written |

    chatnation check --skill NAME
    chatnation test -k NAME
    chatnation chat NAME
""",
}
