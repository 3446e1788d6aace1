"""What models can do and cost: a plugin's table and the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from memex._backend import Capabilities
from memex._cost import Cost
from memex._errors import ConfigError
from memex._usage import Usage

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_MILLION: Final = 1_000_000
_Money = Annotated[float, msgspec.Meta(ge=0)]


class _Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Per million tokens; ``above``: for prompts longer than this."""

    input: _Money | None = None
    cache_read: _Money | None = None
    cache_write: _Money | None = None
    output: _Money | None = None
    above: int = 0


class _Model(Capabilities, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One entry of a table."""

    price: tuple[_Price, ...] = ()
    dated: str = ""
    currency: str = ""


class ModelTable:
    """What the models of one provider can do and cost.

    Made of the plugin's ``models.toml`` and, over it, the user's: ``models.toml`` in the platform's
    config folder of memex. Both look like this; names are patterns, and of those that match the
    longest counts. What the user's entry says wins field by field. Prices are per million tokens::

        dated = "2026-11-01"                # the day of the price list
        currency = "USD"

        [openai."parrot-1*"]
        context_tokens = 400_000
        output_tokens = 128_000
        tools = true
        refuses = ["temperature", "top_p"]
        price = { input = 1.25, cache_read = 0.125, cache_write = 1.25, output = 10.0 }

    ``price`` may be a list, for providers that take more for long prompts:
    ``[{...}, {above = 200_000, ...}]``. The other fields are those of :class:`~memex.Capabilities`.

    Args:
        *tables: A name for errors and the entries by pattern: the plugin's, then the user's.

    Raises:
        ConfigError: If an entry is not as above; names the file, the model and the field.
    """

    def __init__(self, *tables: tuple[str, Mapping[str, Any]]) -> None:
        self._tables = [_checked(name, table) for name, table in tables]

    @classmethod
    def for_provider(cls, provider: str, package_file: Path | Traversable | None) -> ModelTable:
        """Return the table of a provider.

        Args:
            provider: Name of the backend: the first word of each heading in the files.
            package_file: The plugin's file, such as ``files("memex_parrot") / "models.toml"``.
        """
        files: list[Path | Traversable] = [] if package_file is None else [package_file]
        own = user_models_path()
        return cls(*(_read(file, provider) for file in (*files, own)))

    def capabilities(self, model: str) -> Capabilities:
        """Return what a model can do; for one that nobody has listed, nothing is promised."""
        entry = self._entry(model)
        fields = {name: entry[name] for name in Capabilities.__struct_fields__ if name in entry}
        return msgspec.convert(fields, Capabilities)

    def known(self, model: str) -> bool:
        """Say whether there is an entry for a model."""
        return bool(self._entry(model))

    def cost(self, model: str, usage: Usage) -> Cost | None:
        """Return what a call cost; None where one of the prices that it needs is not known."""
        entry = self._entry(model)
        rows = msgspec.convert(entry.get("price", ()), tuple[_Price, ...])
        fitting = [row for row in rows if usage.prompt_tokens > row.above or row.above == 0]
        price = max(fitting, key=lambda row: row.above, default=None)
        if price is None or not entry.get("dated"):
            return None
        parts: dict[str, float] = {}
        for name in ("input", "cache_read", "cache_write", "output"):
            tokens, each = getattr(usage, f"{name}_tokens"), getattr(price, name)
            if tokens and each is None:
                return None
            parts[name] = tokens * (each or 0.0) / _MILLION
        return Cost(**parts, currency=entry.get("currency") or "USD", dated=entry["dated"])

    def dated(self, model: str) -> str:
        """Return the day of the price list that a model's prices come from; empty where unknown."""
        return str(self._entry(model).get("dated", ""))

    def _entry(self, model: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for table in self._tables:
            matching = [pattern for pattern in table if fnmatchcase(model, pattern)]
            if matching:
                merged |= table[max(matching, key=lambda pattern: (pattern == model, len(pattern)))]
        return merged


def user_models_path() -> Path:
    """Return the user's own table."""
    from platformdirs import user_config_path

    return user_config_path("memex") / "models.toml"


def _read(file: Path | Traversable, provider: str) -> tuple[str, Mapping[str, Any]]:
    import tomllib

    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return str(file), {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the table of models {file} cannot be read: {error}") from error
    entries = data.get(provider, {})
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise ConfigError(f'{file}: {provider} must be tables, as in [{provider}."model-1*"]')
    defaults = {name: data[name] for name in ("dated", "currency") if name in data}
    return str(file), {
        name: (defaults if "price" in entry else {}) | entry for name, entry in entries.items()
    }


def _checked(file: str, table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    checked = {}
    for pattern, entry in table.items():
        price = entry.get("price", ())
        listed = entry | {"price": [price] if isinstance(price, Mapping) else price} if price else entry
        try:
            msgspec.convert(listed, _Model)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{file}: the entry of {pattern!r} is wrong: {error}") from None
        checked[pattern] = dict(listed)
    return checked
