"""Notifications of members: read items, settings, Telegram chats and browsers with Web Push."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    audit_table,
    flag,
    inside,
    instant,
    jsonb,
    number,
    stop_auditing,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0148"
down_revision = "0147"
branch_labels = None
depends_on = None

AUDITED = {
    "notification_settings": "immediate digest_hour quiet_from quiet_until safety_passes routes",
    "telegram_links": "",
    "push_subscriptions": "",
}


def upgrade() -> None:
    op.add_column("notices", sa.Column("times", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(
        "notices", sa.Column("informs", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("mails", sa.Column("route", sa.String(), nullable=False, server_default="email"))
    op.add_column("mails", uuid_column("target_id", nullable=True))
    tenant_table(
        "notifications",
        uuid_column("member_id"),
        uuid_column("notice_id"),
        instant("read_at"),
        unique("notifications_item", "member_id", "notice_id"),
        inside("member_id", "members"),
    )
    tenant_table(
        "notification_settings",
        uuid_column("member_id"),
        jsonb("routes"),
        jsonb("muted_creators"),
        text("immediate"),
        number("digest_hour", nullable=True),
        sa.Column("digested_on", sa.Date(), nullable=True),
        number("quiet_from", nullable=True),
        number("quiet_until", nullable=True),
        flag("safety_passes"),
        unique("notification_settings_member", "member_id"),
        inside("member_id", "members"),
    )
    tenant_table(
        "telegram_links",
        uuid_column("member_id"),
        uuid_column("channel_id"),
        text("chat"),
        instant("confirmed_at", nullable=True),
        text("token_digest"),
        instant("token_until", nullable=True),
        unique("telegram_links_member", "member_id"),
        inside("member_id", "members"),
    )
    tenant_table(
        "push_subscriptions",
        uuid_column("member_id"),
        text("endpoint"),
        text("endpoint_digest"),
        text("key"),
        text("auth"),
        text("label"),
        unique("push_subscriptions_endpoint", "endpoint_digest"),
        inside("member_id", "members"),
    )
    # The choices of members who turned emails on continue to apply. The owner of the tables sees
    # the rows of all agencies only without row-level security.
    for table in ("mail_wishes", "notification_settings"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "INSERT INTO notification_settings (tenant_id, id, member_id, routes, muted_creators,"
        " immediate, digest_hour, digested_on, safety_passes)"
        " SELECT tenant_id, id, member_id, '{}', '[]',"
        " CASE WHEN urgent THEN 'urgent' ELSE 'none' END, brief_hour, briefed_on, true"
        " FROM mail_wishes WHERE confirmed_at IS NOT NULL"
    )
    for table in ("mail_wishes", "notification_settings"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table, values in AUDITED.items():
        audit_table(table, values)


def downgrade() -> None:
    for table in AUDITED:
        stop_auditing(table)
    for table in ("push_subscriptions", "telegram_links", "notification_settings"):
        op.drop_table(table)
    op.drop_table("notifications")
    for column in ("target_id", "route"):
        op.drop_column("mails", column)
    for column in ("informs", "times"):
        op.drop_column("notices", column)
