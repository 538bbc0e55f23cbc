"""`greenroom payout-statement`: a creator's payout statement of a month, shown and saved."""

from datetime import date, timedelta

from foundation.i18n.translation import Message
from foundation.ops.wall_time import local_day
from insights.reports import payout_statement_pdf
from subscribers.ledger import payout_statements
from subscribers.ledger.payout_statements import PayoutStatement
from workers.terminal.lookup import TERMINAL_ACTOR, create_reports_folder, find_creator
from workers.terminal.output import print_progress, terminal_language
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json


def export_payout_statement(creator: str, *, month: str, agency: str, as_json: bool) -> str:
    """Save the payout statement of a month as PDF and CSV, and return it as CSV or JSON.

    `month` is written as `2026-11`; empty text means the last complete month in the creator's time
    zone. Raises NotFound for an unknown creator, BadInput for another text.
    """
    requested = payout_statements.parse_month(month) if month else None
    with connect_installation("payout-statement") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            today = local_day(scope.now, found.zone)
            statement = payout_statements.load_payout_statement(
                scope, found.id, requested or _last_month(today)
            )
    table = payout_statements.render_statement_csv(statement)
    name = f"payout-{statement.number.lower()}"
    folder = create_reports_folder(services.settings, tenant_id, found)
    (folder / f"{name}.csv").write_text(table, encoding="utf-8", newline="")
    document = folder / f"{name}.pdf"
    document.write_bytes(
        payout_statement_pdf.render_payout_statement_pdf(statement, terminal_language())
    )
    print_progress(Message("cli.report.saved", {"file": str(document)}))
    return statement_as_json(statement) if as_json else table


def _last_month(today: date) -> date:
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def statement_as_json(statement: PayoutStatement) -> str:
    """Return the statement as JSON with amounts in minor units."""
    return format_json(
        {
            "number": statement.number,
            "agency": statement.agency,
            "creator": statement.creator.slug,
            "month": f"{statement.month:%Y-%m}",
            "closed": statement.closed,
            "sections": [{"currency": one.currency, **vars(one)} for one in statement.sections],
            "payouts": [vars(one) for one in statement.payouts],
        }
    )
