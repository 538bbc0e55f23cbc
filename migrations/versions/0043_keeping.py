"""Retention of temporary URLs and receipt codes: the gate may delete them after their period."""

from migrations.tools import may_end, may_not_end

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_AGED = {"lent_reads": "30 days", "lent_files": "30 days", "complaint_receipts": "5 years"}


def upgrade() -> None:
    for table, period in _AGED.items():
        may_end(table, period)


def downgrade() -> None:
    for table in _AGED:
        may_not_end(table)
