"""What installed packages say that they bring, in entry points. Read as data: nothing of theirs
runs here.

A package that was put beside this one names what it brings in its own `pyproject.toml`; pip writes
that down.
"""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, distributions
from importlib.util import find_spec
from pathlib import Path

CONNECTORS_GROUP = "greenroom.connectors"
RULES_GROUP = "greenroom.rows"
"""Groups of entry points: `platform = "module:Class"`, and `platform = "module:file"`."""

_MODULE = re.compile(r"\w+(?:\.\w+)*")


def list_entry_points(group: str) -> tuple[EntryPoint, ...]:
    """What installed packages name in a group, by package; a package whose metadata cannot be read
    brings nothing."""
    found: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        named = _entry_points_of_group(distribution, group)
        if named:
            found.setdefault(
                re.sub(r"[-_.]+", "-", package_name(named[0])).lower(), named
            )  # the first on the path
    return tuple(entry for name in sorted(found) for entry in found[name])


def _entry_points_of_group(distribution: Distribution, group: str) -> list[EntryPoint]:
    try:
        return [
            entry
            for entry in distribution.entry_points
            if entry.group == group and package_name(entry)
        ]
    except Exception:  # one line that is no entry point would end the house that looks for another
        return []


def package_name(entry: EntryPoint) -> str:
    """The package that brings an entry; "" where none says so."""
    return str(entry.dist.name or "") if entry.dist is not None else ""


def package_version(entry: EntryPoint) -> str:
    """Its version."""
    return str(entry.dist.version or "") if entry.dist is not None else ""


def top_level_package(entry: EntryPoint) -> str:
    """The outermost package an entry names: where what belongs to all of it lies."""
    return entry.value.partition(":")[0].partition(".")[0].strip()


def package_file(entry: EntryPoint, module: str, name: str) -> Path | None:
    """Where a file of a package's module lies, if it is there; a package in development lies where
    its source is, not where it is installed."""
    if not _MODULE.fullmatch(module):
        return None
    inside = "/".join([*module.split("."), name])
    return next(
        (path for folder in _package_folders(entry, module) if (path := folder / inside).is_file()),
        None,
    )


def _package_folders(entry: EntryPoint, module: str) -> Iterator[Path]:
    if entry.dist is not None:
        yield Path(str(entry.dist.locate_file("")))
    try:
        spec = find_spec(
            module.partition(".")[0]
        )  # of the outermost package: that finds it, and runs none of it
    except (ImportError, ValueError):
        return
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield Path(place).parent
