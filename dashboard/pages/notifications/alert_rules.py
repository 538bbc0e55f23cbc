"""Draw the alert rules: what each checks and how often it would have alarmed, and forms to change
and add rules."""

from dataclasses import dataclass, replace
from datetime import time
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.notifications.alert_queries import AlertsView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import STARS, Money, list_currencies
from insights.alerts import backtests, daily_metrics, rules
from insights.alerts.backtests import Backtest
from insights.alerts.rules import THRESHOLD_DAYS, THRESHOLDS, AlertRule, RuleSettings
from insights.alerts.states import (
    AGENCY_KINDS,
    METRIC_KINDS,
    AlertDirection,
    AlertKind,
    AlertRoute,
)
from insights.predictions.evidence import NotEnoughData
from tenants.agencies import queries
from tenants.agencies.rights import Right

_NEW = "new"
_CHOSEN = "alerts:rule"
_KIND = "alerts:kind"
_METRIC = "alerts:metric"
_FIELD = "alerts:{}:{}"


@dataclass(frozen=True)
class _Draft:
    """The rule that a form edits; `id` is None for a new one."""

    id: UUID | None
    settings: RuleSettings

    def field(self, name: str) -> str:
        """Return the key of a field of the form."""
        return _FIELD.format(name, self.id or _NEW)


def render_rules(page: PageContext, found: AlertsView) -> None:
    """Draw the rules and the form for the chosen or a new one."""
    draw_template(
        "pages/notifications/templates/alert_rules.html",
        lines=[
            (_name_rule(page, rule.settings), _describe_rule(page, found, rule))
            for rule in found.rules
        ],
        voice=page.localizer,
        word=page.text,
    )
    by_id = {str(rule.id): rule for rule in found.rules}
    options: list[str] = [_NEW, *by_id]
    chosen = st.selectbox(
        page.text("alerts.change"),
        options,
        index=None,
        placeholder=page.text("alerts.choose"),
        format_func=lambda one: (
            page.text("alerts.add") if one == _NEW else _label_rule(page, found, by_id[one])
        ),
        key=_CHOSEN,
    )
    if chosen == _NEW:
        _render_new(page, found)
    elif chosen is not None:
        _render_rule(page, found, by_id[chosen])


def _label_rule(page: PageContext, found: AlertsView, rule: AlertRule) -> str:
    return f"{_name_rule(page, rule.settings)} · {_describe_rule(page, found, rule)}"


def _describe_rule(page: PageContext, found: AlertsView, rule: AlertRule) -> str:
    """Return the creators of a rule, and how members are notified."""
    one = rule.settings
    names = {each.id: each.name for each in found.creators}
    who = names.get(one.creator_id, "") if one.creator_id is not None else ""
    everyone = "alerts.agency" if one.kind in AGENCY_KINDS else "alerts.all_creators"
    route = f"alerts.route.{one.route}" if one.enabled else "alerts.off"
    return f"{who or page.text(everyone)} · {page.text(route)}"


def _name_rule(page: PageContext, one: RuleSettings) -> str:
    if one.kind not in METRIC_KINDS:
        return page.text(f"alerts.rule.{one.kind}", limit=one.threshold or 0)
    metric = page.text(f"metric.{one.metric}")
    if one.kind is AlertKind.ANOMALY:
        return page.text(f"alerts.rule.anomaly_{one.direction}", metric=metric)
    return page.text(
        f"alerts.rule.threshold_{one.direction}",
        metric=metric,
        limit=_format_limit(page, one),
        days=one.days,
    )


def _format_limit(page: PageContext, one: RuleSettings) -> str:
    limit = one.threshold or 0
    return page.localizer.format_value(Money(limit, one.currency) if one.currency else limit)


def _render_rule(page: PageContext, found: AlertsView, rule: AlertRule) -> None:
    _draw_backtest(page, page.read(lambda scope: _backtest(page, scope, rule)))
    if found.is_limited and rule.settings.creator_id is None:
        draw_template("shell/templates/note.html", note=page.text("alert.agency_rule_only"))
        return
    draft = _Draft(rule.id, rule.settings)
    with forms.open_form(page, draft.field("form")):
        _render_fields(page, found, draft)
        actions.submit_button(
            page,
            "alerts.save",
            partial(_save_rule, page, draft),
            right=Right.RUN,
            key=draft.field("save"),
        )
    actions.action_button(
        page,
        "alerts.reset" if rule.code else "alerts.delete",
        partial(_delete_rule, page, rule.id),
        right=Right.RUN,
        key=draft.field("delete"),
        kind="tertiary",
    )


def _render_new(page: PageContext, found: AlertsView) -> None:
    left, right = st.columns(2)
    kinds = [one for one in AlertKind if not found.is_limited or one not in AGENCY_KINDS]
    kind = left.selectbox(
        page.text("alerts.what"),
        kinds,
        format_func=lambda one: page.text(f"alerts.kind.{one}"),
        key=_KIND,
    )
    metric = ""
    if kind in METRIC_KINDS:
        metric = right.selectbox(
            page.text("alerts.metric"),
            daily_metrics.list_alert_metrics(),
            format_func=lambda code: page.text(f"metric.{code}"),
            key=_METRIC,
        )
    direction = AlertDirection.BELOW if kind in METRIC_KINDS else AlertDirection.ABOVE
    draft = _Draft(None, RuleSettings(kind, metric, direction=direction))
    with forms.open_form(page, draft.field("form")):
        _render_fields(page, found, draft)
        with st.container(horizontal=True):
            actions.submit_button(
                page,
                "alerts.save_new",
                partial(_add_rule, page, draft),
                right=Right.RUN,
                key=draft.field("save"),
            )
            actions.submit_button(
                page,
                "alerts.test",
                partial(_test_rule, page, draft),
                right=Right.RUN,
                key=draft.field("test"),
                kind="secondary",
            )


def _render_fields(page: PageContext, found: AlertsView, draft: _Draft) -> None:
    one = draft.settings
    if draft.id is not None:
        st.toggle(page.text("alerts.enabled"), one.enabled, key=draft.field("enabled"))
    left, right = st.columns(2)
    if one.kind not in AGENCY_KINDS:
        choices: list[UUID | None] = [] if found.is_limited else [None]
        choices += [each.id for each in found.creators]
        names = {each.id: each.name for each in found.creators}
        left.selectbox(
            page.text("alerts.creator"),
            choices,
            index=choices.index(one.creator_id) if one.creator_id in choices else 0,
            format_func=lambda who: page.text("alerts.all_creators") if who is None else names[who],
            key=draft.field("creator"),
        )
    right.selectbox(
        page.text("alerts.route"),
        list(AlertRoute),
        index=list(AlertRoute).index(one.route),
        format_func=lambda route: page.text(f"alerts.route.{route}"),
        key=draft.field("route"),
    )
    left, right = st.columns(2)
    if one.kind in METRIC_KINDS:
        left.segmented_control(
            page.text("alerts.direction"),
            list(AlertDirection),
            default=one.direction,
            required=True,
            format_func=lambda way: page.text(f"alerts.direction.{way}"),
            key=draft.field("direction"),
        )
    if one.kind is not AlertKind.ANOMALY:
        _render_limit(page, found, draft)
    _render_quiet_hours(page, draft)


def _render_limit(page: PageContext, found: AlertsView, draft: _Draft) -> None:
    one = draft.settings
    left, right = st.columns(2)
    if one.kind in THRESHOLDS:
        limits = THRESHOLDS[one.kind]
        left.number_input(
            page.text(f"alerts.unit.{limits.unit}"),
            limits.least,
            limits.most,
            one.threshold if one.threshold is not None else limits.least,
            key=draft.field("limit"),
        )
        forms.show_field_error("limit", left)
        return
    has_currency = daily_metrics.has_currency(one.metric)
    shown = None if one.threshold is None else str(one.threshold)
    if one.threshold is not None and one.currency:
        shown = str(Money(one.threshold, one.currency).decimal)
    left.text_input(page.text("alerts.limit"), shown or "", key=draft.field("limit"))
    forms.show_field_error("limit", left)
    if has_currency:
        usual = one.currency or found.currency
        currencies = list(dict.fromkeys((usual, *list_currencies(), STARS)))
        right.selectbox(
            page.text("alerts.currency"),
            currencies,
            format_func=page.localizer.format_currency,
            key=draft.field("currency"),
        )
    left, right = st.columns(2)
    left.segmented_control(
        page.text("alerts.days"),
        THRESHOLD_DAYS,
        default=one.days,
        required=True,
        key=draft.field("days"),
    )


def _render_quiet_hours(page: PageContext, draft: _Draft) -> None:
    left, right = st.columns(2)
    one = draft.settings
    for column, name, minutes in (
        (left, "quiet_from", one.quiet_from),
        (right, "quiet_until", one.quiet_until),
    ):
        column.time_input(
            page.text(f"alerts.{name}"),
            time(minutes // 60, minutes % 60) if minutes is not None else None,
            key=draft.field(name),
        )


def _read_settings(page: PageContext, scope: Scope, draft: _Draft) -> RuleSettings:
    """Return the rule that was typed. Raises BadInput for a limit that is not a number, and
    NotFound for a creator that the member may not access."""
    one = draft.settings

    def typed(name: str) -> object:
        return actions.typed_value(draft.field(name))

    def minutes(name: str) -> int | None:
        at = typed(name)
        return at.hour * 60 + at.minute if isinstance(at, time) else None

    creator_id = typed("creator")
    if isinstance(creator_id, UUID):
        page.get_creator(scope, creator_id)
    currency = str(typed("currency") or "") if one.kind is AlertKind.THRESHOLD else ""
    days = typed("days")
    return replace(
        one,
        creator_id=creator_id if isinstance(creator_id, UUID) else None,
        direction=AlertDirection(str(typed("direction") or one.direction)),
        threshold=None
        if one.kind is AlertKind.ANOMALY
        else rules.parse_limit(str(typed("limit") if typed("limit") is not None else ""), currency),
        currency=currency,
        days=days if isinstance(days, int) else 1,
        route=AlertRoute(str(typed("route") or one.route)),
        quiet_from=minutes("quiet_from"),
        quiet_until=minutes("quiet_until"),
        enabled=bool(typed("enabled")) if draft.id is not None else True,
    )


def _save_rule(page: PageContext, draft: _Draft, scope: Scope, _: UUID) -> Message:
    rule_id = _known_id(draft)
    _require_stored_change(page, scope, rule_id)
    settings = _read_settings(page, scope, draft)
    _require_change(page, scope, settings)
    rules.change_rule(scope, rule_id, settings)
    return Message("alerts.saved")


def _require_stored_change(page: PageContext, scope: Scope, rule_id: UUID) -> None:
    rules.lock_rules(scope)
    _require_change(page, scope, rules.get_rule(scope, rule_id).settings)


def _require_change(page: PageContext, scope: Scope, settings: RuleSettings) -> None:
    """Check the member's creators again: they may have changed since the form was drawn."""
    member = queries.get_member(scope, page.viewer.member.id)
    creators = {one.id for one in page.list_all_creators(scope)}
    rules.require_change(settings, creators, limited=bool(member.creators))


def _known_id(draft: _Draft) -> UUID:
    if draft.id is None:
        raise ValueError("a new rule has no ID")
    return draft.id


def _add_rule(page: PageContext, draft: _Draft, scope: Scope, press_id: UUID) -> Message:
    settings = _read_settings(page, scope, draft)
    _require_change(page, scope, settings)
    rules.add_rule(scope, press_id, settings)
    return Message("alerts.added")


def _delete_rule(page: PageContext, rule_id: UUID, scope: Scope, _: UUID) -> Message:
    _require_stored_change(page, scope, rule_id)
    rules.delete_rule(scope, rule_id)
    return Message("alerts.deleted")


def _test_rule(page: PageContext, draft: _Draft, scope: Scope, _: UUID) -> Message:
    """Tell how often the typed rule would have alarmed; nothing is stored."""
    settings = _read_settings(page, scope, draft)
    rules.check_settings(scope, settings)
    return backtests.describe_backtest(_backtest(page, scope, AlertRule(uuid7(), "", settings)))


def _backtest(page: PageContext, scope: Scope, rule: AlertRule) -> Backtest | NotEnoughData:
    return backtests.backtest_rule(scope, rule, page.list_creators(scope))


def _draw_backtest(page: PageContext, found: Backtest | NotEnoughData) -> None:
    text = page.localizer.message_text(backtests.describe_backtest(found))
    if isinstance(found, NotEnoughData) and found.expected_on is not None:
        day = page.localizer.format_date(found.expected_on)
        text = f"{text} {page.text('alerts.expected_on', day=day)}"
    draw_template("shell/templates/note.html", note=text)
