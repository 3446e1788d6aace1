"""Whether an error says that the prompt is too long, and for what limit: in the words of many servers."""

from __future__ import annotations

import re
from typing import Final

_CODES: Final = frozenset(
    {
        "context_length_exceeded",
        "exceed_context_size_error",
        "model_context_window_exceeded",
        "string_above_max_length",
    }
)
_N: Final = r"(\d[\d,_]*)"
# Each says "too long", and its group is the limit; the more exact ones come first.
_WITH_LIMIT: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"prompt is too long: *[\d,_]+ tokens? *> *{_N}",
        rf"context (?:length|window|limit|size)[^.\d]*?: *[\d,_]+ *\+ *[\d,_]+ *> *{_N}",
        rf"max(?:imum)? context (?:length|window|size)(?: \w+){{0,3}}? (?:is|of|:) *{_N}",
        rf"{_N} (?:tokens? )?max(?:imum)? context (?:length|window)",
        rf"exceeds? the max(?:imum)? number of tokens allowed \(?{_N}",
        rf"number of tokens in the prompt cannot exceed {_N}",
        rf"tokens`? *\+ *`?max_new_tokens`? must be <= *{_N}",
        rf"`?inputs`? must have less than {_N} tokens",
        rf"exceeds? (?:the )?(?:available )?context (?:length|window|size)[^.\d]*{_N}",
        rf"context (?:length|window|size)(?: \w+){{0,2}} (?:is|of) (?:only )?{_N}",
        rf"input (?:tokens? )?(?:length )?exceeds?[^.\d]*limit[^.\d]*{_N}",
    )
)
_WITHOUT_LIMIT: Final = re.compile(
    r"prompt is too long"
    r"|exceeds? (?:the |this model'?s? |your )?(?:available |max(?:imum)? )?(?:context|model'?s? context)"
    r"|max(?:imum)? context (?:length|window|size)"
    r"|context (?:length|window|size|limit) (?:was |is |has been )?exceeded"
    r"|input is too long for (?:the |this )?(?:requested )?model"
    r"|please reduce the length of the (?:messages|prompt|input)"
    r"|too many (?:input |prompt )?tokens: "
    r"|requested tokens? .{0,40}exceeds? context window",
    re.IGNORECASE,
)


def overflow_limit(code: str, message: str) -> tuple[bool, int | None]:
    """Say whether an error means that the prompt does not fit the model, and the model's limit if told."""
    for pattern in _WITH_LIMIT:
        if found := pattern.search(message):
            return True, int(found[1].replace(",", "").replace("_", ""))
    return code in _CODES or bool(_WITHOUT_LIMIT.search(message)), None
