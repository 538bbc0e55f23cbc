"""Tests of bot scripts in the Experiments view: results, the end of a test, and a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from insights.analysis import script_test_verdicts
from insights.analysis.script_test_verdicts import ScriptVerdict
from subscribers.ledger.payouts import payable_currencies
from subscribers.replies import persona, script_tests
from subscribers.replies.persona import PersonaSummary
from subscribers.replies.script_tests import (
    MAX_FANS,
    METHODS,
    METRICS,
    MIN_FANS,
    WINDOWS,
    ScriptTestRequest,
    ScriptTestSummary,
)
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

USUAL_FANS = 2000
"""Default number of fans of a test."""

PERSONAS, METRIC, CURRENCY, WINDOW, SIZE, METHOD = (
    f"scripts:{name}" for name in ("personas", "metric", "currency", "window", "size", "method")
)


@dataclass(frozen=True)
class ScriptTestsView:
    """The tests of creators, and for a single creator the versions that can be compared."""

    tests: Sequence[tuple[ScriptTestSummary, ScriptVerdict]]
    versions: Sequence[PersonaSummary]
    has_active: bool
    currencies: Sequence[str]


def render_script_tests(page: PageContext, creators: Sequence[Creator]) -> None:
    """Draw the tests of these creators, and the form if there is one creator."""
    found = page.read(partial(_load, page, creators))
    names = {one.id: one.name for one in creators}
    if not found.tests:
        draw_template("shell/templates/note.html", note=page.text("scripts.none"))
    for test, verdict in found.tests:
        _render_test(page, test, verdict, names)
    running = any(test.ended_at is None for test, _ in found.tests)
    if len(creators) == 1 and page.has_right(Right.RUN) and not running:
        _render_form(page, creators[0], found)


def _load(page: PageContext, creators: Sequence[Creator], scope: Scope) -> ScriptTestsView:
    mine = [page.get_creator(scope, one.id).id for one in creators]
    tests = script_test_verdicts.judge_script_tests(scope, mine)
    versions = persona.list_personas(scope, mine[0]) if len(mine) == 1 else []
    return ScriptTestsView(
        tests,
        [one for one in versions if one.state != "active"],
        any(one.state == "active" for one in versions),
        payable_currencies(scope, mine[0]) if len(mine) == 1 else (),
    )


def _render_test(
    page: PageContext,
    test: ScriptTestSummary,
    verdict: ScriptVerdict,
    names: Mapping[UUID, str],
) -> None:
    number = page.localizer.format_number
    lines = []
    for name, one in verdict.versions.items():
        text = page.text(
            "scripts.line",
            number=number(test.names[name]),
            fans=number(one.fans),
            buyers=number(one.buyers),
            refunds=number(one.refunds),
        )
        net = script_test_verdicts.net_of_version(test, one)
        if net is not None:
            amount = page.localizer.format_money(net)
            text = f"{text}, {page.text('scripts.line_net', net=amount)}"
        lines.append((name, text))
    with st.container(border=True, key=f"scripts:{test.id}"):
        draw_template(
            "pages/analytics/templates/script_test.html",
            head=page.text(
                "scripts.head",
                creator=names.get(test.creator_id, ""),
                metric=page.text(f"scripts.metric.{test.metric}"),
                days=number(test.window_days),
            ),
            lines=lines,
            said=script_test_verdicts.script_verdict_message(test, verdict),
            kept=page.text("scripts.kept", version=test.kept.upper()) if test.kept else "",
            voice=page.localizer,
        )
        if test.ended_at is None and page.has_right(Right.RUN):
            _render_end(page, test)


def _render_end(page: PageContext, test: ScriptTestSummary) -> None:
    with st.popover(page.text("scripts.end")):
        draw_template("shell/templates/note.html", note=page.text("scripts.end_why"))
        chosen = st.segmented_control(
            page.text("scripts.end"),
            list(test.personas),
            default="a",
            required=True,
            format_func=str.upper,
            key=f"scripts:keep:{test.id}",
            label_visibility="collapsed",
        )
        keep = chosen if chosen in test.personas else "a"  # the browser may send anything
        act = partial(_end_test, page, test.id, keep)
        actions.action_button(
            page,
            "scripts.keep",
            act,
            right=Right.RUN,
            key=f"scripts:end:{test.id}",
            params={"version": str(chosen).upper()},
        )


def _end_test(page: PageContext, test_id: UUID, keep: str, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, script_tests.get_script_test(scope, test_id).creator_id)
    script_test_verdicts.end_script_test(scope, test_id, keep=keep)
    return Message("scripts.ended", {"version": keep.upper()})


def _render_form(page: PageContext, creator: Creator, found: ScriptTestsView) -> None:
    if not found.versions or not found.has_active:
        draw_template("shell/templates/note.html", note=page.text("scripts.nothing"))
        return
    choices = {str(one.id): one for one in found.versions}
    with (
        st.expander(page.text("scripts.begin"), expanded=False),
        forms.open_form(page, f"scripts:begin:{creator.id}"),
    ):
        draw_template("shell/templates/note.html", note=page.text("scripts.level_note"))
        st.multiselect(
            page.text("scripts.personas"),
            list(choices),
            format_func=lambda key: page.text(
                "scripts.version",
                number=page.localizer.format_number(choices[key].version),
                state=page.text(f"scripts.state.{choices[key].state}"),
            ),
            max_selections=len(script_tests.VARIANTS) - 1,
            placeholder=page.text("scripts.personas_hint"),
            select_all=False,
            key=f"{PERSONAS}:{creator.id}",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _render_choice(page, METRIC, creator, METRICS, "scripts.metric")
            if found.currencies:
                st.selectbox(
                    page.text("scripts.currency"),
                    found.currencies,
                    format_func=page.localizer.currency_name,
                    key=f"{CURRENCY}:{creator.id}",
                    width=140,
                )
            st.selectbox(
                page.text("scripts.window"),
                WINDOWS,
                index=1,
                format_func=lambda days: page.text("scripts.days", count=days),
                key=f"{WINDOW}:{creator.id}",
                width=140,
            )
            st.number_input(
                page.text("scripts.size"),
                MIN_FANS,
                MAX_FANS,
                USUAL_FANS,
                key=f"{SIZE}:{creator.id}",
                width=160,
            )
            _render_choice(page, METHOD, creator, METHODS, "variants.method")
        actions.submit_button(
            page,
            "scripts.begin_sure",
            partial(_start_test, page, creator.id),
            right=Right.RUN,
            key=f"scripts:begin:go:{creator.id}",
        )


def _render_choice(
    page: PageContext, name: str, creator: Creator, choices: Sequence[str], code: str
) -> None:
    st.selectbox(
        page.text(code),
        choices,
        format_func=lambda one: page.text(f"{code}.{one}"),
        key=f"{name}:{creator.id}",
        width=220,
    )


def _start_test(page: PageContext, creator_id: UUID, scope: Scope, press_id: UUID) -> Message:
    page.get_creator(scope, creator_id)

    def typed(name: str) -> object:
        return actions.typed_value(f"{name}:{creator_id}")

    chosen = typed(PERSONAS)
    personas = tuple(UUID(str(one)) for one in chosen) if isinstance(chosen, list) else ()
    wanted = ScriptTestRequest(
        personas,
        str(typed(METRIC) or ""),
        int(str(typed(SIZE) or 0)),
        int(str(typed(WINDOW) or 0)),
        str(typed(METHOD) or ""),
        str(typed(CURRENCY) or ""),
    )
    script_tests.start_script_test(scope, creator_id, wanted, key=press_id, by=page.viewer.actor)
    return Message("scripts.begun")
