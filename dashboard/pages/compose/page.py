"""The composer page: text, media, accounts, previews with problems, and timing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.media import library_files
from dashboard.pages.compose import (
    captions,
    channel_fields,
    channel_overrides,
    counters,
    crop_offer,
    draft,
    duplicate_check,
    edit_mode,
    ideas,
    link_options,
    media_picker,
    other_windows,
    recurrence,
    snippets,
    thread_parts,
    timing,
    unsaved_changes,
    writing_styles,
)
from dashboard.pages.compose.draft import (
    ACCOUNTS_KEY,
    BODY_KEY,
    CLOCK_KEY,
    CREATOR_KEY,
    DAY_KEY,
    EDITED_POST_KEY,
    ID_KEY,
    OPENED_POST_KEY,
    OVERRIDES_KEY,
    RECURRENCE_PREFIX,
    SHOWN_PICTURES_KEY,
    STORED_VERSION_KEY,
    TITLE_KEY,
    UPLOADS_KEY,
    WHEN_KEY,
    ZONE_KEY,
    build_draft,
    field_text,
    id_list,
)
from dashboard.pages.compose.queries import ComposeView, load_compose
from dashboard.pages.compose.recurrence import SeriesTarget
from dashboard.pages.posts import labels, post_presence, result_forecasts
from dashboard.pages.posts.accounts import PostAccount, list_post_accounts, soonest_wall_time
from dashboard.pages.posts.recurrence_choice import RecurrenceChoice
from dashboard.shell import actions, forms, time_zones
from dashboard.shell.browser_components import browser_component
from dashboard.shell.date_input import parse_date, parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, parse_wall_time, to_wall_time
from schedules.availability.usual_hours import find_next_usual_time
from schedules.calendar import next_steps
from schedules.drafts import channel_requirements, drafts
from schedules.drafts.drafts import Draft
from schedules.drafts.feed_previews import build_feed_preview
from schedules.drafts.unsaved_posts import UnsavedFields
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.queries import get_stored_post
from schedules.posts.states import DeliveryState
from schedules.recurrence import queries
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

WHENS = ("soon", "free", timing.SLOT_CHOICE, "at")
PRESS = "compose:go"
FORM = "compose"
OVER = "compose:over"


@dataclass(frozen=True)
class _SubmittedTiming:
    """The key of a draft and its timing as typed."""

    key: UUID
    when: str
    day: str
    clock: str
    zone: str
    priority: int
    again: RecurrenceChoice
    known: frozenset[UUID]
    """Duplicates that the user has accepted."""


def render_page(page: PageContext, rework: UUID | None) -> None:
    """Render the composer for a new post, or for the scheduled post `rework`. Raise NotFound for a
    post of a creator the member does not work for."""
    other = _open_draft(page, rework)
    question = unsaved_changes.render_leave_button(page)
    draw_template(
        "pages/compose/templates/header.html",
        code="compose.rework" if field_text(EDITED_POST_KEY) else "compose.new",
        word=page.text,
    )
    mine = page.read(page.list_creators)
    if not mine:
        draw_template("shell/templates/empty.html", code="dashboard.no_creators", word=page.text)
        return
    if rewritten := field_text(EDITED_POST_KEY):
        edit_mode.render_change_requests(page, UUID(rewritten))
        post_presence.render_post_presence(UUID(rewritten))
    other_windows.render_version_choice(page, other)
    left, right = st.columns([3, 2], gap="large")
    slots: dict[str, DeltaGenerator] = {}
    with left:
        creator = _select_creator(page, mine)
        hers = page.read(lambda scope: list_post_accounts(scope, [creator]))
        names = channel_overrides.account_labels(page, hers)
        _render_account_selection(page, hers, names)
        media = st.container(key="gr_media")
        with st.container(key="gr_words_body"):
            _render_body(page, slots)
        snippets.render_snippets(page, creator)
        with st.container(key="gr_words_more"):
            _render_other_texts(page, hers, names, slots)
        ideas.render_ideas(page, creator)
        captions.render_captions(page, creator, hers)
        writing_styles.render_writing_styles(page, creator)
        link_options.render_link_options(page, creator)
        if not field_text(EDITED_POST_KEY):
            labels.render_label_field(page, draft.LABELS_KEY)
    written = build_draft(creator.id)
    unsaved_changes.remember_draft(page, written)
    found = _load_view(page, creator, written)
    with question:
        unsaved_changes.render_leave_prompt(page, creator.id, uploads=len(found.uploads) > 0)
    with left:
        counters.render_counters(page, slots, list(found.previews), names)
        browser_component("typing")(
            key="typing", data={"stored": counters.list_typed_texts()}, height="content"
        )
        other_windows.watch_other_windows(page)
    with media:
        media_picker.render_media_picker(page, found)
    with right:
        _render_feed_previews(page, found)
        with forms.open_fields(page, FORM):
            _render_schedule_form(page, found, written)


def _open_draft(page: PageContext, rework: UUID | None) -> UnsavedFields | None:
    """Start or restore the draft before any widget is rendered. Return the version of another
    window that the user has to choose or reject."""
    asked = st.query_params.to_dict()
    if not field_text(ID_KEY) and rework is not None:  # A reload, or a return to the page.
        edit_mode.resume_editing(page, rework, asked.get("at", ""))
    elif not field_text(ID_KEY):  # A bookmark, or a link from another page.
        draft.start_draft(
            creator=asked.get("creator", ""),
            asset=asked.get("asset", ""),
            at=_keep_wall_time(asked.get("at", "")),
        )
    unsaved_changes.restore_stored_fields(page)
    other = other_windows.follow_other_windows(page)
    actions.show_notices(page, "compose")
    return other


def _keep_wall_time(written: str) -> str:
    """Return the wall time of an address, or "" if it is none."""
    try:
        return str(parse_wall_time(written, "UTC"))
    except ValueError:
        return ""


def _load_view(page: PageContext, creator: Creator, written: Draft) -> ComposeView:
    pictures = int(st.session_state.get(SHOWN_PICTURES_KEY, draft.PICTURE_PAGE_SIZE))
    brought = id_list(UPLOADS_KEY)
    return page.read(
        lambda scope: load_compose(
            scope, creator, written, author=page.viewer.actor, brought=brought, pictures=pictures
        )
    )


def _select_creator(page: PageContext, mine: list[Creator]) -> Creator:
    """Render the creator selector. The creator of a stored post cannot be changed."""
    names = {one.slug: one for one in mine}
    if field_text(CREATOR_KEY) not in names:
        st.session_state[CREATOR_KEY] = mine[0].slug
    if len(mine) > 1:
        st.selectbox(
            page.text("calendar.creator"),
            list(names),
            format_func=lambda slug: names[slug].name,
            key=CREATOR_KEY,
            on_change=_reset_creator_fields,
            disabled=bool(field_text(EDITED_POST_KEY)),
        )
    return names[field_text(CREATOR_KEY)]


def _reset_creator_fields() -> None:
    """Reset the media, accounts and time zone, which belong to one creator."""
    pictures: dict[str, list[str]] = {draft.media_key(one): [] for one in ("", *draft.part_ids())}
    for place in st.session_state.get(OVERRIDES_KEY) or []:
        draft.clear_overrides(place)
    st.session_state.update({**pictures, UPLOADS_KEY: [], ACCOUNTS_KEY: [], OVERRIDES_KEY: []})
    st.session_state.pop(ZONE_KEY, None)


def _render_account_selection(
    page: PageContext, hers: list[PostAccount], names: Mapping[str, str]
) -> None:
    chosen = st.session_state.get(ACCOUNTS_KEY) or []
    # Assigning sends the value to the browser again, which would overwrite a concurrent selection.
    if not names.keys() >= set(chosen):
        st.session_state[ACCOUNTS_KEY] = [one for one in chosen if one in names]
    st.pills(
        page.text("compose.accounts"),
        list(names),
        format_func=lambda one: names[one],
        selection_mode="multi",
        key=ACCOUNTS_KEY,
        wrap=True,
        disabled=bool(field_text(EDITED_POST_KEY)),
    )
    if not hers:
        draw_template("shell/templates/empty.html", code="compose.no_accounts", word=page.text)


def _render_body(page: PageContext, slots: dict[str, DeltaGenerator]) -> None:
    """Render the text of the post. Add the place for its counters to `slots`."""
    st.text_area(
        page.text("compose.body"),
        key=BODY_KEY,
        height=150,
        placeholder=page.text("compose.body_hint"),
    )
    slots[BODY_KEY] = st.container()


def _render_other_texts(
    page: PageContext,
    hers: list[PostAccount],
    names: Mapping[str, str],
    slots: dict[str, DeltaGenerator],
) -> None:
    """Render the thread, the title, and the fields of single accounts. Add the places for their
    counters to `slots`."""
    thread_parts.render_thread_parts(page, slots)
    st.text_input(page.text("compose.title"), key=TITLE_KEY, max_chars=200)
    picked = st.session_state.get(ACCOUNTS_KEY) or []
    chosen_accounts = [one for one in hers if str(one.id) in picked]
    channel_overrides.render_channel_overrides(page, names, chosen_accounts, slots)
    channel_fields.render_price_fields(page, chosen_accounts, names)
    channel_fields.render_channel_options(page, chosen_accounts, names)


def _render_feed_previews(page: PageContext, found: ComposeView) -> None:
    draw_template("pages/compose/templates/section.html", title=page.text("compose.previews"))
    if not found.previews:
        draw_template("shell/templates/empty.html", code="compose.preview_empty", word=page.text)
    for one in found.previews:
        seen = {
            asset: (
                library_files.picture_url(asset, "preview", unrated=asset in found.unrated),
                medium.alt,
            )
            for asset, medium in zip(one.said.all_assets, one.all_media, strict=False)
        }
        draw_template(
            "pages/compose/templates/preview.html",
            one=one,
            stands=build_feed_preview(one, seen),
            cure=partial(media_picker.find_composer_remedy, page, found),
            voice=page.localizer,
            word=page.text,
        )
        result_forecasts.render_rank(page, found.ranks.get(one.channel_id))
        crop_offer.render_crop_offer(page, one)


def _render_schedule_form(page: PageContext, found: ComposeView, written: Draft) -> None:
    """Render the timing and the button that schedules the post."""
    if field_text(EDITED_POST_KEY):
        _render_save_actions(page, found, UUID(field_text(EDITED_POST_KEY)))
        return
    free = found.next_free
    at = f"{page.localizer.format_short_day(free.day)} {free.clock:%H:%M}"
    queued = timing.describe_next_slot(page, written)
    said = {"soon": {}, "free": {"at": at}, timing.SLOT_CHOICE: {"at": queued}, "at": {}}
    when = st.radio(
        page.text("compose.when"),
        [one for one in WHENS if queued or one != timing.SLOT_CHOICE],
        index=0 if field_text(WHEN_KEY) in WHENS else WHENS.index("free"),
        format_func=lambda one: page.text(f"compose.when.{one}", **said[one]),
        key=WHEN_KEY,
    )
    if when == "at":
        st.session_state.setdefault(DAY_KEY, f"{free.day:%d/%m/%Y}")
        st.session_state.setdefault(CLOCK_KEY, f"{free.clock:%H:%M}")
        with st.container(horizontal=True):
            st.text_input(page.text("compose.day"), key=DAY_KEY, width=170)
            forms.show_field_error("day")
            st.text_input(page.text("compose.clock"), key=CLOCK_KEY, width=110)
            forms.show_field_error("clock")
            time_zones.render_time_zone_picker(page, ZONE_KEY, own=found.creator.zone)
        timing.render_time_errors(
            page,
            _selected_time_zone(found, when),
            found.now,
            repeating=recurrence.read_recurrence(RECURRENCE_PREFIX).is_repeating,
        )
    if when != timing.SLOT_CHOICE:
        timing.render_timing_warnings(page, written, _find_first_time(found, when))
    _render_recurrence(page, found, when)
    with st.expander(page.text("compose.more_timing"), icon=":material/tune:"):
        timing.render_priority_field(page)
        timing.render_lateness_field(page)
    duplicate_check.render_duplicate_check(
        page,
        written,
        _find_first_time(found, when),
        repeating=recurrence.read_recurrence(RECURRENCE_PREFIX).is_repeating,
    )
    _render_schedule_notes(page, found, when)
    _render_limit_problems(page, found)
    submit = "compose.submit" if found.creator.approval_tiers else "compose.plan"
    with st.container(horizontal=True, gap="small", key="gr_submit"):
        _render_submit_button(page, found, submit)
        unsaved_changes.render_save_button(page, found.creator.id, uploads=len(found.uploads) > 0)
    if st.session_state.get(STORED_VERSION_KEY):
        draw_template("shell/templates/note.html", note=page.text("compose.stored"))


def _render_schedule_notes(page: PageContext, found: ComposeView, when: str) -> None:
    """Render the time zone of the post, and how long a post that is due at once can be approved."""
    place = page.localizer.zone_city(_selected_time_zone(found, when))
    draw_template("shell/templates/note.html", note=page.text("compose.zone", place=place))
    if when == "soon" and found.creator.approval_tiers:
        length = page.localizer.format_duration(found.approval_time)
        draw_template(
            "shell/templates/note.html", note=page.text("compose.soon_asks", length=length)
        )


def _render_limit_problems(page: PageContext, found: ComposeView) -> None:
    """Render what prevents scheduling, with buttons that remove the accounts from the post."""
    problems = {one.channel_id: one for one in found.previews if one.limit is not None}
    if not problems:
        return
    lines = [page.localizer.message_text(one.limit) for one in problems.values() if one.limit]
    with st.container(border=True, key="compose:limits"):
        draw_template("pages/compose/templates/limits.html", lines=lines, word=page.text)
        with st.container(horizontal=True, gap="small"):
            for channel_id, one in problems.items():
                st.button(
                    page.text("compose.drop_account", account=escape_markdown(one.account)),
                    key=f"compose:drop:{channel_id}",
                    on_click=_drop_account,
                    args=(str(channel_id),),
                )


def _drop_account(account: str) -> None:
    chosen = st.session_state.get(ACCOUNTS_KEY) or []
    st.session_state[ACCOUNTS_KEY] = [one for one in chosen if one != account]


def _render_save_actions(page: PageContext, found: ComposeView, post_id: UUID) -> None:
    """Render the button that saves a scheduled post. After a concurrent change, show the other
    version and a button that overwrites it."""
    dates, now, over = page.read(partial(_load_post_status, post_id))
    if dates:
        draw_template("shell/templates/note.html", note=page.text("series.rework_why", count=dates))
    draw_template(
        "shell/templates/note.html",
        note=page.text("compose.rework_over" if over else "compose.rework_why"),
    )
    if found.creator.approval_tiers:
        draw_template("shell/templates/note.html", note=page.text("compose.rework_asks"))
    if edit_mode.render_concurrent_change(page, post_id, now):
        _render_submit_button(page, found, "compose.save_over", key=OVER, shortcut=None, seen=now)
    else:
        _render_submit_button(page, found, "compose.save", seen=now)


def _load_post_status(post_id: UUID, scope: Scope) -> tuple[int, Draft, bool]:
    """Return the number of upcoming dates of a post, its content, and True if its approval
    publishes it."""
    now = drafts.draft_of_post(get_stored_post(scope, post_id))
    return (
        queries.count_dates_ahead(scope, post_id),
        now,
        drafts.is_published_on_approval(scope, post_id),
    )


def _render_recurrence(page: PageContext, found: ComposeView, when: str) -> None:
    """Render the recurrence from the first publishing time. Posts in the queue cannot recur."""
    if when == timing.SLOT_CHOICE:
        return
    where = SeriesTarget(found.creator.id, id_list(ACCOUNTS_KEY))
    recurrence.render_recurrence_fields(
        page, RECURRENCE_PREFIX, _find_first_time(found, when), now=found.now, where=where
    )


def _selected_time_zone(found: ComposeView, when: str) -> str:
    """Return the time zone of the schedule: the creator's, unless another one is selected for a
    typed time."""
    return (field_text(ZONE_KEY) if when == "at" else "") or found.creator.zone


def _find_first_time(found: ComposeView, when: str) -> WallTime | None:
    """Return the first publishing time, or None if it is not valid yet."""
    if when == "soon":
        return to_wall_time(found.now, found.creator.zone)
    if when == "at":
        try:
            return WallTime(
                parse_date(field_text(DAY_KEY)),
                parse_time(field_text(CLOCK_KEY)),
                _selected_time_zone(found, when),
            )
        except BadInput:
            return None
    return found.next_free


def _render_submit_button(
    page: PageContext,
    found: ComposeView,
    code: str,
    *,
    key: str = PRESS,
    shortcut: str | None = "Ctrl+Enter",
    seen: Draft | None = None,
) -> None:
    blocked = len(found.uploads) > 0
    st.button(
        page.text(code),
        key=key,
        type="primary",
        icon=":material/event_available:",
        shortcut=shortcut,
        disabled=blocked,
        on_click=_submit_draft,
        args=(page, found.creator.id, seen),
    )


def _submit_draft(page: PageContext, creator_id: UUID, seen: Draft | None) -> None:
    """Store the draft, once even if the user clicks several times: the ID of the draft is its key,
    and the draft is cleared afterwards. `seen` is the content of an edited post that was shown next
    to the button."""
    if not field_text(ID_KEY):
        return
    made: list[UUID] = []
    stays: dict[UUID, str] = {}
    written = unsaved_changes.current_draft(creator_id)
    if rewritten := field_text(EDITED_POST_KEY):
        act = partial(_rewrite_post, page, (UUID(rewritten), seen), written, made)
    else:
        again = recurrence.read_recurrence(RECURRENCE_PREFIX)
        priority = timing.selected_priority()
        known = duplicate_check.acknowledged_posts()
        asked = _SubmittedTiming(
            UUID(field_text(ID_KEY)),
            field_text(WHEN_KEY),
            field_text(DAY_KEY),
            field_text(CLOCK_KEY),
            field_text(ZONE_KEY),
            priority,
            again,
            known,
        )
        act = partial(_schedule_post, page, written, asked, made)
    saved = partial(unsaved_changes.run_and_forget, page, unsaved_changes.subject_id(), act)
    actions.run_action(
        partial(_run_with_channel_check, saved, made, stays), Right.RUN, PRESS, form=FORM
    )
    if made and f"press:{PRESS}" not in st.session_state:  # The post is committed.
        opened = {"at": at} if (at := field_text(OPENED_POST_KEY)) else {}
        draft.clear_draft()
        st.query_params.from_dict({"post": str(made[0]), **opened})
        if stays:
            actions.set_notice(
                Message("compose.stays", {"accounts": ", ".join(stays.values())}), bad=True
            )


def _run_with_channel_check(
    act: actions.PageAction, made: list[UUID], stays: dict[UUID, str], scope: Scope, press_id: UUID
) -> Message | None:
    """Perform the action and record the accounts that cannot publish the post as it is."""
    said = act(scope, press_id)
    stays.update(next_steps.channels_not_publishing(scope, made[0], platform_connectors()))
    return said


def _schedule_post(
    page: PageContext,
    written: Draft,
    asked: _SubmittedTiming,
    made: list[UUID],
    scope: Scope,
    _: UUID,
) -> Message:
    creator = page.get_creator(scope, written.creator_id)
    unsaved_changes.require_current_fields(page, scope, written)
    if not unsaved_changes.is_unchanged(scope, written):
        raise Conflict("aside.changed_meanwhile")
    author = page.viewer.actor
    priority = asked.priority
    if asked.when == timing.SLOT_CHOICE:
        said = timing.queue_post(
            page, scope, written, key=asked.key, author=author, priority=priority, made=made
        )
        channel_requirements.check_post_requirements(
            scope, made[0], connectors=platform_connectors()
        )
        duplicate_check.store_acknowledgement(scope, made[0], asked.known)
        return said
    at = _resolve_wall_time(scope, creator, written, asked)
    planned = recurrence.schedule_series(
        scope, written, asked.again, at, key=asked.key, author=author, priority=priority
    )
    channel_requirements.check_post_requirements(
        scope, planned.post_id, connectors=platform_connectors()
    )
    made.append(planned.post_id)
    duplicate_check.store_acknowledgement(scope, planned.post_id, asked.known)
    at = planned.at
    when = {
        "day": f"{at.day:%d/%m/%Y}",
        "clock": f"{at.clock:%H:%M:%S}"
        if asked.when == "soon"
        else time_zones.format_wall_clock(page, at, creator.zone),
    }
    if planned.left:
        return Message("compose.planned_gap" if at.is_in_dst_gap else "compose.planned", when)
    if not planned.waiting:
        return Message("compose.waits_nobody", when)
    when |= {"who": ", ".join(planned.waiting)}
    code = "compose.waits_soon" if asked.when == "soon" else "compose.waits"
    return timing.waiting_message(page, scope, planned.post_id, code, when)


def _resolve_wall_time(
    scope: Scope, creator: Creator, written: Draft, asked: _SubmittedTiming
) -> WallTime:
    if asked.when == "soon":
        return soonest_wall_time(scope, creator.zone)
    if asked.when == "at":
        return timing.read_typed_time(asked.day, asked.clock, asked.zone or creator.zone, scope.now)
    return find_next_usual_time(scope, creator.id, creator.zone, channels=written.channels)


def _rewrite_post(
    page: PageContext,
    of: tuple[UUID, Draft | None],
    written: Draft,
    made: list[UUID],
    scope: Scope,
    _: UUID,
) -> Message:
    post_id, seen = of
    if page.get_creator(scope, get_stored_post(scope, post_id).creator_id).id != written.creator_id:
        raise Conflict("post.left_already")
    unsaved_changes.require_current_fields(page, scope, written)
    left = drafts.rewrite_post(scope, post_id, written, author=page.viewer.actor, seen=seen)
    channel_requirements.check_post_requirements(scope, post_id, connectors=platform_connectors())
    made.append(post_id)
    if not left and any(
        one.state == DeliveryState.HELD for one in deliveries_of_post(scope, post_id)
    ):
        return Message("compose.rewritten_held")
    return Message("compose.rewritten" if left else "compose.rewritten_waits")
