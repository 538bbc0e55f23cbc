"""Separate queue for facts, which the relay distributes."""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_FACTS = (
    "'channel.connected', 'channel.seen', 'copy.removed', 'handover.ended', 'age.answered', "
    "'takedown.opened',"
    " 'consent.revoked', 'switch.closed', 'viewer.changed', 'delivery.published', 'order.paid', "
    "'order.refunded',"
    " 'fan.opted_out', 'fan.erased'"
)


def upgrade() -> None:
    # otherwise row-level security hides all agencies' rows from the owner
    op.execute("ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY")
    # the kinds are constants of this module
    op.execute(f"UPDATE outbox SET queue = 'facts' WHERE kind IN ({_FACTS}) AND state <> "
               "'dead'")  # noqa: S608  see above
    op.execute(
        "INSERT INTO outbox (tenant_id, id, kind, version, subject_id, args, queue, holds_lane, "
        "priority, available_at,"
        " state, tries, trace_id) SELECT tenant_id, gen_random_uuid(), 'readings.read', 1, "
        "subject_id,"
        " jsonb_build_object('age_hours', age), 'make', false, 5, available_at + age * interval "
        "'1 hour', 'waiting', 0,"
        " trace_id FROM outbox, unnest(ARRAY[1, 24, 168]) age WHERE kind = 'readings.plan' AND "
        "state <> 'dead'"
    )
    op.execute("DELETE FROM outbox WHERE kind = 'readings.plan'")
    op.execute("ALTER TABLE outbox FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE outbox SET queue = 'urgent' WHERE queue = 'facts'")
    op.execute("ALTER TABLE outbox FORCE ROW LEVEL SECURITY")
