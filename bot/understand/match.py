"""Which wish a sentence is like: ridge regression over its likeness to the examples, by letters and by sense.

Nothing is trained beforehand: solving for a few hundred examples takes some hundredths of a second, and the same solution
tells how each example would fare had it not been there (leave one out, in closed form). From that the thresholds are fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from bot.understand.similar import Letters

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CHATTER", "ENGINE", "Example", "Fit", "Matcher", "Ranked"]

CHATTER = ""  # the label of sentences that ask for nothing we could start
ENGINE = "!"  # begins the labels of what the engine does itself: !human, !cancel, !repeat, !back

RIDGE = 1.0
BALANCE = 0.5  # labels with few examples count a little more: the root of even shares
WRONG_COSTS = 1.5  # right answers that one wrong start outweighs, when thresholds are chosen on the examples
MIN_TO_FIT = 40  # examples of flows; below, what is chosen would be chance
FLOOR, MARGIN_FLOOR = 0.25, 0.04
STRANGE = 0.35  # "registr" is 0.68 like an example and "hiii" 0.38; names and "blorp" stay below, whatever sense a model sees in them
DEFAULT_T_HI, DEFAULT_MARGIN = 0.33, 0.1


class Example(NamedTuple):
    text: str  # normalised
    label: str


class Ranked(NamedTuple):
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Fit:
    """How the examples fare, each judged as if it had not been there. Shares of all examples, chatter included."""

    examples: int
    labels: int
    by_sense: bool
    t_hi: float
    margin: float
    right: float
    wrong: float
    asked: float
    fitted: bool  # False: too few examples, the thresholds are the usual ones


class Matcher:
    """`vectors`: one row of unit length for each example, when an embedder made them. Immutable."""

    def __init__(self, examples: Sequence[Example], vectors: np.ndarray | None = None) -> None:
        import numpy as np

        self.examples = tuple(examples)
        self.labels = tuple(dict.fromkeys(each.label for each in examples))
        self._letters = Letters([each.text for each in examples])
        kernel = np.stack([self._letters.likeness(each.text) for each in examples])
        self._mean: np.ndarray | None = None
        self._senses: np.ndarray | None = None
        if vectors is not None:
            # All e5 vectors lie in one narrow cone: only what they differ by from their mean tells meanings apart.
            self._mean = vectors.mean(axis=0)
            self._senses = _unit(vectors - self._mean)
            kernel = kernel + self._senses @ self._senses.T
        self._weights, left_out = self._solve(kernel.astype(np.float64))
        self.fit = self._fit(left_out)

    @property
    def by_sense(self) -> bool:
        return self._senses is not None

    @property
    def size_b(self) -> int:
        """About what it holds in memory."""
        return self._letters.size_b + self._weights.nbytes + (0 if self._senses is None else self._senses.nbytes)

    def rank(self, words: str, vector: Sequence[float] | None = None) -> list[Ranked]:
        """Labels, best first. A matcher by sense needs the vector."""
        import numpy as np

        likeness = self._letters.likeness(words)
        if self._senses is not None and self._mean is not None:
            assert vector is not None, "a matcher by sense compares vectors"
            likeness = likeness + self._senses @ _unit(np.asarray(vector, dtype=np.float32) - self._mean)
        scores = likeness @ self._weights
        if (same := self._label_of.get(words)) is not None:
            scores[same] = max(float(scores.max()), 1.0)  # an example to the letter needs no likeness
        order = np.argsort(-scores, kind="stable")
        return [Ranked(self.labels[n], float(scores[n])) for n in order]

    def is_strange(self, words: str) -> bool:
        """No word of it is known, nor are its letters like any: a name, an address, or fingers on the keyboard."""
        return not self._letters.knows_a_word(words) and float(self._letters.likeness(words).max()) < STRANGE

    # -- solving and fitting

    @cached_property
    def _label_of(self) -> dict[str, int]:
        return {each.text: int(place) for each, place in zip(self.examples, self._truth, strict=True)}

    @cached_property
    def _truth(self) -> np.ndarray:
        import numpy as np

        places = {label: n for n, label in enumerate(self.labels)}
        return np.array([places[each.label] for each in self.examples])

    def _solve(self, kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weights, and the scores of each example by a solution without it."""
        import numpy as np

        wanted = np.eye(len(self.labels))[self._truth]
        share = np.bincount(self._truth)[self._truth].astype(np.float64) ** -BALANCE
        share /= share.mean()
        inverse = np.linalg.inv(kernel + RIDGE * np.diag(1 / share))
        weights = inverse @ wanted
        return weights, wanted - weights / np.diag(inverse)[:, None]

    def _fit(self, scores: np.ndarray) -> Fit:
        import numpy as np

        wishes = sum(1 for each in self.examples if each.label != CHATTER and not each.label.startswith(ENGINE))
        best = np.sort(scores, axis=1)[:, ::-1]
        top, second = best[:, 0], best[:, 1] if scores.shape[1] > 1 else np.zeros(len(scores))
        named = scores.argmax(axis=1)
        is_chatter = np.array([label == CHATTER for label in self.labels])
        outcomes = _Outcomes(self._truth, named, is_chatter, top, top - second)
        thresholds = (DEFAULT_T_HI, DEFAULT_MARGIN)
        if wishes >= MIN_TO_FIT:
            highs = np.unique(np.maximum(FLOOR, np.quantile(top, np.linspace(0, 0.6, 25))))
            margins = np.linspace(MARGIN_FLOOR, 0.3, 14)
            thresholds = max(((float(t), float(m)) for t in highs for m in margins), key=outcomes.worth)
        right, wrong = outcomes.shares(thresholds)
        return Fit(
            len(self.examples), len(self.labels), self.by_sense, *thresholds, right, wrong, 1 - right - wrong,
            wishes >= MIN_TO_FIT,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Outcomes:
    truth: np.ndarray
    named: np.ndarray
    is_chatter: np.ndarray
    top: np.ndarray
    lead: np.ndarray

    def worth(self, thresholds: tuple[float, float]) -> float:
        right, wrong = self.shares(thresholds)
        return right - WRONG_COSTS * wrong

    def shares(self, thresholds: tuple[float, float]) -> tuple[float, float]:
        """(right, wrong starts): chatter is right when nothing starts."""
        t_hi, margin = thresholds
        starts = (self.top >= t_hi) & (self.lead >= margin) & ~self.is_chatter[self.named]
        hit = self.named == self.truth
        quiet = ~starts & self.is_chatter[self.truth]
        return float(((starts & hit) | quiet).mean()), float((starts & ~hit).mean())


def _unit(rows: np.ndarray) -> np.ndarray:
    import numpy as np

    length: np.ndarray = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-9))
