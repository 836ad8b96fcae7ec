"""Near flows by their words: what was made for one organization's texts is not taken for another's."""

from __future__ import annotations

from bot.flows import Compiled
from bot.router.rank import rank
from tests.bot.flows.talk import compiled


def shop(example: str, answer: str = "yes") -> Compiled:
    return compiled(
        """
flows:
  tickets: {description: Shows tickets, steps: [{action: utter_yes}]}
  events: {description: Lists concerts, steps: [{action: utter_yes}]}
""",
        f"responses: {{utter_yes: [{{text: {answer}}}]}}",
        **{"nlu.yml": f"nlu:\n  - flow: tickets\n    examples: [{example}]\n"},
    )


def nearest(made: Compiled, text: str) -> tuple[str, float]:
    flows = [each for each in made.flows.values() if not each.is_pattern]
    best = rank(text, flows, made, first="", top=3)[0]
    return best.flow.id, best.score


def test_a_flow_that_one_organization_words_anew_is_near_by_its_own_words_only() -> None:
    before, after, other = shop("send my voucher"), shop("send my coupon"), shop("send my voucher", "of course")
    for _ in range(2):
        assert nearest(before, "voucher gone")[0] == nearest(other, "voucher gone")[0] == "shop:tickets"
        assert nearest(before, "voucher gone") == nearest(other, "voucher gone")
        assert nearest(before, "voucher gone")[1] > nearest(after, "voucher gone")[1] == 0
        assert nearest(after, "coupon gone")[1] > nearest(before, "coupon gone")[1] == 0
        assert nearest(after, "which concerts")[0] == "shop:events"
