"""A/B tests of a repeating post: start a test, read its result, end it."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.planning.ab_test_queries import (
    AbTestCandidate,
    AbTestsView,
    AbTestView,
    load_ab_tests,
)
from dashboard.pages.posts.calendar_navigation import render_back_button, select_creator
from dashboard.shell import actions, forms
from dashboard.shell.date_input import parse_date
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import parse_money
from insights.analysis import ab_test_verdicts
from insights.metrics.readings import POST_METRICS
from schedules.approvals.release import needs_no_approval
from schedules.recurrence import ab_tests, series
from schedules.recurrence.ab_tests import (
    MAX_TEST_UNITS,
    METHODS,
    AbTestRequest,
    VariantChange,
    minimum_units,
)
from schedules.recurrence.variant_assignment import VARIANTS
from tenants.agencies.rights import Right

SERIES = "variants:series"
BODY, PICTURE, PRICE, DAY, METRIC, AGE, SIZE, METHOD, COUNT = (
    f"variants:{name}"
    for name in ("body", "picture", "price", "day", "metric", "age", "size", "method", "count")
)
SAME = "same"
NONE = "none"
USUAL_UNITS = 30
"""Default number of posts of each version."""


def render_ab_tests(page: PageContext, asked: str) -> None:
    """Draw the tests of the creator in the URL, or of the first one.

    Raises NotFound for a creator who is not assigned to this member.
    """
    render_back_button(page)
    draw_template("pages/planning/templates/ab_test_header.html", word=page.text)
    creator = select_creator(page, "compare", asked)
    if creator is None:
        return
    found = page.read(lambda scope: load_ab_tests(scope, creator))
    actions.show_notices(page, "variants")
    for one in found.tests:
        render_ab_test(page, one)
    render_ab_test_form(page, found)


def render_ab_test(page: PageContext, one: AbTestView) -> None:
    """Draw one test: both versions, the result and the form that ends it."""
    test = one.test
    with st.container(border=True, key=f"variants:{test.id}"):
        draw_template(
            "pages/planning/templates/ab_test.html",
            one=one,
            test=test,
            voice=page.localizer,
            word=page.text,
        )
        if test.ended_at is not None or not page.has_right(Right.RUN):
            return
        with st.popover(page.text("variants.end")):
            draw_template("shell/templates/note.html", note=page.text("variants.end_why"))
            with st.container(horizontal=True, gap="small"):
                for keep in test.posts:
                    act = partial(_end_ab_test, page, test.id, keep)
                    key = f"variants:end:{test.id}:{keep}"
                    actions.action_button(
                        page, f"variants.keep_{keep}", act, right=Right.RUN, key=key
                    )


def _end_ab_test(page: PageContext, test_id: UUID, keep: str, scope: Scope, _: UUID) -> Message:
    test = ab_tests.get_test(scope, test_id)
    page.get_creator(scope, test.creator_id)
    ab_tests.end_test(scope, test_id, keep=keep, author=page.viewer.actor)
    free = needs_no_approval(scope, test.posts[keep])
    if test.stopped:
        code = "variants.ended_stopped"
    elif free:
        code = "variants.ended"
    else:
        code = "variants.ended_waits"
    return Message(code, {"version": keep.upper()})


def render_ab_test_form(page: PageContext, found: AbTestsView) -> None:
    """Draw the form of a new test: series, change and measurement."""
    offered = {str(one.series_id): one for one in found.offered}
    if not offered:
        draw_template("shell/templates/note.html", note=page.text("variants.nothing_repeats"))
        return
    with st.expander(page.text("variants.begin"), expanded=not found.tests):
        chosen = st.selectbox(
            page.text("variants.of"),
            list(offered),
            format_func=lambda key: _candidate_label(offered[key]),
            key=SERIES,
        )
        one = offered[chosen]
        count = st.segmented_control(
            page.text("variants.versions"),
            range(2, len(VARIANTS) + 1),
            default=2,
            required=True,
            key=f"{COUNT}:{chosen}",
        )
        with forms.open_form(page, f"variants:begin:{chosen}"):
            draw_template("shell/templates/note.html", note=page.text("variants.one_thing"))
            for name in VARIANTS[1 : int(count or 2)]:
                _render_version_fields(page, found, one, name)
            _render_measurement_fields(page, one, chosen, int(count or 2))
            act = partial(_start_ab_test, page, one)
            actions.submit_button(
                page, "variants.begin_sure", act, right=Right.RUN, key=f"variants:begin:go:{chosen}"
            )


def _candidate_label(one: AbTestCandidate) -> str:
    return f"{one.account} – {' '.join((one.said.title or one.said.body).split())[:70] or '…'}"


def _render_version_fields(
    page: PageContext, found: AbTestsView, one: AbTestCandidate, name: str
) -> None:
    """Draw the text, the image and, for a paid post, the price of a version."""
    key = f"{name}:{one.series_id}"
    version = name.upper()
    label = page.text("variants.body", version=version)
    st.text_area(label, one.said.body, key=f"{BODY}:{key}", height=120)
    _render_variant_picture_field(page, found, version, f"{PICTURE}:{key}")
    if one.said.price is not None:
        st.text_input(
            page.text("variants.price", version=version, currency=one.said.price.currency),
            f"{one.said.price.decimal}",
            help=page.text("variants.price_note"),
            key=f"{PRICE}:{key}",
            width=240,
        )
        forms.show_field_error(f"price:{name}")


def _render_variant_picture_field(
    page: PageContext, found: AbTestsView, version: str, key: str
) -> None:
    names = {str(tile.asset_id): tile.alt for tile in found.tiles}

    def format_choice(choice: str) -> str:
        return (
            page.text(f"variants.picture_{choice}")
            if choice in (SAME, NONE)
            else names[choice] or "…"
        )

    st.selectbox(
        page.text("variants.picture", version=version),
        [SAME, NONE, *names],
        format_func=format_choice,
        key=key,
    )


def _render_measurement_fields(
    page: PageContext, one: AbTestCandidate, chosen: str, versions: int
) -> None:
    """Draw the fields of the start date, the measurement and the kind of result."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = [f"{day:%d/%m/%Y}" for day in one.dates]
        st.selectbox(page.text("variants.day"), days, key=f"{DAY}:{chosen}", width=180)
        st.selectbox(
            page.text("variants.metric"),
            POST_METRICS,
            format_func=lambda name: page.text(f"variants.metric.{name}"),
            key=f"{METRIC}:{chosen}",
            width=180,
        )
        st.selectbox(
            page.text("variants.age"),
            ab_test_verdicts.TEST_READING_AGES,
            format_func=lambda hours: page.text(f"variants.age.{hours}"),
            key=f"{AGE}:{chosen}",
            width=180,
        )
        st.number_input(
            page.text("variants.size"),
            minimum_units(versions),
            MAX_TEST_UNITS,
            USUAL_UNITS * versions,
            key=f"{SIZE}:{versions}:{chosen}",
            width=180,
        )
        st.selectbox(
            page.text("variants.method"),
            METHODS,
            format_func=lambda name: page.text(f"variants.method.{name}"),
            help=page.text("variants.method_help"),
            key=f"{METHOD}:{chosen}",
            width=240,
        )


def _start_ab_test(
    page: PageContext, one: AbTestCandidate, scope: Scope, press_id: UUID
) -> Message:
    page.get_creator(scope, series.get_series(scope, one.series_id).creator_id)

    def typed(name: str) -> str:
        return str(actions.typed_value(f"{name}:{one.series_id}") or "").strip()

    versions = int(typed(COUNT) or 2)
    wanted = AbTestRequest(
        parse_date(typed(DAY)),
        typed(METRIC),
        int(typed(AGE) or 0),
        int(typed(f"{SIZE}:{versions}") or 0),
        tuple(_read_change(one, name) for name in VARIANTS[1:versions]),
        typed(METHOD),
    )
    test_id = ab_test_verdicts.start_measured_test(
        scope, one.series_id, wanted, key=press_id, author=page.viewer.actor
    )
    posts = list(ab_tests.get_test(scope, test_id).posts.values())
    free = all(needs_no_approval(scope, post_id) for post_id in posts[1:])
    return Message("variants.begun_free" if free else "variants.begun")


def _read_change(one: AbTestCandidate, name: str) -> VariantChange:
    """Return the difference that was typed for a version. Raises BadInput for an unreadable
    price."""

    def typed(field: str) -> str:
        return str(actions.typed_value(f"{field}:{name}:{one.series_id}") or "").strip()

    picture = typed(PICTURE)
    body = typed(BODY)
    media: tuple[UUID, ...] | None = None
    if picture not in (SAME, ""):
        media = () if picture == NONE else (UUID(picture),)
    price = None
    if one.said.price is not None and typed(PRICE):
        try:
            price = parse_money(typed(PRICE), one.said.price.currency)
        except ValueError as error:
            raise BadInput("variants.no_price").about(f"price:{name}") from error
    return VariantChange(
        None if body == one.said.body.strip() else body,
        media,
        None if price == one.said.price else price,
    )
