"""Loaded by schemathesis: half of the calls name things that are there, so that handlers are reached; updates match whatever is there."""

from __future__ import annotations

import json
import os
import random
from typing import Any

import schemathesis

IDS: dict[str, str] = json.loads(os.environ.get("REAL_IDS", "{}"))
_choice = random.Random(7)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any = None) -> None:
    is_positive = case.meta is None or case.meta.generation.mode.is_positive
    if not is_positive:
        return
    if _choice.random() < 0.5:
        for name in case.path_parameters or {}:
            if name in IDS:
                case.path_parameters[name] = IDS[name]
        for name in case.body if isinstance(case.body, dict) else ():
            if name in IDS:
                case.body[name] = IDS[name]
    if case.operation.label == "PUT /skills/{skill}":
        case.body = {"enabled": True}  # or the routes of skills are gone for the rest of the run
    if case.headers is not None and "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
