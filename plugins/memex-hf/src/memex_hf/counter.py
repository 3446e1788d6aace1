"""A counter that counts as the model does: with its tokenizer and its chat template."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from memex import BadRequest, Message, Tool
from memex_hf.prompts import Prompts, described
from memex_hf.tokenizing import Words


class HFCounter:
    """Counts what a model's own template and tokenizer make of each message.

    Messages are counted one by one, each as if it stood alone, and questions with the beginning of the
    answer to them. So a sum over a window is never below what is sent, and a little above it; more so
    where a template writes a text of its own before the first message.

    Args:
        words: The tokenizer.
    """

    exact = False
    error = 0.0

    def __init__(self, words: Words) -> None:
        self._words = words
        self._prompts = Prompts(words)
        self.name = f"hf:{words.fingerprint}"
        hello = [Message.user("a")]
        self._alone = self._length(hello)
        self._answer = max(0, self._length(hello, answer=True) - self._alone)

    def count_text(self, text: str) -> int:
        """Return the tokens of a bare text."""
        return len(self._words.plain(text))

    def count_message(self, message: Message) -> int:
        """Return the tokens of a message with its framing."""
        try:
            tokens = self._length([message])
        except BadRequest:  # a template may refuse a message that stands alone
            tokens = self._alone + self.count_text(str(msgspec.to_builtins(message.parts)))
        return tokens + (self._answer if message.role in ("user", "tool") else 0)

    def count_tools(self, tools: Sequence[Tool]) -> int:
        """Return the tokens of tool definitions."""
        hello = Message.user("a")
        if not tools:
            return 0
        with_tools = len(self._prompts.prompt([hello], tools, answer=False).ids) - self._length([hello])
        plain = sum(len(self._words.plain(str(described(tool)))) for tool in tools)
        return max(with_tools, 0) or plain

    def _length(self, messages: Sequence[Message], *, answer: bool = False) -> int:
        return len(self._prompts.prompt(messages, answer=answer).ids)


def hf_counter(model: str, *, chat_template: str | None = None) -> HFCounter:
    """Return the counter of a model's tokenizer; the model itself is not loaded.

    Args:
        model: Name on the hub or path of a folder.
        chat_template: A template to use instead of the tokenizer's own.
    """
    from memex_hf.opening import require

    require()
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    return HFCounter(Words(tokenizer, name=model, template=chat_template))
