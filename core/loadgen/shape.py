"""How long each request of a point is, and what the requests share."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.lengths import draw
from core.domain.workload import Spread

MEASURED, WARMUP = "measured", "warmup"


@dataclass(frozen=True)
class Shape:
    """``input_tokens`` of one turn. The request with index i is turn ``i % turns`` of conversation ``i // turns``."""

    seed: int
    input_tokens: int
    output_tokens: int
    input_spread: Spread | None = None
    output_spread: Spread | None = None
    prefix_share: float = 0.0
    turns: int = 1

    def asked(self, kind: str, index: int) -> int:
        """Tokens that this turn adds to the prompt."""
        return draw(self.seed, f"{kind}/in", index, self.input_tokens, self.input_spread)

    def output(self, kind: str, index: int) -> int:
        """Tokens that are wanted back."""
        return draw(self.seed, f"{kind}/out", index, self.output_tokens, self.output_spread)

    def prompt(self, kind: str, index: int) -> int:
        """Tokens of the whole prompt, with all turns before it."""
        before = range(index - index % self.turns, index)
        return self.asked(kind, index) + sum(self.asked(kind, one) + self.output(kind, one) for one in before)

    def shared(self, tokens: int) -> int:
        """So many of a first turn's tokens are the same for every conversation."""
        return round(self.prefix_share * tokens)
