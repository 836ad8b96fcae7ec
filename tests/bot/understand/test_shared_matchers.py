"""What messages are compared with: made once for the same examples, whoever answers in which words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bot.bounded import Bounded
from bot.flows import Compiled
from bot.understand import Example, Matcher, is_prepared, prepare
from bot.understand.wishes import matcher_by_letters
from tests.bot.flows.talk import compiled


def organization(n: int, *, example: str = "where is my stall") -> Compiled:
    return compiled(
        "flows: {stalls: {description: Finds a stall of the market, steps: [{action: utter_here}]}}",
        f"responses: {{utter_here: [{{text: Stall {n}.}}]}}",
        **{"nlu.yml": f"nlu: [{{flow: stalls, examples: [{example}, find the stall]}}]"},
    )


def test_40_organizations_with_the_same_examples_build_once() -> None:
    sets = [organization(n) for n in range(40)]
    assert len({each.content_hash for each in sets}) == 40
    assert not is_prepared(sets[0])
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(prepare, sets))
    assert len({id(matcher_by_letters(each)) for each in sets}) == 1
    assert all(is_prepared(each) for each in sets)


def test_another_example_is_another_matcher() -> None:
    own = organization(1, example="duka langu liko wapi")
    assert matcher_by_letters(own) is not matcher_by_letters(organization(1))
    assert matcher_by_letters(own).rank("duka liko wapi")[0].label == "shop:stalls"


def test_they_are_bounded_by_what_they_weigh() -> None:
    small = Matcher([Example("one stall", "a"), Example("two tents", "b")])
    large = Matcher([Example(f"{n} stalls of the market", "ab"[n % 2]) for n in range(100)])
    by_sense = Matcher(large.examples, np.random.default_rng(1).normal(size=(100, 8)).astype(np.float32))
    assert small.size_b < large.size_b < by_sense.size_b
    held: Bounded[str, Matcher] = Bounded(large.size_b + small.size_b, lambda matcher: matcher.size_b)
    held.put("small", small)
    held.put("large", large)
    assert len(held) == 2
    held.get("small")
    held.put("other", small)
    assert (held.get("large"), held.get("small"), held.get("other")) == (None, small, small)
    held.put("by sense", by_sense)  # heavier than all that is allowed: it alone is there
    assert len(held) == 1
