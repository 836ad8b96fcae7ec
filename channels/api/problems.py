"""Every error as a problem (RFC 9457): a type that never changes, what to do about it, the fields, the request's id."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
import orjson
from aiohttp import web
from pydantic import ValidationError

from bot.errors import CrossOrganization, Permanent, Refused, Retryable, UserFacing
from bot.http import NOT_FOUND, Fault, Kind, Problem
from bot.identity import NotAllowed
from bot.identity.errors import (
    LinkSpent,
    NotAMember,
    NotPossible,
    OrganizationSuspended,
    TooManyTries,
    Unauthenticated,
    WeakPassword,
)
from bot.publishing.service import Moved, NotSound

__all__ = [
    "BAD_CURSOR",
    "CONFLICT",
    "FORBIDDEN",
    "INVALID",
    "KEY_REUSED",
    "KINDS",
    "MOVED",
    "NOT_SIGNED_IN",
    "NO_MATCH",
    "NO_PRECONDITION",
    "SKILL_OFF",
    "TOO_LARGE",
    "TOO_MANY",
    "UNAVAILABLE",
    "UNSUPPORTED_TYPE",
    "faults_of",
    "problem_of",
    "response_of",
    "type_uri",
]

log = logging.getLogger(__name__)

TYPES = "https://chatnation.io/errors/"

BAD_CURSOR = Kind("invalid-cursor", 400, "The cursor does not fit this list")
NOT_SIGNED_IN = Kind("not-signed-in", 401, "Credentials are missing, wrong or expired")
FORBIDDEN = Kind("forbidden", 403, "You may not do this")
SUSPENDED = Kind("organization-suspended", 403, "This organization is suspended")
SKILL_OFF = Kind("skill-off", 404, "Your organization does not have this skill on")
NO_METHOD = Kind("method-not-allowed", 405, "This cannot be done here")
CONFLICT = Kind("conflict", 409, "It cannot be done as things are")
MOVED = Kind("moved", 409, "Somebody else changed it in the meantime")
IN_PROGRESS = Kind("in-progress", 409, "The first request with this key is still at work")
NO_MATCH = Kind("changed-meanwhile", 412, "It is not as you saw it any more")
TOO_LARGE = Kind("too-large", 413, "The body is too large")
UNSUPPORTED_TYPE = Kind("unsupported-media-type", 415, "The body's type is not taken here")
INVALID = Kind("invalid", 422, "Something in the request is not as it must be")
KEY_REUSED = Kind("idempotency-key-reused", 409, "The Idempotency-Key belongs to another request")
NOT_SOUND = Kind("draft-has-errors", 422, "The draft has errors")
NO_PRECONDITION = Kind("precondition-required", 428, "Say which state you saw")
TOO_MANY = Kind("too-many-requests", 429, "Slow down")
BROKEN = Kind("internal-error", 500, "Something broke on our side")
UNAVAILABLE = Kind("unavailable", 503, "Not now")

KINDS = tuple(each for each in list(globals().values()) if isinstance(each, Kind))


def type_uri(kind: Kind) -> str:
    return TYPES + kind.name


def problem_of(error: Exception, raises: Mapping[type[Exception], Kind]) -> Problem:
    """What a caller is told of an error. `raises` is the route's own word."""
    for kind_of_error, kind in raises.items():
        if isinstance(error, kind_of_error):
            return Problem(kind, str(error))
    match error:
        case Problem():
            return error
        case TooManyTries():
            return Problem(TOO_MANY, str(error), headers={"Retry-After": str(math.ceil(error.after_s))})
        case Unauthenticated():
            return Problem(NOT_SIGNED_IN, str(error), headers={"WWW-Authenticate": "Bearer"}, reason=error.reason)
        case OrganizationSuspended():
            return Problem(SUSPENDED, str(error), reason=error.reason)
        case NotAMember():
            return Problem(FORBIDDEN, str(error), reason=error.reason)
        case NotPossible() if error.field:
            return Problem(INVALID, str(error), faults=[Fault(str(error), (error.field,))], reason=error.reason)
        case NotPossible():
            return Problem(CONFLICT, str(error), reason=error.reason)
        case WeakPassword() | LinkSpent():
            return Problem(INVALID, str(error), reason=error.reason)
        case NotAllowed():
            return Problem(FORBIDDEN, str(error), permission=error.permission)
        case ValidationError():
            return Problem(INVALID, "see errors", faults=list(faults_of(error)))
        case Moved():
            return Problem(MOVED, str(error), revision=error.revision, version=error.current)
        case NotSound():
            return Problem(NOT_SOUND, str(error), diagnostics=[str(each) for each in error.diagnostics])
        case CrossOrganization():
            log.error("request reached for another organization", extra={"error": type(error).__name__})
            return Problem(NOT_FOUND, "there is no such thing in your organization")
        case Retryable():
            return Problem(UNAVAILABLE, "try again in a moment", headers={"Retry-After": "1"})
        case UserFacing():
            return Problem(CONFLICT, error.key)
        case Refused() | Permanent():
            return Problem(CONFLICT, str(error))
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return Problem(NO_METHOD, f"here one can {allowed}", headers={"Allow": allowed})
        case web.HTTPRequestEntityTooLarge():
            return Problem(TOO_LARGE, "send less at once")
        case web.HTTPNotFound():
            return Problem(NOT_FOUND, "there is nothing at this address; /v1/docs lists what there is")
    if _is_caused_by(error, asyncpg.IntegrityConstraintViolationError):
        return Problem(CONFLICT, "there is one already, or something that it names is gone by now")
    if _is_caused_by(error, asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
        # A transaction at repeatable read met somebody else's change.
        return Problem(NO_MATCH, "it was changed while you changed it; read it again")
    return Problem(BROKEN, "the request was not carried out; tell us its request_id if it happens again")


def _is_caused_by(error: BaseException | None, *kinds: type[Exception]) -> bool:
    """The ORM wraps PostgreSQL's own errors."""
    while error is not None:
        if isinstance(error, kinds):
            return True
        error = error.__cause__ or error.__context__
    return False


def faults_of(error: ValidationError, *, within: str = "body") -> Iterator[Fault]:
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        yield Fault(_sentence(each["msg"]), tuple(each["loc"]), within)


def response_of(problem: Problem, *, instance: str, request_id: str) -> web.Response:
    told: dict[str, Any] = {
        "type": type_uri(problem.kind),
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "instance": instance,
        "request_id": request_id,
        **problem.more,
    }
    if problem.faults:
        told["errors"] = [_told(each) for each in problem.faults]
    return web.Response(
        body=orjson.dumps(told, default=str),
        status=problem.kind.status,
        headers=problem.headers,
        content_type="application/problem+json",
    )


def _told(fault: Fault) -> dict[str, str]:
    if fault.within == "body":
        return {"detail": fault.detail, "pointer": "#" + "".join(f"/{_escaped(each)}" for each in fault.place)}
    return {"detail": fault.detail, "parameter": ".".join(map(str, fault.place)), "in": fault.within}


def _escaped(part: str | int) -> str:
    """RFC 6901."""
    return str(part).replace("~", "~0").replace("/", "~1")


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")
