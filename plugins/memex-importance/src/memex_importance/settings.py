"""Checks of settings, so that a wrong one is named when the chain is built."""

from __future__ import annotations

from memex import BadSetting


def check_number(
    policy: str, name: str, value: object, allowed: str, *, most: float, zero: bool = False
) -> None:
    """Refuse a setting that is no number above 0 (or 0, with ``zero``) and below ``most``.

    Raises:
        BadSetting: If it is not; says what is ``allowed``.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and (0 < value < most or (zero and value == 0)):  # type: ignore[operator]
        return
    raise BadSetting(f"{policy}: {name} is {value!r}; it must be {allowed}")


def check_count(policy: str, name: str, value: object, *, least: int) -> None:
    """Refuse a setting that is no whole number of at least ``least``.

    Raises:
        BadSetting: If it is not; says what it must be.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadSetting(f"{policy}: {name} is {value!r}; it must be a whole number of at least {least}")
