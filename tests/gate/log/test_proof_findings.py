"""Findings of the verification: the exact fault and entry, also for crafted files."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gate.log import hash_chain, proof, signed_checkpoints
from gate.log.hash_chain import GENESIS_HASH
from gate.log.proof import ExportFault, ExportVerification, LogVerification
from gate.log.signed_checkpoints import Anchor, Checkpoint, RootLink
from tests.gate.log.test_proof import (
    BEGAN,
    ENTRIES,
    EVERY,
    HEAD,
    KEY,
    LOG,
    OTHER,
    WHOLE,
    at,
    entries_of,
)

LAST = entries_of(ENTRIES)[-1][1]
FIRST = Checkpoint.from_statement(WHOLE[at(5) + 1], KEY.signing.public_key())
SECOND = Checkpoint.from_statement(WHOLE[at(10) + 1], KEY.signing.public_key())


def stated(kind: Any, line: bytes, **changes: Any) -> bytes:
    """Sign a changed statement with the right key."""
    said = {
        name: value for name, value in json.loads(line).items() if name not in ("kind", "signature")
    }
    return signed_checkpoints.sign_statement(kind, {**said, **changes}, KEY)


def instant(micros: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def sealed(body: bytes) -> bytes:
    """Return an entry line over any bytes, with a valid hash."""
    return proof.entry_line(body, hashlib.sha256(body).hexdigest())


def with_line(where: int, *lines: bytes) -> list[bytes]:
    return [*WHOLE[:where], *lines, *WHOLE[where + 1 :]]


def before(where: int, *lines: bytes) -> list[bytes]:
    return [*WHOLE[:where], *lines, *WHOLE[where:]]


END = len(WHOLE) - 1
HALF = entries_of(5)[-1][1]

LOGS: dict[str, tuple[Sequence[bytes], ExportFault, int, int]] = {
    "no JSON": (with_line(at(3), sealed(b"{")), ExportFault("unreadable", 3), 2, 0),
    "no object": (with_line(at(3), sealed(b"[]")), ExportFault("unreadable", 3), 2, 0),
    "no number": (with_line(at(3), sealed(b'{"decided_at":1,"seq":"3"}')), ExportFault("entry_changed", 3), 2, 0),
    "no time": (with_line(at(3), sealed(b'{"decided_at":null,"seq":3}')), ExportFault("entry_changed", 3), 2, 0),
    "another chain": (with_line(at(3), sealed(b'{"decided_at":1,"seq":3}')), ExportFault("entry_moved", 3), 2, 0),
    "changed start of line": (with_line(at(3), WHOLE[at(3)].replace(b'","x', b'","y')[:-1]), ExportFault("entry_changed", 3), 2, 0),
    "changed end of line": (with_line(at(3), WHOLE[at(3)][:-2] + b'"]'), ExportFault("entry_changed", 3), 2, 0),
    "changed field name": (with_line(at(3), WHOLE[at(3)].replace(b'"hash"', b'"hush"')), ExportFault("entry_changed", 3), 2, 0),
    "invalid UTF-8": (with_line(at(3), WHOLE[at(3)][:-3] + b'\xff"}'), ExportFault("entry_changed", 3), 2, 0),
    "duplicate entry": (before(at(6), WHOLE[at(5)]), ExportFault("entry_moved", 6), 5, 1),
    "missing entry": (with_line(at(6)), ExportFault("entry_missing", 6), 5, 1),
    "unknown line": (before(at(4), b'{"kind":"other"}'), ExportFault("unreadable", 4), 3, 0),
    "no kind": (before(at(4), b"[1]"), ExportFault("unreadable", 4), 3, 0),
    "no line": (before(at(4), b"{"), ExportFault("unreadable", 4), 3, 0),
    "late link": (before(at(4), WHOLE[1]), ExportFault("unreadable", 4), 3, 0),
    "entry after footer": ([*WHOLE, WHOLE[at(12)]], ExportFault("entry_moved", 13), 12, 2),
    "two footers": ([*WHOLE, WHOLE[END]], ExportFault("entry_moved", 13), 12, 2),
    "no footer": (WHOLE[:END], ExportFault("cut", 13), 12, 2),
    "footer of another key": (
        with_line(END, signed_checkpoints.sign_statement("end", {"log": LOG, "seq": 12, "hash": LAST, "checkpoints": 2}, OTHER)),
        ExportFault("end_forged", 12), 12, 2,
    ),
    "footer of another log": (with_line(END, stated("end", WHOLE[END], log="other")), ExportFault("end_forged", 12), 12, 2),
    "footer counts more checkpoints": (
        with_line(END, stated("end", WHOLE[END], checkpoints=3)), ExportFault("checkpoint_missing", 3), 12, 2
    ),
    "footer counts more entries": (with_line(END, stated("end", WHOLE[END], seq=13)), ExportFault("cut", 13), 12, 2),
    "footer counts fewer entries": (with_line(END, stated("end", WHOLE[END], seq=11)), ExportFault("entry_moved", 12), 12, 2),
    "footer of another chain": (with_line(END, stated("end", WHOLE[END], hash=HALF)), ExportFault("rewritten", 12), 12, 2),
    "checkpoint of another log": (
        with_line(at(5) + 1, replace(FIRST, log="other").to_statement(KEY)), ExportFault("checkpoint_missing", 1), 5, 0
    ),
    "later checkpoint": (
        with_line(at(5) + 1, replace(FIRST, number=2).to_statement(KEY)), ExportFault("checkpoint_missing", 1), 5, 0
    ),
    "checkpoint of another chain": (
        with_line(at(10) + 1, replace(SECOND, previous=GENESIS_HASH).to_statement(KEY)), ExportFault("checkpoint_missing", 2), 10, 1
    ),
    "checkpoint without root": (
        with_line(at(10) + 1, replace(SECOND, root="f" * 64).to_statement(KEY)), ExportFault("root_differs", 2), 10, 1
    ),
    "checkpoint of another key": (with_line(at(10) + 1, SECOND.to_statement(OTHER)), ExportFault("checkpoint_forged", 2), 10, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", LOGS)
def test_each_fault_is_reported_with_entry(name: str) -> None:
    lines, fault, entries, signed = LOGS[name]
    found = proof.verify_export(lines)
    (log,) = found.logs
    assert (log.fault, log.entries, log.checkpoints) == (fault, entries, signed)
    assert (log.anchored, log.entries_after_checkpoint) == (
        (0, 5, 10)[signed],
        entries - (0, 5, 10)[signed],
    )
    assert (found.is_intact, found.fault) == (False, None)


def unanchored(*signed: Checkpoint, links: Sequence[bytes] = ()) -> list[bytes]:
    """Return an export with these checkpoints, after the fifth entry and before the end, and a root
    that anchors none."""
    opening = stated("export", WHOLE[0], links=len(links))
    entries = [line for line, _ in entries_of(ENTRIES)]
    made = [one.to_statement(KEY) for one in signed]
    end = stated("end", WHOLE[END], checkpoints=len(made))
    return [
        opening,
        *links,
        WHOLE[HEAD - 1],
        *entries[:EVERY],
        *made[:1],
        *entries[EVERY:],
        *made[1:],
        end,
    ]


@pytest.mark.parametrize(
    ("signed", "fault"),
    [
        (replace(FIRST, seq=6), ExportFault("cut", 6)),
        (replace(FIRST, seq=4), ExportFault("checkpoint_missing", 6)),
        (replace(FIRST, head="f" * 64), ExportFault("rewritten", 5)),
        (replace(FIRST, root="f" * 64), ExportFault("root_differs", 1)),
        (FIRST, None),
    ],
)
def test_unanchored_checkpoint_is_compared_with_chain(
    signed: Checkpoint, fault: ExportFault | None
) -> None:
    (log,) = proof.verify_export(unanchored(signed)).logs
    assert log.fault == fault
    assert log.entries == (ENTRIES if fault is None else EVERY)
    assert log.anchored_at == (
        None if fault is not None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=1000)
    )


OTHERS = Anchor("somebody", 1, "a" * 64)
TWICE = RootLink(2, 7, hash_chain.sha256_hex(WHOLE[1]), (Anchor(LOG, 1, "b" * 64),))

FILES: dict[str, tuple[Sequence[bytes], ExportFault]] = {
    "link of another key": (with_line(1, RootLink(1, 1001, GENESIS_HASH, ()).to_statement(OTHER)), ExportFault("root_forged", 1)),
    "second link of another key": (with_line(2, RootLink(2, 1, GENESIS_HASH, ()).to_statement(OTHER)), ExportFault("root_forged", 2)),
    "conflicting link": (with_line(2, TWICE.to_statement(KEY)), ExportFault("root_forged", 2)),
    "link of another chain": (with_line(2, replace(TWICE, previous=GENESIS_HASH).to_statement(KEY)), ExportFault("root_missing", 2)),
    "extra link": (with_line(2, replace(TWICE, number=3).to_statement(KEY)), ExportFault("root_missing", 2)),
    "another format": (with_line(0, stated("export", WHOLE[0], format=2)), ExportFault("unreadable", 0)),
    "header of another key": (
        with_line(0, signed_checkpoints.sign_statement("export", {"key": KEY.public_key_text}, OTHER)), ExportFault("unreadable", 0)
    ),
    "no key": (with_line(0, signed_checkpoints.sign_statement("export", {"format": 1}, KEY)), ExportFault("unreadable", 0)),
    "invalid key": (with_line(0, b'{"key":"?"}'), ExportFault("unreadable", 0)),
    "no header": (WHOLE[1:], ExportFault("unreadable", 0)),
    "no JSON": ([b"{"], ExportFault("unreadable", 0)),
    "entry without log": ([*WHOLE[:3], WHOLE[at(1)]], ExportFault("unreadable", 0)),
    "footer without log": ([*WHOLE[:3], WHOLE[END]], ExportFault("unreadable", 0)),
    "log header of another key": (
        with_line(3, signed_checkpoints.sign_statement("log", {"agency": "A", "log": LOG}, OTHER)), ExportFault("unreadable", 0)
    ),
    "second log header of another key": (
        [*WHOLE, signed_checkpoints.sign_statement("log", {"agency": "A", "log": "x"}, OTHER)], ExportFault("unreadable", 1)
    ),
    "closing statement of another key": (before(3, signed_checkpoints.sign_statement("closed", {"log": "x"}, OTHER)), ExportFault("unreadable", 0)),
    "missing link": (with_line(0, stated("export", WHOLE[0], links=3)), ExportFault("root_missing", 3)),
    "missing log": (with_line(0, stated("export", WHOLE[0], logs=[LOG, "x"])), ExportFault("log_missing", 1)),
    "removed log": (
        unanchored(FIRST, links=[RootLink(1, 1, GENESIS_HASH, (OTHERS,)).to_statement(KEY)]), ExportFault("log_gone", 1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_fault_of_file_is_reported(name: str) -> None:
    lines, fault = FILES[name]
    found = proof.verify_export(lines)
    assert (found.fault, found.is_intact) == (fault, False)


def test_verification_stops_at_first_fault_of_file() -> None:
    found = proof.verify_export([*WHOLE[:2], WHOLE[1], *WHOLE[2:]])
    assert found == ExportVerification(
        KEY.public_key_text, 1, (), (LOG,), ExportFault("root_missing", 2)
    )


def test_verification_of_intact_file_is_complete() -> None:
    told = LogVerification(
        log=LOG,
        agency="Lumière",
        entries=ENTRIES,
        first=BEGAN + timedelta(seconds=1),
        last=BEGAN + timedelta(seconds=ENTRIES),
        checkpoints=2,
        anchored=2 * EVERY,
        anchored_at=instant(2000),
    )
    assert proof.verify_export([line + b"\r\n" for line in WHOLE]) == ExportVerification(
        KEY.public_key_text, 2, (told,)
    )
    assert told.entries_after_checkpoint == 2


def test_log_of_removed_agency_requires_closing_statement() -> None:
    links = [
        RootLink(1, 1, GENESIS_HASH, (OTHERS, Anchor("another", 2, "c" * 64))).to_statement(KEY)
    ]
    lines = unanchored(FIRST, links=links)
    assert proof.verify_export(lines).strangers == ("another", "somebody")
    assert proof.verify_export(lines).fault == ExportFault("log_gone", 2)
    closed = [
        signed_checkpoints.sign_statement("closed", {"log": name}, KEY)
        for name in ("somebody", "another")
    ]
    found = proof.verify_export([*lines[:2], *closed, *lines[2:]])
    assert (found.is_intact, found.strangers) == (True, ())
    some = proof.verify_export([stated("export", lines[0], every=False), *lines[1:]])
    assert (some.is_intact, some.strangers) == (True, ("another", "somebody"))
    assert proof.verify_export([*lines, closed[0]]).logs[0].fault == ExportFault(
        "entry_moved", ENTRIES + 1
    )


def test_last_checkpoint_of_root_counts_in_any_order() -> None:
    """A log that ends before the last anchored checkpoint is incomplete."""
    first = FIRST.to_statement(KEY)
    anchors = (Anchor(LOG, 2, "d" * 64), Anchor(LOG, 1, hash_chain.sha256_hex(first)))
    lines = unanchored(FIRST, links=[RootLink(1, 1, GENESIS_HASH, anchors).to_statement(KEY)])
    assert proof.verify_export(lines).logs[0].fault == ExportFault("checkpoint_missing", 2)
