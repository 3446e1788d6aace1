"""The backend: a request becomes a prompt, the prompt an answer, computed from where it is new."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from memex import BackendError, Capabilities, ContextOverflow, Event, FinishReason, Request, Usage
from memex_hf.answering import Answer, sorter_for
from memex_hf.ledger import NOTE, PROMPT, read_note
from memex_hf.prompts import Prompt, Prompts
from memex_hf.running.engine import Engine
from memex_hf.running.generating import Run, generate_ids
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
        release: Called when it is closed.

    Attributes:
        engine: Runs the model; its ``counts`` and ``shelf.tally`` say what was computed.
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
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.model = model
        self.engine = engine
        self._words = words
        self._prompts = Prompts(words, variables)
        self._defaults = dict(defaults or {})
        self._warming = Warming(engine) if background else None
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
        with self.engine.turn:
            self.engine.shelf.clear()
        self._prompts.forget()

    def close(self) -> None:
        """Stop preparing, and give up the model if nobody else uses it."""
        if not self._closed:
            self._closed = True
            if self._warming is not None:
                self._warming.close()
            self._release()

    def _answer(self, request: Request) -> Iterator[Event]:
        sampling = sampling_of(self._defaults, request.settings)
        prompt = self._prompt(request, sampling.template)
        most = self._most(prompt, request, sampling)
        sorter, exact = sorter_for(self._words, prompt, request.tools)
        answer = Answer(self._words, sorter, sampling.stop, exact=exact)
        run = Run()
        yield Event(kind="start", model=self.model)
        whole = False
        steps = generate_ids(
            self.engine, prompt.ids, sampling, run, most=most, ends=self._words.ends, cuts=prompt.cuts
        )
        try:
            for token in steps:
                yield from answer.push(token)
                if answer.stopped:
                    break
            yield from answer.rest()
            whole = True
        except RuntimeError as error:
            raise BackendError(_what_failed(self.model, error)) from error
        finally:
            steps.close()  # type: ignore[attr-defined]  # a generator
            ledger = answer.ledger()
            if not whole and ledger is not None:
                self._prompts.remember(answer.text, ledger)
        usage = Usage(
            input_tokens=run.prefilled,
            cache_read_tokens=run.reused,
            output_tokens=len(run.out),
            reasoning_tokens=answer.reasoning,
        )
        yield Event(kind="usage", usage=usage)
        extra: dict[str, Any] = {} if ledger is None else {NOTE: ledger.to_note()}
        if prompt.remade:
            extra[PROMPT] = {"exact": prompt.exact, "remade": prompt.remade}
        yield Event(kind="finish", finish=_finish(run, answer), extra=extra)

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


def _finish(run: Run, answer: Answer) -> FinishReason:
    if answer.calls:
        return "tool_calls"
    return "stop" if answer.stopped or run.finish == "stop" else "length"


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
