"""What was found: one record a figure, JSON for programs and a table for people."""

from __future__ import annotations

import operator
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

_HOLDS = {"at most": operator.le, "at least": operator.ge, "more than": operator.gt}


@dataclass(frozen=True)
class Measure:
    """One figure, alone or against another one.

    Attributes:
        measure: Which of the measures it belongs to, as in ``--only``.
        name: What was done.
        subject: Who did it.
        value: The figure.
        unit: Its unit.
        against: Whom it is compared with.
        other: That one's figure.
        ratio: ``value / other``.
        limit: What the ratio (without a comparison the value) must be: ``["at most", 1.5]``.
        ok: Whether it is; None where nothing is promised.
        note: What a reader should know.
    """

    measure: str
    name: str
    subject: str
    value: float
    unit: str
    against: str | None = None
    other: float | None = None
    ratio: float | None = None
    limit: tuple[str, float] | None = None
    ok: bool | None = None
    note: str = ""


@dataclass
class Report:
    """All figures, and what is absent."""

    measures: list[Measure] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        measure: str,
        name: str,
        subject: str,
        value: float,
        unit: str,
        *,
        against: tuple[str, float] | None = None,
        limit: tuple[str, float] | None = None,
        note: str = "",
    ) -> None:
        """Note a figure; a limit is on its ratio, or on itself where it is compared with nothing."""
        ratio = value / against[1] if against and against[1] else None
        judged = ratio if against else value
        ok = None if limit is None or judged is None else _HOLDS[limit[0]](judged, limit[1])
        other = _short(against[1]) if against else None
        peer = against[0] if against else None
        self.measures.append(
            Measure(
                measure,
                name,
                subject,
                _short(value),
                unit,
                peer,
                other,
                None if ratio is None else _short(ratio),
                limit,
                ok,
                note,
            )
        )

    def missed(self) -> list[Measure]:
        """Return the figures that do not keep their limit."""
        return [measure for measure in self.measures if measure.ok is False]

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {"measures": [asdict(measure) for measure in self.measures], "absent": self.absent}

    def print_table(self) -> None:
        """Print figures by measure, then what is promised, then what is absent, on standard error."""
        for heading, wanted in (("Figures", False), ("Against limits and peers", True)):
            print(f"\n{heading}", file=sys.stderr)
            for measure in self.measures:
                if (measure.against is not None or measure.limit is not None) is wanted:
                    print(f"  {_line(measure)}", file=sys.stderr)
        for name, why in self.absent.items():
            print(f"  absent: {name}: {why}", file=sys.stderr)


def _line(found: Measure) -> str:
    value = f"{found.value:>12,.10g} {found.unit:<12}"
    text = f"{found.measure:8} {found.name:44} {found.subject:29} {value}"
    if found.against is not None:
        text += f" {found.ratio} x {found.against} ({found.other:,.10g})"
    if found.limit is not None:
        verdict = {True: "ok", False: "MISSED", None: "not measured"}[found.ok]
        text += f"   {found.limit[0]} {found.limit[1]:g}: {verdict}"
    return text + (f"   [{found.note}]" if found.note else "")


def _short(value: float) -> float:
    """Keep four significant digits."""
    return float(f"{value:.4g}")
