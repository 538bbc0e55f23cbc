"""Revenue splits with other parties, and payouts.

A rule stored before keeps its meaning: its `chatter_bp` is a share of the agency's part, and it has
no other parties. A rule for a coming date can be replaced by a later revision of the same date.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.tools import inside, instant, number, tenant_table, text, unique, uuid_column

revision = "0138"
down_revision = "0135"
branch_labels = None
depends_on = None

WHOLE = (
    "agency_bp + creator_bp + others_bp"
    " + CASE WHEN chatter_of = 'sale' THEN chatter_bp ELSE 0 END = 10000"
)


def upgrade() -> None:
    tenant_table(
        "revenue_parties",
        uuid_column("creator_id"),
        text("name"),
        inside("creator_id", "creators"),
        unique("revenue_parties_name", "creator_id", "name"),
        append_only=True,
    )
    op.add_column("split_rules", _with_default("others", JSONB(), "[]"))
    op.add_column("split_rules", _with_default("others_bp", sa.Integer(), "0"))
    op.add_column("split_rules", _with_default("chatter_of", sa.String(), "agency"))
    op.add_column("split_rules", _with_default("revision", sa.Integer(), "0"))
    op.add_column("split_rules", _with_default("by", sa.String(), ""))
    op.drop_constraint("split_rules_whole", "split_rules")
    op.create_check_constraint("split_rules_whole", "split_rules", WHOLE)
    op.create_check_constraint(
        "split_rules_others", "split_rules", "others_bp BETWEEN 0 AND 10000"
    )
    op.create_check_constraint(
        "split_rules_chatter_of", "split_rules", "chatter_of IN ('agency', 'sale')"
    )
    op.drop_constraint("split_rules_from", "split_rules")
    op.create_unique_constraint(
        "split_rules_from", "split_rules", ["tenant_id", "creator_id", "effective_from", "revision"]
    )
    tenant_table(
        "payouts",
        uuid_column("creator_id"),
        text("account"),
        number("amount_minor", big=True),
        text("currency"),
        sa.Column("paid_on", sa.Date(), nullable=False),
        instant("booked_at"),
        text("reference"),
        text("by"),
        inside("creator_id", "creators"),
        sa.CheckConstraint("amount_minor > 0", name="payouts_positive"),
        append_only=True,
    )
    op.create_index("payouts_of_creator", "payouts", ["tenant_id", "creator_id", "booked_at"])


def _with_default(name: str, kind: sa.types.TypeEngine[object], default: str) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def downgrade() -> None:
    op.drop_table("payouts")
    op.execute("DELETE FROM split_rules WHERE revision > 0 OR others_bp > 0 OR chatter_of = 'sale'")
    op.drop_constraint("split_rules_from", "split_rules")
    op.create_unique_constraint(
        "split_rules_from", "split_rules", ["tenant_id", "creator_id", "effective_from"]
    )
    for name in ("whole", "others", "chatter_of"):
        op.drop_constraint(f"split_rules_{name}", "split_rules")
    for name in ("others", "others_bp", "chatter_of", "revision", "by"):
        op.drop_column("split_rules", name)
    op.create_check_constraint("split_rules_whole", "split_rules", "agency_bp + creator_bp = 10000")
    op.drop_table("revenue_parties")
