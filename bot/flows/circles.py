"""Flows that would run in circles without ever waiting for anybody: seen before they run.

A call is as if inlined, so a flow that calls itself has no end. A `link` or a jump back is fine as long as somebody is asked on
the way round; at run time a budget of steps ends what is not seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from bot.flows.diagnostics import Severity
from bot.flows.model import END, Flow, Step

__all__ = ["Circle", "find_circles"]


class Circle(NamedTuple):
    flow: str
    step: int  # index of the step that closes it
    code: str
    severity: Severity
    message: str
    suggestion: str = ""


def find_circles(flows: Mapping[str, Flow]) -> Iterator[Circle]:
    yield from _recursive_calls(flows)
    yield from _circles_of_links(flows)
    for flow in flows.values():
        yield from _jumps_back(flow)


def _recursive_calls(flows: Mapping[str, Flow]) -> Iterator[Circle]:
    calls = {name: {step.target for step in flow.steps if step.kind == "call"} for name, flow in flows.items()}
    for group in _circles(calls):
        for name in sorted(group):
            for n, step in enumerate(flows[name].steps):
                if step.kind == "call" and step.target in group:
                    yield Circle(
                        name,
                        n,
                        "CN-FLOW-045",
                        "error",
                        f"calling {_plain(step.target)} leads back to this flow: it has no end",
                    )
                    break


def _circles_of_links(flows: Mapping[str, Flow]) -> Iterator[Circle]:
    """Without a question on the way: an error when there is no other way, else a warning."""
    forced: dict[str, dict[str, int]] = {}
    silent: dict[str, dict[str, int]] = {}
    for name, flow in flows.items():
        end = _forced_end(flow)
        last = flow.steps[end] if end is not None else None
        forced[name] = {last.target: end} if last is not None and end is not None and last.kind == "link" else {}
        silent[name] = {flow.steps[n].target: n for n in _silent_steps(flow) if flow.steps[n].kind == "link"}
    seen: set[str] = set()
    for edges, code, severity, how in (
        (forced, "CN-FLOW-041", "error", "leads"),
        (silent, "CN-FLOW-042", "warning", "can lead"),
    ):
        for group in _circles({name: set(to) for name, to in edges.items()}):
            for name in sorted(group - seen):
                target = next(target for target in edges[name] if target in group)
                message = f"the link to {_plain(target)} {how} back here without a question on the way"
                yield Circle(name, edges[name][target], code, severity, message, "ask something, or end")  # type: ignore[arg-type]
            seen |= group


def _jumps_back(flow: Flow) -> Iterator[Circle]:
    """A jump back over questions that stay answered, or over none."""
    for n, step in enumerate(flow.steps):
        for to in _targets(step):
            if 0 <= to <= n:
                loop = _between(flow, to, n)
                if any(_waits_again(flow, k, loop) for k in loop):
                    continue
                only = all(isinstance(flow.steps[k].next, int) for k in loop)
                asks = any(flow.steps[k].kind == "collect" for k in loop)
                if asks:
                    yield Circle(
                        flow.id,
                        n,
                        "CN-FLOW-044",
                        "warning",
                        f'going back to "{flow.steps[to].id}" asks nothing: the slots are still filled',
                        "clear them with set_slots: null",
                    )
                elif only and not any(flow.steps[k].kind in ("action", "call") for k in loop):
                    yield Circle(
                        flow.id,
                        n,
                        "CN-FLOW-043",
                        "error",
                        f'going back to "{flow.steps[to].id}" never ends: nothing on the way waits or changes anything',
                    )


def _waits_again(flow: Flow, n: int, loop: set[int]) -> bool:
    step = flow.steps[n]
    if step.kind in ("listen", "action", "call", "builtin"):
        return step.kind != "action" or any(flow.steps[k].kind == "collect" for k in loop)
    if step.kind != "collect":
        return False
    cleared = {slot for k in loop for slot, value in flow.steps[k].assignments if value is None}
    return step.ask_before_filling or step.target in cleared or bool(step.rejections)


def _between(flow: Flow, start: int, end: int) -> set[int]:
    """Steps on some way from `start` to `end`."""
    after = _reach({n: set(_targets(step)) for n, step in enumerate(flow.steps)}, [start])
    back: dict[int, set[int]] = {n: set() for n in range(len(flow.steps))}
    for n, step in enumerate(flow.steps):
        for to in _targets(step):
            if to != END and to < len(flow.steps):
                back[to].add(n)
    return after & _reach(back, [end])


def _forced_end(flow: Flow) -> int | None:
    """The step that the flow comes to whatever happens, without a question on the way; None: it waits, or may go elsewhere."""
    n, seen = 0, set()
    while n not in seen and 0 <= n < len(flow.steps):
        seen.add(n)
        step = flow.steps[n]
        if step.kind == "link":
            return n
        if step.kind in ("collect", "listen", "call", "builtin") or not isinstance(step.next, int):
            return None
        n = step.next
    return None


def _silent_steps(flow: Flow) -> set[int]:
    """Steps that the flow can come to before it first waits."""
    edges = {
        n: set() if step.kind in ("collect", "listen", "call", "action", "builtin") else set(_targets(step))
        for n, step in enumerate(flow.steps)
    }
    return _reach(edges, [0])


def _targets(step: Step) -> Iterable[int]:
    return (step.next,) if isinstance(step.next, int) else tuple(branch.to for branch in step.next)


def _reach(edges: Mapping[int, set[int]], todo: list[int]) -> set[int]:
    seen: set[int] = set()
    while todo:
        n = todo.pop()
        if n not in seen and n in edges:
            seen.add(n)
            todo += edges[n]
    return seen


def _circles(edges: Mapping[str, set[str]]) -> list[set[str]]:
    """Groups of names that lead to each other (strongly connected), one that leads to itself included. Not recursive: long chains are legal."""
    order = _postorder(edges, lambda name: edges[name])
    back: dict[str, set[str]] = {name: set() for name in edges}
    for name, targets in edges.items():
        for target in targets & edges.keys():
            back[target].add(name)
    found: list[set[str]] = []
    taken: set[str] = set()
    for name in reversed(order):
        group: set[str] = set()
        todo = [name]
        while todo:
            each = todo.pop()
            if each not in taken:
                taken.add(each)
                group.add(each)
                todo += back[each]
        if len(group) > 1 or (group and name in edges[name]):
            found.append(group)
    return found


def _postorder(edges: Mapping[str, set[str]], targets: Callable[[str], set[str]]) -> list[str]:
    order: list[str] = []
    seen: set[str] = set()
    for start in edges:
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(sorted(targets(start))))] if start not in seen else []
        seen.add(start)
        while stack:
            name, left = stack[-1]
            for target in left:
                if target in edges and target not in seen:
                    seen.add(target)
                    stack.append((target, iter(sorted(targets(target)))))
                    break
            else:
                order.append(name)
                stack.pop()
    return order


def _plain(flow_id: str) -> str:
    return flow_id.partition(":")[2]
