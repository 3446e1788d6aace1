"""Times that are named in words: what "last Tuesday" is, asked at a given moment.

Six languages are known: English, German, French, Spanish, Chinese and Japanese. Nothing here looks at the
clock; days are those of the zone of the moment.
"""

from memex_recall.dates.asking import AskedTime, asked_times, shown
from memex_recall.dates.naming import Named, times_in
from memex_recall.dates.spans import Span

__all__ = ["AskedTime", "Named", "Span", "asked_times", "shown", "times_in"]
