"""Content flags that a request must contain according to its permit. They are checked in the final
request, independent of its connector.

A flag is `name=value`, as in the rules of surfaces. Most are a field of that name; some platforms
encode them differently.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.contract.connector import StepKind, WireStep
from connectors.contract.edits import EDIT_STEP
from connectors.transport.references import endpoint_name

_LABEL = "selfLabels"
"""Field of a Bluesky record with its labels, each of which is a `val` entry."""

_SPOILER = "spoiler"
"""Flag of blurred files on Discord, encoded in the prefix of their names."""

_SAID_AT_ALL = " non-empty"
"""Suffix of a flag whose field may have any non-empty text."""

_AS_WRITTEN = "rating_flags"
"""Field that contains the flags unchanged, in requests to the creator's own page."""

_ON_FILES = frozenset({_SPOILER, "has_spoiler"})
"""Flags that hide a picture: they belong to each file, and texts have none."""


_MADE_BEFORE: Mapping[str, str] = {"instagram": "media", "threads": "threads", "tiktok": "init"}
"""Platforms that create a post before it is published, with the last path segment of the staging
request that has the flags. The publish request only names the staged post; items of a carousel have
no flags."""


_OF_FILES: Mapping[str, tuple[str, str]] = {"x": ("media_metadata.", "metadata")}
"""Platforms with flags of single files: the prefix of these flags, and the last path segment of the
request that sets them. The post itself has the other flags."""


_STAY: Mapping[str, frozenset[str]] = {
    "telegram": frozenset({"has_spoiler", "protect_content"}),
    "discord": frozenset({_SPOILER}),
    "reddit": frozenset({"nsfw"}),
}
"""Flags that a post retains when its text is edited, by platform, since the edit request has no
field for them. Only a copy published with exactly these flags is edited
(`schedules/publishing/platform_edits.py`)."""


def marks_due(step: WireStep, platform: str, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Return the flags of a permit that this request must contain."""
    stay = (
        _STAY.get(platform, frozenset())
        if step.name == EDIT_STEP and step.kind is StepKind.MUTATE
        else frozenset[str]()
    )
    flags = tuple(flag for flag in flags if flag.partition("=")[0].rpartition(".")[2] not in stay)
    prefix, path_ends = _OF_FILES.get(platform, ("", ""))
    of_files = tuple(flag for flag in flags if prefix and flag.startswith(prefix))
    if path_ends and step.kind is StepKind.STAGE and endpoint_name(step) == path_ends:
        return of_files
    return (
        tuple(flag for flag in flags if flag not in of_files) if needs_marks(step, platform) else ()
    )


def needs_marks(step: WireStep, platform: str) -> bool:
    """Return True if this request must contain the flags of the whole post."""
    made_before = _MADE_BEFORE.get(platform)
    if made_before is None:
        return step.has_content
    item = step.json is not None and step.json.get("is_carousel_item") is True
    return step.kind is StepKind.STAGE and endpoint_name(step) == made_before and not item


def first_missing_mark(step: WireStep, flags: tuple[str, ...], *, pointed: int = 0) -> str:
    """Return the first flag that is missing in a request, or "". `pointed` is the number of
    pictures that it shows without sending them."""
    return next((flag for flag in flags if not _has_mark(step, flag, pointed)), "")


def _has_mark(step: WireStep, flag: str, pointed: int) -> bool:
    said = list(_iter_values(step.json))
    if step.to == "person":
        return ("flags", flag) in said
    if (_AS_WRITTEN, flag) in said:
        return True
    if flag.endswith(_SAID_AT_ALL):
        return any(key == flag.removesuffix(_SAID_AT_ALL) and value.strip() for key, value in said)
    name, _, value = flag.partition("=")
    key = name.rpartition(".")[2]
    if key == _SPOILER:
        return not pointed and all(file.name.startswith("SPOILER_") for file in step.files.values())
    if key in _ON_FILES:
        return said.count((key, value)) >= len(step.files) + pointed
    return (("val", value) if key == _LABEL else (key, value)) in said


def _iter_values(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every scalar value of a request with its name."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _iter_values(part, str(key))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _iter_values(part, name)
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)
