"""How a skill, or the core, declares REST resources. Nothing of a web server in it: `channels/api` mounts what is declared here.

    routes = Routes("Events", "What an organization puts on.")

    @routes.get("/events", permission="events.view")
    async def list_events(ask: Ask, query: EventFilter, page: Page) -> Listed[EventOut]:
        \"\"\"List events, newest first.\"\"\"
        return await page.of(Event.filter(status=query.status), EventOut.of)

    @routes.patch("/events/{event_id}", permission="events.edit", of=get_event)
    async def change_event(ask: Ask, work: Unit, event_id: UUID, body: EventChange) -> EventOut: ...

The signature is the declaration: names in the path are its parameters, `query` and `body` are pydantic models, `page` makes it a list that is paged, `work` runs
it in one transaction, and what it returns is the answer's model. The docstring is its documentation. A skill's routes stand in its `http.py`; the web
process alone imports that, and they answer only where the skill is on.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints
from pydantic import Field as PydanticField

from bot.errors import ChatNationError
from bot.identity import Principal
from store.blobs import BlobSpool

if TYPE_CHECKING:
    from bot.runtime import Runtime

__all__ = [
    "MAX_LIMIT",
    "MAX_TOTAL",
    "NOT_FOUND",
    "Access",
    "Answer",
    "Ask",
    "Body",
    "Bytes",
    "Fault",
    "Filter",
    "Kind",
    "Line",
    "Listed",
    "Moment",
    "Page",
    "Problem",
    "Route",
    "Routes",
    "Timezone",
    "Upload",
    "Words",
    "found",
]

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
MAX_TOTAL = 10_000  # counting on costs more than anybody gets from it

A = TypeVar("A")
R = TypeVar("R")
T = TypeVar("T")

# PostgreSQL's text holds everything but NUL; a line holds no control characters at all.
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=300)]
Words = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=20_000)]
Moment = AwareDatetime


def _known(timezone: str) -> str:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise ValueError("no such time zone; give one of the IANA list, such as Africa/Nairobi") from e
    return timezone


Timezone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,64}$"), AfterValidator(_known)]


class Body(BaseModel):
    """What a caller sends. Unknown fields are refused; an example stands in the reference, and tests call the route with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Filter(BaseModel):
    """Parameters of a query."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What a caller gets. Fields in `volatile` change by themselves, and do not count for the ETag."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


# -- problems


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of problem (RFC 9457). `name` ends its type's URI and never changes."""

    name: str
    status: int
    title: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field. `place`: its path in the body, or ("query", name) and the like with `within`."""

    detail: str
    place: tuple[str | int, ...] = ()
    within: str = "body"


class Problem(ChatNationError):
    """Ends a request. `detail` says what to do about it; `more` are members of the problem's own kind."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.more = more


NOT_FOUND = Kind("not-found", 404, "There is no such thing")


def found(thing: R | None, what: str) -> R:
    """
    Raises:
        Problem: there is none; nobody is told whether another organization has it.
    """
    if thing is None:
        raise Problem(NOT_FOUND, f"there is no such {what} in your organization")
    return thing


# -- what a handler gets and gives


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    runtime: Runtime
    principal: Principal
    now: datetime
    ip: str
    request_id: str
    key: str  # the Idempotency-Key; the request's own id where there is none
    base_url: str = ""  # of the server, as the caller addressed it
    user_agent: str = ""
    afterwards: list[Callable[[], object]] = field(default_factory=list)  # called once the unit of work has committed

    @property
    def organization_id(self) -> UUID:
        assert self.principal.organization_id is not None, "routes of an organization are not called without one"
        return self.principal.organization_id


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page. `last` is the key that the next one goes on behind, None at the end."""

    items: Sequence[T]
    last: UUID | None = None
    total: int | None = None

    def shown(self, show: Callable[[Any], A]) -> Listed[A]:
        return Listed([show(each) for each in self.items], self.last, self.total)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted: newest first, behind `after`. Keys are UUIDv7, so what comes in meanwhile moves nothing."""

    limit: int = DEFAULT_LIMIT
    after: UUID | None = None
    with_total: bool = False

    async def of(self, rows: Any, show: Callable[[Any], A]) -> Listed[A]:
        """Of a Tortoise query set."""
        return (await self.read(rows)).shown(show)

    async def read(self, rows: Any) -> Listed[Any]:
        """The rows as they are, for what is shown together with more than the row."""
        narrowed = rows if self.after is None else rows.filter(id__lt=self.after)
        taken = await narrowed.order_by("-id").limit(self.limit + 1)  # one more, to see whether there is a next page
        total = await rows.limit(MAX_TOTAL).count() if self.with_total else None
        kept = taken[: self.limit]
        return Listed(kept, kept[-1].id if len(taken) > self.limit else None, total)


@dataclass(frozen=True, slots=True)
class Upload:
    """A body of bytes, read already and within the limit; a large one lies on disk."""

    mime_type: str
    spool: BlobSpool

    def read(self, most: int = -1) -> bytes:
        """From the beginning."""
        self.spool.file.seek(0)
        return self.spool.file.read(most)


@dataclass(frozen=True, slots=True)
class Bytes:
    """An answer that is a file."""

    mime_type: str
    chunks: AsyncIterator[bytes]
    filename: str = ""


# -- declarations


class Access(Enum):
    """In place of a permission."""

    ANYONE = "anyone"  # no credentials: what gives out credentials
    SIGNED_IN = "signed_in"  # any valid credentials, also without an organization; nothing is bound


Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation, read off its handler's signature."""

    method: str
    path: str
    handler: Handler
    permission: str | Access
    group: str
    parameters: Mapping[str, Any]  # of the path: name -> type
    query: type[BaseModel] | None
    body: type[BaseModel] | type[Upload] | None
    answer: type[BaseModel] | type[Bytes] | None
    is_list: bool
    is_paged: bool
    in_unit: bool
    status: int
    of: Handler | None = None
    raises: Mapping[type[Exception], Kind] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()
    accepts: tuple[str, ...] = ("application/json",)
    gives: tuple[str, ...] = ("application/json",)
    location: str = ""

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.handler) or self.name.replace("_", " ")).partition("\n")[0]

    @property
    def description(self) -> str:
        return inspect.cleandoc((inspect.getdoc(self.handler) or "").partition("\n")[2])

    @property
    def is_update(self) -> bool:
        """Whether the caller has to say which state it saw."""
        return self.of is not None and self.method in ("PUT", "PATCH")

    @property
    def takes_key(self) -> bool:
        """Answers to a POST are kept for their Idempotency-Key, except where they give out credentials or take them away."""
        return self.method == "POST" and isinstance(self.permission, str)


class Routes:
    """A group of operations, as it stands together in the reference."""

    def __init__(self, title: str, about: str = "") -> None:
        self.title = title
        self.about = about
        self.routes: list[Route] = []

    def get(self, path: str, **declared: Any) -> Callable[[H], H]:
        return self._declare("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[H], H]:
        return self._declare("POST", path, **declared)

    def put(self, path: str, **declared: Any) -> Callable[[H], H]:
        return self._declare("PUT", path, **declared)

    def patch(self, path: str, **declared: Any) -> Callable[[H], H]:
        return self._declare("PATCH", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[H], H]:
        return self._declare("DELETE", path, **declared)

    def _declare(
        self,
        method: str,
        path: str,
        *,
        permission: str | Access,
        status: int | None = None,
        of: Handler | None = None,
        raises: Mapping[type[Exception], Kind] | None = None,
        kinds: Sequence[Kind] = (),
        accepts: Sequence[str] = ("application/json",),
        gives: Sequence[str] = ("application/json",),
        location: str = "",
    ) -> Callable[[H], H]:
        """
        Args:
            permission: what the caller must be allowed; with `event_id` or `exhibitor_id` in the path, for that one.
            of: the handler that reads the same thing: updates then need `If-Match`, and answer 412 to who saw an older state.
            raises: errors of the verbs behind it, and what each is told as.
            kinds: problems that the handler raises itself.
            location: path of what was made, filled from the answer: "/events/{id}".
        """

        def mark(handler: H) -> H:
            hints = get_type_hints(handler, include_extras=True)
            names = _PARAMETER.findall(path)
            expected = {"ask", "work", "query", "body", "page", *names}
            unknown = inspect.signature(handler).parameters.keys() - expected
            if unknown or not set(names) <= hints.keys():
                raise TypeError(f"{handler.__name__}: {sorted(unknown) or names} do not fit the path {path}")
            answer, is_list = _answer(hints.get("return"))
            self.routes.append(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    permission=permission,
                    group=self.title,
                    parameters={name: hints[name] for name in names},
                    query=hints.get("query"),
                    body=hints.get("body"),
                    answer=answer,
                    is_list=is_list,
                    is_paged="page" in hints,
                    in_unit="work" in hints,
                    status=status or (204 if answer is None else 200),
                    of=of,
                    raises=dict(raises or {}),
                    kinds=tuple(kinds),
                    accepts=tuple(accepts),
                    gives=tuple(gives),
                    location=location,
                )
            )
            return handler

        return mark


def _answer(returned: Any) -> tuple[Any, bool]:
    if returned is None or returned is type(None):
        return None, False
    if get_origin(returned) is Listed:
        return get_args(returned)[0], True
    return returned, False


class Paging(BaseModel):
    """Parameters of every paged list."""

    cursor: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")] | None = PydanticField(
        None, description="`meta.cursor` of the page before."
    )
    limit: int = PydanticField(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    total: bool = PydanticField(False, description=f"Count them too, up to {MAX_TOTAL}.")
