"""The made-up tokenizer and the prefix cache."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.prefix_cache import BLOCK_TOKENS, PrefixCache
from simulator.tokens import SPECIAL_TOKENS, Tokenizer


@pytest.mark.parametrize("size", [100, 4000, 10_000, 151_936, 1_000_000])
def test_a_word_is_its_token_again(size: int) -> None:
    tokenizer = Tokenizer(size)
    tokens = [SPECIAL_TOKENS, SPECIAL_TOKENS + 1, size // 2, size - 1]
    assert tokenizer.encode(tokenizer.decode(tokens)) == tokens


def test_special_and_unknown_tokens_have_no_text() -> None:
    assert Tokenizer(4000).decode([0, 1, SPECIAL_TOKENS - 1, 4000, 2**31]) == ""


@given(st.text(max_size=60))
def test_any_text_has_tokens_inside_the_vocabulary(text: str) -> None:
    tokens = Tokenizer(4000).encode(text)
    assert all(SPECIAL_TOKENS <= token < 4000 for token in tokens)
    assert bool(tokens) == bool(text.split())


def test_the_cache_holds_whole_blocks_and_never_the_last_token() -> None:
    cache = PrefixCache(blocks=100)
    prompt = list(range(2 * BLOCK_TOKENS))
    assert cache.cached_tokens(prompt, None) == 0
    cache.remember(prompt, None)
    assert cache.cached_tokens(prompt, None) == BLOCK_TOKENS
    assert cache.cached_tokens([*prompt, 1], None) == 2 * BLOCK_TOKENS
    assert cache.cached_tokens([7, *prompt], None) == 0
    assert cache.cached_tokens([*prompt, 1], "salt") == 0


def test_the_cache_forgets_the_least_recently_used() -> None:
    cache = PrefixCache(blocks=2)
    first, second, third = ([start] * (BLOCK_TOKENS + 1) for start in (1, 2, 3))
    cache.remember(first, None)
    cache.remember(second, None)
    assert cache.cached_tokens(first, None) == BLOCK_TOKENS
    cache.remember(third, None)
    assert cache.cached_tokens(second, None) == 0
    assert cache.cached_tokens(first, None) == BLOCK_TOKENS
