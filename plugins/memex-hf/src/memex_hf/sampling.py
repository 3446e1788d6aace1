"""The settings of one call, in the words of the field, checked. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from memex import BadRequest

_LENGTH: Final = ("max_new_tokens", "max_tokens", "max_completion_tokens", "max_output_tokens")

_OTHER_NAMES: Final = {"timeout": "deadline", "chat_template_kwargs": "template", "stop_strings": "stop"}


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How the next token is chosen, and when to stop.

    Attributes:
        temperature: 0 takes the most likely token every time.
        top_k: Choose among so many of the most likely; 0 for all.
        top_p: Choose among the most likely that make up this share.
        min_p: Leave out what is less likely than this share of the most likely.
        repetition_penalty: Above 1, tokens that were there already become less likely.
        seed: Makes the choices repeatable; None for different ones every time.
        stop: Words that end the answer; they are not part of it.
        most: Most tokens of the answer; None for what the budget reserves.
        deadline: Seconds after which the answer ends where it is; None for no limit.
        template: Variables for the chat template, such as ``enable_thinking``.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    most: int | None = None
    deadline: float | None = None
    template: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def greedy(self) -> bool:
        """Whether the most likely token is taken every time."""
        return self.temperature == 0


def sampling_of(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> Sampling:
    """Return the settings of a call.

    Args:
        defaults: What the model's own generation config and the backend's settings say.
        given: What the call says; it wins.

    Raises:
        BadRequest: If a setting is unknown or makes no sense; names it.
    """
    merged = {**defaults, **given}
    fields: dict[str, Any] = {}
    for name, value in merged.items():
        if value is None:
            continue
        fields[_field(name)] = value
    if fields.pop("do_sample", None) is False:
        fields["temperature"] = 0
    if isinstance(fields.get("stop"), str):
        fields["stop"] = (fields["stop"],)
    try:
        made = msgspec.convert(fields, Sampling)
    except msgspec.ValidationError as error:
        raise BadRequest(f"hf: {error}") from error
    _check(made)
    return made


def _field(name: str) -> str:
    if name in _LENGTH:
        return "most"
    renamed = _OTHER_NAMES.get(name, name)
    if renamed not in Sampling.__struct_fields__ and renamed != "do_sample":
        known = sorted({*Sampling.__struct_fields__, *_LENGTH, "do_sample"} - {"most"})
        raise BadRequest(f"hf: there is no setting {name!r}; there are {', '.join(known)}")
    return renamed


def _check(made: Sampling) -> None:
    wrong = [
        name
        for name, fine in (
            ("temperature", made.temperature >= 0),
            ("top_k", made.top_k >= 0),
            ("top_p", 0 < made.top_p <= 1),
            ("min_p", 0 <= made.min_p <= 1),
            ("repetition_penalty", made.repetition_penalty > 0),
            ("max_new_tokens", made.most is None or made.most > 0),
            ("deadline", made.deadline is None or made.deadline > 0),
            ("stop", all(made.stop)),
        )
        if not fine
    ]
    if wrong:
        raise BadRequest(f"hf: {', '.join(wrong)} makes no sense in {msgspec.to_builtins(made)}")
