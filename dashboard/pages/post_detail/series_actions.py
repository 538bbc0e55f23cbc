"""Actions on the series of a post, and the button that detaches one occurrence."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose import edit_mode
from dashboard.pages.compose.recurrence import (
    ALONE,
    SeriesTarget,
    _describe_recurrence,
    _local_publish_time,
    read_recurrence,
    render_recurrence_fields,
)
from dashboard.pages.posts.accounts import list_post_accounts
from dashboard.pages.posts.queries import PostView
from dashboard.pages.posts.recurrence_choice import (
    RecurrenceChoice,
    choice_of_repeat,
)
from dashboard.shell import actions, forms
from dashboard.shell.date_input import parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime
from schedules.drafts import channel_requirements, drafts
from schedules.drafts.drafts import Draft
from schedules.posts.queries import StoredPost, get_stored_post
from schedules.posts.states import CANCELLABLE, DeliveryState, SeriesState
from schedules.recurrence import detached_occurrences, queries, series
from schedules.recurrence.queries import SeriesView
from schedules.recurrence.rules import Recurrence
from schedules.recurrence.series import SeriesUpdate
from tenants.agencies.rights import Right


def render_series(page: PageContext, found: PostView) -> None:
    """Render the series of a post. Render nothing if the post does not recur."""
    every = page.read(lambda scope: queries.series_of_post_views(scope, found.post.id))
    if not every:
        return
    entry = found.places[0].entry if found.places else None
    one = next((one for one in every if entry is not None and one.id == entry.series_id), every[-1])
    voice = page.localizer.in_zone(one.repeat.zone)
    # The version of the selected occurrence or of those after it.
    version = next((each.version for each in every if each.version), "")
    with st.container(border=True, key="post:series"):
        shown = {
            "said": _describe_recurrence(page, one.repeat),
            "at": _local_publish_time,
            "version": version,
            "slug": found.creator.slug,
        }
        draw_template(
            "pages/post_detail/templates/series.html", one=one, **shown, voice=voice, word=page.text
        )
        if one.state is SeriesState.STOPPED or not page.has_right(Right.RUN):
            return
        day = date.fromisoformat(entry.occurrence_key[:10]) if entry is not None else None
        with st.container(horizontal=True, gap="small"):
            if day is not None and any(place.entry.state in CANCELLABLE for place in found.places):
                with st.popover(page.text("series.skip", day=page.localizer.format_short_day(day))):
                    act = partial(_skip_occurrence, page, found.creator.id, one.id, day)
                    draw_template("shell/templates/note.html", note=page.text("series.skip_asked"))
                    actions.action_button(
                        page,
                        "series.skip_sure",
                        act,
                        right=Right.RUN,
                        key=f"series:skip:{one.id}:{day}",
                    )
            with st.popover(page.text("series.stop")):
                act = partial(_stop_series, page, found.creator.id, one.id)
                draw_template("shell/templates/note.html", note=page.text("series.stop_asked"))
                actions.action_button(
                    page, "series.stop_sure", act, right=Right.RUN, key=f"series:stop:{one.id}"
                )
        if day is not None and one.repeat.falls_on(day):
            _render_series_change_form(page, found, one, day)


def _skip_occurrence(
    page: PageContext, creator_id: UUID, series_id: UUID, day: date, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    series.skip_occurrence(scope, series_id, day)
    return Message("series.skip_done", {"day": f"{day:%d/%m/%Y}"})


def _stop_series(
    page: PageContext, creator_id: UUID, series_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    return Message("series.stop_done", {"count": series.stop_series(scope, series_id)})


def render_detach_button(page: PageContext, found: PostView) -> None:
    """Render the button that turns the selected occurrence into a separate post, so that its
    content can be changed."""
    entry = found.places[0].entry if found.places else None
    live = {place.entry.state for place in found.places} - {DeliveryState.CANCELLED}
    if entry is None or entry.series_id is None or not live or live - CANCELLABLE:
        return
    which = (entry.series_id, date.fromisoformat(entry.occurrence_key[:10]))
    st.button(
        page.text("series.alone"),
        icon=":material/event:",
        key=ALONE,
        on_click=_detach_and_edit,
        args=(page, found, which),
    )


def _detach_and_edit(page: PageContext, found: PostView, which: tuple[UUID, date]) -> None:
    """Detach the occurrence, then open the composer."""
    made: list[StoredPost] = []
    actions.run_action(
        partial(_detach_occurrence, page, found.creator.id, which, made), Right.RUN, ALONE
    )
    if made and f"press:{ALONE}" not in st.session_state:  # The new post is committed.
        edit_mode.start_editing(made[0], found.said, found.creator.slug)


def _detach_occurrence(
    page: PageContext,
    creator_id: UUID,
    which: tuple[UUID, date],
    made: list[StoredPost],
    scope: Scope,
    _: UUID,
) -> Message:
    page.get_creator(scope, creator_id)
    series_id, day = which
    post_id = detached_occurrences.detach_occurrence(
        scope, series_id, day, author=page.viewer.actor
    )
    made.append(get_stored_post(scope, post_id))
    return Message("series.alone_done", {"day": f"{day:%d/%m/%Y}"})


def _render_series_change_form(
    page: PageContext, found: PostView, one: SeriesView, day: date
) -> None:
    """Render the form that changes the time, rule or text from this date on. Published occurrences
    do not change."""
    prefix = f"post:series:{one.id}:{day}:"
    rest = one.repeat.recurrence_from(day)
    with (
        st.expander(page.text("series.change", day=page.localizer.format_short_day(day))),
        forms.open_fields(page, prefix),
    ):
        draw_template("shell/templates/note.html", note=page.text("series.change_why"))
        st.text_input(
            page.text("compose.clock"), f"{rest.clock:%H:%M}", key=prefix + "clock", width=120
        )
        forms.show_field_error("clock")
        _render_series_body_field(page, prefix, found.post.body)
        where = SeriesTarget(
            found.creator.id, _select_series_accounts(page, found, one, prefix), one.id
        )
        begin = choice_of_repeat(rest, page.localizer.language)
        render_recurrence_fields(
            page, prefix, _read_first_time(prefix, rest), now=found.now, where=where, begin=begin
        )
        st.button(
            page.text("series.change_go"),
            key=prefix + "go",
            on_click=_submit_series_change,
            args=(page, found, one, day, prefix),
        )


def _render_series_body_field(page: PageContext, prefix: str, said: str) -> None:
    """Render the text from this date on. Until the user types, the field follows the current text
    of the post; otherwise saving would overwrite concurrent changes."""
    field = prefix + "body"
    began = prefix + "began"
    typed = st.session_state.get(field)
    if typed is None or (typed == st.session_state.get(began) and typed != said):
        st.session_state.update({field: said, began: said})
    if st.session_state[began] != said:
        draw_template("shell/templates/note.html", note=page.text("series.meanwhile"))
    st.text_area(page.text("compose.body"), key=field, height=120)


def _select_series_accounts(
    page: PageContext, found: PostView, one: SeriesView, prefix: str
) -> tuple[UUID, ...]:
    """Render the accounts from this date on: the current accounts and all others that are ready."""
    hers = page.read(lambda scope: list_post_accounts(scope, [found.creator]))
    names = {str(each.id): each.name for each in hers if each.ready or each.id in one.channels}
    st.session_state.setdefault(
        prefix + "accounts", [str(each) for each in one.channels if str(each) in names]
    )
    st.pills(
        page.text("compose.accounts"),
        list(names),
        format_func=lambda each: names[each],
        selection_mode="multi",
        key=prefix + "accounts",
        wrap=True,
    )
    return _chosen_accounts(prefix)


def _chosen_accounts(prefix: str) -> tuple[UUID, ...]:
    return tuple(map(UUID, st.session_state.get(prefix + "accounts") or ()))


def _read_first_time(prefix: str, rest: Recurrence) -> WallTime | None:
    """Return the first changed time, or None while the field is not a valid time."""
    try:
        return WallTime(
            rest.starts_on, parse_time(str(actions.typed_value(prefix + "clock") or "")), rest.zone
        )
    except BadInput:
        return None


@dataclass(frozen=True)
class _Fresh:
    """A changed occurrence of a series, with the values for it and all later ones."""

    one: SeriesView
    day: date
    post: StoredPost
    choice: RecurrenceChoice
    clock: str
    body: str
    accounts: tuple[UUID, ...]


def _submit_series_change(
    page: PageContext, found: PostView, one: SeriesView, day: date, prefix: str
) -> None:
    """Change the series, then open its new post."""
    made: list[tuple[UUID, str]] = []
    clock, body = (str(actions.typed_value(prefix + name) or "") for name in ("clock", "body"))
    fresh = _Fresh(
        one, day, found.post, read_recurrence(prefix), clock, body.strip(), _chosen_accounts(prefix)
    )
    actions.run_action(
        partial(_change_following_occurrences, page, fresh, made),
        Right.RUN,
        prefix + "go",
        form=prefix,
    )
    if made and f"press:{prefix}go" not in st.session_state:  # The change is committed.
        st.query_params.from_dict({"post": str(made[0][0]), "at": made[0][1]})


def _change_following_occurrences(
    page: PageContext, fresh: _Fresh, made: list[tuple[UUID, str]], scope: Scope, _: UUID
) -> Message:
    post = fresh.post
    day = fresh.day
    creator = page.get_creator(scope, post.creator_id)
    repeat = fresh.choice.to_repeat(WallTime(day, parse_time(fresh.clock), fresh.one.repeat.zone))
    words = None
    if fresh.body != post.body.strip():
        drafts.require_unchanged(scope, post.id, drafts.draft_of_post(post))
        said = (
            post.title,
            fresh.body,
            post.media,
            (),
            post.text_ai,
            post.parts,
            post.others,
            post.links,
        )
        words = Draft(creator.id, *said)
    other = fresh.accounts if set(fresh.accounts) != set(fresh.one.channels) else None
    change = SeriesUpdate(repeat, words, other)
    confirmed = fresh.choice.confirmed
    new = series.change_following_occurrences(
        scope, fresh.one.id, day, change, author=page.viewer.actor, confirmed=confirmed
    )
    if other is not None:
        channel_requirements.check_post_requirements(scope, new, connectors=platform_connectors())
    made.append((new, queries.series_of_post_views(scope, new)[-1].next_key))
    return Message(
        "series.changed" if words is None else "series.changed_words", {"day": f"{day:%d/%m/%Y}"}
    )
