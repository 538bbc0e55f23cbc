"""Entry points of installed packages, read as data without running any of their code.

A third-party package declares its connectors and rules in its `pyproject.toml`, and pip records
them.
"""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, distributions
from importlib.util import find_spec
from pathlib import Path

CONNECTORS_GROUP = "greenroom.connectors"
RULES_GROUP = "greenroom.rows"
"""Entry point group of rules: `platform = "module:file"`.

Entry points of `CONNECTORS_GROUP` are `platform = "module:Class"`.
"""

_MODULE = re.compile(r"\w+(?:\.\w+)*")


def list_entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group, sorted by package.

    A package with unreadable metadata has none.
    """
    found: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        named = _entry_points_of_group(distribution, group)
        if named:
            found.setdefault(
                re.sub(r"[-_.]+", "-", package_name(named[0])).lower(), named
            )  # the first one on the path wins
    return tuple(entry for name in sorted(found) for entry in found[name])


def _entry_points_of_group(distribution: Distribution, group: str) -> list[EntryPoint]:
    try:
        return [
            entry
            for entry in distribution.entry_points
            if entry.group == group and package_name(entry)
        ]
    except Exception:  # One invalid line of a package must not stop the process.
        return []


def package_name(entry: EntryPoint) -> str:
    """Return the name of the package of an entry point, or "" if unknown."""
    return str(entry.dist.name or "") if entry.dist is not None else ""


def package_version(entry: EntryPoint) -> str:
    """Return the version of the package of an entry point, or "" if unknown."""
    return str(entry.dist.version or "") if entry.dist is not None else ""


def top_level_package(entry: EntryPoint) -> str:
    """Return the top-level package of an entry point, which contains its data files."""
    return entry.value.partition(":")[0].partition(".")[0].strip()


def package_file(entry: EntryPoint, module: str, name: str) -> Path | None:
    """Return the path of a file in a package's module, or None.

    An editable install is resolved to its source folder.
    """
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
        )  # Finding the top-level package runs none of its code.
    except (ImportError, ValueError):
        return
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        yield Path(place).parent
