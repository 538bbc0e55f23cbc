"""What it costs to verify a log: entries a second of an export that lies in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from foundation.clock import monotonic
from foundation.ids import derived
from gate import chain, checkpoints, proof
from gate.checkpoints import Anchor, Checkpoint, Link, LogKey

LOG_ENTRIES, LOG_EVERY = 100_000, 1000
_BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def log_verify() -> dict[str, float]:
    """Entries a second, on one core, of a log that lies in memory: `log_verify_per_s`."""
    lines = list(_log(LogKey.derived(bytes(32))))
    begun = monotonic()
    found = proof.verify(lines)
    seconds = monotonic() - begun
    if not found.whole or found.logs[0].entries != LOG_ENTRIES:
        raise RuntimeError("the generated log is not whole")
    return {"log_verify_per_s": LOG_ENTRIES / seconds}


def _log(key: LogKey) -> Iterator[bytes]:
    """An export of one log, with a checkpoint every thousand entries and a link of the root for each."""
    name, entries, signed, root = key.name(derived("bench"), _BEGAN), [], [], []
    last = before = link = chain.GENESIS
    for seq in range(1, LOG_ENTRIES + 1):
        sealed = chain.sealed(_entry(seq, last))
        last = chain.digest(sealed)
        entries.append(proof.entry_line(sealed, last))
        if seq % LOG_EVERY == 0:
            number = seq // LOG_EVERY
            signed.append(Checkpoint(name, number, seq, last, seq, before, link).signed(key))
            before = chain.digest(signed[-1])
            root.append(Link(number, seq, link, (Anchor(name, number, before),)).signed(key))
            link = chain.digest(root[-1])
    opening = {"format": 1, "key": key.public, "logs": [name], "every": True, "links": len(root), "at": 0}
    yield checkpoints.state("export", opening, key)
    yield from root
    yield checkpoints.state("log", {"agency": "Bench", "log": name}, key)
    for number, line in enumerate(signed):
        yield from entries[number * LOG_EVERY : (number + 1) * LOG_EVERY]
        yield line
    end = {"log": name, "seq": LOG_ENTRIES, "hash": last, "checkpoints": len(signed), "at": 0}
    yield checkpoints.state("end", end, key)


def _entry(seq: int, last: str) -> dict[str, object]:
    """As long as a true one."""
    ids = {part: derived(part, seq) for part in ("id", "tenant_id", "subject_id", "creator_id", "channel_id")}
    return {
        **ids,
        "seq": seq,
        "prev_hash": last,
        "decided_at": _BEGAN + timedelta(seconds=seq),
        "subject_kind": "delivery",
        "surface": "sandbox.post",
        "unit_digest": chain.digest(b"unit %d" % seq),
        "snapshot_digest": chain.digest(b"snapshot %d" % seq),
        "author": f"member:{derived('author')}",
        "stage": "mint",
        "verdict": "H",
        "reasons": ["CONSENT_MISSING", "REVIEW_MISSING"],
        "rating": "N",
        "flags": ["sensitive=true"],
        "bundle": "2026.11.20-3+0123456789ab",
    }
