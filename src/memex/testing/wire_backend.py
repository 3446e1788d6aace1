"""What every backend promises that asks a server, as tests against one that plays it at the socket."""

from __future__ import annotations

from memex.testing._wire_backend.answering import AnsweringPromises
from memex.testing._wire_backend.breaking import BreakingPromises
from memex.testing._wire_backend.case import ASK, WAYS, RefusedSetting, ask, each_way
from memex.testing._wire_backend.hiding import HidingPromises
from memex.testing._wire_backend.refusing import RefusingPromises

__all__ = ["ASK", "WAYS", "RefusedSetting", "WireBackendContract", "ask", "each_way"]


class WireBackendContract(AnsweringPromises, RefusingPromises, BreakingPromises, HidingPromises):
    """What a backend owes to its wire. Subclass it beside :class:`memex.testing.BackendContract`.

    ::

        class TestCrowWire(WireBackendContract):
            def backend_at(self, url, *, model="black", **settings):
                return Crow(model, base_url=url, **settings)

            def says(self, text):
                return {"caws": text}

            def pieces(self, said):
                return [{"caw": word} for word in said["caws"].split()] + ["[DONE]"]

            def refusal(self, status, words):
                return {"error": {"message": words}}

    The answers of a script stand for the provider's, so they are to be written in its own format, as it
    sends them. A promise that a backend cannot be asked about is skipped with a reason.

    Attributes:
        key: A key; nothing but the provider may ever see it.
        key_variable: The environment's variable that holds the key.
        refusals: What the provider's server does when it refuses, each with the error that this is and a
            pattern of what it says; beside those that every provider has.
        senseless: Settings of the backend that are refused when it is made, each with a pattern of what is
            said.
        pieces_before_words: How many pieces of a stream come before the first word.
    """
