"""Verifying says exactly what is wrong and at which entry, also of a file that was crafted and not only damaged."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gate import chain, checkpoints, proof
from gate.chain import GENESIS
from gate.checkpoints import Anchor, Checkpoint, Link
from gate.proof import Fault, Proof, Verified
from tests.gate.test_proof import BEGAN, ENTRIES, EVERY, HEAD, KEY, LOG, OTHER, WHOLE, at, entries_of

LAST = entries_of(ENTRIES)[-1][1]
FIRST = Checkpoint.read(WHOLE[at(5) + 1], KEY.signing.public_key())
SECOND = Checkpoint.read(WHOLE[at(10) + 1], KEY.signing.public_key())


def stated(kind: Any, line: bytes, **changes: Any) -> bytes:
    """A statement said anew by who holds the key."""
    said = {name: value for name, value in json.loads(line).items() if name not in ("kind", "signature")}
    return checkpoints.state(kind, {**said, **changes}, KEY)


def instant(micros: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def sealed(body: bytes) -> bytes:
    """An entry's line over any bytes at all, with a hash that fits."""
    return proof.entry_line(body, hashlib.sha256(body).hexdigest())


def with_line(where: int, *lines: bytes) -> list[bytes]:
    return [*WHOLE[:where], *lines, *WHOLE[where + 1 :]]


def before(where: int, *lines: bytes) -> list[bytes]:
    return [*WHOLE[:where], *lines, *WHOLE[where:]]


END = len(WHOLE) - 1
HALF = entries_of(5)[-1][1]

LOGS: dict[str, tuple[Sequence[bytes], Fault, int, int]] = {
    "no JSON": (with_line(at(3), sealed(b"{")), Fault("unreadable", 3), 2, 0),
    "no object": (with_line(at(3), sealed(b"[]")), Fault("unreadable", 3), 2, 0),
    "no number": (with_line(at(3), sealed(b'{"decided_at":1,"seq":"3"}')), Fault("entry_changed", 3), 2, 0),
    "no time": (with_line(at(3), sealed(b'{"decided_at":null,"seq":3}')), Fault("entry_changed", 3), 2, 0),
    "another chain": (with_line(at(3), sealed(b'{"decided_at":1,"seq":3}')), Fault("entry_moved", 3), 2, 0),
    "another opening": (with_line(at(3), WHOLE[at(3)].replace(b'","x', b'","y')[:-1]), Fault("entry_changed", 3), 2, 0),
    "another closing": (with_line(at(3), WHOLE[at(3)][:-2] + b'"]'), Fault("entry_changed", 3), 2, 0),
    "another name": (with_line(at(3), WHOLE[at(3)].replace(b'"hash"', b'"hush"')), Fault("entry_changed", 3), 2, 0),
    "no letters": (with_line(at(3), WHOLE[at(3)][:-3] + b'\xff"}'), Fault("entry_changed", 3), 2, 0),
    "an entry again": (before(at(6), WHOLE[at(5)]), Fault("entry_moved", 6), 5, 1),
    "an entry left out": (with_line(at(6)), Fault("entry_missing", 6), 5, 1),
    "a strange line": (before(at(4), b'{"kind":"other"}'), Fault("unreadable", 4), 3, 0),
    "no kind": (before(at(4), b"[1]"), Fault("unreadable", 4), 3, 0),
    "no line": (before(at(4), b"{"), Fault("unreadable", 4), 3, 0),
    "a late link": (before(at(4), WHOLE[1]), Fault("unreadable", 4), 3, 0),
    "after the end": ([*WHOLE, WHOLE[at(12)]], Fault("entry_moved", 13), 12, 2),
    "two ends": ([*WHOLE, WHOLE[END]], Fault("entry_moved", 13), 12, 2),
    "no end": (WHOLE[:END], Fault("cut", 13), 12, 2),
    "end by another": (
        with_line(END, checkpoints.state("end", {"log": LOG, "seq": 12, "hash": LAST, "checkpoints": 2}, OTHER)),
        Fault("end_forged", 12), 12, 2,
    ),
    "end of another log": (with_line(END, stated("end", WHOLE[END], log="other")), Fault("end_forged", 12), 12, 2),
    "end knows of more": (
        with_line(END, stated("end", WHOLE[END], checkpoints=3)), Fault("checkpoint_missing", 3), 12, 2
    ),
    "end is later": (with_line(END, stated("end", WHOLE[END], seq=13)), Fault("cut", 13), 12, 2),
    "end is earlier": (with_line(END, stated("end", WHOLE[END], seq=11)), Fault("entry_moved", 12), 12, 2),
    "end of another chain": (with_line(END, stated("end", WHOLE[END], hash=HALF)), Fault("rewritten", 12), 12, 2),
    "a checkpoint of another log": (
        with_line(at(5) + 1, replace(FIRST, log="other").signed(KEY)), Fault("checkpoint_missing", 1), 5, 0
    ),
    "a later checkpoint": (
        with_line(at(5) + 1, replace(FIRST, number=2).signed(KEY)), Fault("checkpoint_missing", 1), 5, 0
    ),
    "a checkpoint of another line": (
        with_line(at(10) + 1, replace(SECOND, previous=GENESIS).signed(KEY)), Fault("checkpoint_missing", 2), 10, 1
    ),
    "a checkpoint of no root": (
        with_line(at(10) + 1, replace(SECOND, root="f" * 64).signed(KEY)), Fault("root_differs", 2), 10, 1
    ),
    "a checkpoint by another": (with_line(at(10) + 1, SECOND.signed(OTHER)), Fault("checkpoint_forged", 2), 10, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", LOGS)
def test_each_finding_has_its_name_and_its_place(name: str) -> None:
    lines, fault, entries, signed = LOGS[name]
    found = proof.verify(lines)
    (log,) = found.logs
    assert (log.fault, log.entries, log.checkpoints) == (fault, entries, signed)
    assert (log.anchored, log.tail) == ((0, 5, 10)[signed], entries - (0, 5, 10)[signed])
    assert (found.whole, found.fault) == (False, None)


def unanchored(*signed: Checkpoint, links: Sequence[bytes] = ()) -> list[bytes]:
    """The file with these checkpoints, behind the fifth entry and before the end, and a root that names none."""
    opening = stated("export", WHOLE[0], links=len(links))
    entries = [line for line, _ in entries_of(ENTRIES)]
    made = [one.signed(KEY) for one in signed]
    end = stated("end", WHOLE[END], checkpoints=len(made))
    return [opening, *links, WHOLE[HEAD - 1], *entries[:EVERY], *made[:1], *entries[EVERY:], *made[1:], end]


@pytest.mark.parametrize(
    ("signed", "fault"),
    [
        (replace(FIRST, seq=6), Fault("cut", 6)),
        (replace(FIRST, seq=4), Fault("checkpoint_missing", 6)),
        (replace(FIRST, head="f" * 64), Fault("rewritten", 5)),
        (replace(FIRST, root="f" * 64), Fault("root_differs", 1)),
        (FIRST, None),
    ],
)
def test_a_checkpoint_that_nobody_named_is_held_against_the_chain(signed: Checkpoint, fault: Fault | None) -> None:
    (log,) = proof.verify(unanchored(signed)).logs
    assert log.fault == fault
    assert log.entries == (ENTRIES if fault is None else EVERY)
    assert log.anchored_at == (
        None if fault is not None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=1000)
    )


OTHERS = Anchor("somebody", 1, "a" * 64)
TWICE = Link(2, 7, chain.digest(WHOLE[1]), (Anchor(LOG, 1, "b" * 64),))

FILES: dict[str, tuple[Sequence[bytes], Fault]] = {
    "a link by another": (with_line(1, Link(1, 1001, GENESIS, ()).signed(OTHER)), Fault("root_forged", 1)),
    "the second by another": (with_line(2, Link(2, 1, GENESIS, ()).signed(OTHER)), Fault("root_forged", 2)),
    "a link that says otherwise": (with_line(2, TWICE.signed(KEY)), Fault("root_forged", 2)),
    "a link of another line": (with_line(2, replace(TWICE, previous=GENESIS).signed(KEY)), Fault("root_missing", 2)),
    "a link too many": (with_line(2, replace(TWICE, number=3).signed(KEY)), Fault("root_missing", 2)),
    "another format": (with_line(0, stated("export", WHOLE[0], format=2)), Fault("unreadable", 0)),
    "an opening by another": (
        with_line(0, checkpoints.state("export", {"key": KEY.public}, OTHER)), Fault("unreadable", 0)
    ),
    "no key": (with_line(0, checkpoints.state("export", {"format": 1}, KEY)), Fault("unreadable", 0)),
    "a key that is none": (with_line(0, b'{"key":"?"}'), Fault("unreadable", 0)),
    "no opening": (WHOLE[1:], Fault("unreadable", 0)),
    "no JSON": ([b"{"], Fault("unreadable", 0)),
    "an entry of no log": ([*WHOLE[:3], WHOLE[at(1)]], Fault("unreadable", 0)),
    "an end of no log": ([*WHOLE[:3], WHOLE[END]], Fault("unreadable", 0)),
    "a log by another": (
        with_line(3, checkpoints.state("log", {"agency": "A", "log": LOG}, OTHER)), Fault("unreadable", 0)
    ),
    "a second log by another": (
        [*WHOLE, checkpoints.state("log", {"agency": "A", "log": "x"}, OTHER)], Fault("unreadable", 1)
    ),
    "a closed log by another": (before(3, checkpoints.state("closed", {"log": "x"}, OTHER)), Fault("unreadable", 0)),
    "a link that is missing": (with_line(0, stated("export", WHOLE[0], links=3)), Fault("root_missing", 3)),
    "a log that is missing": (with_line(0, stated("export", WHOLE[0], logs=[LOG, "x"])), Fault("log_missing", 1)),
    "a log that is gone": (
        unanchored(FIRST, links=[Link(1, 1, GENESIS, (OTHERS,)).signed(KEY)]), Fault("log_gone", 1)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_what_is_wrong_with_a_file_has_its_name(name: str) -> None:
    lines, fault = FILES[name]
    found = proof.verify(lines)
    assert (found.fault, found.whole) == (fault, False)


def test_nothing_is_read_behind_a_file_that_does_not_fit() -> None:
    found = proof.verify([*WHOLE[:2], WHOLE[1], *WHOLE[2:]])
    assert found == Proof(KEY.public, 1, (), (LOG,), Fault("root_missing", 2))


def test_a_whole_file_is_told_to_the_last_figure() -> None:
    told = Verified(
        log=LOG,
        agency="Lumière",
        entries=ENTRIES,
        first=BEGAN + timedelta(seconds=1),
        last=BEGAN + timedelta(seconds=ENTRIES),
        checkpoints=2,
        anchored=2 * EVERY,
        anchored_at=instant(2000),
    )
    assert proof.verify([line + b"\r\n" for line in WHOLE]) == Proof(KEY.public, 2, (told,))
    assert told.tail == 2


def test_a_log_whose_agency_is_gone_is_closed_by_a_word_of_its_own() -> None:
    links = [Link(1, 1, GENESIS, (OTHERS, Anchor("another", 2, "c" * 64))).signed(KEY)]
    lines = unanchored(FIRST, links=links)
    assert proof.verify(lines).strangers == ("another", "somebody")
    assert proof.verify(lines).fault == Fault("log_gone", 2)
    closed = [checkpoints.state("closed", {"log": name}, KEY) for name in ("somebody", "another")]
    found = proof.verify([*lines[:2], *closed, *lines[2:]])
    assert (found.whole, found.strangers) == (True, ())
    some = proof.verify([stated("export", lines[0], every=False), *lines[1:]])
    assert (some.whole, some.strangers) == (True, ("another", "somebody"))
    assert proof.verify([*lines, closed[0]]).logs[0].fault == Fault("entry_moved", ENTRIES + 1)


def test_the_root_names_the_furthest_checkpoint_in_whatever_order() -> None:
    """A log that ends before the last checkpoint that the root names is not whole."""
    first = FIRST.signed(KEY)
    anchors = (Anchor(LOG, 2, "d" * 64), Anchor(LOG, 1, chain.digest(first)))
    lines = unanchored(FIRST, links=[Link(1, 1, GENESIS, anchors).signed(KEY)])
    assert proof.verify(lines).logs[0].fault == Fault("checkpoint_missing", 2)
