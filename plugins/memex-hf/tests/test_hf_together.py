"""Several answers computed together: each is the one that it would be alone."""

from __future__ import annotations

import random

import memex_hf
import pytest
import tiny_models as tiny
import torch
from hf_talks import Talk, backend, without_reuse
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_hf.ledger import NOTE, ledger_of
from memex_hf.running.batch import can_batch

from memex import BackendError, BadRequest, BadSetting, ContextOverflow, Message

TOGETHER = ["llama", "gpt2", "sliding", "smollm", "qwen"]


def talks_of(made, count, *, words=(4, 60)):
    chance = random.Random(count)
    return [
        Talk(made, Message.user(tiny.text(chance.randint(*words), number)), thread=f"t{number}")
        for number in range(count)
    ]


def ask_all(made, talks, most=12, each=None, at_once=8):
    """Ask everybody together; return what came of each, and put the answers into the conversations."""
    requests = [talk.request(most, **(each[number] if each else {})) for number, talk in enumerate(talks)]
    came = {number: [] for number in range(len(talks))}
    for number, step in made.stream_many(requests, at_once=at_once):
        came[number].append(step)
    found = []
    for talk, steps in zip(talks, came.values(), strict=True):
        if isinstance(steps[-1], Exception):
            found.append(steps[-1])
            continue
        assert [steps[0].kind, steps[-2].kind, steps[-1].kind] == ["start", "usage", "finish"]
        text, note = "".join(step.text for step in steps), steps[-1].extra
        talk.messages.append(Message.assistant(text, extra=note))
        talk.usage, talk.finish = steps[-2].usage, steps[-1].finish
        ledger = ledger_of(talk.messages[-1], note[NOTE]["tokenizer"]) if NOTE in note else None
        talk.out = ledger.ids if ledger else ()
        found.append(talk.out)
    return found


@pytest.mark.parametrize("name", TOGETHER)
def test_answers_together_are_those_of_one_after_the_other(name):
    made, other = (backend(name, dtype=torch.float64, many_ends=True) for _ in range(2))
    talks, alone = talks_of(made, 5), talks_of(other, 5)
    together = ask_all(made, talks, 20)
    for talk, single, out in zip(talks, alone, together, strict=True):
        events = list(other.stream(single.request(20)))
        assert "".join(event.text for event in events) == talk.messages[-1].text
        assert (
            out
            == ledger_of(
                Message.assistant("", extra=events[-1].extra), events[-1].extra[NOTE]["tokenizer"]
            ).ids
        )
        assert talk.usage == events[-2].usage
        assert talk.finish == events[-1].finish
    assert not any(lane.busy for lane in made.engine.shelf.lanes)


@pytest.mark.parametrize("name", TOGETHER)
def test_what_was_computed_together_serves_the_next_turn(name):
    made = backend(name, dtype=torch.float64)
    talks = talks_of(made, 4)
    ask_all(made, talks, 15)
    for talk in talks:
        known = talk.usage.prompt_tokens + 15 - 1  # the last token was never run
        talk.ask("and today?")
        assert talk.usage.cache_read_tokens == known
        assert talk.out == without_reuse(talk)[0]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(1, 25)), min_size=1, max_size=7),
    st.integers(1, 5),
    st.sampled_from(["llama", "sliding"]),
)
def test_any_lengths_in_any_number_of_places(shapes, at_once, name):
    made, other = backend(name, dtype=torch.float64, lanes=2), backend(name, dtype=torch.float64)
    talks = [
        Talk(made, Message.user(tiny.text(words, n)), thread=f"t{n}") for n, (words, _) in enumerate(shapes)
    ]
    each = [{"max_new_tokens": most} for _, most in shapes]
    for (_, most), out in zip(shapes, ask_all(made, talks, each=each, at_once=at_once), strict=True):
        number = [t.out for t in talks].index(out)
        assert len(out) == most
        single = Talk(other, *talks[number].messages[:-1])
        events = list(other.stream(single.request(most)))
        assert (
            out
            == ledger_of(
                Message.assistant("", extra=events[-1].extra), events[-1].extra[NOTE]["tokenizer"]
            ).ids
        )


def test_seeds_and_stops_belong_to_each_request():
    made = backend()
    talks = [Talk(made, Message.user("why?")) for _ in range(4)]
    each = [
        {"temperature": 1.5, "seed": 1},
        {"temperature": 1.5, "seed": 2},
        {"temperature": 1.5, "seed": 1},
        {},
    ]
    outs = ask_all(made, talks, each=each)
    assert outs[0] == outs[2] != outs[1]
    said = talks[3].messages[-1].text
    stop = said[len(said) // 2 :][:3]
    again = [Talk(made, Message.user("why?")) for _ in range(2)]
    ask_all(made, again, each=[{"stop": stop}, {}])
    assert again[0].messages[-1].text == said[: said.index(stop)]
    assert again[0].finish == "stop"
    assert again[1].messages[-1].text == said


def test_one_that_fails_does_not_hurt_the_others():
    made = backend(dtype=torch.float64)
    talks = talks_of(made, 4)
    talks[1].messages[0] = Message.user(tiny.text(9000))
    found = ask_all(made, talks, each=[{}, {}, {"warmth": 3}, {}])
    assert isinstance(found[1], ContextOverflow)
    assert isinstance(found[2], BadRequest)
    for number in (0, 3):
        expected, _ = without_reuse(Talk(made, *talks[number].messages[:1], Message.assistant("")))
        assert found[number] == expected


def test_a_step_that_fails_together_is_taken_alone():
    made = backend(dtype=torch.float64)
    talks = talks_of(made, 4)
    assert can_batch(made.engine)
    layer = made.engine.model.get_decoder().layers[1]
    several = []

    def fail(_module, given, named):
        size = (given[0] if given else named["hidden_states"]).shape[0]
        several.append(size)
        if size > 1 and len(several) > 8:
            raise RuntimeError("out of memory")

    handle = layer.register_forward_pre_hook(fail, with_kwargs=True)
    found = ask_all(made, talks)
    handle.remove()
    assert max(several) == 4
    for talk, out in zip(talks, found, strict=True):
        assert out == without_reuse(Talk(made, *talk.messages[:1], Message.assistant("")))[0]


def test_a_request_that_fails_in_the_model_is_told_as_ours():
    made = backend(dtype=torch.float64)
    talks = talks_of(made, 3)
    assert can_batch(made.engine)
    lane_of_last = []

    def fail(_module, given, named):
        hidden = given[0] if given else named["hidden_states"]
        lane_of_last.append(hidden.shape)
        if len(lane_of_last) > 5 and (hidden.shape[0] > 1 or len(lane_of_last) % 3 == 0):
            raise RuntimeError("no")

    handle = made.engine.model.get_decoder().layers[1].register_forward_pre_hook(fail, with_kwargs=True)
    found = ask_all(made, talks)
    handle.remove()
    assert any(isinstance(out, BackendError) and "failed: no" in str(out) for out in found)
    assert not any(lane.busy for lane in made.engine.shelf.lanes)
    talk = Talk(made, *talks[0].messages[:1])
    talk.ask("and now?")
    assert talk.out == without_reuse(talk)[0]


def test_leaving_early_keeps_what_was_computed():
    made = backend(dtype=torch.float64)
    talks = talks_of(made, 3, words=(30, 40))
    stream = made.stream_many([talk.request(30) for talk in talks])
    for steps, _ in enumerate(stream):
        if steps > 30:
            break
    stream.close()
    assert not any(lane.busy for lane in made.engine.shelf.lanes)
    for talk in talks:
        talk.messages.append(Message.assistant("who knows"))
        talk.ask("and today?")
        assert talk.usage.cache_read_tokens > 20
        assert talk.out == without_reuse(talk)[0]


def test_in_float32_what_differs_is_within_the_noise():
    made, other = backend(), backend()
    talks = talks_of(made, 6)
    for talk, out in zip(talks, ask_all(made, talks, 30), strict=True):
        whole = torch.tensor([other._prompts.prompt(talk.messages[:1]).ids])
        for token in out:
            scores = other.engine.model(whole).logits[0, -1].detach()
            assert float(scores.max() - scores[token]) < 1e-3 * float(scores.abs().max())
            whole = torch.cat([whole, torch.tensor([[token]])], dim=1)


def test_a_model_for_which_it_is_not_possible_says_so():
    made = backend("linear")
    with pytest.raises(BackendError, match="cannot answer several at once"):
        made.stream_many([Talk(made, Message.user("why?")).request()])


def test_what_makes_no_sense_is_told_at_once():
    made = backend()
    with pytest.raises(BadSetting, match="at_once is 0"):
        made.stream_many([], at_once=0)
    assert list(made.stream_many([])) == []
    made.close()
    with pytest.raises(BackendError, match="closed"):
        made.stream_many([])


def test_many_conversations_without_a_memory():
    model, words = tiny.model("qwen", torch.float64), tiny.tokenizer()
    asked = [[{"role": "user", "content": tiny.text(5, number)}] for number in range(3)]
    cache = memex_hf.Cache("64MiB")
    answers = memex_hf.generate_many(
        model, words, asked, cache=cache, max_new_tokens=8, each=[{}, {"max_new_tokens": 4}, {"warmth": 1}]
    )
    assert isinstance(answers[2], BadRequest)
    assert answers[1].usage.output_tokens == 4
    for messages, answer in zip(asked[:2], answers[:2], strict=True):
        single = memex_hf.generate(model, words, messages, max_new_tokens=answer.usage.output_tokens)
        assert answer.text == single.text
    asked[0] += [answers[0].message, {"role": "user", "content": "so?"}]
    assert memex_hf.generate_many(model, words, asked[:1], cache=cache)[0].usage.cache_read_tokens > 15
    with pytest.raises(BadRequest, match="each has 1 settings for 3"):
        memex_hf.generate_many(model, words, asked, each=[{}])


def test_forgetting_in_the_middle_leaves_nothing_behind_and_the_answers_right():
    made = backend(dtype=torch.float64)
    talks = talks_of(made, 3)
    texts = ["", "", ""]
    for number, (place, step) in enumerate(made.stream_many([talk.request() for talk in talks])):
        texts[place] += step.text
        if number == 15:
            made.forget()
    assert list(made.engine.shelf.tree.nodes()) == []
    assert made.engine.shelf.lanes == []
    for talk, text in zip(talks, texts, strict=True):
        alone = "".join(event.text for event in made.stream(talk.request()))
        assert text == alone


def test_a_deadline_ends_one_answer_and_not_the_others():
    made = backend()
    talks = talks_of(made, 2)
    first, second = ask_all(made, talks, each=[{"deadline": 1e-9}, {}])
    assert len(first) <= 1
    assert talks[0].finish == "length"
    assert len(second) == 12
