"""What memex-importance does to windows: evidence that stays, exchanges in view, fresh tokens, time.

    python benchmarks/importance.py [DATA.json ...] [--budget 2048]

Three parts, each with its baseline in the same run. The first holds a made-up conversation of an agent
that reads files, with and without ``clear-tool-results``: how many exchanges with tools are in view
(whole or as a stub), how many whole, and the share of all sent tokens that was fresh. The second needs
data files (conversations with questions and evidence, as ``memex recall-eval`` reads them) and measures
evidence recall of chains with and without ``importance`` and ``keep-important``, and the CPU time of a
window. The third takes the CPU time of a window with ``importance`` on threads of 1,000 and of 50,000
messages. Prints JSON; exits with 1 if clearing shows fewer exchanges than fifo alone or sends more that
is fresh, or if a window of the long thread costs twice one of the short thread.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from memex_lab.conversations import read_conversations
from memex_lab.measuring import measure
from memex_lab.summing import figures

from memex import Budget, Memex, Message, Rehearsal, ToolCall

CHAINS: dict[str, list[Any]] = {
    "fifo": ["fifo"],
    "keep-important ▸ fifo": ["keep-important", "fifo"],
    "recall ▸ fifo": ["recall", "fifo"],
    "recall ▸ importance ▸ fifo": ["recall", "importance", "fifo"],
    "recall ▸ keep-important ▸ fifo": ["recall", "keep-important", "fifo"],
}


def agent_talk(turns: int) -> list[Message]:
    """Return a conversation in which every turn reads one to three files of 100 to 3,000 words."""
    chance = random.Random(7)
    said = [Message.system("You look things up in files.")]
    for turn in range(turns):
        said.append(Message.user(f"Please look up point {turn} and tell me what it says."))
        for step in range(chance.randint(1, 3)):
            call = ToolCall(
                id=f"call_{turn}_{step}", name="read_file", arguments=f'{{"path": "{turn}-{step}.md"}}'
            )
            words = " ".join(
                chance.choice(("tide", "boat", "rope", "quay", "gate"))
                for _ in range(chance.randint(100, 3_000))
            )
            said += [Message.assistant([call]), Message.tool(call.id, words)]
        said.append(Message.assistant(f"Point {turn} is about boats."))
    return said


def hold(chain: list[Any], messages: list[Message], budget: int) -> dict[str, float]:
    """Hold a conversation and return what was in view, on average over its windows."""
    with Memex("inmemory:", chain=chain) as memory:
        thread = memory.thread("t", budget=Budget(budget, 0))
        thread.append(messages)
        rehearsal = Rehearsal(thread)
        view, whole, fresh, sent, evictions, count = 0, 0, 0, 0, 0, 0
        for place in range(1, len(messages)):
            if messages[place].role != "assistant":
                continue
            window = rehearsal.turn(place)
            count += 1
            view += sum(bool(entry.message.tool_results) for entry in window.present)
            whole += sum(bool(entry.message.tool_results) for entry in window.entries)
            fresh += window.plan.fresh_tokens
            sent += window.tokens
            evictions += any(step.changes for step in window.plan.steps[1:])
    return {
        "exchanges in view": round(view / count, 1),
        "of them whole": round(whole / count, 1),
        "fresh share": round(fresh / sent, 3),
        "windows that were cut": evictions,
        "windows": count,
    }


def evidence(path: Path, chain: list[Any], budgets: list[int]) -> dict[str, Any]:
    """Return recall by budget and CPU milliseconds for each window, the conversation's and the questions'."""
    conversations = read_conversations(path.read_bytes())
    outcomes, windows = [], 0
    with Memex("inmemory:", chain=chain) as memory:
        for conversation in conversations:
            conversation.stored_in(memory)
        started = time.process_time()
        for conversation in conversations:
            turns = sum(message.role == "assistant" for message in conversation.messages)
            for budget in budgets:
                thread = memory.thread(conversation.id, budget=Budget(budget, 0))
                outcomes += measure(thread, conversation.questions)
                windows += turns + len(conversation.questions)
        spent = time.process_time() - started
    recall = {str(budget): round(100 * figures(outcomes, budget).recall, 1) for budget in budgets}
    return {"recall": recall, "CPU ms per window": round(1e3 * spent / windows, 2)}


def window_ms(messages: int) -> float:
    """Return the median CPU milliseconds of a window with ``importance`` on a thread of that length."""
    chance = random.Random(messages)
    words = [f"word{number}" for number in range(20_000)]

    def said(count: int) -> str:
        return " ".join(words[int(len(words) * chance.random() ** 3)] for _ in range(count))

    with Memex("inmemory:", chain=["importance", "fifo"], budget=4_000) as memory:
        thread = memory.thread("t")
        thread.append([Message.user(f"{said(30)} on May {n % 30 + 1}.") for n in range(messages)])
        questions = [f"When was {said(8)}?" for _ in range(40)]
        spent = []
        for question in (*questions, *questions):
            started = time.process_time()
            thread.window(question, record=False)
            spent.append(time.process_time() - started)
    return round(1e3 * sorted(spent[len(questions) :])[len(questions) // 2], 2)


def main() -> int:
    """Run the three parts."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("data", nargs="*", type=Path)
    arguments.add_argument("--budget", type=int, action="append", default=[])
    given = arguments.parse_args()
    budgets = given.budget or [2_048, 8_192]
    talk = agent_talk(60)
    tools = {
        name: hold(chain, talk, 32_000)
        for name, chain in (("fifo", ["fifo"]), ("clear-tool-results ▸ fifo", ["clear-tool-results", "fifo"]))
    }
    plain, cleared = tools.values()
    passed = cleared["exchanges in view"] >= plain["exchanges in view"] and (
        cleared["fresh share"] <= plain["fresh share"]
    )
    sets = {
        path.stem: {name: evidence(path, chain, budgets) for name, chain in CHAINS.items()}
        for path in given.data
    }
    lengths = {"1,000 messages": window_ms(1_000), "50,000 messages": window_ms(50_000)}
    passed = passed and lengths["50,000 messages"] < 2 * lengths["1,000 messages"]
    found = {"tools": tools, "evidence": sets, "CPU ms of a window": lengths, "passed": passed}
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
