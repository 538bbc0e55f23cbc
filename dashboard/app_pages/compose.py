"""New post: words, pictures, accounts, what each would show and refuse, and when it leaves."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.app_pages import (
    calendar_labels,
    calendar_series,
    compose_draft,
    compose_ideas,
    compose_kit,
    compose_leaving,
    compose_links,
    compose_options,
    compose_parts,
    compose_pictures,
    compose_places,
    compose_prices,
    compose_repeats,
    compose_rework,
    compose_shape,
    compose_when,
    zones,
)
from dashboard.app_pages.calendar_series import Where
from dashboard.app_pages.compose_draft import (
    ACCOUNTS,
    BODY,
    BROUGHT,
    CLOCK,
    CREATOR,
    DAY,
    ID,
    OPENED,
    OTHERS,
    REPEAT,
    REWORK,
    SHOWN,
    TITLE,
    WHEN,
    ZONE,
    draft,
    listed,
    typed,
)
from dashboard.browsing import piece
from dashboard.frame import Page
from dashboard.reads.compose import Account, Desk, accounts, at_once, connectors, desk
from dashboard.reads.series import Choice
from dashboard.reads.when import day_of, time_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.words import Message
from schedules import agenda, coming, drafting, selling, series_reads
from schedules import reads as schedule_reads
from schedules.calendar import WallTime, local_wall
from schedules.drafting import Draft
from schedules.planning import deliveries_of
from schedules.standing import stands
from schedules.states import DeliveryState
from tenants.reads import Creator
from tenants.roles import Right

WHENS = ("soon", "free", compose_when.SLOT, "at")
PRESS, OVER = "compose:go", "compose:over"


@dataclass(frozen=True)
class _Asked:
    """A draft's own id, and when it is to leave, as it was typed."""

    key: UUID
    when: str
    day: str
    clock: str
    zone: str
    priority: int
    again: Choice
    known: frozenset[UUID]
    """The posts somebody knows it repeats."""


def show(page: Page, rework: UUID | None) -> None:
    """Draw the page, of the post that is changed or of a new one. Raises NotFound for what is not this member's."""
    asked = st.query_params.to_dict()
    if not typed(ID) and rework is not None:  # opened anew, or come back to
        compose_rework.come_back(page, rework, asked.get("at", ""))
    elif not typed(ID):  # an address that was kept, or given by another page
        compose_draft.begin(creator=asked.get("creator", ""), asset=asked.get("asset", ""), at=asked.get("at", ""))
    question = compose_leaving.way_back(page)
    draw("compose_head.html", code="compose.rework" if typed(REWORK) else "compose.new", word=page.word)
    mine = page.read(page.mine)
    if not mine:
        draw("calendar_empty.html", code="dashboard.no_creators", word=page.word)
        return
    if rewritten := typed(REWORK):
        compose_rework.asked(page, UUID(rewritten))
    left, right = st.columns([3, 2], gap="large")
    with left:
        creator = _creator(page, mine)
        hers = page.read(lambda scope: accounts(scope, [creator]))
        with st.container(key="gr_words"):
            _words(page, hers)
            piece("typing")(key="typing", height="content")
        compose_ideas.show(page, creator)
        compose_kit.show(page, creator, hers)
        compose_links.show(page, creator)
        if not typed(REWORK):
            calendar_labels.field(page, compose_draft.LABELS)
    written = draft(creator.id)
    compose_leaving.remember(written)
    pictures, brought = int(st.session_state.get(SHOWN, compose_draft.FEW)), listed(BROUGHT)
    found = page.read(
        lambda scope: desk(scope, creator, written, author=page.who.actor, brought=brought, pictures=pictures)
    )
    with question:
        compose_leaving.ask(page, creator.id, uploads=len(found.uploads) > 0)
    with left:
        compose_pictures.show(page, found)
    with right:
        compose_pictures.rating(page, found)
        _previews(page, found)
        _send(page, found, written)


def _creator(page: Page, mine: list[Creator]) -> Creator:
    """Whose post it is; one that is changed stays whose it was."""
    names = {one.slug: one for one in mine}
    if typed(CREATOR) not in names:
        st.session_state[CREATOR] = mine[0].slug
    if len(mine) > 1:
        st.selectbox(
            page.word("calendar.creator"),
            list(names),
            format_func=lambda slug: names[slug].name,
            key=CREATOR,
            on_change=_other_creator,
            disabled=bool(typed(REWORK)),
        )
    return names[typed(CREATOR)]


def _other_creator() -> None:
    """Pictures, accounts and the clock are one creator's: they do not follow to another."""
    pictures: dict[str, list[str]] = {compose_draft.media_key(one): [] for one in ("", *compose_draft.part_ids())}
    for place in st.session_state.get(OTHERS) or []:
        compose_draft.as_the_post(place)
    st.session_state.update({**pictures, BROUGHT: [], ACCOUNTS: [], OTHERS: []})
    st.session_state.pop(ZONE, None)


def _words(page: Page, hers: list[Account]) -> None:
    st.text_area(page.word("compose.body"), key=BODY, height=150, placeholder=page.word("compose.body_hint"))
    compose_parts.show(page)
    st.text_input(page.word("compose.title"), key=TITLE, max_chars=200)
    names = compose_places.names_of(page, hers)
    chosen = st.session_state.get(ACCOUNTS) or []
    if not names.keys() >= set(chosen):  # what is set is sent back, over a press that came meanwhile
        st.session_state[ACCOUNTS] = [one for one in chosen if one in names]
    st.pills(
        page.word("compose.accounts"),
        list(names),
        format_func=lambda one: names[one],
        selection_mode="multi",
        key=ACCOUNTS,
        wrap=True,
        disabled=bool(typed(REWORK)),
    )
    picked = st.session_state.get(ACCOUNTS) or []
    chosen_accounts = [one for one in hers if str(one.id) in picked]
    compose_places.show(page, names, chosen_accounts)
    compose_prices.show(page, chosen_accounts, names)
    compose_options.show(page, chosen_accounts, names)
    if not hers:
        draw("calendar_empty.html", code="compose.no_accounts", word=page.word)


def _previews(page: Page, found: Desk) -> None:
    draw("compose_part.html", title=page.word("compose.previews"))
    if not found.previews:
        draw("calendar_empty.html", code="compose.preview_empty", word=page.word)
    for one in found.previews:
        seen = {
            asset: (files.src(asset, "preview", unrated=asset in found.unrated), medium.alt)
            for asset, medium in zip(one.said.assets, one.all_media, strict=False)
        }
        draw("compose_preview.html", one=one, stands=stands(one, seen), voice=page.voice, word=page.word)
        compose_shape.offer(page, one)


def _send(page: Page, found: Desk, written: Draft) -> None:
    """When it leaves, and the press that writes it."""
    if typed(REWORK):
        _save(page, found, UUID(typed(REWORK)))
        return
    free = found.next_free
    at = f"{page.voice.short_day(free.day)} {free.clock:%H:%M}"
    queued = compose_when.queued(page, written)
    said = {"soon": {}, "free": {"at": at}, compose_when.SLOT: {"at": queued}, "at": {}}
    when = st.radio(
        page.word("compose.when"),
        [one for one in WHENS if queued or one != compose_when.SLOT],
        index=0 if typed(WHEN) in WHENS else WHENS.index("free"),
        format_func=lambda one: page.word(f"compose.when.{one}", **said[one]),
        key=WHEN,
    )
    if when == "at":
        st.session_state.setdefault(DAY, f"{free.day:%d/%m/%Y}")
        st.session_state.setdefault(CLOCK, f"{free.clock:%H:%M}")
        with st.container(horizontal=True):
            st.text_input(page.word("compose.day"), key=DAY, width=170)
            st.text_input(page.word("compose.clock"), key=CLOCK, width=110)
            zones.choose(page, ZONE, own=found.creator.zone)
        compose_when.judge(page, _clock(found, when), found.now, repeating=calendar_series.chosen(REPEAT).wanted)
    if when != compose_when.SLOT:
        compose_when.warn(page, written, _first(found, when))
    with st.container(horizontal=True):
        compose_when.importance(page)
        compose_when.lateness(page)
    _repeat(page, found, when)
    compose_repeats.show(page, written, _first(found, when), repeating=calendar_series.chosen(REPEAT).wanted)
    draw("calendar_note.html", note=page.word("compose.zone", place=page.voice.place(_clock(found, when))))
    with st.container(horizontal=True, gap="small"):
        _press(page, found, "compose.plan")
        compose_leaving.keep_button(page, found.creator.id, uploads=len(found.uploads) > 0)


def _save(page: Page, found: Desk, post_id: UUID) -> None:
    """The press that changes a planned post; over what was saved meanwhile it is another one, with that before it."""
    dates, now, over = page.read(partial(_standing, post_id))
    if dates:
        draw("calendar_note.html", note=page.word("series.rework_why", count=dates))
    draw("calendar_note.html", note=page.word("compose.rework_over" if over else "compose.rework_why"))
    if found.creator.approval_tiers:
        draw("calendar_note.html", note=page.word("compose.rework_asks"))
    if compose_rework.meanwhile(page, post_id, now):
        _press(page, found, "compose.save_over", key=OVER, shortcut=None, seen=now)
    else:
        _press(page, found, "compose.save", seen=now)


def _standing(post_id: UUID, scope: Scope) -> tuple[int, Draft, bool]:
    """On how many dates to come a post stands, what it says, and whether it leaves once that is changed."""
    now = drafting.as_written(schedule_reads.written_post(scope, post_id))
    return series_reads.dates_ahead(scope, post_id), now, drafting.leaves_at_once(scope, post_id)


def _repeat(page: Page, found: Desk, when: str) -> None:
    """Whether it leaves again and again, from the time it leaves first; a place in a queue is had once."""
    if when == compose_when.SLOT:
        return
    where = Where(found.creator.id, listed(ACCOUNTS))
    calendar_series.fields(page, REPEAT, _first(found, when), now=found.now, where=where)


def _clock(found: Desk, when: str) -> str:
    """The clock it is planned on: another one than the creator's only for a time that is typed."""
    return (typed(ZONE) if when == "at" else "") or found.creator.zone


def _first(found: Desk, when: str) -> WallTime | None:
    """When it leaves first, as far as it can be read."""
    if when == "soon":
        return local_wall(found.now, found.creator.zone)
    if when == "at":
        try:
            return WallTime(day_of(typed(DAY)), time_of(typed(CLOCK)), _clock(found, when))
        except BadInput:
            return None
    return found.next_free


def _press(
    page: Page,
    found: Desk,
    code: str,
    *,
    key: str = PRESS,
    shortcut: str | None = "Ctrl+Enter",
    seen: Draft | None = None,
) -> None:
    blocked = len(found.uploads) > 0
    st.button(
        page.word(code),
        key=key,
        type="primary",
        icon=":material/event_available:",
        shortcut=shortcut,
        disabled=blocked,
        on_click=_pressed,
        args=(page, found.creator.id, seen),
    )


def _pressed(page: Page, creator_id: UUID, seen: Draft | None) -> None:
    """Write it once, however often it is pressed: the draft's own id is its key, and once written it is gone. `seen` is
    what stood beside the press of a post that is changed."""
    if not typed(ID):
        return
    made: list[UUID] = []
    stays: dict[UUID, str] = {}
    written = compose_leaving.written(creator_id)
    if rewritten := typed(REWORK):
        act = partial(_rewrite, page, (UUID(rewritten), seen), written, made)
    else:
        again, priority = calendar_series.chosen(REPEAT), compose_when.chosen()
        known = compose_repeats.known()
        asked = _Asked(UUID(typed(ID)), typed(WHEN), typed(DAY), typed(CLOCK), typed(ZONE), priority, again, known)
        act = partial(_plan, page, written, asked, made)
    acting.press(partial(_seeing, act, made, stays), Right.RUN, PRESS)
    if made and f"press:{PRESS}" not in st.session_state:  # it stands
        opened = {"at": at} if (at := typed(OPENED)) else {}
        compose_draft.forget()
        st.query_params.from_dict({"post": str(made[0]), **opened})
        if stays:
            acting.tell(Message("compose.stays", {"accounts": ", ".join(stays.values())}), bad=True)


def _seeing(act: acting.Act, made: list[UUID], stays: dict[UUID, str], scope: Scope, press_id: UUID) -> Message | None:
    """Act, and note the accounts on which what was just written will not leave as it is; its page says why."""
    said = act(scope, press_id)
    stays.update(coming.staying(scope, made[0], connectors()))
    return said


def _plan(page: Page, written: Draft, asked: _Asked, made: list[UUID], scope: Scope, _: UUID) -> Message:
    creator = page.my(scope, written.creator_id)
    if not compose_leaving.as_opened(scope, written):
        raise Conflict("aside.changed_meanwhile")
    author, priority = page.who.actor, asked.priority
    if asked.when == compose_when.SLOT:
        said = compose_when.plan(scope, written, key=asked.key, author=author, priority=priority, made=made)
        selling.check(scope, made[0], connectors=connectors())
        compose_repeats.keep(scope, made[0], asked.known)
        return said
    at = _time(scope, creator, written, asked)
    planned = calendar_series.plan(scope, written, asked.again, at, key=asked.key, author=author, priority=priority)
    selling.check(scope, planned.post_id, connectors=connectors())
    made.append(planned.post_id)
    compose_repeats.keep(scope, planned.post_id, asked.known)
    at = planned.at
    when = {
        "day": f"{at.day:%d/%m/%Y}",
        "clock": f"{at.clock:%H:%M:%S}" if asked.when == "soon" else zones.clock(page, at, creator.zone),
    }
    if planned.left:
        return Message("compose.planned_gap" if at.moved_by_gap else "compose.planned", when)
    if not planned.waiting:
        return Message("compose.waits_nobody", when)
    return Message("compose.waits", {**when, "who": ", ".join(planned.waiting)})


def _time(scope: Scope, creator: Creator, written: Draft, asked: _Asked) -> WallTime:
    if asked.when == "soon":
        return at_once(scope, creator.zone)
    if asked.when == "at":
        return compose_when.typed_time(asked.day, asked.clock, asked.zone or creator.zone, scope.now)
    return agenda.next_free(scope, creator.id, creator.zone, channels=written.channels)


def _rewrite(
    page: Page, of: tuple[UUID, Draft | None], written: Draft, made: list[UUID], scope: Scope, _: UUID
) -> Message:
    post_id, seen = of
    if page.my(scope, schedule_reads.written_post(scope, post_id).creator_id).id != written.creator_id:
        raise Conflict("post.left_already")
    left = drafting.rewrite(scope, post_id, written, author=page.who.actor, seen=seen)
    selling.check(scope, post_id, connectors=connectors())
    made.append(post_id)
    if not left and any(one.state == DeliveryState.HELD for one in deliveries_of(scope, post_id)):
        return Message("compose.rewritten_held")
    return Message("compose.rewritten" if left else "compose.rewritten_waits")
