"""memex recall-eval: what it prints, its exit code, its page; and that it stores nothing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from memex import Memex

QUESTIONS = [
    {"question": "Which padlock code did the slipway have?", "evidence": ["q2"], "category": "code"},
    {"question": "What came in last?", "evidence": ["q59"], "category": "news"},
]


@pytest.fixture
def questions(apart):
    path = apart / "questions.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in QUESTIONS))
    return str(path)


def test_a_table_by_budget_and_by_category(run, stored, questions):
    done = run(questions, "--budget", "400", "--budget", "4000")
    assert done.exit_code == 0, done.output
    assert done.stdout == (
        "2 questions of thread harbour; chain: evict\n"
        "budget   recall  any of it  all of it  verbatim  as a stub  in summary    lost\n"
        "400      50.0 %     50.0 %     50.0 %    50.0 %      0.0 %       0.0 %  50.0 %\n"
        "4,000   100.0 %    100.0 %    100.0 %   100.0 %      0.0 %       0.0 %   0.0 %\n"
        "\n"
        "recall by category  questions      400    4,000\n"
        "code                        1    0.0 %  100.0 %\n"
        "news                        1  100.0 %  100.0 %\n"
    )
    assert done.stderr == ""


def test_another_chain_is_measured_without_a_trace(run, stored, questions):
    done = run(questions, "--chain", "by-words,evict", "--budget", "400", "--json")
    found = json.loads(done.stdout)
    assert found["chain"] == "by-words ▸ evict"
    assert found["budgets"][0]["recall"] == 1.0
    assert found["questions"][0]["evidence"] == [{"seq": 5, "fate": "verbatim"}]
    with Memex.from_settings() as memory:
        assert list(memory.thread(stored).plans()) == []
        assert memory.thread(stored).info.head == 120


def test_questions_are_mined_without_a_file(run, stored):
    done = run("--budget", "400", "--json")
    found = json.loads(done.stdout)
    assert found["about"] == "thread harbour, mined from it"
    assert {name: f[0]["recall"] for name, f in found["categories"].items()} == dict.fromkeys(
        ("decision", "name", "number", "path"), 0.0
    )


def test_nothing_to_mine_is_said(run):
    with Memex.from_settings() as memory:
        memory.thread("t").append("hello")
    done = run()
    assert done.exit_code == 1
    assert "give a file of questions" in str(done.exception or done.output)


def test_all_budgets_without_asking(run, stored, questions):
    found = json.loads(run(questions, "--json").stdout)
    assert [f["budget"] for f in found["budgets"]] == [512, 1024, 2048, 4096, 8192]


@pytest.mark.parametrize(("threshold", "code"), [("0.5@400", 0), ("0.51@400", 1), ("1@4000", 0)])
def test_a_threshold_is_an_exit_code(run, stored, questions, threshold, code):
    done = run(questions, "--at-least", threshold, "--budget", "400")
    assert done.exit_code == code, done.output
    assert done.stdout.startswith("2 questions")
    if code:
        assert done.stderr == "Error: recall at 400 tokens is 0.500, which is below 0.51\n"


@pytest.mark.parametrize("threshold", ["0.8", "80@400", "1.5@400", "x@400", "0.8@", "-1@400"])
def test_a_threshold_that_makes_no_sense_is_a_usage_error(run, questions, threshold):
    done = run(questions, "--at-least", threshold)
    assert done.exit_code == 2
    assert "such as 0.8@2048" in done.stderr


def test_a_file_of_conversations_is_measured_in_memory(run, apart, harbour):
    if "inmemory" not in [point.name for point in entry_points(group="memex")]:
        pytest.skip("needs memex-inmemory to be installed")
    messages = [{"id": m.id, "role": m.role, "content": m.text} for m in harbour]
    asked = [{"query": "Which slipway padlock?", "evidence": ["q2"], "at": 100, "category": "code"}]
    unused = {"query": "?", "evidence": [], "scored": False}
    talks = [{"id": f"talk-{n}", "messages": messages, "questions": [*asked, unused]} for n in (1, 2)]
    path = apart / "set.json"
    path.write_text(json.dumps({"conversations": talks}))
    done = run(str(path), "--chain", "by-words,evict", "--budget", "400")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(
        "2 questions of 2 conversations, without 2 that are not scored; chain: by-words"
    )
    assert "400     100.0 %" in done.stdout
    with Memex.from_settings() as memory:
        assert list(memory.threads()) == []


def test_stdin_is_a_file(run, stored, questions):
    done = run("-", "--budget", "400", input=Path(questions).read_bytes())
    assert done.stdout.startswith("2 questions")


def test_which_thread_is_asked_where_several_could_be_meant(run, stored, questions):
    with Memex.from_settings() as memory:
        memory.thread("other")
    assert "which thread? Give --thread; there is harbour, other" in str(run(questions).exception)
    assert run(questions, "--thread", "harbour", "--budget", "400").exit_code == 0


def test_options_before_the_command_count(stored, questions):
    """The group of ``memex`` keeps them under these names; see the hook memex_commands."""
    import click
    from click.testing import CliRunner
    from memex_lab.command import command

    @click.group()
    @click.pass_context
    def group(ctx):
        ctx.meta.update(
            {f"memex.option.{k}": v for k, v in (("thread", "harbour"), ("budget", 400), ("json", True))}
        )

    group.add_command(command)
    done = CliRunner().invoke(group, ["recall-eval", questions])
    assert [f["budget"] for f in json.loads(done.stdout)["budgets"]] == [400]


HOSTILE = '<script>alert(1)</script>"&\x1b[31m\u202e'


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_the_page_has_plots_and_no_script(run, stored, apart):
    path = apart / "hostile.jsonl"
    items = [
        {"question": f"What about {HOSTILE}?", "evidence": ["q2"], "category": f"c {HOSTILE}", "id": HOSTILE},
        {"question": "And then?", "evidence": ["q59"]},
    ]
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    done = run(str(path), "--html", "report.html", "--budget", "400", "--budget", "450")
    assert done.exit_code == 0, (done.output, done.exception)
    page = (apart / "report.html").read_text(encoding="utf-8")
    seen = Page()
    seen.feed(page)
    tags = {tag for tag, _ in seen.tags}
    assert {"svg", "polyline", "rect", "table"} <= tags
    assert not tags & {"script", "link", "img", "iframe"}
    assert not [name for _, attrs in seen.tags for name in attrs if name.startswith("on")]
    assert "<script>alert(1)</script>" in seen.text
    assert not re.search("[\x1b\u202e]", page)
    assert not re.search("[\x1b\u202e]", done.stdout)
    assert [p.name for p in apart.glob("*report*")] == ["report.html"]


def test_a_page_that_cannot_be_written_leaves_nothing(run, stored, questions, apart):
    done = run(questions, "--html", "nowhere/report.html", "--budget", "400")
    assert isinstance(done.exception, OSError)
    assert done.exception.filename == "nowhere/report.html"


def test_a_page_goes_to_stdout(run, stored, questions):
    out = run(questions, "--html", "-", "--budget", "400").stdout
    assert out.startswith("<!DOCTYPE html>")
