"""`greenroom alerts`: open alerts and alert rules, in the name of a member."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from workers.cli.options import JsonOutput, Member

alerts_app = typer.Typer(help="Show alerts and manage their rules.", no_args_is_help=True)

RuleId = Annotated[UUID, typer.Argument(help="Rule ID from `alerts rules`.")]


class KindName(StrEnum):
    """Checks of rules."""

    ANOMALY = "anomaly"
    THRESHOLD = "threshold"
    FAILED_POSTS = "failed_posts"
    EXPIRING_ACCESS = "expiring_access"
    WAITING_CHATS = "waiting_chats"
    REFUND_BURST = "refund_burst"
    NEGATIVE_COMMENTS = "negative_comments"
    AGEING_APPROVALS = "ageing_approvals"
    COST_BUDGET = "cost_budget"
    STALE_DATA = "stale_data"


class DirectionName(StrEnum):
    """Sides of the expected value or threshold."""

    BELOW = "below"
    ABOVE = "above"


class RouteName(StrEnum):
    """Notifications of members."""

    NOW = "now"
    DIGEST = "digest"
    LIST = "list"


@alerts_app.command("list")
def list_alerts(
    closed: Annotated[
        bool, typer.Option("--closed", help="Alerts closed in the last 30 days.")
    ] = False,
    member: Member = "",
    as_json: JsonOutput = False,
) -> None:
    """List open alerts, newest first."""
    from workers.cli.alert_requests import render_alerts
    from workers.terminal.session import connect_installation

    with connect_installation("alerts") as services:
        typer.echo(render_alerts(services, member, closed=closed, as_json=as_json))


@alerts_app.command("rules")
def list_rules(member: Member = "", as_json: JsonOutput = False) -> None:
    """List the alert rules."""
    from workers.cli.alert_requests import render_rules
    from workers.terminal.session import connect_installation

    with connect_installation("alerts") as services:
        typer.echo(render_rules(services, member, as_json=as_json))


@alerts_app.command("create")
def create_rule(
    kind: Annotated[KindName, typer.Argument(help="What the rule checks.")],
    metric: Annotated[
        str, typer.Option(help="Metric such as net or views; for anomaly and threshold.")
    ] = "",
    creator: Annotated[
        str, typer.Option(help="Creator’s name or short name. Default: all creators.")
    ] = "",
    direction: Annotated[
        DirectionName | None,
        typer.Option(help="Default: below for metrics, above for other checks."),
    ] = None,
    threshold: Annotated[str, typer.Option(help="Number, or amount with --currency.")] = "",
    currency: Annotated[str, typer.Option(help="Currency of a threshold of an amount.")] = "",
    days: Annotated[int, typer.Option(help="Days that a threshold adds up: 1, 7 or 28.")] = 1,
    route: Annotated[
        RouteName, typer.Option(help="Notification: at once, in the digest, or none.")
    ] = RouteName.DIGEST,
    quiet: Annotated[str, typer.Option(help="Quiet hours, such as 22:00-07:00.")] = "",
    test: Annotated[
        bool, typer.Option("--test", help="Only test the rule against the past; save nothing.")
    ] = False,
    member: Member = "",
) -> None:
    """Add an alert rule and test it against the past."""
    from workers.cli.alert_requests import RuleRequest, add_or_test_rule
    from workers.terminal.session import connect_installation

    request = RuleRequest(
        str(kind),
        metric,
        creator,
        str(direction or ""),
        threshold,
        currency,
        days,
        str(route),
        quiet,
    )
    with connect_installation("alerts") as services:
        typer.echo(add_or_test_rule(services, member, request, test=test))


@alerts_app.command("test")
def backtest_rule(rule: RuleId, member: Member = "", as_json: JsonOutput = False) -> None:
    """Count the alerts that a rule would have opened."""
    from workers.cli.alert_requests import render_backtest
    from workers.terminal.session import connect_installation

    with connect_installation("alerts") as services:
        typer.echo(render_backtest(services, member, rule, as_json=as_json))


@alerts_app.command("acknowledge")
def acknowledge_alert(
    alert: Annotated[UUID, typer.Argument(help="Alert ID from `alerts list`.")],
    member: Member = "",
) -> None:
    """Acknowledge an alert, which ends its notifications."""
    from workers.cli.alert_requests import acknowledge_open_alert
    from workers.terminal.session import connect_installation

    with connect_installation("alerts") as services:
        acknowledge_open_alert(services, member, alert)
