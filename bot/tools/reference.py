"""`docs/skills/reference.md`, made from the models: `python -m bot.tools reference > docs/skills/reference.md`."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from bot.check.schema import SCHEMAS, Step
from bot.config import SECTIONS
from bot.config_fields import leaves
from bot.flows import Command, compile_flows
from bot.manifest import MenuItem
from bot.testing.cases import ACTS, BESIDE_AN_ACT
from bot.testing.expect import JUDGED, STEPS, assertion_kinds
from bot.understand.payloads import OWN_PAYLOADS

__all__ = ["reference"]

HEAD = """\
# Reference for skill authors

Made from the code (`python -m bot.tools reference`), and kept equal to it by a test. The [tutorial](tutorial.md) shows how it is used; the JSON
schemas for editors are in `docs/schemas/`.

A skill is a folder: `skill.yml`, flows (`flows.yml`, `flows/*.yml`), domain (`domain.yml`, `domain/*.yml`), `nlu.yml`, `locales/<language>.yml` or
`locales/<language>/*.yml`, `actions.py` (or a package `actions`, see the tutorial), `tests/*.yml`. Names are plain in its own files; loaded ids carry the skill's name (`lunch:lunch_start`).
"""

# What the models do not say themselves.
MEANINGS = {
    "FlowsFile": {"version": "of the format, not read", "flows": "by id"},
    "NamedIntent": {"name": "of the intent", "confidence_threshold": "how sure it must be"},
    "DomainFile": {
        "version": "of the format, not read",
        "slots": "what is remembered, by name",
        "responses": "what is said, by name (`utter_...`): a text, or variations",
        "actions": "names of the classes in `actions.py`",
        "forms": "classic forms: each becomes a flow of its name",
        "intents": "names of wishes",
        "entities": "names of what stands in a sentence",
        "session_config": "of a foreign project; ours are the settings of `turn`",
    },
    "MappingCondition": {
        "active_flow": "while this flow runs",
        "active_loop": "while this form runs",
        "requested_slot": "while this slot is asked for",
    },
    "SlotIs": {"type": "the older form of a condition", "name": "of a slot", "value": "that it has"},
    "Metadata": {
        "template": "`jinja`: the text is a bounded Jinja template",
        "rephrase": "read, without effect",
        "rephrase_prompt": "read, without effect",
    },
    "Manifest": {
        "name": "the folder's name",
        "title": "by language",
        "description": "by language",
        "version": "of the skill, 1.2.3",
        "engine": "which engine it was written for",
        "languages": "every response must exist in each of them",
        "requires": "skills whose names it may use, and without which it is off",
        "meters": "what it may charge; begins with its name",
        "permissions": "what its pages and commands ask for; begins with its name",
        "tasks": "modules with jobs, by queue",
        "menu": "its lines in the organization's menu",
        "limits": "bounds of its own",
        "provides": "what other skills may use",
        "slots": "rules about its slots",
        "capabilities": "what it may do beyond answering",
        "triggers": "what starts something besides a wish: more words for a flow; a schedule or a webhook for a job or a flow (docs/triggers.md)",
        "channels": "by channel",
        "trust": "`remote`: its actions run on a server of their own",
    },
    "Capabilities": {
        "network": "hosts that its OnlineActions and tasks call",
        "send_proactive": "its jobs may send messages",
        "contacts": "whether its actions and jobs read or change contacts",
    },
    "Limits": {
        "action_timeout": "how long one action may take, `8s`",
        "llm_calls_per_turn": "at most, from its agent on",
    },
    "Provides": {"flows": "that other skills may call or link to"},
    "SlotRules": {"exports": "slots that other skills may read"},
    "MenuItem": {"flow": "that it starts", "title": "by language", "description": "by language"},
    "Flow": {
        "nlu_trigger": "intents that start it",
        "always_include_in_prompt": "a model always hears of it",
        "run_pattern_completed": "say `pattern_completed` at its end",
        "aside": "an answer in passing: what it interrupted is asked again at once, instead of whether to go on",
        "persisted_slots": "keep their value when it ends",
        "steps": "one after the other",
    },
    "ActionStep": {"id": "where `next` can go"},
    "CollectStep": {
        "description": "for a model that reads answers",
        "rejections": "values that will not do",
    },
    "LinkStep": {"id": "where `next` can go"},
    "SetSlotsStep": {"set_slots": "slot: value, one or several"},
    "NoopStep": {"noop": "only branches, by `next`"},
    "Rejection": {"if": "a condition on slots", "utter": "said before the question is put again"},
    "Branch": {"if": "a condition; the first that holds counts", "then": "a step id, END, or steps"},
    "Else": {"else": "when no condition held: a step id, END, or steps"},
    "Trigger": {
        "kind": "what fires it",
        "words": "phrases that start the flow, by language",
        "flow": "that it starts",
        "job": "of a schedule or webhook, in place of a flow: the job that is made, by its full name",
        "queue": "the job's own",
        "at": "of a schedule: five crontab fields, by the organization's clock",
        "missed": "what becomes of times that came while no clock ran: `last`, `each` or `none`",
        "name": "what rows and addresses call it; left out: the job's or flow's own name",
        "intent": "its name, or name and threshold",
    },
    "Slot": {
        "type": "what it holds",
        "initial_value": "at the beginning, and after a reset",
        "mappings": "how it is filled; default: by what people write",
        "values": "of a categorical slot",
        "validation": "checks for every flow that asks for it",
        "min_value": "of a number",
        "max_value": "of a number",
        "accept": "what kind of answer: read and checked as such",
        "shared_for_coexistence": "read, without effect",
    },
    "Mapping": {
        "type": "`controlled`: actions, buttons and `set_slots` only",
        "entity": "which entity",
        "role": "of the entity",
        "group": "of the entity",
        "intent": "only with these intents",
        "not_intent": "not with these intents",
        "value": "that is set",
        "conditions": "only then",
        "action": "that fills it",
        "run_action_every_turn": "read, not run",
        "coexistence_system": "read, without effect",
        "allow_nlu_correction": "read, without effect",
    },
    "Validation": {"rejections": "values that will not do", "refill_utter": "said when it is asked again"},
    "Variation": {
        "text": "with `{slot}`, `{organization.name}`, `{contact.name}`",
        "buttons": "any number: buttons, a list or pages",
        "image": "URL",
        "attachment": "URL or a structure",
        "elements": "passed on",
        "custom": "a message part of its own",
        "channel": "only on this channel",
        "condition": "only then; the first that fits is said",
        "id": "a name for it",
        "allow_interruptions": "read, without effect",
        "translation": "read, without effect",
        "metadata": "`template: jinja` fills it by Jinja, bounded",
    },
    "Button": {
        "type": "read, without effect",
        "url": "read, without effect",
        "title": "at most 20 characters on a button, 24 in a list",
        "description": "in a list",
    },
    "Form": {"ignored_intents": "read, without effect", "required_slots": "asked in this order"},
    "SessionConfig": {
        "session_expiration_time": "minutes of silence; 0: never",
        "carry_over_slots_to_new_session": "keep slots",
        "start_session_after_expiry": "begin anew then",
    },
}


def reference() -> str:
    parts = [HEAD, *_files(), *_patterns(), *_payloads(), *_commands(), *_tests(), *_command_line(), *_settings()]
    return "\n".join(parts).rstrip() + "\n"


# -- files


def _files() -> Iterator[str]:
    titles = {"skill": "skill.yml", "flows": "Flows", "domain": "Domain and locales"}
    for name, model in SCHEMAS.items():
        yield f"## {titles[name]}\n"
        schema = model.model_json_schema(by_alias=True)
        told = {model.__name__: schema} | schema.get("$defs", {})
        if name == "skill":
            told.setdefault("MenuItem", MenuItem.model_json_schema())
        for each, definition in told.items():
            if "properties" in definition:
                yield from _table(each, definition)


_ANY_STEP = " or ".join(each.__name__ for each in get_args(Step))


def _table(name: str, definition: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if (doc := definition.get("description")) is not None:
        yield f"{doc}\n"
    yield "| key | value | default | meaning |\n| --- | --- | --- | --- |"
    required = definition.get("required", ())
    for key, value in definition["properties"].items():
        meaning = value.get("description") or MEANINGS.get(name, {}).get(key, "")
        default = "needed" if key in required else _default(value)
        yield f"| `{key}` | {_cell(_kind(value))} | {default} | {_cell(meaning)} |"
    yield ""


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    return "" if default in (None, [], {}, "") else f"`{json.dumps(default)}`"


def _kind(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        return str(value["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in value:
        kinds = [_kind(each) for each in value["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"] if each != "")
    if value.get("type") == "array":
        items = _kind(value.get("items") or {"anyOf": value.get("prefixItems", ())})
        return "list of steps" if items == _ANY_STEP else f"list of {items or 'any'}"
    if value.get("type") == "object":
        more = value.get("additionalProperties")
        return f"mapping to {_kind(more)}" if isinstance(more, Mapping) else "mapping"
    return {"string": "text", "integer": "number", "boolean": "true or false"}.get(
        str(value.get("type", "any")), str(value.get("type", "any"))
    )


# -- the engine


def _patterns() -> Iterator[str]:
    yield "## Patterns\n"
    yield "Flows of the engine. A skill that defines one of the same name has its own wording or steps; its responses may be defined anew alone.\n"
    yield "| pattern | when | says |\n| --- | --- | --- |"
    compiled = compile_flows([])
    for flow in compiled.flows.values():
        if flow.is_pattern:
            said = [step.target for step in flow.steps if step.kind == "utter"]
            said += [step.utter for step in flow.steps if step.kind == "collect" and step.utter]
            names = ", ".join(f"`{each.partition(':')[2]}`" for each in dict.fromkeys(said))
            yield f"| `{flow.id.partition(':')[2]}` | {_cell(flow.description)} | {names} |"
    yield ""


def _payloads() -> Iterator[str]:
    yield "## Payloads of buttons\n"
    yield '`/SetSlots(slot=value, ...)`, `/start skill:flow`, `/intent{"entity": "value"}`, `/flow_id`, and the engine\'s own: '
    yield ", ".join(f"`/{name}`" for name in OWN_PAYLOADS) + ". Anything else is free text.\n"


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    yield "What understanding makes of a message, and what `commands:` of a test may give instead.\n"
    yield "| command | meaning |\n| --- | --- |"
    for each in get_args(Command):
        fields = ", ".join(inspect.signature(each).parameters)
        doc = (inspect.getdoc(each) or "").partition("\n\n")[0]
        yield f"| `{each.__name__}({fields})` | {_cell(doc)} |"
    yield ""


# -- the tools


def _tests() -> Iterator[str]:
    yield "## Conversation tests\n"
    yield f"Acts: {_names(ACTS)}; beside them {_names(BESIDE_AN_ACT)}. Expectations after an act: {_names(STEPS)}."
    yield f"Under `assertions`: {_names(assertion_kinds())}; {_names(JUDGED)} need a model as judge, such cases are skipped.\n"


def _command_line() -> Iterator[str]:
    app = importlib.import_module("bot.cli.app").app
    yield "## Command line\n"
    yield "| command | does |\n| --- | --- |"
    groups = [("", app), *((f"{each.name} ", each.typer_instance) for each in app.registered_groups)]
    for prefix, group in groups:
        for command in group.registered_commands:
            name = command.name or command.callback.__name__.replace("_", "-")
            yield f"| `chatnation {prefix}{name}` | {_cell((inspect.getdoc(command.callback) or '').partition(chr(10))[0])} |"
    yield ""


def _settings() -> Iterator[str]:
    yield "## Settings\n"
    yield "`chatnation config` prints their values and where each comes from; the important ones are explained in the README.\n"
    yield "| setting | default |\n| --- | --- |"
    for section, dotted in SECTIONS.items():
        module, _, name = dotted.partition(":")
        model = getattr(importlib.import_module(module), name)
        made = model()
        for leaf in leaves(model):
            value = leaf.of(made)
            shown = "" if value is None or str(value) == "" else f"`{_cell(str(value))}`"
            yield f"| `CHATNATION__{'__'.join((section, *leaf.path)).upper()}` | {shown} |"


def _names(names: Any) -> str:
    return ", ".join(f"`{each}`" for each in names)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
