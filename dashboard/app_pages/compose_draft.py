"""The post that is being written: words and choices of one member's open page, nothing of it in the database yet."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import streamlit as st

from connectors.capabilities import Option
from connectors.options import NO, YES, Chosen, Value
from foundation import money
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.money import Money
from schedules.calendar import parse
from schedules.drafting import Draft
from schedules.lateness import Late
from schedules.linking import Wanted
from schedules.overrides import Content, Override, chosen
from schedules.reads import Written
from schedules.threads import Piece

ID, CREATOR, TITLE, BODY, ACCOUNTS = (f"compose:{name}" for name in ("id", "creator", "title", "body", "accounts"))
WHEN, DAY, CLOCK, ZONE, REWORK = (f"compose:{name}" for name in ("when", "day", "clock", "zone", "rework"))
PRIORITY, LATE = "compose:priority", "compose:late"
MEDIA, BROUGHT, SHOWN = (f"compose:{name}" for name in ("media", "brought", "shown"))
PARTS, COMMENT, COMMENTED, TARGET = (f"compose:{name}" for name in ("parts", "comment", "commented", "target"))
CAMPAIGN, PLAIN = "compose:campaign", "compose:plain"
LABELS = "compose:labels"
OTHERS = "compose:others"
"""The accounts that a post is written differently for."""

BY_MODEL = "compose:by_model"
"""What a model wrote, by the field it was put into."""

ASIDE = "compose:aside"
"""The post that was put aside and is gone on with."""

OPENED = "compose:opened"
"""The date of a post that repeats from which it was opened: back there once it is changed."""

MARKED = "compose:marked"
"""How the text of the post that is changed or copied was marked: it stays so."""

SEEN = "compose:seen"
"""What the post or draft that is changed said when it was opened: over anything else nothing is written unseen."""

BEGUN_AS, SAYS, LEAVING = (f"compose:{name}" for name in ("begun_as", "says", "leaving"))
"""What the page said when it was opened, what it says now, and whether somebody is asked before it is left."""

_WORDS, _WHEN = (
    (ID, CREATOR, TITLE, BODY, ACCOUNTS, PARTS, COMMENT, COMMENTED),
    (WHEN, DAY, CLOCK, ZONE, REWORK, OPENED, PRIORITY, LATE),
)
_REST = (MEDIA, BROUGHT, SHOWN, TARGET, OTHERS, CAMPAIGN, PLAIN, BY_MODEL, MARKED, LABELS, ASIDE)
FIELDS = (*_WORDS, *_WHEN, *_REST, SEEN, BEGUN_AS, SAYS, LEAVING)
OF_PART = "compose:part:"
"""What the fields of further parts begin with; PARTS holds their ids in order."""

OF_OTHER = "compose:other:"
"""What the fields of one account begin with."""

FIRST_COMMENT = "comment"
"""What stands for the first comment among the ids of what follows a post."""

LEFT, MORE = "left", "more"
"""Fields of one account: what of what follows the post is left out there, and the ids of parts that it alone has."""

REPEAT = "compose:repeat:"
"""What the fields of a repetition begin with."""

TICKED = "compose:tick:"
KNOWN = "compose:known:"
"""What begins the box by which somebody says that they know what a post repeats."""

KIT = "compose:kit:"
"""What the fields of what a model is asked begin with."""

IDEAS = "compose:ideas:"
"""What the fields of ideas begin with."""

BEGUN = (TICKED, OF_PART, OF_OTHER, REPEAT, KNOWN, KIT, IDEAS)
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


def duplicate(
    post: Written,
    there: Mapping[UUID, Content],
    creator: str,
    zone: str = "",
    labels: Sequence[UUID] = (),
    *,
    priority: int = 0,
) -> None:
    """Open a page with what another post says and how late it may be, in a callback; `there` is what it says on each of
    its accounts, `zone` the clock it was planned on, `labels` those it has, `priority` how important it is."""
    begin(creator=creator)
    known = {ZONE: zone, PRIORITY: priority, LATE: str(post.late or "")}
    st.session_state.update({name: value for name, value in known.items() if value})
    st.session_state[LABELS] = [str(one) for one in labels]
    words = {TITLE: post.title, BODY: post.body, MEDIA: [str(one) for one in post.media]}
    st.session_state.update({**words, ACCOUNTS: [str(one) for one in there]})
    st.session_state.update({CAMPAIGN: post.links.campaign, PLAIN: list(post.links.plain), MARKED: post.text_ai})
    for part in post.parts:
        if part.comment:
            st.session_state.update({COMMENTED: True, COMMENT: part.body})
        else:
            add_part(part)
    for one, said in there.items():
        _ask(str(one), said.price)
        _choose(str(one), said.options)
    others = {str(one): said for one, said in there.items() if said.words != post.said}
    st.session_state[OTHERS] = list(others)
    for account, other in others.items():
        _fill(account, other)


def _ask(account: str, price: Money | None) -> None:
    """The fields of what is asked on an account."""
    if price is not None:
        fields = {"price": amount(price), "currency": price.currency}
        st.session_state.update({other_key(account, field): value for field, value in fields.items()})


def _choose(account: str, options: Chosen) -> None:
    """The fields of what is chosen on an account, by the kind of each value."""
    for name, value in options:
        kind = "flag" if isinstance(value, bool) else "list" if isinstance(value, tuple) else "text"
        st.session_state[f"{_of_options(account)}{kind}:{name}"] = as_typed(value)


def as_typed(value: Value) -> str:
    """A chosen value as it stands in its field."""
    if isinstance(value, bool):
        return YES if value else NO
    return value if isinstance(value, str) else "\n".join(value)


def as_meant(kind: str, text: str) -> Value:
    """What stands in the field of an option of that kind, as a value."""
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    return text == YES if kind == "flag" else lines if kind == "list" else text


def _fill(account: str, said: Content) -> None:
    """The fields of an account with what a post says there."""
    fields: dict[str, Any] = {"title": said.title, "body": said.body, media_field(): [str(one) for one in said.media]}
    fields |= _following_there(said.parts)
    st.session_state.update({other_key(account, field): value for field, value in fields.items()})


def _following_there(parts: Sequence[Piece]) -> dict[str, Any]:
    """The fields of what follows a post on an account: parts left out, those it says otherwise, and its own."""
    there = [one for one in parts if not one.comment]
    fields: dict[str, Any] = {LEFT: [], MORE: []}
    ours = following()
    said = ours.pop(FIRST_COMMENT, None)
    for place, (one, piece) in enumerate(ours.items(), start=1):
        if there and there[0] not in list(ours.values())[place:] and (there[0].body or not piece.body):
            fields |= _otherwise(one, there.pop(0), piece)
        else:
            fields[LEFT].append(one)
    for more in there:
        own = uuid7().hex
        fields[MORE].append(own)
        fields |= _otherwise(own, more, Piece(""))
    comment = next((one for one in parts if one.comment), None)
    if comment is not None:
        fields |= _otherwise(FIRST_COMMENT, comment, said or Piece(""))
    elif said is not None:
        fields[LEFT].append(FIRST_COMMENT)
    return fields


def _otherwise(part: str, there: Piece, ours: Piece) -> dict[str, Any]:
    """The fields of a part on an account, as far as it is not there as the post has it."""
    fields: dict[str, Any] = {part_field(part): there.body} if there.body != ours.body else {}
    return fields | ({media_field(part): [str(one) for one in there.media]} if there.media != ours.media else {})


def forget() -> None:
    """Nothing is being written any more."""
    for name in [one for one in st.session_state if one in FIELDS or str(one).startswith(BEGUN)]:
        st.session_state.pop(name, None)


def typed(name: str) -> str:
    """What stands in a field now; nothing where it is not drawn."""
    return str(st.session_state.get(name) or "")


def listed(name: str) -> tuple[UUID, ...]:
    """Ids that were chosen, in their order. Raises NotFound for what is no id."""
    try:
        return tuple(UUID(one) for one in st.session_state.get(name) or ())
    except ValueError as error:
        raise NotFound("library.asset_unknown", destination="-") from error


def part_ids() -> tuple[str, ...]:
    """The further parts that are being written, in order."""
    return tuple(st.session_state.get(PARTS) or ())


def part_key(part: str) -> str:
    """Where the words of a further part are kept."""
    return f"{OF_PART}{part}:words"


def media_key(part: str) -> str:
    """Where the pictures of a part are kept; "" is the post itself."""
    return f"{OF_PART}{part}:media" if part else MEDIA


def targets() -> dict[str, tuple[str, str]]:
    """Where pictures may go, by the key they are kept at: the place ("" is the post itself) and the part ("" is 1)."""
    found = {media_key(part): ("", part) for part in ("", *part_ids())}
    for account in st.session_state.get(OTHERS) or ():
        parts = ("", *(part for part in following_on(account) if part != FIRST_COMMENT))
        found |= {other_key(account, media_field(part)): (account, part) for part in parts}
    return found


def chosen_for() -> str:
    """Where the pictures that are ticked now go."""
    return typed(TARGET) if typed(TARGET) in targets() else MEDIA


def other_key(account: str, field: str) -> str:
    """Where a field of one account is kept."""
    return f"{OF_OTHER}{account}:{field}"


def _of_options(account: str) -> str:
    return other_key(account, "option:")


def option_key(account: str, option: Option) -> str:
    """Where what is chosen on an account is kept: a choice as a text."""
    kind = "text" if option.kind == "choice" else option.kind
    return f"{_of_options(account)}{kind}:{option.name}"


def _options(account: str) -> Chosen:
    """What is chosen on an account; an empty field chooses nothing."""
    begin, found = _of_options(account), {}
    for key in [str(one) for one in st.session_state if str(one).startswith(begin)]:
        kind, _, name = key.removeprefix(begin).partition(":")
        if said := typed(key).strip():
            found[name] = as_meant(kind, said)
    return chosen(found)


def add_part(piece: Piece) -> None:
    """One more part at the end, in a callback."""
    part = uuid7().hex
    st.session_state[PARTS] = [*part_ids(), part]
    st.session_state.update({part_key(part): piece.body, media_key(part): [str(one) for one in piece.media]})


def part_field(part: str) -> str:
    """The field of an account with its own words for what follows the post; empty, it says what the post says."""
    return f"part:{part}"


def media_field(part: str = "") -> str:
    """The field of an account with the pictures it has for a part; "" is the post itself."""
    return f"media:{part}" if part else "media"


def more_ids(account: str) -> tuple[str, ...]:
    """The parts that one account alone has, in order."""
    return tuple(st.session_state.get(other_key(account, MORE)) or ())


def as_the_post(account: str) -> None:
    """Forget which pictures and parts one account has of its own; its words are gone with their fields."""
    own = (other_key(account, media_field()), other_key(account, MORE))
    for name in [one for one in st.session_state if str(one).startswith(own)]:
        st.session_state.pop(name, None)


def following() -> dict[str, Piece]:
    """What follows the post, by its id, in order; what is still empty too."""
    found = {one: Piece(typed(part_key(one)).strip(), listed(media_key(one))) for one in part_ids()}
    if st.session_state.get(COMMENTED) or typed(COMMENT):
        found[FIRST_COMMENT] = Piece(typed(COMMENT).strip(), comment=True)
    return found


def following_on(account: str) -> dict[str, Piece]:
    """What follows the post on one account, by its id, in order: the parts of the post but those left out there, then
    those of that account alone, then the first comment; what is still empty too."""
    parts, left = following(), st.session_state.get(other_key(account, LEFT)) or ()
    comment = parts.pop(FIRST_COMMENT, Piece("", comment=True))
    parts |= {one: Piece("") for one in more_ids(account)} | {FIRST_COMMENT: comment}
    return {one: _there(account, one, piece) for one, piece in parts.items() if one not in left}


def _there(account: str, part: str, piece: Piece) -> Piece:
    body, pictures = typed(other_key(account, part_field(part))).strip(), other_key(account, media_field(part))
    return replace(
        piece, body=body or piece.body, media=listed(pictures) if pictures in st.session_state else piece.media
    )


def draft(creator_id: UUID) -> Draft:
    """What is written now, as that creator's; a part with nothing in it is none."""
    rest = tuple(one for one in following().values() if not one.empty)
    said = Content(typed(TITLE).strip(), typed(BODY).strip(), listed(MEDIA), rest)
    apart, accounts = st.session_state.get(OTHERS) or (), listed(ACCOUNTS)
    others = [_other(said, one) for one in apart]
    others += [
        Override(one, price=_price(one), options=_options(one)) for one in map(str, accounts) if one not in apart
    ]
    written = tuple(one for one in others if not one.idle)
    plain = tuple(str(one) for one in st.session_state.get(PLAIN) or ())
    links = Wanted(typed(CAMPAIGN).strip(), plain)
    by = text_ai(apart)
    late = Late(typed(LATE)) if typed(LATE) else None
    words = (said.title, said.body, said.media, accounts, by, rest, written, links)
    labels = None if typed(REWORK) else listed(LABELS)  # those of a post that is there change on its own page
    return Draft(creator_id, *words, late=late, labels=labels)


def put(field: str, text: str, *, after: str = "") -> None:
    """Put what a model wrote into a field, in a callback: in the place of what stands there, or `after` it."""
    st.session_state[BY_MODEL] = {**(st.session_state.get(BY_MODEL) or {}), field: text.strip()}
    st.session_state[field] = f"{after}\n\n{text}" if after else text


def put_other(account: str, text: str) -> None:
    """Put what a model wrote into the words of one account; the post goes there, and says something of its own."""
    for listing in (ACCOUNTS, OTHERS):
        chosen = st.session_state.get(listing) or []
        st.session_state[listing] = chosen if account in chosen else [*chosen, account]
    put(other_key(account, "body"), text)


def text_ai(apart: Sequence[str]) -> str:
    """How the text is marked: as a model wrote it, changed by somebody since, or none of it. A mark it had stays.

    `apart` are the accounts it is written differently for: what was put into others is not said.
    """
    shown = {BODY, TITLE, *(other_key(one, field) for one in apart for field in ("title", "body"))}
    found = {typed(MARKED) or "none"}
    for field, text in (st.session_state.get(BY_MODEL) or {}).items():
        said = typed(field).strip()
        if field in shown and said:
            found.add("generated" if said == text else "assisted")
    return next(one for one in ("generated", "assisted", "none") if one in found)


def _other(said: Content, account: str) -> Override:
    """What one account says otherwise: of a field that is as the post's, nothing."""
    title, body = (typed(other_key(account, field)).strip() for field in ("title", "body"))
    media = listed(other_key(account, media_field()))
    parts = tuple(one for one in following_on(account).values() if not one.empty)
    return Override(
        account,
        title=None if title == said.title else title,
        body=None if body == said.body else body,
        media=None if media == said.media else media,
        parts=None if parts == said.parts else parts,
        price=_price(account),
        options=_options(account),
    )


def amount(price: Money) -> str:
    """A price as it is typed, without its currency."""
    return str(price).partition(" ")[0]


def _price(account: str) -> Money | None:
    """What is asked on an account. What cannot be read is nothing, which no place takes: never that it is free."""
    said = typed(other_key(account, "price")).strip()
    if not said:
        return None
    currency = typed(other_key(account, "currency")) or "XTS"
    try:
        return money.parse(said, currency)
    except ValueError:
        return Money(0, currency)
