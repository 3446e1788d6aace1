"""What a chain does to your own conversations, measured without a model."""

from memex import Provider, hookimpl


@hookimpl
def memex_commands() -> list[Provider]:
    """Offer ``memex recall-eval``."""
    return [
        Provider("recall-eval", "memex_lab.command:command", "Measure whether the evidence is in the window")
    ]
