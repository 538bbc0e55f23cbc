"""Files that were lent, and codes of receipts, go when their time is over: the gate may delete them
then, never before."""

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
