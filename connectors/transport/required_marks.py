"""Whether a request tells what its permit demands: read from what will leave, whoever built it.
Pure.

A mark is `name=value`, as the rules of places write it: most are a field of that name, some
platforms say it otherwise.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.contract.connector import StepKind, WireStep
from connectors.contract.edits import EDIT_STEP
from connectors.transport.references import endpoint_name

_LABEL = "selfLabels"
"""Bluesky: a label is an entry `val` of the record."""

_SPOILER = "spoiler"
"""Discord: it stands in the name of each file."""

_SAID_AT_ALL = " non-empty"
"""The end of a mark whose field may hold any words."""

_AS_WRITTEN = "rating_flags"
"""Our own page takes the marks as they are written, as does whoever posts by hand."""

_ON_FILES = frozenset({_SPOILER, "has_spoiler"})
"""Marks that hide a picture: each file bears one, and words alone bear none."""


_MADE_BEFORE: Mapping[str, str] = {"instagram": "media", "threads": "threads", "tiktok": "init"}
"""Where a post is made before it is shown, by platform: the upload that bears its marks, by the
last word of its path. The publication only names what that made; an item of a carousel bears
none."""


_OF_FILES: Mapping[str, tuple[str, str]] = {"x": ("media_metadata.", "metadata")}
"""Where each file is told of alone, by platform: how its marks begin, and the last word of the path
that bears them. A post that carries files all of which were told of bears the others."""


_STAY: Mapping[str, frozenset[str]] = {
    "telegram": frozenset({"has_spoiler", "protect_content"}),
    "discord": frozenset({_SPOILER}),
    "reddit": frozenset({"nsfw"}),
}
"""Marks that a post keeps whose words are changed, by platform: no field of such a request could
tell them. Only a copy that was sent with just these marks is ever changed
(`schedules/publishing/platform_edits.py`)."""


def marks_due(step: WireStep, platform: str, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a permit's marks that this request must tell."""
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
    """Whether it is this request of a post that must tell the marks of the whole."""
    made_before = _MADE_BEFORE.get(platform)
    if made_before is None:
        return step.has_content
    item = step.json is not None and step.json.get("is_carousel_item") is True
    return step.kind is StepKind.STAGE and endpoint_name(step) == made_before and not item


def first_missing_mark(step: WireStep, flags: tuple[str, ...], *, pointed: int = 0) -> str:
    """The first mark that a request does not tell; "" when it tells them all. `pointed`: so many
    pictures it may show without carrying them."""
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
    """Every plain value of a request with the name it stands under."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _iter_values(part, str(key))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _iter_values(part, name)
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)
