"""Files of rules that installed packages ship for the platforms they speak to. Read as data: no
code of theirs runs.

A package names its file in an entry point of the group `greenroom.rows`: `acme =
"acme_greenroom:rows.json"`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint

from foundation import entry_points

ENTRY_POINT_GROUP = entry_points.RULES_GROUP
MAX_POLICY_BYTES = 64 * 1024
_FILE = re.compile(r"\w[\w-]*(?:\.\w+)?")


@dataclass(frozen=True)
class ShippedPolicy:
    """A file of rules that a package ships, not yet believed."""

    package: str
    version: str
    document: bytes


def shipped_policies() -> tuple[ShippedPolicy, ...]:
    """What installed packages ship, by package; what cannot be read is not there."""
    found = [
        one
        for entry in entry_points.list_entry_points(ENTRY_POINT_GROUP)
        for one in _read_policies(entry)
    ]
    return tuple(sorted(found, key=lambda one: (one.package, one.document)))


def policy_documents() -> Iterator[bytes]:
    """The files alone."""
    return (one.document for one in shipped_policies())


def _read_policies(entry: EntryPoint) -> Iterator[ShippedPolicy]:
    module, _, name = map(str.strip, entry.value.partition(":"))
    path = entry_points.package_file(entry, module, name) if _FILE.fullmatch(name) else None
    if path is None:
        return
    try:
        with path.open("rb") as file:
            document = file.read(MAX_POLICY_BYTES + 1)
    except OSError:
        return
    yield ShippedPolicy(
        entry_points.package_name(entry), entry_points.package_version(entry), document
    )
