"""OAuth flows: a user authorizes an account on the platform and returns with a code."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import jsonb, text

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

STATES = ("waiting", "connected", "refused")


def _state(*states: str) -> None:
    op.drop_constraint("enrolments_state", "enrolments", type_="check")
    said = ", ".join(f"'{state}'" for state in states)
    op.create_check_constraint("enrolments_state", "enrolments", f"state IN ({said})")


def upgrade() -> None:
    op.add_column("enrolments", jsonb("visit", nullable=True))
    op.add_column("enrolments", sa.Column("answer", sa.LargeBinary(), nullable=False, server_default=""))
    op.add_column("enrolments", sa.Column("by", text("by").type, nullable=False, server_default=""))
    _state("visiting", *STATES)


def downgrade() -> None:
    op.execute("UPDATE enrolments SET state = 'refused' WHERE state = 'visiting'")
    _state(*STATES)
    for column in ("by", "answer", "visit"):
        op.drop_column("enrolments", column)
