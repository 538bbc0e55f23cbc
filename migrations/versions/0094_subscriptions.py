"""Subscriptions renewed by a platform: plans, subscribers, and paid months."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenant_table(
        "plans",
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        text("title"),
        text("description"),
        text("rail"),
        text("currency"),
        number("amount_minor", big=True),
        jsonb("packs"),
        text("state"),
        sa.CheckConstraint("amount_minor > 0", name="plans_positive"),
    )
    op.create_index("plans_of_channel", "plans", ["tenant_id", "channel_id", "state"])
    tenant_table(
        "subscriptions",
        uuid_column("creator_id"),
        uuid_column("fan_id"),
        uuid_column("conversation_id"),
        uuid_column("channel_id"),
        uuid_column("plan_id"),
        text("title"),
        text("rail"),
        text("currency"),
        number("amount_minor", big=True),
        text("state"),
        instant("expires_at"),
        instant("checkout_at", nullable=True),
        instant("until", nullable=True),
        text("first_charge"),
        instant("begun_at", nullable=True),
        instant("stopped_at", nullable=True),
        inside("fan_id", "fans"),
        inside("plan_id", "plans"),
    )
    op.create_index("subscriptions_of_fan", "subscriptions", ["tenant_id", "fan_id", "state"])
    op.create_index("subscriptions_of_plan", "subscriptions", ["tenant_id", "plan_id", "state"])
    tenant_table(
        "subscription_months",
        uuid_column("creator_id"),
        uuid_column("subscription_id"),
        uuid_column("payment_id"),
        instant("until"),
        inside("subscription_id", "subscriptions"),
        inside("payment_id", "payments"),
        unique("subscription_months_tenant_id_payment_id_key", "payment_id"),
    )
    op.create_index("subscription_months_of", "subscription_months", ["tenant_id", "subscription_id"])


def downgrade() -> None:
    for name in ("subscription_months", "subscriptions", "plans"):
        op.drop_table(name)
