"""One tokenizer: its template, its control tokens, and pieces of text that are encoded once."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from memex import ConfigError

_MOST_PIECES = 20_000


class Words:
    """What the rest needs of a tokenizer.

    Args:
        tokenizer: Of transformers.
        name: What errors call it.
        ends: Tokens that end an answer.
        template: A chat template to use instead of the tokenizer's own.

    Attributes:
        fingerprint: Changes when the ids of any text may.
        control: Finds the control tokens in a text.

    Raises:
        ConfigError: If there is no chat template.
    """

    def __init__(
        self, tokenizer: Any, *, name: str, ends: Sequence[int] = (), template: str | None = None
    ) -> None:
        if template is None and not getattr(tokenizer, "chat_template", None):
            raise ConfigError(
                f"hf: the tokenizer of {name} has no chat template; choose a model made for chats, "
                "or pass chat_template=..."
            )
        self.tokenizer = tokenizer
        self.name = name
        self.ends = frozenset(ends)
        self.fingerprint = fingerprint(tokenizer)
        self._template = template
        self._lock = threading.Lock()  # some options are set on the tokenizer itself while it encodes
        self._encoding = threading.Lock()
        added = list(tokenizer.added_tokens_decoder.values())
        self.control = _any_of([token.content for token in added if not token.content.isspace()])
        self._special = _any_of([token.content for token in added if token.special and _stands_alone(token)])
        self._encoded: OrderedDict[tuple[str, bool], tuple[int, ...]] = OrderedDict()
        self._newline = tuple(self._encode("\n"))
        self._adds_a_space = tuple(self._encode("\nx"))[len(self._newline) :] != tuple(self._encode("x"))

    def render(
        self,
        items: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None,
        variables: Mapping[str, Any],
        *,
        answer: bool,
    ) -> str:
        """Return what the chat template makes of wire messages."""
        rendered: str = self.tokenizer.apply_chat_template(
            list(items),
            tools=tools,
            chat_template=self._template,
            add_generation_prompt=answer,
            tokenize=False,
            **variables,
        )
        return rendered

    def pieces(self, text: str) -> list[str]:
        """Cut a text where its encoding never joins: before and after every control token."""
        return [piece for piece in self._special.split(text) if piece]

    def encoded(self, piece: str, *, first: bool) -> tuple[int, ...]:
        """Return the ids of a piece, made once.

        Args:
            piece: From :meth:`pieces`.
            first: Whether a text begins with it; some tokenizers begin every text with a space.
        """
        key = (piece, first)
        with self._encoding:
            known = self._encoded.get(key)
            if known is None:
                known = tuple(self._encode(piece) if first or not self._adds_a_space else self._within(piece))
                self._encoded[key] = known
                if len(self._encoded) > _MOST_PIECES:
                    self._encoded.popitem(last=False)
            else:
                self._encoded.move_to_end(key)
        return known

    def forget(self) -> None:
        """Forget the pieces that were encoded."""
        with self._encoding:
            self._encoded.clear()

    def plain(self, text: str) -> tuple[int, ...]:
        """Return the ids of a text in which nothing is a control token."""
        found: list[int] = []
        for piece in self.control.split(text):
            halves = (piece[:1], piece[1:]) if self.control.fullmatch(piece) else (piece,)
            for half in filter(None, halves):
                found.extend(self._within(half))
        return tuple(found)

    def text(self, ids: Sequence[int]) -> str:
        """Return the words of some ids, without special tokens."""
        return self._decode(ids, skip_special_tokens=True)

    def exact_text(self, ids: Sequence[int]) -> str:
        """Return what some ids are written as, special tokens included."""
        return self._decode(ids, skip_special_tokens=False)

    def without_end(self, ids: Sequence[int]) -> tuple[int, ...]:
        """Return ids without the token that ended the answer: the template writes it."""
        return tuple(ids[:-1] if ids and ids[-1] in self.ends else ids)

    def _encode(self, text: str) -> list[int]:
        with self._lock:
            ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _decode(self, ids: Sequence[int], **options: Any) -> str:
        with self._lock:
            words: str = self.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False, **options)
        return words

    def _within(self, piece: str) -> list[int]:
        """Encode a piece from inside a text: after a newline, which is taken off again."""
        ids = self._encode("\n" + piece)
        count = len(self._newline)
        return ids[count:] if tuple(ids[:count]) == self._newline else self._encode(piece)


def fingerprint(tokenizer: Any) -> str:
    """Return what changes when a tokenizer's ids do."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        told = backend.to_str()
    else:
        added = {index: token.content for index, token in tokenizer.added_tokens_decoder.items()}
        told = repr((type(tokenizer).__name__, sorted(tokenizer.get_vocab().items()), sorted(added.items())))
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _stands_alone(token: Any) -> bool:
    """Tell whether an added token leaves the text around it as it is."""
    return not (token.lstrip or token.rstrip or token.single_word or token.normalized)


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the words, in a group; the longest first."""
    alternatives = "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))
    return re.compile(f"({alternatives})" if alternatives else "((?!))")
