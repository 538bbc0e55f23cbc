"""The post that is being written: words and choices of one member's open page, nothing of it in the
database yet."""

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
from foundation.money import Money
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
"""The accounts that a post is written differently for."""

BY_MODEL = "compose:by_model"
"""What a model wrote, by the field it was put into."""

SAVED_DRAFT_KEY = "compose:aside"
"""The post that was put aside and is gone on with."""

OPENED_POST_KEY = "compose:opened"
"""The date of a post that repeats from which it was opened: back there once it is changed."""

MARKED = "compose:marked"
"""How the text of the post that is changed or copied was marked: it stays so."""

SEEN_VERSION_KEY = "compose:seen"
"""What the post or draft that is changed said when it was opened: over anything else nothing is
written unseen."""

STORED_FIELDS_KEY = "compose:stored"
"""The fields as they were stored last."""

INITIAL_DRAFT_KEY, CURRENT_DRAFT_KEY, LEAVE_PROMPT_KEY = (
    f"compose:{name}" for name in ("begun_as", "says", "leaving")
)
"""What the page said when it was opened, what it says now, and whether somebody is asked before it
is left."""

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
)
PART_PREFIX = "compose:part:"
"""What the fields of further parts begin with; PARTS holds their ids in order."""

OVERRIDE_PREFIX = "compose:other:"
"""What the fields of one account begin with."""

FIRST_COMMENT = "comment"
"""What stands for the first comment among the ids of what follows a post."""

OMITTED_PARTS_FIELD = "left"
EXTRA_PARTS_FIELD = "more"
"""Fields of one account: what of what follows the post is left out there, and the ids of parts that
it alone has."""

RECURRENCE_PREFIX = "compose:repeat:"
"""What the fields of a repetition begin with."""

TICK_PREFIX = "compose:tick:"
ACKNOWLEDGED_PREFIX = "compose:known:"
"""What begins the box by which somebody says that they know what a post repeats."""

CAPTION_PREFIX = "compose:kit:"
"""What the fields of what a model is asked begin with."""

IDEAS_PREFIX = "compose:ideas:"
"""What the fields of ideas begin with."""

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
"""Pictures of the library shown at first, and more at each press."""


def start_draft(*, creator: str = "", at: str = "", asset: str = "") -> None:
    """Open an empty page: for a creator, at a wall time, with a picture, where these are known.
    Call it in a callback, or before anything of the page is drawn."""
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
    """Open a page with what another post says and how late it may be, in a callback; `there` is
    what it says on each of its accounts, `zone` the clock it was planned on, `labels` those it has,
    `priority` how important it is."""
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
    """The fields of what is asked on an account."""
    if price is not None:
        fields = {"price": format_amount(price), "currency": price.currency}
        st.session_state.update(
            {override_key(account, field): value for field, value in fields.items()}
        )


def _fill_option_fields(account: str, options: ChosenOptions) -> None:
    """The fields of what is chosen on an account, by the kind of each value."""
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
    """A chosen value as it stands in its field."""
    if isinstance(value, bool):
        return OPTION_TRUE if value else OPTION_FALSE
    return value if isinstance(value, str) else "\n".join(value)


def parse_option(kind: str, text: str) -> OptionValue:
    """What stands in the field of an option of that kind, as a value."""
    if kind == "flag":
        return text == OPTION_TRUE
    if kind == "list":
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    return text


def _fill_account_fields(account: str, said: PostContent) -> None:
    """The fields of an account with what a post says there."""
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
    """The fields of what follows a post on an account: parts left out, those it says otherwise, and
    its own."""
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
    """The fields of a part on an account, as far as it is not there as the post has it."""
    fields: dict[str, Any] = {part_field(part): there.body} if there.body != ours.body else {}
    return fields | (
        {media_field(part): [str(one) for one in there.media]} if there.media != ours.media else {}
    )


def clear_draft() -> None:
    """Nothing is being written any more."""
    for name in [
        one for one in st.session_state if one in ALL_KEYS or str(one).startswith(ALL_PREFIXES)
    ]:
        st.session_state.pop(name, None)


def field_text(name: str) -> str:
    """What stands in a field now; nothing where it is not drawn."""
    return str(st.session_state.get(name) or "")


def id_list(name: str) -> tuple[UUID, ...]:
    """Ids that were chosen, in their order. Raises NotFound for what is no id."""
    try:
        return tuple(UUID(one) for one in st.session_state.get(name) or ())
    except ValueError as error:
        raise NotFound("library.asset_unknown", destination="-") from error


def part_ids() -> tuple[str, ...]:
    """The further parts that are being written, in order."""
    return tuple(st.session_state.get(PARTS_KEY) or ())


def part_key(part: str) -> str:
    """Where the words of a further part are kept."""
    return f"{PART_PREFIX}{part}:words"


def media_key(part: str) -> str:
    """Where the pictures of a part are kept; "" is the post itself."""
    return f"{PART_PREFIX}{part}:media" if part else MEDIA_KEY


def media_targets() -> dict[str, tuple[str, str]]:
    """Where pictures may go, by the key they are kept at: the place ("" is the post itself) and the
    part ("" is 1)."""
    found = {media_key(part): ("", part) for part in ("", *part_ids())}
    for account in st.session_state.get(OVERRIDES_KEY) or ():
        parts = ("", *(part for part in list_channel_parts(account) if part != FIRST_COMMENT))
        found |= {override_key(account, media_field(part)): (account, part) for part in parts}
    return found


def selected_media_target() -> str:
    """Where the pictures that are ticked now go."""
    return (
        field_text(MEDIA_TARGET_KEY)
        if field_text(MEDIA_TARGET_KEY) in media_targets()
        else MEDIA_KEY
    )


def override_key(account: str, field: str) -> str:
    """Where a field of one account is kept."""
    return f"{OVERRIDE_PREFIX}{account}:{field}"


def _option_key_prefix(account: str) -> str:
    return override_key(account, "option:")


def option_key(account: str, option: PostOption) -> str:
    """Where what is chosen on an account is kept: a choice as a text."""
    kind = "text" if option.kind == "choice" else option.kind
    return f"{_option_key_prefix(account)}{kind}:{option.name}"


def _read_chosen_options(account: str) -> ChosenOptions:
    """What is chosen on an account; an empty field chooses nothing."""
    begin = _option_key_prefix(account)
    found = {}
    for key in [str(one) for one in st.session_state if str(one).startswith(begin)]:
        kind, _, name = key.removeprefix(begin).partition(":")
        if said := field_text(key).strip():
            found[name] = parse_option(kind, said)
    return normalize_options(found)


def add_part(piece: ThreadPart) -> None:
    """One more part at the end, in a callback."""
    part = uuid7().hex
    st.session_state[PARTS_KEY] = [*part_ids(), part]
    st.session_state.update(
        {part_key(part): piece.body, media_key(part): [str(one) for one in piece.media]}
    )


def part_field(part: str) -> str:
    """The field of an account with its own words for what follows the post; empty, it says what the
    post says."""
    return f"part:{part}"


def media_field(part: str = "") -> str:
    """The field of an account with the pictures it has for a part; "" is the post itself."""
    return f"media:{part}" if part else "media"


def extra_part_ids(account: str) -> tuple[str, ...]:
    """The parts that one account alone has, in order."""
    return tuple(st.session_state.get(override_key(account, EXTRA_PARTS_FIELD)) or ())


def clear_overrides(account: str) -> None:
    """Forget which pictures and parts one account has of its own; its words are gone with their
    fields."""
    own = (override_key(account, media_field()), override_key(account, EXTRA_PARTS_FIELD))
    for name in [one for one in st.session_state if str(one).startswith(own)]:
        st.session_state.pop(name, None)


def list_parts() -> dict[str, ThreadPart]:
    """What follows the post, by its id, in order; what is still empty too."""
    found = {
        one: ThreadPart(field_text(part_key(one)).strip(), id_list(media_key(one)))
        for one in part_ids()
    }
    if st.session_state.get(HAS_COMMENT_KEY) or field_text(COMMENT_KEY):
        found[FIRST_COMMENT] = ThreadPart(field_text(COMMENT_KEY).strip(), comment=True)
    return found


def list_channel_parts(account: str) -> dict[str, ThreadPart]:
    """What follows the post on one account, by its id, in order: the parts of the post but those
    left out there, then those of that account alone, then the first comment; what is still empty
    too."""
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
    """What is written now, as that creator's; a part with nothing in it is none."""
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
    labels = (
        None if field_text(EDITED_POST_KEY) else id_list(LABELS_KEY)
    )  # those of a post that is there change on its own page
    return Draft(creator_id, *words, late=late, labels=labels)


def fill_field(field: str, text: str, *, after: str = "") -> None:
    """Put what a model wrote into a field, in a callback: in the place of what stands there, or
    `after` it."""
    st.session_state[BY_MODEL] = {**(st.session_state.get(BY_MODEL) or {}), field: text.strip()}
    st.session_state[field] = f"{after}\n\n{text}" if after else text


def fill_override(account: str, text: str) -> None:
    """Put what a model wrote into the words of one account; the post goes there, and says something
    of its own."""
    for listing in (ACCOUNTS_KEY, OVERRIDES_KEY):
        chosen = st.session_state.get(listing) or []
        st.session_state[listing] = chosen if account in chosen else [*chosen, account]
    fill_field(override_key(account, "body"), text)


def text_ai_mark(apart: Sequence[str]) -> str:
    """How the text is marked: as a model wrote it, changed by somebody since, or none of it. A mark
    it had stays.

    `apart` are the accounts it is written differently for: what was put into others is not said.
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
    return next(one for one in ("generated", "assisted", "none") if one in found)


def _build_channel_override(said: PostContent, account: str) -> ChannelOverride:
    """What one account says otherwise: of a field that is as the post's, nothing."""
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
    """A price as it is typed, without its currency."""
    return str(price).partition(" ")[0]


def _read_price(account: str) -> Money | None:
    """What is asked on an account. What cannot be read is nothing, which no place takes: never that
    it is free."""
    said = field_text(override_key(account, "price")).strip()
    if not said:
        return None
    currency = field_text(override_key(account, "currency")) or "XTS"
    try:
        return money.parse_money(said, currency)
    except ValueError:
        return Money(0, currency)
