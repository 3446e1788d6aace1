"""memex: a memory for language models that fits.

Conversations are kept whole in a store; each time the model is called, a chain of policies
chooses what goes into the token budget; and every choice can be explained and replayed.

Names are imported on first use, so that ``import memex`` costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing for it would cost more than the rest of this module
if TYPE_CHECKING:
    from typing import Any

    from memex._anchor import Anchor as Anchor
    from memex._archive_checking import ArchiveInfo as ArchiveInfo
    from memex._archive_checking import verify_archive as verify_archive
    from memex._archive_reading import Restored as Restored
    from memex._archive_reading import read_archive as read_archive
    from memex._archive_writing import write_archive as write_archive
    from memex._backend import AsyncBackend as AsyncBackend
    from memex._backend import Backend as Backend
    from memex._backend import Capabilities as Capabilities
    from memex._backend import Event as Event
    from memex._backend import FinishReason as FinishReason
    from memex._backend import Request as Request
    from memex._backend import Tool as Tool
    from memex._batch import checked_batch as checked_batch
    from memex._blobs import blobs_of as blobs_of
    from memex._blobs import join_blobs as join_blobs
    from memex._blobs import split_blobs as split_blobs
    from memex._budget import Budget as Budget
    from memex._chain_text import parse_chain as parse_chain
    from memex._codec import Codec as Codec
    from memex._codec import Encoded as Encoded
    from memex._codec import LeftOut as LeftOut
    from memex._codec import decode as decode
    from memex._codec import encode as encode
    from memex._cost import Cost as Cost
    from memex._counter import Counter as Counter
    from memex._discovery import EntryPointInfo as EntryPointInfo
    from memex._embedder import Embedder as Embedder
    from memex._embedder import embed_query as embed_query
    from memex._embedder import embed_texts as embed_texts
    from memex._embedder import pack_vector as pack_vector
    from memex._embedder import unpack_vector as unpack_vector
    from memex._entry import Derived as Derived
    from memex._entry import Entry as Entry
    from memex._errors import AuthFailed as AuthFailed
    from memex._errors import BackendError as BackendError
    from memex._errors import BadRequest as BadRequest
    from memex._errors import BadSetting as BadSetting
    from memex._errors import BudgetExceeded as BudgetExceeded
    from memex._errors import CannotResume as CannotResume
    from memex._errors import ConfigError as ConfigError
    from memex._errors import Conflict as Conflict
    from memex._errors import ContextOverflow as ContextOverflow
    from memex._errors import FilterFailed as FilterFailed
    from memex._errors import InvalidAnswer as InvalidAnswer
    from memex._errors import InvalidMessage as InvalidMessage
    from memex._errors import MemexError as MemexError
    from memex._errors import MessageVetoed as MessageVetoed
    from memex._errors import MissingThread as MissingThread
    from memex._errors import NameClash as NameClash
    from memex._errors import PluginError as PluginError
    from memex._errors import PolicyFailed as PolicyFailed
    from memex._errors import PolicyViolation as PolicyViolation
    from memex._errors import RateLimited as RateLimited
    from memex._errors import ReplayError as ReplayError
    from memex._errors import StoreDamaged as StoreDamaged
    from memex._errors import StoreError as StoreError
    from memex._errors import StoreUnavailable as StoreUnavailable
    from memex._errors import ThreadExists as ThreadExists
    from memex._errors import TooManyRounds as TooManyRounds
    from memex._errors import Truncated as Truncated
    from memex._errors import Unavailable as Unavailable
    from memex._errors import UnknownMessage as UnknownMessage
    from memex._errors import UnknownProvider as UnknownProvider
    from memex._errors import UnknownThread as UnknownThread
    from memex._estimate import ScriptCounter as ScriptCounter
    from memex._explain import Explanation as Explanation
    from memex._explain import Row as Row
    from memex._explain import rows as rows
    from memex._factory import load_target as load_target
    from memex._frozen import freeze as freeze
    from memex._frozen import thaw as thaw
    from memex._functions import tool_of as tool_of
    from memex._groups import Unit as Unit
    from memex._home import Home as Home
    from memex._hooks import Hooks as Hooks
    from memex._log import Log as Log
    from memex._memex import Memex as Memex
    from memex._message import Message as Message
    from memex._message import Origin as Origin
    from memex._open_turn import OpenTurn as OpenTurn
    from memex._outcome import Outcome as Outcome
    from memex._parts import Citation as Citation
    from memex._parts import Media as Media
    from memex._parts import Opaque as Opaque
    from memex._parts import Part as Part
    from memex._parts import Reasoning as Reasoning
    from memex._parts import Refusal as Refusal
    from memex._parts import Text as Text
    from memex._parts import ToolCall as ToolCall
    from memex._parts import ToolResult as ToolResult
    from memex._plan import Change as Change
    from memex._plan import Plan as Plan
    from memex._plan import Step as Step
    from memex._plugin import Offer as Offer
    from memex._plugin import PluginInfo as PluginInfo
    from memex._plugin import Problem as Problem
    from memex._probe import ProbeResult as ProbeResult
    from memex._probe import probe as probe
    from memex._provider import Provider as Provider
    from memex._query import Clause as Clause
    from memex._query import Sieve as Sieve
    from memex._query import parse_query as parse_query
    from memex._ranges import contains as contains
    from memex._ranges import expand as expand
    from memex._ranges import show_ranges as show_ranges
    from memex._ranges import to_ranges as to_ranges
    from memex._ranking import Ranking as Ranking
    from memex._ranking import ranker as ranker
    from memex._rehearsal import Rehearsal as Rehearsal
    from memex._replay import Replayed as Replayed
    from memex._reply import Reply as Reply
    from memex._restoring import checked_entries as checked_entries
    from memex._restoring import checked_plans as checked_plans
    from memex._seeking import SeekingStore as SeekingStore
    from memex._seeking import seeking as seeking
    from memex._serial import check_id as check_id
    from memex._serial import decode_message as decode_message
    from memex._serial import encode_message as encode_message
    from memex._settings import load_settings as load_settings
    from memex._settings import settings_file as settings_file
    from memex._spanning import SpanningStore as SpanningStore
    from memex._spanning import spanning as spanning
    from memex._store import Appended as Appended
    from memex._store import Hit as Hit
    from memex._store import Postings as Postings
    from memex._store import Receipt as Receipt
    from memex._store import SearchableStore as SearchableStore
    from memex._store import Store as Store
    from memex._store import StoredPlan as StoredPlan
    from memex._store import ThreadImage as ThreadImage
    from memex._store import ThreadInfo as ThreadInfo
    from memex._store import searchable as searchable
    from memex._term_index import TermIndex as TermIndex
    from memex._terms import TERMS as TERMS
    from memex._terms import searchable_text as searchable_text
    from memex._terms import snippet as snippet
    from memex._terms import terms as terms
    from memex._thread import Thread as Thread
    from memex._usage import Usage as Usage
    from memex._vector_store import Embedded as Embedded
    from memex._vector_store import VectorSpace as VectorSpace
    from memex._vector_store import VectorStore as VectorStore
    from memex._vector_store import checked_vectors as checked_vectors
    from memex._vector_store import vector_store as vector_store
    from memex._window import Window as Window
    from memex._window import is_question as is_question
    from memex._work import Work as Work
    from memex.hookspecs import hookimpl as hookimpl

__version__ = "0.1.0"

_HOME = {
    "Anchor": "_anchor",
    "Appended": "_store",
    "ArchiveInfo": "_archive_checking",
    "AsyncBackend": "_backend",
    "AuthFailed": "_errors",
    "Backend": "_backend",
    "BackendError": "_errors",
    "BadRequest": "_errors",
    "BadSetting": "_errors",
    "Budget": "_budget",
    "BudgetExceeded": "_errors",
    "CannotResume": "_errors",
    "Capabilities": "_backend",
    "Change": "_plan",
    "Citation": "_parts",
    "Clause": "_query",
    "Codec": "_codec",
    "ConfigError": "_errors",
    "Conflict": "_errors",
    "ContextOverflow": "_errors",
    "Cost": "_cost",
    "Counter": "_counter",
    "Derived": "_entry",
    "Embedded": "_vector_store",
    "Embedder": "_embedder",
    "Encoded": "_codec",
    "Entry": "_entry",
    "EntryPointInfo": "_discovery",
    "Event": "_backend",
    "Explanation": "_explain",
    "FilterFailed": "_errors",
    "FinishReason": "_backend",
    "Hit": "_store",
    "Home": "_home",
    "Hooks": "_hooks",
    "InvalidAnswer": "_errors",
    "InvalidMessage": "_errors",
    "LeftOut": "_codec",
    "Log": "_log",
    "Media": "_parts",
    "Memex": "_memex",
    "MemexError": "_errors",
    "Message": "_message",
    "MessageVetoed": "_errors",
    "MissingThread": "_errors",
    "NameClash": "_errors",
    "Offer": "_plugin",
    "Opaque": "_parts",
    "OpenTurn": "_open_turn",
    "Origin": "_message",
    "Outcome": "_outcome",
    "Part": "_parts",
    "Plan": "_plan",
    "PluginError": "_errors",
    "PluginInfo": "_plugin",
    "PolicyFailed": "_errors",
    "PolicyViolation": "_errors",
    "Postings": "_store",
    "ProbeResult": "_probe",
    "Problem": "_plugin",
    "Provider": "_provider",
    "Ranking": "_ranking",
    "RateLimited": "_errors",
    "Reasoning": "_parts",
    "Receipt": "_store",
    "Refusal": "_parts",
    "Rehearsal": "_rehearsal",
    "ReplayError": "_errors",
    "Replayed": "_replay",
    "Reply": "_reply",
    "Request": "_backend",
    "Restored": "_archive_reading",
    "Row": "_explain",
    "ScriptCounter": "_estimate",
    "SearchableStore": "_store",
    "SeekingStore": "_seeking",
    "Sieve": "_query",
    "SpanningStore": "_spanning",
    "Step": "_plan",
    "Store": "_store",
    "StoreDamaged": "_errors",
    "StoreError": "_errors",
    "StoreUnavailable": "_errors",
    "StoredPlan": "_store",
    "TERMS": "_terms",
    "TermIndex": "_term_index",
    "Text": "_parts",
    "Thread": "_thread",
    "ThreadExists": "_errors",
    "ThreadImage": "_store",
    "ThreadInfo": "_store",
    "TooManyRounds": "_errors",
    "Tool": "_backend",
    "ToolCall": "_parts",
    "ToolResult": "_parts",
    "Truncated": "_errors",
    "Unavailable": "_errors",
    "Unit": "_groups",
    "UnknownMessage": "_errors",
    "UnknownProvider": "_errors",
    "UnknownThread": "_errors",
    "Usage": "_usage",
    "VectorSpace": "_vector_store",
    "VectorStore": "_vector_store",
    "Window": "_window",
    "Work": "_work",
    "blobs_of": "_blobs",
    "check_id": "_serial",
    "checked_batch": "_batch",
    "checked_entries": "_restoring",
    "checked_plans": "_restoring",
    "checked_vectors": "_vector_store",
    "contains": "_ranges",
    "decode": "_codec",
    "decode_message": "_serial",
    "embed_query": "_embedder",
    "embed_texts": "_embedder",
    "encode": "_codec",
    "encode_message": "_serial",
    "expand": "_ranges",
    "freeze": "_frozen",
    "hookimpl": "hookspecs",
    "is_question": "_window",
    "join_blobs": "_blobs",
    "load_settings": "_settings",
    "load_target": "_factory",
    "pack_vector": "_embedder",
    "parse_chain": "_chain_text",
    "parse_query": "_query",
    "probe": "_probe",
    "ranker": "_ranking",
    "read_archive": "_archive_reading",
    "rows": "_explain",
    "searchable": "_store",
    "searchable_text": "_terms",
    "seeking": "_seeking",
    "settings_file": "_settings",
    "show_ranges": "_ranges",
    "snippet": "_terms",
    "spanning": "_spanning",
    "split_blobs": "_blobs",
    "terms": "_terms",
    "thaw": "_frozen",
    "to_ranges": "_ranges",
    "tool_of": "_functions",
    "unpack_vector": "_embedder",
    "vector_store": "_vector_store",
    "verify_archive": "_archive_checking",
    "write_archive": "_archive_writing",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'memex' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"memex.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
