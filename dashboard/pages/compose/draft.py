"""The draft in the composer: values of one member's session that are not stored in the database
yet."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import streamlit as st

from connectors.contract.capabilities import PostOption
from connectors.shared.options import OPTION_FALSE, OPTION_TRUE, ChosenOptions, OptionValue
from foundation import money
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.money import TEST_CURRENCY, Money
from foundation.ops.wall_time import parse_wall_time
from schedules.drafts.drafts import Draft
from schedules.posts.channel_overrides import ChannelOverride, PostContent, normalize_options
from schedules.posts.lateness import LateLimit
from schedules.posts.link_tracking import LinkChoices
from schedules.posts.queries import StoredPost
from schedules.posts.thread_parts import ThreadPart

ID_KEY, CREATOR_KEY, TITLE_KEY, BODY_KEY, ACCOUNTS_KEY = (
    f"compose:{name}" for name in ("id", "creator", "title", "body", "accounts")
)
WHEN_KEY, DAY_KEY, CLOCK_KEY, ZONE_KEY, EDITED_POST_KEY = (
    f"compose:{name}" for name in ("when", "day", "clock", "zone", "rework")
)
PRIORITY_KEY = "compose:priority"
LATENESS_KEY = "compose:late"
MEDIA_KEY, UPLOADS_KEY, SHOWN_PICTURES_KEY = (
    f"compose:{name}" for name in ("media", "brought", "shown")
)
PARTS_KEY, COMMENT_KEY, HAS_COMMENT_KEY, MEDIA_TARGET_KEY = (
    f"compose:{name}" for name in ("parts", "comment", "commented", "target")
)
CAMPAIGN_KEY = "compose:campaign"
PLAIN_LINKS_KEY = "compose:plain"
LABELS_KEY = "compose:labels"
OVERRIDES_KEY = "compose:others"
"""Accounts and platforms with customized content."""

BY_MODEL = "compose:by_model"
"""Text that a model wrote, by the field it was inserted into."""

BY_TEMPLATE = "compose:by_template"
"""Text of a template, by the field it was inserted into."""

SAVED_DRAFT_KEY = "compose:aside"
"""ID of the saved draft that is being continued."""

OPENED_POST_KEY = "compose:opened"
"""Occurrence of a recurring post from which the composer was opened. Saving returns to it."""

MARKED = "compose:marked"
"""AI mark of the text of the post that is edited or copied. It is retained."""

SEEN_VERSION_KEY = "compose:seen"
"""Content of the edited post or draft when it was opened. Saving over different content requires a
confirmation."""

STORED_FIELDS_KEY = "compose:stored"
"""Field values at the last save; None if they were just read."""

STORED_VERSION_KEY, OTHER_VERSION_KEY = (f"compose:{name}" for name in ("version", "elsewhere"))
"""The version of the stored fields that this window shows, and a later one of another window that
the user has not chosen or rejected yet."""

INITIAL_DRAFT_KEY, CURRENT_DRAFT_KEY, LEAVE_PROMPT_KEY = (
    f"compose:{name}" for name in ("begun_as", "says", "leaving")
)
"""The draft when the page was opened, the current draft, and whether the prompt about unsaved
changes is open."""

_WORDS = (
    ID_KEY,
    CREATOR_KEY,
    TITLE_KEY,
    BODY_KEY,
    ACCOUNTS_KEY,
    PARTS_KEY,
    COMMENT_KEY,
    HAS_COMMENT_KEY,
)
_WHEN = (
    WHEN_KEY,
    DAY_KEY,
    CLOCK_KEY,
    ZONE_KEY,
    EDITED_POST_KEY,
    OPENED_POST_KEY,
    PRIORITY_KEY,
    LATENESS_KEY,
)
_REST = (
    MEDIA_KEY,
    UPLOADS_KEY,
    SHOWN_PICTURES_KEY,
    MEDIA_TARGET_KEY,
    OVERRIDES_KEY,
    CAMPAIGN_KEY,
    PLAIN_LINKS_KEY,
    BY_MODEL,
    BY_TEMPLATE,
    MARKED,
    LABELS_KEY,
    SAVED_DRAFT_KEY,
)
ALL_KEYS = (
    *_WORDS,
    *_WHEN,
    *_REST,
    SEEN_VERSION_KEY,
    INITIAL_DRAFT_KEY,
    CURRENT_DRAFT_KEY,
    LEAVE_PROMPT_KEY,
    STORED_FIELDS_KEY,
    STORED_VERSION_KEY,
    OTHER_VERSION_KEY,
)
PART_PREFIX = "compose:part:"
"""Prefix of the fields of thread parts. `PARTS_KEY` contains the IDs of the parts in order."""

OVERRIDE_PREFIX = "compose:other:"
"""Prefix of the fields of an account."""

FIRST_COMMENT = "comment"
"""ID of the first comment among the IDs of thread parts."""

OMITTED_PARTS_FIELD = "left"
EXTRA_PARTS_FIELD = "more"
"""Fields of an account: the omitted parts, and the IDs of extra parts that only this account has.
"""

RECURRENCE_PREFIX = "compose:repeat:"
"""Prefix of the fields of the recurrence."""

TICK_PREFIX = "compose:tick:"
ACKNOWLEDGED_PREFIX = "compose:known:"
"""Prefix of the checkbox that accepts duplicates."""

CAPTION_PREFIX = "compose:kit:"
"""Prefix of the fields of AI captions."""

IDEAS_PREFIX = "compose:ideas:"
"""Prefix of the fields of ideas."""

ALL_PREFIXES = (
    TICK_PREFIX,
    PART_PREFIX,
    OVERRIDE_PREFIX,
    RECURRENCE_PREFIX,
    ACKNOWLEDGED_PREFIX,
    CAPTION_PREFIX,
    IDEAS_PREFIX,
)
PICTURE_PAGE_SIZE = 12
"""Number of library pictures shown at first, and added with each "Show more"."""


def start_draft(*, creator: str = "", at: str = "", asset: str = "") -> None:
    """Start an empty draft, optionally for a creator, at a wall time, with a picture.

    Call it in a callback or before any widget of the page is rendered.
    """
    clear_draft()
    st.session_state.update(
        {
            ID_KEY: str(uuid7()),
            MEDIA_KEY: [asset] if asset else [],
            UPLOADS_KEY: [],
            SHOWN_PICTURES_KEY: PICTURE_PAGE_SIZE,
        }
    )
    if creator:
        st.session_state[CREATOR_KEY] = creator
    if at:
        wall = parse_wall_time(at, "UTC")
        st.session_state.update(
            {WHEN_KEY: "at", DAY_KEY: f"{wall.day:%d/%m/%Y}", CLOCK_KEY: f"{wall.clock:%H:%M}"}
        )
    st.query_params.from_dict({"new": "1"})


def copy_post(
    post: StoredPost,
    there: Mapping[UUID, PostContent],
    creator: str,
    zone: str = "",
    labels: Sequence[UUID] = (),
    *,
    priority: int = 0,
) -> None:
    """Start a draft with the content and the maximum delay of another post. Call it in a callback.

    `there` is the content for each account, `zone` the time zone it was scheduled in, `labels` the
    labels and `priority` the priority of the post.
    """
    start_draft(creator=creator)
    known = {ZONE_KEY: zone, PRIORITY_KEY: priority, LATENESS_KEY: str(post.late or "")}
    st.session_state.update({name: value for name, value in known.items() if value})
    st.session_state[LABELS_KEY] = [str(one) for one in labels]
    words = {
        TITLE_KEY: post.title,
        BODY_KEY: post.body,
        MEDIA_KEY: [str(one) for one in post.media],
    }
    st.session_state.update({**words, ACCOUNTS_KEY: [str(one) for one in there]})
    st.session_state.update(
        {
            CAMPAIGN_KEY: post.links.campaign,
            PLAIN_LINKS_KEY: list(post.links.plain),
            MARKED: post.text_ai,
        }
    )
    for part in post.parts:
        if part.comment:
            st.session_state.update({HAS_COMMENT_KEY: True, COMMENT_KEY: part.body})
        else:
            add_part(part)
    for one, said in there.items():
        _fill_price_fields(str(one), said.price)
        _fill_option_fields(str(one), said.options)
    others = {str(one): said for one, said in there.items() if said.texts != post.base_content}
    st.session_state[OVERRIDES_KEY] = list(others)
    for account, other in others.items():
        _fill_account_fields(account, other)


def _fill_price_fields(account: str, price: Money | None) -> None:
    if price is not None:
        fields = {"price": format_amount(price), "currency": price.currency}
        st.session_state.update(
            {override_key(account, field): value for field, value in fields.items()}
        )


def _fill_option_fields(account: str, options: ChosenOptions) -> None:
    """Fill the option fields of an account. The kind of each value is part of its key."""
    for name, value in options:
        match value:
            case bool():
                kind = "flag"
            case tuple():
                kind = "list"
            case _:
                kind = "text"
        st.session_state[f"{_option_key_prefix(account)}{kind}:{name}"] = format_option(value)


def format_option(value: OptionValue) -> str:
    """Format an option value for its field."""
    if isinstance(value, bool):
        return OPTION_TRUE if value else OPTION_FALSE
    return value if isinstance(value, str) else "\n".join(value)


def parse_option(kind: str, text: str) -> OptionValue:
    """Parse the field of an option of the given kind."""
    if kind == "flag":
        return text == OPTION_TRUE
    if kind == "list":
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    return text


def _fill_account_fields(account: str, said: PostContent) -> None:
    """Fill the fields of an account with the content of a post for it."""
    fields: dict[str, Any] = {
        "title": said.title,
        "body": said.body,
        media_field(): [str(one) for one in said.media],
    }
    fields |= _build_override_part_fields(said.parts)
    st.session_state.update(
        {override_key(account, field): value for field, value in fields.items()}
    )


def _build_override_part_fields(parts: Sequence[ThreadPart]) -> dict[str, Any]:
    """Return the field values for the thread of an account: omitted, changed and extra parts."""
    there = [one for one in parts if not one.comment]
    fields: dict[str, Any] = {OMITTED_PARTS_FIELD: [], EXTRA_PARTS_FIELD: []}
    ours = list_parts()
    said = ours.pop(FIRST_COMMENT, None)
    for place, (one, piece) in enumerate(ours.items(), start=1):
        if (
            there
            and there[0] not in list(ours.values())[place:]
            and (there[0].body or not piece.body)
        ):
            fields |= _diff_part_fields(one, there.pop(0), piece)
        else:
            fields[OMITTED_PARTS_FIELD].append(one)
    for more in there:
        own = uuid7().hex
        fields[EXTRA_PARTS_FIELD].append(own)
        fields |= _diff_part_fields(own, more, ThreadPart(""))
    comment = next((one for one in parts if one.comment), None)
    if comment is not None:
        fields |= _diff_part_fields(FIRST_COMMENT, comment, said or ThreadPart(""))
    elif said is not None:
        fields[OMITTED_PARTS_FIELD].append(FIRST_COMMENT)
    return fields


def _diff_part_fields(part: str, there: ThreadPart, ours: ThreadPart) -> dict[str, Any]:
    """Return the field values of a part that differ from the post."""
    fields: dict[str, Any] = {part_field(part): there.body} if there.body != ours.body else {}
    return fields | (
        {media_field(part): [str(one) for one in there.media]} if there.media != ours.media else {}
    )


def clear_draft() -> None:
    """Remove all fields of the composer from the session."""
    for name in [
        one for one in st.session_state if one in ALL_KEYS or str(one).startswith(ALL_PREFIXES)
    ]:
        st.session_state.pop(name, None)


def field_text(name: str) -> str:
    """Return the text of a field, or "" if it is not rendered."""
    return str(st.session_state.get(name) or "")


def id_list(name: str) -> tuple[UUID, ...]:
    """Return the selected IDs in order. Raise NotFound for an invalid ID."""
    try:
        return tuple(UUID(one) for one in st.session_state.get(name) or ())
    except ValueError as error:
        raise NotFound("library.asset_unknown", destination="-") from error


def part_ids() -> tuple[str, ...]:
    """Return the IDs of the thread parts after the first, in order."""
    return tuple(st.session_state.get(PARTS_KEY) or ())


def part_key(part: str) -> str:
    """Return the key of the text of a thread part."""
    return f"{PART_PREFIX}{part}:words"


def media_key(part: str) -> str:
    """Return the key of the media of a part, where "" is the post itself."""
    return f"{PART_PREFIX}{part}:media" if part else MEDIA_KEY


def media_targets() -> dict[str, tuple[str, str]]:
    """Return the account ("" for the post) and the part ("" for the first) of each media key."""
    found = {media_key(part): ("", part) for part in ("", *part_ids())}
    for account in st.session_state.get(OVERRIDES_KEY) or ():
        parts = ("", *(part for part in list_channel_parts(account) if part != FIRST_COMMENT))
        found |= {override_key(account, media_field(part)): (account, part) for part in parts}
    return found


def selected_media_target() -> str:
    """Return the media key that pictures are currently added to."""
    return (
        field_text(MEDIA_TARGET_KEY)
        if field_text(MEDIA_TARGET_KEY) in media_targets()
        else MEDIA_KEY
    )


def override_key(account: str, field: str) -> str:
    """Return the key of a field of an account."""
    return f"{OVERRIDE_PREFIX}{account}:{field}"


def _option_key_prefix(account: str) -> str:
    return override_key(account, "option:")


def option_key(account: str, option: PostOption) -> str:
    """Return the key of an option of an account. Choices are stored as text."""
    kind = "text" if option.kind == "choice" else option.kind
    return f"{_option_key_prefix(account)}{kind}:{option.name}"


def _read_chosen_options(account: str) -> ChosenOptions:
    """Return the selected options of an account. Empty fields are omitted."""
    begin = _option_key_prefix(account)
    found = {}
    for key in [str(one) for one in st.session_state if str(one).startswith(begin)]:
        kind, _, name = key.removeprefix(begin).partition(":")
        if said := field_text(key).strip():
            found[name] = parse_option(kind, said)
    return normalize_options(found)


def add_part(piece: ThreadPart) -> None:
    """Append a thread part. Call it in a callback."""
    part = uuid7().hex
    st.session_state[PARTS_KEY] = [*part_ids(), part]
    st.session_state.update(
        {part_key(part): piece.body, media_key(part): [str(one) for one in piece.media]}
    )


def part_field(part: str) -> str:
    """Return the field of an account with its text for a thread part. If it is empty, the text of
    the post applies."""
    return f"part:{part}"


def media_field(part: str = "") -> str:
    """Return the field of an account with its media for a part, where "" is the post itself."""
    return f"media:{part}" if part else "media"


def extra_part_ids(account: str) -> tuple[str, ...]:
    """Return the IDs of the extra parts of an account, in order."""
    return tuple(st.session_state.get(override_key(account, EXTRA_PARTS_FIELD)) or ())


def clear_overrides(account: str) -> None:
    """Remove the media and extra parts of an account. Streamlit removes its text with the
    fields."""
    own = (override_key(account, media_field()), override_key(account, EXTRA_PARTS_FIELD))
    for name in [one for one in st.session_state if str(one).startswith(own)]:
        st.session_state.pop(name, None)


def list_parts() -> dict[str, ThreadPart]:
    """Return the thread parts and the first comment in order, keyed by ID, with empty parts."""
    found = {
        one: ThreadPart(field_text(part_key(one)).strip(), id_list(media_key(one)))
        for one in part_ids()
    }
    if st.session_state.get(HAS_COMMENT_KEY) or field_text(COMMENT_KEY):
        found[FIRST_COMMENT] = ThreadPart(field_text(COMMENT_KEY).strip(), comment=True)
    return found


def list_channel_parts(account: str) -> dict[str, ThreadPart]:
    """Return the parts of an account in order, keyed by ID: the parts of the post that are not
    omitted, extra parts, then the first comment. Empty parts are included."""
    parts = list_parts()
    left = st.session_state.get(override_key(account, OMITTED_PARTS_FIELD)) or ()
    comment = parts.pop(FIRST_COMMENT, ThreadPart("", comment=True))
    parts |= {one: ThreadPart("") for one in extra_part_ids(account)} | {FIRST_COMMENT: comment}
    return {
        one: _read_channel_part(account, one, piece)
        for one, piece in parts.items()
        if one not in left
    }


def _read_channel_part(account: str, part: str, piece: ThreadPart) -> ThreadPart:
    body = field_text(override_key(account, part_field(part))).strip()
    pictures = override_key(account, media_field(part))
    return replace(
        piece,
        body=body or piece.body,
        media=id_list(pictures) if pictures in st.session_state else piece.media,
    )


def build_draft(creator_id: UUID) -> Draft:
    """Return the current draft of a creator, without empty parts."""
    rest = tuple(one for one in list_parts().values() if not one.is_empty)
    said = PostContent(
        field_text(TITLE_KEY).strip(), field_text(BODY_KEY).strip(), id_list(MEDIA_KEY), rest
    )
    apart = st.session_state.get(OVERRIDES_KEY) or ()
    accounts = id_list(ACCOUNTS_KEY)
    others = [_build_channel_override(said, one) for one in apart]
    others += [
        ChannelOverride(one, price=_read_price(one), options=_read_chosen_options(one))
        for one in map(str, accounts)
        if one not in apart
    ]
    written = tuple(one for one in others if not one.is_idle)
    plain = tuple(str(one) for one in st.session_state.get(PLAIN_LINKS_KEY) or ())
    links = LinkChoices(field_text(CAMPAIGN_KEY).strip(), plain)
    by = text_ai_mark(apart)
    late = LateLimit(field_text(LATENESS_KEY)) if field_text(LATENESS_KEY) else None
    words = (said.title, said.body, said.media, accounts, by, rest, written, links)
    # Labels of a stored post are changed on its page.
    labels = None if field_text(EDITED_POST_KEY) else id_list(LABELS_KEY)
    return Draft(creator_id, *words, late=late, labels=labels)


def fill_field(field: str, text: str, *, after: str = "", template: bool = False) -> None:
    """Insert suggested text into a field, replacing its content or appended to `after`.

    `template` is True if no model wrote the text. Call it in a callback.
    """
    source, other = (BY_TEMPLATE, BY_MODEL) if template else (BY_MODEL, BY_TEMPLATE)
    st.session_state[source] = {**(st.session_state.get(source) or {}), field: text.strip()}
    if not after:
        replaced = st.session_state.get(other) or {}
        st.session_state[other] = {name: kept for name, kept in replaced.items() if name != field}
    st.session_state[field] = f"{after}\n\n{text}" if after else text


def fill_override(account: str, text: str, *, template: bool = False) -> None:
    """Insert suggested text as the text of one account. Select the account and customize it."""
    for listing in (ACCOUNTS_KEY, OVERRIDES_KEY):
        chosen = st.session_state.get(listing) or []
        st.session_state[listing] = chosen if account in chosen else [*chosen, account]
    fill_field(override_key(account, "body"), text, template=template)


def text_ai_mark(apart: Sequence[str]) -> str:
    """Return the AI mark of the text: "generated", "assisted" if a user changed AI text, "template"
    if it contains an unchanged template, or "none". A mark of the stored post is retained.

    `apart` are the customized accounts. Suggested text in the fields of other accounts is ignored.
    """
    shown = {
        BODY_KEY,
        TITLE_KEY,
        *(override_key(one, field) for one in apart for field in ("title", "body")),
    }
    found = {field_text(MARKED) or "none"}
    for field, text in (st.session_state.get(BY_MODEL) or {}).items():
        said = field_text(field).strip()
        if field in shown and said:
            found.add("generated" if said == text else "assisted")
    for field, text in (st.session_state.get(BY_TEMPLATE) or {}).items():
        if field in shown and text in field_text(field):
            found.add("template")
    return next(one for one in ("generated", "assisted", "template", "none") if one in found)


def _build_channel_override(said: PostContent, account: str) -> ChannelOverride:
    """Return the override of an account. Fields that equal the post are None."""
    title, body = (field_text(override_key(account, field)).strip() for field in ("title", "body"))
    media = id_list(override_key(account, media_field()))
    parts = tuple(one for one in list_channel_parts(account).values() if not one.is_empty)
    return ChannelOverride(
        account,
        title=None if title == said.title else title,
        body=None if body == said.body else body,
        media=None if media == said.media else media,
        parts=None if parts == said.parts else parts,
        price=_read_price(account),
        options=_read_chosen_options(account),
    )


def format_amount(price: Money) -> str:
    """Format a price without its currency, as in its field."""
    return str(price).partition(" ")[0]


def _read_price(account: str) -> Money | None:
    """Return the price on an account, or None if the field is empty. An invalid amount becomes
    zero, which every platform rejects, so that a typing error never makes the post free."""
    said = field_text(override_key(account, "price")).strip()
    if not said:
        return None
    currency = field_text(override_key(account, "currency")) or TEST_CURRENCY
    try:
        return money.parse_money(said, currency)
    except ValueError:
        return Money(0, currency)
