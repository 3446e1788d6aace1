"""A counter that counts as the model does: with its tokenizer and its chat template."""

from __future__ import annotations

from collections.abc import Sequence

from memex import Message, Tool
from memex_hf.ledger import ledger_of
from memex_hf.prompts import Prompts, described
from memex_hf.tokenizing import Words


class HFCounter:
    """Counts tokens exactly as far as messages can be counted one by one.

    A template may write something before or between messages; that is counted with every message, so
    that a sum over a window is never below what is sent.

    Args:
        words: The tokenizer.
    """

    exact = True
    error = 0.0

    def __init__(self, words: Words) -> None:
        self._words = words
        self._prompts = Prompts(words)
        self.name = f"hf:{words.fingerprint}"
        hello, again = Message.user("a"), Message.assistant("a")
        one, two = (self._length([hello] * 1), self._length([hello, again]))
        self._answer = self._length([hello], answer=True) - one
        self._frame = max(one, two - one) - len(words.plain("a"))

    def count_text(self, text: str) -> int:
        """Return the tokens of a bare text."""
        return len(self._words.plain(text))

    def count_message(self, message: Message) -> int:
        """Return the tokens of a message with its framing and the beginning of an answer to it."""
        try:
            alone = self._length([message])
        except Exception:  # noqa: BLE001 - a template may refuse a message that stands alone
            alone = self._frame + len(self._words.plain(str(message.parts)))
        ledger = ledger_of(message, self._words.fingerprint)
        generated = 0 if ledger is None else len(ledger.ids) + self._frame
        return max(alone, generated) + max(0, self._answer)

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
