"""Mailboxes of members: logins whose addresses reach one mailbox become one principal.

Statements of the principals that are joined are attributed to the one that remains, so all rules
that require another person apply to what was recorded before. Approvals that such a person gave to
their own post, or as a second person, are withdrawn.
"""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from tenants.agencies.names import mailbox_key

revision = "0179"
down_revision = "0178"
branch_labels = None
depends_on = None

PRINCIPALS = {
    "account_holders": ("principal_id",),
    "age_requests": ("principal_id",),
    "appeals": ("principal_id",),
    "approval_links": ("principal_id",),
    "approvals": ("principal_id",),
    "attestations": ("by", "second"),
    "calibration_words": ("principal_id",),
    "comments": ("principal_id", "resolved_by"),
    "declarations": ("declared_by",),
    "depiction_answers": ("principal_id",),
    "face_subjects": ("ending_by",),
    "human_reviews": ("principal_id",),
    "identity_checks": ("principal_id",),
    "invented_looks": ("principal_id",),
    "likeness_rulings": ("principal_id",),
    "lowerings": ("principal_id", "maker_id"),
    "members": ("principal_id",),
    "notices": ("principal_id",),
    "own_terms": ("ended_by",),
    "place_limits": ("ended_by",),
    "posts": ("author_principal",),
    "rulings": ("principal_id",),
    "samples": ("reader_id",),
    "showings": ("principal_id",),
    "sightings": ("principal_id",),
}
"""Every column that holds a principal."""

ONCE = {
    "calibration_words": ("calibration_id, sha256", "created_at, id"),
    # The strictest of several reviews by one person counts.
    "invented_looks": (
        "declaration_id",
        "resembles DESC, jsonb_array_length(doubts) DESC, created_at, id",
    ),
    "sightings": ("digest, seen_on, guest", "created_at, id"),
}
"""Tables with one row for each principal and these columns, and the order in which one is kept."""

FROZEN = {"account_holders": "ends_once"}
"""Triggers that refuse every change but the end of a row."""

_REPEATED = """
DELETE FROM {table} t USING (
  SELECT r.tenant_id, r.id, row_number() OVER (
    PARTITION BY r.tenant_id, COALESCE(j.kept, r.principal_id), {columns} ORDER BY {order}) AS n
  FROM {table} r LEFT JOIN joined_principals j ON j.tenant_id = r.tenant_id
    AND j.old = r.principal_id
  WHERE r.tenant_id IN (SELECT tenant_id FROM joined_principals)) d
WHERE d.n > 1 AND t.tenant_id = d.tenant_id AND t.id = d.id
"""

_ATTRIBUTE = """
UPDATE {table} t SET {column} = j.kept FROM joined_principals j
WHERE t.tenant_id = j.tenant_id AND t.{column} = j.old
"""

_ONE_READING = """
UPDATE attestations a SET state = 'ended', second = NULL, updated_at = house_now()
WHERE a.second IS NOT NULL
  AND COALESCE((SELECT kept FROM joined_principals WHERE tenant_id = a.tenant_id AND old = a.by),
    a.by)
  = COALESCE((SELECT kept FROM joined_principals WHERE tenant_id = a.tenant_id
    AND old = a.second), a.second)
"""
"""Verifications of a rule for which one person was both members."""

_NAMED = """
UPDATE comments c SET named = (
  SELECT COALESCE(jsonb_agg(DISTINCT COALESCE(CAST(j.kept AS text), n)), '[]')
  FROM jsonb_array_elements_text(c.named) n
  LEFT JOIN joined_principals j ON j.tenant_id = c.tenant_id AND CAST(j.old AS text) = n)
WHERE EXISTS (SELECT FROM joined_principals j WHERE j.tenant_id = c.tenant_id
  AND c.named ? CAST(j.old AS text))
"""

_RENAME_CAUSES = """
UPDATE notices n SET cause = replace(n.cause, :old, :kept)
WHERE n.tenant_id = :tenant AND position(:old IN n.cause) > 0 AND NOT EXISTS (
  SELECT FROM notices o WHERE o.tenant_id = :tenant AND o.cause = replace(n.cause, :old, :kept))
"""

_SETTLE_REPEATED = """
UPDATE notices SET settled_at = COALESCE(settled_at, house_now())
WHERE tenant_id = :tenant AND position(:old IN cause) > 0
"""
"""Both had a notice about the same thing."""

_WITHDRAW = """
WITH last AS (
  SELECT DISTINCT ON (a.tenant_id, a.post_id, a.principal_id, a.tier) a.*, p.author_principal
  FROM approvals a JOIN posts p ON p.tenant_id = a.tenant_id AND p.id = a.post_id
    AND p.digest = a.digest
  WHERE EXISTS (SELECT FROM joined_principals j WHERE j.tenant_id = a.tenant_id
    AND j.kept = a.principal_id)
  ORDER BY a.tenant_id, a.post_id, a.principal_id, a.tier, a.created_at DESC, a.id DESC)
INSERT INTO approvals (tenant_id, id, created_at, updated_at, creator_id, post_id, digest, tier,
  principal_id, verdict, note, expires_at)
SELECT tenant_id, gen_random_uuid(),
  GREATEST(house_now(), created_at + interval '1 microsecond'), house_now(), creator_id, post_id,
  digest, tier, principal_id, 'withdrawn', '', expires_at
FROM last
WHERE verdict = 'yes' AND (author_principal = principal_id OR EXISTS (SELECT FROM last o
  WHERE o.tenant_id = last.tenant_id AND o.post_id = last.post_id AND o.verdict = 'yes'
    AND o.principal_id = last.principal_id AND o.tier < last.tier))
"""
"""Withdraws approvals by the author, and all but the first tier that one person approved. A
delivery whose approval is missing is held when it is due."""


def upgrade() -> None:
    op.add_column("members", sa.Column("mailbox", sa.String(), nullable=True))
    op.execute("ALTER TABLE members NO FORCE ROW LEVEL SECURITY")
    connection = op.get_bind()
    members = connection.execute(
        sa.text(
            "SELECT tenant_id, id, principal_id, email FROM members"
            " ORDER BY tenant_id, created_at, id"
        )
    ).all()
    for member in members:
        connection.execute(
            sa.text("UPDATE members SET mailbox = :mailbox WHERE tenant_id = :tenant AND id = :id"),
            {
                "mailbox": mailbox_key(member.email),
                "tenant": member.tenant_id,
                "id": member.id,
            },
        )
    _join_principals(connection, joined_principals(members))
    op.execute("ALTER TABLE members FORCE ROW LEVEL SECURITY")
    op.alter_column("members", "mailbox", nullable=False)
    op.create_index("members_mailbox", "members", ["tenant_id", "mailbox"])


def joined_principals(members: Iterable[sa.Row]) -> dict[tuple[UUID, UUID], UUID]:
    """Return the principal that remains by tenant and principal that is joined with it: that of the
    oldest login of the mailbox. `members` are ordered by age."""
    kept: dict[tuple[UUID, UUID], UUID] = {}
    by_mailbox: dict[tuple[UUID, str], UUID] = {}

    def find(tenant: UUID, principal: UUID) -> UUID:
        while (tenant, principal) in kept:
            principal = kept[tenant, principal]
        return principal

    for member in members:
        tenant = member.tenant_id
        own = find(tenant, member.principal_id)
        first = find(tenant, by_mailbox.setdefault((tenant, mailbox_key(member.email)), own))
        if first != own:
            kept[tenant, own] = first
    return {key: find(*key) for key in kept}


def _join_principals(connection: sa.Connection, joined: dict[tuple[UUID, UUID], UUID]) -> None:
    if not joined:
        return
    connection.execute(
        sa.text(
            "CREATE TEMPORARY TABLE joined_principals (tenant_id uuid, old uuid, kept uuid,"
            " PRIMARY KEY (tenant_id, old)) ON COMMIT DROP"
        )
    )
    connection.execute(
        sa.text("INSERT INTO joined_principals VALUES (:tenant, :old, :kept)"),
        [{"tenant": tenant, "old": old, "kept": kept} for (tenant, old), kept in joined.items()],
    )
    for table in PRINCIPALS:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for table, trigger in FROZEN.items():
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    for table, (columns, order) in ONCE.items():
        op.execute(_REPEATED.format(table=table, columns=columns, order=order))
    for statement in (_ONE_READING, _NAMED):
        op.execute(statement)
    for (tenant, old), kept in joined.items():
        for statement in (_RENAME_CAUSES, _SETTLE_REPEATED):
            pair = {"tenant": tenant, "old": str(old), "kept": str(kept)}
            connection.execute(sa.text(statement), pair)
    for table, columns in PRINCIPALS.items():
        for column in columns:
            op.execute(_ATTRIBUTE.format(table=table, column=column))
    op.execute(_WITHDRAW)
    for table, trigger in FROZEN.items():
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
    for table in PRINCIPALS:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_index("members_mailbox", "members")
    op.drop_column("members", "mailbox")
