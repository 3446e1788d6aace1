"""What an archive is made of: names of files, a manifest, and lines of JSON.

::

    manifest.json       what there is, with sizes and SHA-256 digests; written last
    manifest.sha256     its own digest, in the form that ``sha256sum -c`` reads
    threads/000001/     a folder for each thread, parents before their forks
        messages.jsonl  its own messages, in order
        plans.jsonl     its own plans, by number
        state.jsonl     its values, by key
    blobs/              data of pictures and files, each named by its SHA-256 digest

A file that would be empty is left out, so that what is there says what there is.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error as NotBase64
from binascii import a2b_base64
from datetime import datetime
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from memex._blobs import join_blobs, split_blobs
from memex._entry import Entry
from memex._errors import InvalidMessage, StoreDamaged
from memex._serial import check_id, decode_message, encode_message
from memex._store import StoredPlan, ThreadImage, ThreadInfo

FORMAT: Final = "memex-archive"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
SEAL: Final = "manifest.sha256"
BLOBS: Final = "blobs/"
MAX_PIECE: Final = 1 << 30
"""Bytes of the longest line and the largest blob: they are held in memory, one at a time."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Count = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Moment = Annotated[datetime, Meta(tz=True)]
_Thing = TypeVar("_Thing")


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A thing in an archive; a field that this version does not know is an error, not a surprise."""


class FileRecord(_Record, frozen=True):
    """A file of lines, as it was written.

    Attributes:
        lines: How many it has.
        size: Its bytes.
        sha256: Its digest.
    """

    lines: _Number
    size: _Number
    sha256: _Digest


class ThreadRecord(_Record, frozen=True):
    """A thread, as the manifest lists it; the fields are those of its image.

    Attributes:
        id: Its id.
        folder: Where its files are.
        files: Those that are not empty, by name.
    """

    id: str
    folder: str
    head: _Number
    created: _Moment
    parent: str | None = None
    forked_at: _Number | None = None
    plan_base: _Number = 0
    shared_plans: _Number = 0
    files: dict[str, FileRecord] = {}

    @property
    def info(self) -> ThreadInfo:
        """The thread as a store lists it."""
        return ThreadInfo(self.id, self.head, self.created, self.parent, self.forked_at)

    @property
    def own(self) -> int:
        """How many messages are its own."""
        return self.head - (self.forked_at or 0)

    def lines(self, name: str) -> int:
        """Return how many lines one of its files has; none where there is no such file."""
        return self.files[name].lines if name in self.files else 0


class Blobs(_Record, frozen=True):
    """The data beside the messages: how many pieces, and their bytes together."""

    count: _Number = 0
    size: _Number = 0


class Manifest(_Record, frozen=True):
    """What an archive holds.

    Attributes:
        format: ``memex-archive``.
        version: Of the format.
        memex: Version of the memex that wrote it.
        created: When it was written.
        namespace: The namespace it was taken from.
        threads: Parents before their forks.
        blobs: Data beside the messages.
    """

    format: str
    version: int
    memex: str
    created: _Moment
    namespace: str
    threads: tuple[ThreadRecord, ...]
    blobs: Blobs


class _Kind(msgspec.Struct, frozen=True):
    """The part of a manifest that every version has."""

    format: str
    version: int


class _MessageLine(_Record, frozen=True):
    seq: _Number
    message: Raw
    tokens: _Count = 0
    counter: str | None = None
    blobs: tuple[_Digest, ...] = ()


class _PlanLine(_Record, frozen=True):
    number: _Number
    head: _Number
    json: Raw | UnsetType = UNSET
    base64: str | UnsetType = UNSET


class _StateLine(_Record, frozen=True):
    key: str
    json: Raw | UnsetType = UNSET
    base64: str | UnsetType = UNSET


_MANIFESTS = msgspec.json.Decoder(Manifest)
_KINDS = msgspec.json.Decoder(_Kind)
_MESSAGES = msgspec.json.Decoder(_MessageLine)
_PLANS = msgspec.json.Decoder(_PlanLine)
_STATES = msgspec.json.Decoder(_StateLine)
_ENCODER = msgspec.json.Encoder()


# -- names -------------------------------------------------------------------------------------


def folder_of(place: int) -> str:
    """Return the folder of the thread in that place; thread ids may hold what file names may not."""
    return f"threads/{place:06d}/"


def blob_name(digest: str) -> str:
    """Return the file of a piece of data."""
    return BLOBS + digest


def digest_of(name: str) -> str | None:
    """Return the digest that a blob's file is named by, None if it is no such file."""
    digest = name.removeprefix(BLOBS)
    return digest if name.startswith(BLOBS) and _DIGEST.fullmatch(digest) else None


# -- lines -------------------------------------------------------------------------------------


def message_line(entry: Entry) -> tuple[bytes, dict[str, bytes]]:
    """Return an entry as a line, and the data that it refers to."""
    message, blobs = split_blobs(entry.message)
    raw = Raw(encode_message(message))
    line = _ENCODER.encode(_MessageLine(entry.seq, raw, entry.tokens, entry.counter, tuple(blobs))) + b"\n"
    if max(len(line), *map(len, blobs.values()), 0) > MAX_PIECE:
        raise InvalidMessage(f"message {entry.message.id!r} is larger than an archive takes: 1 GiB")
    return line, dict(blobs)


def plan_line(plan: StoredPlan) -> bytes:
    """Return a plan as a line."""
    return _ENCODER.encode(_PlanLine(plan.number, plan.head, *_written(plan.body))) + b"\n"


def state_line(key: str, value: bytes) -> bytes:
    """Return a value kept with a thread as a line."""
    return _ENCODER.encode(_StateLine(key, *_written(value))) + b"\n"


class ReadEntry(msgspec.Struct, frozen=True):
    """An entry of an archive, whose data is elsewhere.

    Attributes:
        entry: The entry; its message refers to data.
        blobs: Digests of that data.
    """

    entry: Entry
    blobs: tuple[str, ...]

    def joined(self, blobs: dict[str, bytes]) -> Entry:
        """Return the entry with its data in place."""
        message = join_blobs(self.entry.message, blobs)
        return msgspec.structs.replace(self.entry, message=message)


def read_message_line(line: bytes) -> ReadEntry:
    """Return the entry of a line."""
    found = _decoded(_MESSAGES, line)
    try:
        message = decode_message(bytes(found.message))
        check_id(message.id, "message")
    except InvalidMessage as error:
        raise StoreDamaged(str(error)) from error
    return ReadEntry(Entry(found.seq, message, found.tokens, found.counter), found.blobs)


def read_plan_line(line: bytes) -> StoredPlan:
    """Return the plan of a line."""
    found = _decoded(_PLANS, line)
    return StoredPlan(found.number, found.head, _read(found))


def read_state_line(line: bytes) -> tuple[str, bytes]:
    """Return the value of a line, and its key."""
    found = _decoded(_STATES, line)
    try:
        return check_id(found.key, "state key"), _read(found)
    except InvalidMessage as error:
        raise StoreDamaged(str(error)) from error


def _written(value: bytes) -> tuple[Raw | UnsetType, str | UnsetType]:
    """Return bytes as JSON where they are JSON that comes back to the byte, else as base64."""
    try:
        value.decode()
        msgspec.json.decode(value)
        line = _ENCODER.encode(_StateLine("", json=Raw(value)))
        if b"\n" not in line and b"\r" not in line and bytes(_read(_STATES.decode(line))) == value:
            return Raw(value), UNSET
    except (UnicodeDecodeError, msgspec.MsgspecError, RecursionError):
        pass
    return UNSET, b64encode(value).decode()


def _read(line: _PlanLine | _StateLine) -> bytes:
    if (line.json is UNSET) == (line.base64 is UNSET):
        raise StoreDamaged("a value is neither JSON nor base64, or both")
    if line.json is not UNSET:
        return bytes(line.json)
    try:
        return a2b_base64(line.base64, strict_mode=True)  # type: ignore[arg-type]  # one of the two is set
    except (NotBase64, ValueError) as error:
        raise StoreDamaged(f"a value is no base64: {error}") from error


# -- the manifest ------------------------------------------------------------------------------


def thread_record(image: ThreadImage, folder: str, files: dict[str, FileRecord]) -> ThreadRecord:
    """Return what the manifest says about a thread."""
    info = image.info
    return ThreadRecord(
        info.id,
        folder,
        info.head,
        info.created,
        info.parent,
        info.forked_at,
        image.plan_base,
        image.shared_plans,
        files,
    )


def write_manifest(manifest: Manifest) -> bytes:
    """Return a manifest as bytes that a person can read too."""
    return msgspec.json.format(_ENCODER.encode(manifest), indent=1) + b"\n"


def read_manifest(data: bytes) -> Manifest:
    """Return the manifest that ``data`` holds.

    Raises:
        StoreDamaged: If it is none, or of a newer version.
    """
    kind = _decoded(_KINDS, data)
    if kind.format != FORMAT:
        raise StoreDamaged(f"it is of the format {kind.format!r}, not {FORMAT!r}")
    if kind.version != VERSION:
        raise StoreDamaged(
            f"it has version {kind.version} of the format and this memex reads {VERSION}; "
            "a newer memex may read it"
        )
    return _decoded(_MANIFESTS, data)


def _decoded(decoder: msgspec.json.Decoder[_Thing], data: bytes) -> _Thing:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise StoreDamaged(str(error)) from error
