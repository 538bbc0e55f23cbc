"""Policies that installed packages provide for their platforms. They are read as data, without
running any code of the package.

A package declares its file in an entry point of the group `greenroom.rows`: `acme =
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
    """A policy document of a package, not yet verified."""

    package: str
    version: str
    document: bytes


def shipped_policies() -> tuple[ShippedPolicy, ...]:
    """Return the documents of all installed packages, sorted by package. Unreadable files are
    omitted."""
    found = [
        one
        for entry in entry_points.list_entry_points(ENTRY_POINT_GROUP)
        for one in _read_policies(entry)
    ]
    return tuple(sorted(found, key=lambda one: (one.package, one.document)))


def policy_documents() -> Iterator[bytes]:
    """Yield the policy documents without the names of their packages."""
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
