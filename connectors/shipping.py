"""Files of rules that installed packages ship for the platforms they speak to. Read as data: no code of theirs runs.

A package names its file in an entry point of the group `greenroom.rows`: `acme = "acme_greenroom:rows.json"`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

GROUP = "greenroom.rows"
MOST_BYTES = 64 * 1024
_NAMED = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<file>\w[\w-]*(?:\.\w+)?)")


@dataclass(frozen=True)
class Shipped:
    """A file of rules that a package ships, not yet believed."""

    package: str
    version: str
    document: bytes


def shipped() -> tuple[Shipped, ...]:
    """What installed packages ship, by package; what cannot be read is not there."""
    found = [one for entry in entry_points(group=GROUP) for one in _read(entry)]
    return tuple(sorted(found, key=lambda one: (one.package, one.document)))


def documents() -> Iterator[bytes]:
    """The files alone."""
    return (one.document for one in shipped())


def _read(entry: EntryPoint) -> Iterator[Shipped]:
    found = _NAMED.fullmatch(entry.value)
    if entry.dist is None or found is None:
        return
    path = Path(str(entry.dist.locate_file("/".join([*found["module"].split("."), found["file"]]))))
    try:
        with path.open("rb") as file:
            document = file.read(MOST_BYTES + 1)
    except OSError:
        return
    yield Shipped(entry.dist.name, entry.dist.version, document)
