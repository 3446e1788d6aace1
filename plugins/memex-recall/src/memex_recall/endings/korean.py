"""Particles and endings of Korean: they are written onto the word before them."""

from __future__ import annotations

from typing import Final

_KOREAN: Final = """
- 은 이 을 에 의 에서 으로 과 도 만 에는 이나 에도 까지 부터 에게 이라고 입니다 이에요 들 들은 들이 들을
- 는 가 를 에 의 에서 로 와 도 만 에는 나 에도 까지 부터 에게 라고 입니다 예요 들 들은 들이 들을
하다 했다 했어 했어요 했습니다 했는데 했지 했나요 했던 하는 한 할 하고 하기로 해서 해요 합니다 해 하면 하지
되다 됐다 됐어 됐어요 되었다 되었습니다 됐습니다 됐나요 되는 된 될 되고 돼요 됩니다 되면
"""


def rows(language: str) -> list[str]:
    """Return the rows of endings of a language."""
    return {"ko": _KOREAN}[language].strip().splitlines()
