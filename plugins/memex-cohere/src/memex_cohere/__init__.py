"""Cohere's models through its v2 chat API, and its embeddings."""

from memex import Provider, hookimpl


@hookimpl
def memex_backends() -> list[Provider]:
    """Offer ``cohere``: Command models, with citations, tool plans and thoughts."""
    return [Provider("cohere", "memex_cohere.backend:Cohere", "Command models, through Cohere's v2 chat API")]


@hookimpl
def memex_embedders() -> list[Provider]:
    """Offer ``cohere``: embeddings by Cohere's endpoint, for documents and for questions."""
    return [Provider("cohere", "memex_cohere.embedder:CohereEmbedder", "Cohere's embeddings")]


@hookimpl
def memex_counters() -> list[Provider]:
    """Offer ``cohere``: counts by Cohere's tokenize endpoint, one call for each new text."""
    return [Provider("cohere", "memex_cohere.counter:CohereCounter", "Counts by Cohere's tokenize endpoint")]
