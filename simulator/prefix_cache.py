"""vLLM's prefix cache: whole blocks, least recently used out first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

BLOCK_TOKENS = 16


class PrefixCache:
    """Blocks are known by the hash of everything up to their end; a salt keeps strangers apart."""

    def __init__(self, blocks: int) -> None:
        self._capacity = blocks
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def cached_tokens(self, prompt: Sequence[int], salt: str | None) -> int:
        """How many leading tokens need no prefill. The last token is always computed, so it never counts."""
        found = 0
        for block in _block_hashes(prompt[:-1], salt):
            if block not in self._blocks:
                break
            self._blocks.move_to_end(block)
            found += BLOCK_TOKENS
        return found

    def remember(self, prompt: Sequence[int], salt: str | None) -> None:
        """A finished prefill."""
        for block in _block_hashes(prompt, salt):
            self._blocks[block] = None
            self._blocks.move_to_end(block)
        while len(self._blocks) > self._capacity:
            self._blocks.popitem(last=False)


def _block_hashes(prompt: Sequence[int], salt: str | None) -> list[int]:
    hashes, last = [], hash(salt)
    for end in range(BLOCK_TOKENS, len(prompt) + 1, BLOCK_TOKENS):
        last = hash((last, *prompt[end - BLOCK_TOKENS : end]))
        hashes.append(last)
    return hashes
