"""Times that are named in words: what "last Tuesday" is, asked from a given moment.

Six languages are known: English, German, French, Spanish, Chinese and Japanese. Nothing here looks at the
clock; days are those of the zone of the moment.
"""

from memex_recall.dates.naming import Named, times_in
from memex_recall.dates.spans import Span

__all__ = ["Named", "Span", "times_in"]
