"""What a call cost in tokens, in the same words for every provider."""

from __future__ import annotations

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens of one call. Providers count differently; these never overlap.

    Attributes:
        input_tokens: Prompt tokens that no cache served.
        cache_read_tokens: Prompt tokens read from the provider's cache.
        cache_write_tokens: Prompt tokens written to it.
        output_tokens: Tokens of the answer, reasoning included.
        reasoning_tokens: Those of the output that were reasoning.
        fresh_tokens: Tokens after the longest prefix shared with the previous window, as the
            plan counted them: what a perfect cache would still have to read.
        cache_miss: Why the provider's cache did not serve more, in its own words.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    fresh_tokens: int = 0
    cache_miss: str = ""

    @property
    def prompt_tokens(self) -> int:
        """All tokens of the prompt, however they were served."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens
