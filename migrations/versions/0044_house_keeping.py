"""Retention of reports to the installation and of their contacts: the gate may delete them after
their period."""

from migrations.tools import may_end, may_not_end

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_AGED = {"house_reports": "5 years", "report_contacts": "5 years"}


def upgrade() -> None:
    for table, period in _AGED.items():
        may_end(table, period)


def downgrade() -> None:
    for table in _AGED:
        may_not_end(table)
