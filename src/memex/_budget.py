"""The token budget of one call: prompt plus reserved answer, tools and system text counted."""

from __future__ import annotations

import msgspec

from memex._errors import ConfigError

_DEFAULT_ANSWER = 1024


class Budget(msgspec.Struct, frozen=True):
    """How many tokens a call may take.

    Attributes:
        total: Prompt and answer together.
        answer: Tokens kept free for the answer.
    """

    total: int
    answer: int

    @classmethod
    def of(cls, total: int | Budget, answer: int | None = None) -> Budget:
        """Return a budget; without ``answer``, a quarter of it but at most 1,024 is reserved.

        Raises:
            ConfigError: If the numbers leave no room for a prompt.
        """
        if isinstance(total, Budget):
            return total if answer is None else cls.of(total.total, answer)
        if isinstance(total, bool) or not isinstance(total, int) or total < 1:
            raise ConfigError(f"budget: {total!r} is not a positive number of tokens")
        reserved = min(_DEFAULT_ANSWER, total // 4) if answer is None else answer
        if isinstance(reserved, bool) or not isinstance(reserved, int) or not 0 <= reserved < total:
            raise ConfigError(
                f"answer_tokens: {reserved!r} must be at least 0 and less than the budget of {total:,}"
            )
        return cls(total, reserved)

    @property
    def prompt(self) -> int:
        """Tokens that the prompt may take, tools included."""
        return self.total - self.answer
