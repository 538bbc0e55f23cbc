"""The post that is being written: words and choices of one member's open page, nothing of it in the database yet."""

from uuid import UUID

import streamlit as st

from foundation.errors import NotFound
from foundation.ids import uuid7
from schedules.calendar import parse
from schedules.drafting import Draft
from schedules.reads import Written

ID, CREATOR, TITLE, BODY, ACCOUNTS = (f"compose:{name}" for name in ("id", "creator", "title", "body", "accounts"))
WHEN, DAY, CLOCK, REWORK = (f"compose:{name}" for name in ("when", "day", "clock", "rework"))
MEDIA, BROUGHT, SHOWN = (f"compose:{name}" for name in ("media", "brought", "shown"))
FIELDS = (ID, CREATOR, TITLE, BODY, ACCOUNTS, WHEN, DAY, CLOCK, REWORK, MEDIA, BROUGHT, SHOWN)
TICKED = "compose:tick:"
FEW = 12
"""Pictures of the library shown at first, and more at each press."""


def begin(*, creator: str = "", at: str = "", asset: str = "") -> None:
    """Open an empty page: for a creator, at a wall time, with a picture, where these are known. Call it in a callback,
    or before anything of the page is drawn."""
    forget()
    st.session_state.update({ID: str(uuid7()), MEDIA: [asset] if asset else [], BROUGHT: [], SHOWN: FEW})
    if creator:
        st.session_state[CREATOR] = creator
    if at:
        wall = parse(at, "UTC")
        st.session_state.update({WHEN: "at", DAY: f"{wall.day:%d/%m/%Y}", CLOCK: f"{wall.clock:%H:%M}"})
    st.query_params.from_dict({"new": "1"})


def duplicate(post: Written, channels: tuple[UUID, ...], creator: str) -> None:
    """Open a page with what another post says, in a callback."""
    begin(creator=creator)
    said = {TITLE: post.title, BODY: post.body, MEDIA: [str(one) for one in post.media]}
    st.session_state.update({**said, ACCOUNTS: list(dict.fromkeys(str(one) for one in channels))})


def rework(post: Written, channels: tuple[UUID, ...], creator: str) -> None:
    """Open a post of which nothing is outside, to change what it says, in a callback."""
    duplicate(post, channels, creator)
    st.session_state[REWORK] = str(post.id)


def forget() -> None:
    """Nothing is being written any more."""
    for name in [one for one in st.session_state if one in FIELDS or str(one).startswith(TICKED)]:
        st.session_state.pop(name, None)


def close() -> None:
    """Back to the days."""
    forget()
    st.query_params.clear()


def typed(name: str) -> str:
    """What stands in a field now; nothing where it is not drawn."""
    return str(st.session_state.get(name) or "")


def listed(name: str) -> tuple[UUID, ...]:
    """Ids that were chosen, in their order. Raises NotFound for what is no id."""
    try:
        return tuple(UUID(one) for one in st.session_state.get(name) or ())
    except ValueError as error:
        raise NotFound("library.asset_unknown", destination="-") from error


def draft(creator_id: UUID) -> Draft:
    """What is written now, as that creator's."""
    return Draft(creator_id, typed(TITLE).strip(), typed(BODY).strip(), listed(MEDIA), listed(ACCOUNTS))
