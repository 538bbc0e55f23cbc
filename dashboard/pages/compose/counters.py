"""Character counters below the text fields of the composer, which follow the typing without a
request."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.pages.compose import draft
from dashboard.pages.compose.draft import (
    BODY_KEY,
    COMMENT_KEY,
    FIRST_COMMENT,
    OVERRIDES_KEY,
    field_text,
    list_channel_parts,
    list_parts,
    override_key,
    part_field,
    part_key,
)
from dashboard.shell.browser_components import browser_component
from dashboard.shell.page_context import PageContext
from schedules.drafts.previews import PostPreview

Slots = Mapping[str, DeltaGenerator]
"""Containers below the text fields, by the key of the field."""

_NOT_IN_CLASS = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True)
class _Counter:
    """The count of one text on one channel: `field` is the field below which it is shown, `fields`
    are all whose text it contains."""

    field: str
    fields: tuple[str, ...]
    name: str
    length: int
    most: int


def render_counters(
    page: PageContext, slots: Slots, previews: list[PostPreview], names: Mapping[str, str]
) -> None:
    """Render the counters of all selected channels below each text field of the post."""
    measures = {str(one.channel_id): one.measure for one in previews}
    rows: dict[str, list[dict[str, object]]] = {}
    for one in previews:
        account = str(one.channel_id)
        for counter in _list_counters(one, names.get(account, one.account)):
            rows.setdefault(counter.field, []).append(
                {
                    "name": counter.name,
                    "length": counter.length,
                    "most": counter.most,
                    "unit": measures[account].unit,
                    "link": measures[account].link,
                    "fields": [[_css_class(key), field_text(key)] for key in counter.fields],
                }
            )
    words = {
        "over": page.text("compose.counter_over", over="{over}"),
        "label": page.text("compose.counters"),
    }
    for field, slot in slots.items():
        if field in rows:
            data = {"rows": rows[field], "words": words, "language": page.localizer.language}
            with slot:
                browser_component("counters")(key=f"count:{field}", data=data, height="content")


def _list_counters(one: PostPreview, name: str) -> Iterator[_Counter]:
    """Yield the counters of a channel. Texts that its platform does not show have none."""
    place = _customized_place(one)
    body = override_key(place, "body") if place else BODY_KEY
    parts = [
        (part, _part_text_key(place, part))
        for part, piece in (list_channel_parts(place) if place else list_parts()).items()
        if not piece.is_empty
    ]
    joined = tuple(key for _, key in parts) if one.joined else ()
    if one.most:
        yield _Counter(body, (body, *joined), name, one.length, one.most)
    for (_, key), shown in zip(parts, one.parts, strict=False):
        if shown.most:
            yield _Counter(key, (key,), name, shown.length, shown.most)


def _customized_place(one: PostPreview) -> str:
    """Return the account or platform whose customized texts a channel shows, or ""."""
    apart = st.session_state.get(OVERRIDES_KEY) or ()
    return next((place for place in (str(one.channel_id), one.platform) if place in apart), "")


def _part_text_key(place: str, part: str) -> str:
    """Return the key of the field that contains the text of a part on a place."""
    own = override_key(place, part_field(part)) if place else ""
    if own and field_text(own).strip():
        return own
    return COMMENT_KEY if part == FIRST_COMMENT else part_key(part)


def list_typed_texts() -> list[str]:
    """Return the texts of all fields, as the server received them."""
    keys = [BODY_KEY, COMMENT_KEY, *map(part_key, draft.part_ids())]
    keys += [one for one in map(str, st.session_state) if one.startswith(draft.OVERRIDE_PREFIX)]
    values = (st.session_state.get(key) for key in keys)
    return [value for value in values if isinstance(value, str) and value]


def _css_class(key: str) -> str:
    """Return the part of the CSS class that Streamlit derives from the key of a field."""
    return _NOT_IN_CLASS.sub("-", key.strip())
