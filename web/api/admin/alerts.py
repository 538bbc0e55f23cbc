"""API routes of alerts and alert rules. A key sees the alerts that its member sees, limited to the
creators of the key; only members who run the agency change them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from insights.alerts import alerts, backtests, rules
from insights.alerts.alerts import Alert
from insights.alerts.rules import AlertRule, RuleSettings
from tenants.agencies.rights import Right, require_right
from tenants.api_keys.keys import ApiKeyScope
from web.api.admin.alert_schemas import (
    AlertOut,
    AlertPage,
    AlertRuleIn,
    AlertRuleOut,
    AlertRulePage,
    AlertsQuery,
    BacktestOut,
    SnoozeIn,
)
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.common.schemas import PageQuery

RULES = "/alert-rules"


def alert_routes(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/alerts` and `/alert-rules`."""
    routes = APIRouter(tags=["alerts"])
    _add_alert_routes(routes, tenant)
    _add_alert_action_routes(routes, tenant)
    _add_rule_read_routes(routes, tenant)
    _add_rule_change_routes(routes, tenant)
    return routes


def _add_alert_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/alerts", response_model=AlertPage)
    def list_open_alerts(
        call: Annotated[ApiCall, can_read], which: Annotated[AlertsQuery, Query()]
    ) -> AlertPage:
        """List open alerts, or those closed in the last 30 days. Requires the `money:read`
        scope."""

        def ask(scope: Scope, sight: Caller) -> list[AlertOut]:
            closed = which.state == "closed"
            found = alerts.list_alerts(scope, sight.member, sight.creators.values(), closed=closed)
            return [
                _build_alert(one, sight)
                for one in found
                if which.creator in (None, one.creator_id) and _is_in_sight(one, sight)
            ]

        question = ["alerts", which.creator, which.state]
        found, following = pagination.paginate(
            question, call.read(ask), cursor=which.cursor, limit=which.limit
        )
        return AlertPage(items=found, next=following)

    @routes.get("/alerts/{alert_id}", response_model=AlertOut)
    def get_alert(
        alert_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> AlertOut:
        """Return one alert. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[AlertOut, str]:
            found = _get_visible(scope, sight, alert_id)
            return _build_alert(found, sight), state_tag(*_state_of(found))

        found, tag = call.read(ask)
        response.headers.update(etag_header(tag))
        return found


def _add_alert_action_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.MONEY_WRITE))

    @routes.post("/alerts/{alert_id}/acknowledge", response_model=AlertOut)
    def acknowledge_alert(alert_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Acknowledge an open alert: it stays in the list, without notifications. 409 if it is
        closed. Requires the `money:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_change(scope, call, sight, alert_id)
            alerts.acknowledge_alert(scope, alert_id, actor=scope.actor)
            return _build_result(scope, sight, alert_id, "alert.acknowledge")

        return call.apply_once(act)

    @routes.post("/alerts/{alert_id}/snooze", response_model=AlertOut)
    def snooze_alert(
        alert_id: UUID, body: SnoozeIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Stop the notifications of an open alert for some days. 409 if it is closed. Requires the
        `money:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_change(scope, call, sight, alert_id)
            alerts.snooze_alert(scope, alert_id, body.days)
            return _build_result(scope, sight, alert_id, "alert.snooze")

        return call.apply_once(act)


def _check_change(scope: Scope, call: ApiCall, sight: Caller, alert_id: UUID) -> None:
    alerts.lock_alerts(scope)
    call.check_state_tag(*_state_of(_get_visible(scope, sight, alert_id)))
    require_right(sight.member.role, Right.RUN)


def _state_of(one: Alert) -> tuple[str, ...]:
    """Return the values of an alert that members change."""
    return tuple(map(str, (one.acknowledged_at, one.snoozed_until, one.resolved_at)))


def _get_visible(scope: Scope, sight: Caller, alert_id: UUID) -> Alert:
    found = alerts.get_alert(scope, sight.member, sight.creators.values(), alert_id)
    if not _is_in_sight(found, sight):
        raise NotFound("alert.unknown")
    return found


def _is_in_sight(one: Alert, sight: Caller) -> bool:
    """Return True unless the alert is about the agency and the key is limited to creators."""
    return one.creator_id is not None or not sight.narrowed


def _build_alert(one: Alert, sight: Caller) -> AlertOut:
    creator = sight.creators.get(one.creator_id) if one.creator_id is not None else None
    return AlertOut.of(one, creator)


def _build_result(scope: Scope, sight: Caller, alert_id: UUID, did: str) -> ChangeResult:
    scope.session.flush()
    found = _get_visible(scope, sight, alert_id)
    headers = etag_header(state_tag(*_state_of(found)))
    return ChangeResult(_build_alert(found, sight), did, f"alert:{alert_id}", headers=headers)


def _add_rule_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get(RULES, response_model=AlertRulePage)
    def list_alert_rules(
        call: Annotated[ApiCall, can_read], which: Annotated[PageQuery, Query()]
    ) -> AlertRulePage:
        """List the alert rules, with the default ones. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[AlertRule]:
            return [one for one in rules.list_rules(scope) if _is_about(one, sight)]

        found, following = pagination.paginate(
            ["alert-rules"], call.read(ask), cursor=which.cursor, limit=which.limit
        )
        return AlertRulePage(items=[AlertRuleOut.of(one) for one in found], next=following)

    @routes.get(RULES + "/{rule_id}", response_model=AlertRuleOut)
    def get_alert_rule(
        rule_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> AlertRuleOut:
        """Return one alert rule. Requires the `money:read` scope."""
        found = call.read(lambda scope, sight: _get_visible_rule(scope, sight, rule_id))
        response.headers.update(etag_header(_tag(found)))
        return AlertRuleOut.of(found)

    @routes.get(RULES + "/{rule_id}/backtest", response_model=BacktestOut)
    def backtest_alert_rule(rule_id: UUID, call: Annotated[ApiCall, can_read]) -> BacktestOut:
        """Return how many alerts the rule would have opened in the last 90 days. Requires the
        `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> BacktestOut:
            rule = _get_visible_rule(scope, sight, rule_id)
            return BacktestOut.of(backtests.backtest_rule(scope, rule, sight.creators.values()))

        return call.read(ask)


def _add_rule_change_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = ApiKeyScope.MONEY_WRITE

    @routes.post(RULES, status_code=201, response_model=AlertRuleOut)
    def add_alert_rule(
        body: AlertRuleIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, can_write))],
    ) -> Response:
        """Add an alert rule. Requires the `money:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            settings = body.to_settings()
            _require_change(sight, settings)
            made = rules.add_rule(scope, uuid7(), settings)
            return _build_rule_result(made, "alert_rule.add", 201)

        return call.apply_once(act)

    @routes.put(RULES + "/{rule_id}", response_model=AlertRuleOut)
    def change_alert_rule(
        rule_id: UUID,
        body: AlertRuleIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, can_write))],
    ) -> Response:
        """Replace an alert rule. The kind and metric of a default rule cannot change (409).
        Requires the `money:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_stored_rule(scope, call, sight, rule_id)
            settings = body.to_settings()
            _require_change(sight, settings)
            changed = rules.change_rule(scope, rule_id, settings)
            return _build_rule_result(changed, "alert_rule.change", 200)

        return call.apply(act)

    @routes.delete(RULES + "/{rule_id}", response_model=AlertRuleOut)
    def delete_alert_rule(
        rule_id: UUID, call: Annotated[ApiCall, Depends(replace_dependency(tenant, can_write))]
    ) -> Response:
        """Delete an alert rule, or reset a default one. Requires the `money:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = _check_stored_rule(scope, call, sight, rule_id)
            rules.delete_rule(scope, rule_id)
            return _build_rule_result(found, "alert_rule.delete", 200)

        return call.apply(act)


def _check_stored_rule(scope: Scope, call: ApiCall, sight: Caller, rule_id: UUID) -> AlertRule:
    """Return a rule that the caller may change, locked, in the state of `If-Match`."""
    rules.lock_rules(scope)
    found = _get_visible_rule(scope, sight, rule_id)
    _require_change(sight, found.settings)
    call.check_state_tag(*_tag_parts(found))
    return found


def _require_change(sight: Caller, settings: RuleSettings) -> None:
    require_right(sight.member.role, Right.RUN)
    rules.require_change(settings, sight.creators, limited=sight.narrowed)


def _get_visible_rule(scope: Scope, sight: Caller, rule_id: UUID) -> AlertRule:
    found = rules.get_rule(scope, rule_id)
    if not _is_about(found, sight):
        raise NotFound("alert.rule_unknown")
    return found


def _is_about(rule: AlertRule, sight: Caller) -> bool:
    return rule.settings.creator_id is None or rule.settings.creator_id in sight.creators


def _tag_parts(rule: AlertRule) -> tuple[object, ...]:
    return (AlertRuleOut.of(rule).model_dump(mode="json"),)


def _tag(rule: AlertRule) -> str:
    return state_tag(*_tag_parts(rule))


def _build_rule_result(rule: AlertRule, did: str, status: int) -> ChangeResult:
    headers = etag_header(_tag(rule))
    if status == 201:
        headers["location"] = f"/v1{RULES}/{rule.id}"
    return ChangeResult(AlertRuleOut.of(rule), did, f"alert_rule:{rule.id}", status, headers)
