"""Offline verification of exports: any change to a log is detected at its entry, without a
database."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.ids import derived_uuid
from gate.log import hash_chain, proof, signed_checkpoints
from gate.log.hash_chain import GENESIS_HASH
from gate.log.proof import ExportFault
from gate.log.signed_checkpoints import Anchor, Checkpoint, LogKey, RootLink

KEY, OTHER = LogKey.derive(bytes(range(32))), LogKey.derive(bytes(32))
BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
LOG = KEY.log_name(derived_uuid("agency"), BEGAN)
ENTRIES, EVERY, TAIL = 12, 5, 2
"""Number of entries. There are two checkpoints, after 5 and 10 entries, and two entries after them.
"""


def fields_of(seq: int, last: str, verdict: str = "A") -> dict[str, object]:
    return {
        "tenant_id": derived_uuid("agency"),
        "id": derived_uuid("entry", seq),
        "seq": seq,
        "prev_hash": last,
        "decided_at": BEGAN + timedelta(seconds=seq),
        "author": "member:é",
        "verdict": verdict,
        "reasons": ["KILL_SWITCH"],
    }


def entries_of(count: int, verdicts: dict[int, str] | None = None) -> list[tuple[bytes, str]]:
    found, last = [], GENESIS_HASH
    for seq in range(1, count + 1):
        sealed = hash_chain.hashed_bytes(fields_of(seq, last, (verdicts or {}).get(seq, "A")))
        last = hash_chain.sha256_hex(sealed)
        found.append((proof.entry_line(sealed, last), last))
    return found


def written(key: LogKey = KEY) -> list[bytes]:
    """Return a complete export: header, two root links, a log of twelve entries with two
    checkpoints, footer."""
    entries = entries_of(ENTRIES)
    first = Checkpoint(
        LOG, 1, EVERY, entries[EVERY - 1][1], 1000, GENESIS_HASH, GENESIS_HASH
    ).to_statement(key)
    link = RootLink(
        1, 1001, GENESIS_HASH, (Anchor(LOG, 1, hash_chain.sha256_hex(first)),)
    ).to_statement(key)
    second = Checkpoint(
        LOG,
        2,
        2 * EVERY,
        entries[2 * EVERY - 1][1],
        2000,
        hash_chain.sha256_hex(first),
        hash_chain.sha256_hex(link),
    ).to_statement(key)
    last = RootLink(
        2, 2001, hash_chain.sha256_hex(link), (Anchor(LOG, 2, hash_chain.sha256_hex(second)),)
    ).to_statement(key)
    opening = {
        "format": 1,
        "key": key.public_key_text,
        "logs": [LOG],
        "every": True,
        "links": 2,
        "at": 3000,
    }
    end = {"log": LOG, "seq": ENTRIES, "hash": entries[-1][1], "checkpoints": 2, "at": 3000}
    lines = [line for line, _ in entries]
    return [
        signed_checkpoints.sign_statement("export", opening, key),
        link,
        last,
        signed_checkpoints.sign_statement("log", {"agency": "Lumière", "log": LOG}, key),
        *lines[:EVERY],
        first,
        *lines[EVERY : 2 * EVERY],
        second,
        *lines[2 * EVERY :],
        signed_checkpoints.sign_statement("end", end, key),
    ]


WHOLE = written()
HEAD = 4
"""Number of lines before the first entry."""


def at(seq: int) -> int:
    """Return the line number of an entry."""
    return HEAD + seq - 1 + (seq > EVERY) + (seq > 2 * EVERY)


def test_intact_export_is_verified() -> None:
    found = proof.verify_export(WHOLE)
    assert found.is_intact
    assert (found.key, found.links, found.strangers) == (KEY.public_key_text, 2, ())
    (one,) = found.logs
    assert (
        one.agency,
        one.entries,
        one.checkpoints,
        one.anchored,
        one.entries_after_checkpoint,
    ) == (
        "Lumière",
        ENTRIES,
        2,
        10,
        TAIL,
    )
    assert (one.first, one.last) == (
        BEGAN + timedelta(seconds=1),
        BEGAN + timedelta(seconds=ENTRIES),
    )


def edited(lines: list[bytes]) -> list[bytes]:
    return [
        *lines[: at(3)],
        lines[at(3)].replace(b'"verdict":"A"', b'"verdict":"B"'),
        *lines[at(3) + 1 :],
    ]


def removed(lines: list[bytes]) -> list[bytes]:
    return [*lines[: at(7)], *lines[at(7) + 1 :]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[: at(3)], lines[at(4)], lines[at(3)], *lines[at(4) + 1 :]]


def put_in(lines: list[bytes]) -> list[bytes]:
    sealed = hash_chain.hashed_bytes(fields_of(4, "f" * 64))
    return [
        *lines[: at(4)],
        proof.entry_line(sealed, hash_chain.sha256_hex(sealed)),
        *lines[at(4) :],
    ]


def twice(lines: list[bytes]) -> list[bytes]:
    return [*lines[: at(4)], lines[at(3)], *lines[at(4) :]]


def cut_before_the_last_checkpoint(lines: list[bytes]) -> list[bytes]:
    return [*lines[: at(9)], *lines[at(10) + 1 :]]


def cut_tail(lines: list[bytes]) -> list[bytes]:
    return [*lines[: at(11)], lines[-1]]


def file_cut(lines: list[bytes]) -> list[bytes]:
    return lines[: at(6)]


def forged_whole(lines: list[bytes]) -> list[bytes]:
    """Change entry 3 and recompute all later hashes."""
    anew = [line for line, _ in entries_of(ENTRIES, {3: "B"})]
    return [
        *lines[:HEAD],
        *anew[:5],
        lines[at(5) + 1],
        *anew[5:10],
        lines[at(10) + 1],
        *anew[10:],
        lines[-1],
    ]


def forged_tail(lines: list[bytes]) -> list[bytes]:
    anew = [line for line, _ in entries_of(ENTRIES, {11: "B"})]
    return [*lines[: at(11)], *anew[10:], lines[-1]]


def checkpoint_gone(lines: list[bytes]) -> list[bytes]:
    return [*lines[: at(5) + 1], *lines[at(6) :]]


def last_checkpoint_gone(lines: list[bytes]) -> list[bytes]:
    return [*lines[: at(10) + 1], *lines[at(11) :]]


def checkpoint_of_another_key(lines: list[bytes]) -> list[bytes]:
    made = Checkpoint.from_statement(lines[at(5) + 1], KEY.signing.public_key())
    return [*lines[: at(5) + 1], made.to_statement(OTHER), *lines[at(6) :]]


def checkpoint_signed_anew(lines: list[bytes]) -> list[bytes]:
    """Replace a checkpoint that the root has anchored: even the owner of the key cannot do this."""
    made = replace(Checkpoint.from_statement(lines[at(5) + 1], KEY.signing.public_key()), at=999)
    return [*lines[: at(5) + 1], made.to_statement(KEY), *lines[at(6) :]]


def link_gone(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[2:]]


def last_link_gone(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], *lines[3:]]


def log_gone(lines: list[bytes]) -> list[bytes]:
    return lines[:3]


def nothing(lines: list[bytes]) -> list[bytes]:
    return []


@pytest.mark.parametrize(
    ("tamper", "fault", "whole_before"),
    [
        (edited, ExportFault("entry_changed", 3), 2),
        (removed, ExportFault("entry_missing", 7), 6),
        (swapped, ExportFault("entry_missing", 3), 2),
        (put_in, ExportFault("entry_moved", 4), 3),
        (twice, ExportFault("entry_moved", 4), 3),
        (cut_before_the_last_checkpoint, ExportFault("cut", 9), 8),
        (cut_tail, ExportFault("cut", 11), 10),
        (file_cut, ExportFault("cut", 6), 5),
        (forged_whole, ExportFault("rewritten", 5), 5),
        (forged_tail, ExportFault("rewritten", 12), 12),
        (checkpoint_gone, ExportFault("checkpoint_missing", 1), 10),
        (last_checkpoint_gone, ExportFault("checkpoint_missing", 2), 12),
        (checkpoint_of_another_key, ExportFault("checkpoint_forged", 1), 5),
        (checkpoint_signed_anew, ExportFault("root_differs", 1), 5),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_change_of_log_is_reported_with_entry(
    tamper: Callable[[list[bytes]], list[bytes]], fault: ExportFault, whole_before: int
) -> None:
    found = proof.verify_export(tamper(WHOLE))
    assert not found.is_intact
    assert (found.logs[0].fault, found.logs[0].entries) == (fault, whole_before)


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (link_gone, ExportFault("root_missing", 1)),
        (last_link_gone, ExportFault("root_missing", 2)),
        (log_gone, ExportFault("log_missing", 0)),
        (nothing, ExportFault("unreadable", 0)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_change_of_file_is_reported(
    tamper: Callable[[list[bytes]], list[bytes]], fault: ExportFault
) -> None:
    found = proof.verify_export(tamper(WHOLE))
    assert not found.is_intact
    assert found.fault == fault


def test_export_signed_with_another_key_is_intact_but_foreign() -> None:
    theirs = written(OTHER)
    assert proof.verify_export(theirs).is_intact
    assert proof.verify_export(theirs, key=KEY.public_key_text).fault == ExportFault("other_key", 0)
    assert proof.verify_export(WHOLE, key=KEY.public_key_text).is_intact


def test_broken_log_does_not_affect_next_log() -> None:
    second, began = "other", hash_chain.to_microseconds(BEGAN)
    opening = json.loads(WHOLE[0])
    opening = {name: value for name, value in opening.items() if name not in ("signature", "kind")}
    opening["logs"] = [LOG, second]
    lines = [
        signed_checkpoints.sign_statement("export", opening, KEY),
        *edited(WHOLE)[1:],
        signed_checkpoints.sign_statement("log", {"agency": "B", "log": second}, KEY),
        signed_checkpoints.sign_statement(
            "end",
            {"log": second, "seq": 0, "hash": GENESIS_HASH, "checkpoints": 0, "at": began},
            KEY,
        ),
    ]
    found = proof.verify_export(lines)
    assert [one.fault for one in found.logs] == [ExportFault("entry_changed", 3), None]
    assert (found.fault, found.is_intact) == (None, False)


@st.composite
def tampered(draw: st.DrawFn) -> list[bytes]:
    """Return the file after one to three changes by someone without the key."""
    lines = list(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.integers(0, max(0, len(lines) - 1)))
        match draw(st.sampled_from(["byte", "remove", "swap", "copy", "cut", "rehash"])):
            case "byte" if lines:
                line = bytearray(lines[where])
                spot = draw(st.integers(0, len(line) - 1))
                line[spot] ^= draw(st.integers(1, 255))
                lines[where] = bytes(line)
            case "remove" if lines:
                del lines[where]
            case "swap" if lines:
                other = draw(st.integers(0, len(lines) - 1))
                lines[where], lines[other] = lines[other], lines[where]
            case "copy" if lines:
                lines.insert(draw(st.integers(0, len(lines))), lines[where])
            case "cut":
                del lines[where:]
            case "rehash":
                seq = draw(st.integers(1, ENTRIES))
                anew = iter(line for line, _ in entries_of(ENTRIES, {seq: "B"}))
                lines = [
                    next(anew, line) if line.startswith(b'{"entry":') else line for line in lines
                ]
    return lines


@given(tampered())
def test_all_tampering_is_detected(lines: list[bytes]) -> None:
    assert proof.verify_export(lines).is_intact == (
        [line.rstrip(b"\r\n") for line in lines] == WHOLE
    )
