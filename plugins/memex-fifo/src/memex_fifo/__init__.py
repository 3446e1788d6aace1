"""A sliding window with a low-water mark: the oldest messages leave first, many at a time."""

from memex import Provider, hookimpl


@hookimpl(trylast=True)
def memex_policies() -> list[Provider]:
    """Offer ``fifo``, last in the default chain: it makes room for what the others added."""
    return [Provider("fifo", "memex_fifo.policy:fifo", "Drops the oldest messages, many at a time")]
