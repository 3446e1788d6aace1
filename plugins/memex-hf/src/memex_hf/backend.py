"""The backend: a request becomes a prompt, the prompt an answer, computed from where it is new."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from memex import BackendError, BadSetting, Capabilities, ContextOverflow, Event, MemexError, Request
from memex_hf.answering import Answer, sorter_for
from memex_hf.asked import Asked
from memex_hf.keeping import Keeping
from memex_hf.ledger import NOTE, read_note
from memex_hf.prompts import Prompt, Prompts
from memex_hf.running.engine import Engine
from memex_hf.running.generating import generate_ids
from memex_hf.running.shifting import Shifting
from memex_hf.sampling import Sampling, sampling_of
from memex_hf.tokenizing import Words
from memex_hf.warming import Warming

_LIVE: weakref.WeakSet[HF] = weakref.WeakSet()


def forget_everything() -> None:
    """Forget every key, value and text that any backend of this process keeps."""
    for made in list(_LIVE):
        made.forget()


class HF:
    """Answers with a local model of transformers; what was computed for a turn serves the next.

    May be used from several threads: they advance together, token by token.

    Args:
        model: Its name, for plans and origins.
        engine: Runs the model.
        words: Its tokenizer.
        defaults: Settings of every call, such as the model's own generation config.
        variables: For the chat template, such as ``enable_thinking``.
        background: Prepare the next prompt while the user reads.
        keeping: Keeps keys and values on disk.
        shifting: Moves keys where messages were evicted; what it gives is approximate.
        release: Called when it is closed.

    Attributes:
        engine: Runs the model; its ``counts`` and ``shelf.tally`` say what was computed.
        keeping: Keeps keys and values on disk; None where they are not. Its ``tally`` says what it did.
    """

    name = "hf"

    def __init__(
        self,
        model: str,
        engine: Engine,
        words: Words,
        *,
        defaults: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        background: bool = True,
        keeping: Keeping | None = None,
        shifting: Shifting | None = None,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.model = model
        self.engine = engine
        self._words = words
        self._prompts = Prompts(words, variables)
        self._defaults = dict(defaults or {})
        self._warming = Warming(engine) if background else None
        self.keeping = keeping
        self._shifting = shifting
        self._release = release
        self._closed = False
        _LIVE.add(self)

    @property
    def capabilities(self) -> Capabilities:
        """What the model can take and give."""
        template = str(getattr(self._words.tokenizer, "chat_template", ""))
        return Capabilities(context_tokens=self._context(), tools="tools" in template)

    def stream(self, request: Request) -> Iterator[Event]:
        """Yield the answer as it comes."""
        if self._closed:
            raise BackendError(f"hf: the backend of {self.model} is closed")
        if self._warming is not None:
            self._warming.cancel(request.thread)
            self._warming.foreground(1)
        try:
            yield from self._answer(request)
        finally:
            if self._warming is not None:
                self._warming.foreground(-1)

    def stream_many(
        self, requests: Sequence[Request], *, at_once: int = 8
    ) -> Iterator[tuple[int, Event | MemexError]]:
        """Yield the answers to several requests as they come, computed together.

        Each is the answer that :meth:`stream` would give. While they run, the keys and values of those
        at once are in memory twice.

        Args:
            requests: What is asked; each with its own settings.
            at_once: Most of them that run at the same time; the others wait for a place.

        Yields:
            The place of a request in ``requests``, and its next event; or the error that ended it,
            which does not concern the others.

        Raises:
            BadSetting: If ``at_once`` is not positive.
            BackendError: If this model cannot answer several at once.
        """
        from memex_hf.running.batch import can_batch
        from memex_hf.together import refused

        if self._closed:
            raise BackendError(f"hf: the backend of {self.model} is closed")
        if at_once < 1:
            raise BadSetting(f"hf: at_once is {at_once}; it must be at least 1")
        if not can_batch(self.engine):
            raise refused(self)
        return self._stream_many(list(requests), at_once)

    def _stream_many(
        self, requests: Sequence[Request], at_once: int
    ) -> Iterator[tuple[int, Event | MemexError]]:
        from memex_hf.together import Together

        if self._warming is not None:
            for thread in {request.thread for request in requests}:
                self._warming.cancel(thread)
            self._warming.foreground(1)
        try:
            yield from Together(self, requests, at_once).steps()
        finally:
            if self._warming is not None:
                self._warming.foreground(-1)

    def prepare(self, request: Request) -> None:
        """Compute the beginning of the next prompt in the background, while nobody generates."""
        if self._warming is None or self._closed or not request.messages:
            return
        prompt = self._prompt(request, {}, answer=False)
        self._warming.prepare(request.thread, prompt.ids, prompt.cuts)

    def wait_until_prepared(self, timeout: float | None = None) -> bool:
        """Wait for what :meth:`prepare` began; False if that took longer."""
        return self._warming is None or self._warming.wait(timeout)

    def remember(self, finish: Event, text: str) -> None:
        """Keep the ids of an answer for a caller who sends only its words back."""
        note = finish.extra.get(NOTE)
        ledger = read_note(note, self._words.fingerprint)
        if ledger is not None:
            self._prompts.remember(text, ledger)

    def forget(self) -> None:
        """Forget every key, value and text that is kept."""
        if self._warming is not None:
            self._warming.forget()
        if self.keeping is not None:
            self.keeping.forget()
        with self.engine.turn:
            self.engine.shelf.clear()
        self._prompts.forget()

    def close(self) -> None:
        """Stop preparing, and give up the model if nobody else uses it."""
        if not self._closed:
            self._closed = True
            if self._warming is not None:
                self._warming.close()
            if self.keeping is not None:
                self.keeping.close()
            self._release()

    def ask(self, request: Request) -> Asked:
        """Return a request as it will be run; what makes no sense is told now."""
        sampling = sampling_of(self._defaults, request.settings)
        prompt = self._prompt(request, sampling.template)
        most = self._most(prompt, request, sampling)
        sorter, exact = sorter_for(self._words, prompt, request.tools)
        answer = Answer(self._words, sorter, sampling.stop, exact=exact)
        return Asked(request.thread, prompt, sampling, most, answer)

    def find(self, asked: Asked) -> None:
        """Bring near what a prompt begins with: from disk, or moved, where that is allowed."""
        if self.keeping is not None:
            self.keeping.restore(asked.prompt.ids)
        if self._shifting is not None:
            try:
                asked.moved = self._shifting.shift(asked.prompt.ids)
            except RuntimeError as error:
                raise self.what_failed(error) from error

    def settle(self, asked: Asked, *, whole: bool) -> None:
        """Keep what came of a request, whether it was answered or not."""
        if not whole and (ledger := asked.answer.ledger()) is not None:
            self._prompts.remember(asked.answer.text, ledger)
        if self.keeping is not None:
            self.keeping.keep(asked.thread, asked.computed, asked.prompt.cuts, began=asked.began)

    @property
    def ends(self) -> frozenset[int]:
        """Tokens that end an answer."""
        return self._words.ends

    def what_failed(self, error: RuntimeError) -> BackendError:
        """Return what a failure of the model is told as."""
        return BackendError(_what_failed(self.model, error))

    def _answer(self, request: Request) -> Iterator[Event]:
        asked = self.ask(request)
        answer, prompt = asked.answer, asked.prompt
        self.find(asked)
        yield Event(kind="start", model=self.model)
        whole = False
        steps = generate_ids(
            self.engine,
            prompt.ids,
            asked.sampling,
            asked.run,
            most=asked.most,
            ends=self.ends,
            cuts=prompt.cuts,
        )
        try:
            for token in steps:
                yield from answer.push(token)
                if answer.stopped:
                    break
            yield from answer.rest()
            whole = True
        except RuntimeError as error:
            raise self.what_failed(error) from error
        finally:
            steps.close()  # type: ignore[attr-defined]  # a generator
            self.settle(asked, whole=whole)
        yield from asked.last_events()

    def _prompt(self, request: Request, variables: Mapping[str, Any], *, answer: bool = True) -> Prompt:
        if not request.messages:
            raise BackendError("hf: there is nothing to answer; the request has no messages")
        return self._prompts.prompt(request.messages, request.tools, variables, answer=answer)

    def _most(self, prompt: Prompt, request: Request, sampling: Sampling) -> int:
        most = sampling.most or request.answer_tokens
        context = self._context()
        if context is None:
            return most
        if len(prompt.ids) >= context:
            raise ContextOverflow(
                f"hf: the prompt has {len(prompt.ids):,} tokens; {self.model} takes {context:,}",
                limit=context,
            )
        return min(most, context - len(prompt.ids))

    def _context(self) -> int | None:
        context = getattr(self.engine.config.get_text_config(), "max_position_embeddings", None)
        return context if isinstance(context, int) and context > 0 else None


def _what_failed(model: str, error: RuntimeError) -> str:
    said = " ".join(str(error).split())[:200]
    advice = "; lower kv_budget, chunk or the budget of the window" if "out of memory" in said.lower() else ""
    return f"hf: {model} failed: {said}{advice}"


def ends_of(model: Any, tokenizer: Any) -> Sequence[int]:
    """Return the tokens that end an answer, as the model's generation config and the tokenizer say."""
    told = getattr(model.generation_config, "eos_token_id", None)
    ends = list(told) if isinstance(told, (list, tuple)) else [] if told is None else [told]
    if tokenizer.eos_token_id is not None:
        ends.append(tokenizer.eos_token_id)
    return [int(end) for end in ends]


def defaults_of(model: Any) -> dict[str, Any]:
    """Return what a model's generation config says about sampling; greedy where it does not sample."""
    config = model.generation_config
    if not getattr(config, "do_sample", False):
        return {}
    names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
    told = {name: getattr(config, name, None) for name in names}
    return {"temperature": 1.0} | {name: value for name, value in told.items() if value is not None}
