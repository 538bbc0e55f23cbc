"""People, consent, assets, ratings, viewers, reviews, decisions, permits, emergency stops,
blocklist."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

GATE = ("gate",)
HOUSE = "00000000-0000-0000-0000-000000000000"


def upgrade() -> None:
    _people()
    _bytes()
    _judgement()
    _log()
    _permits()
    for name in ("switches", "blocklist"):  # entries of the installation apply to every tenant
        op.execute(f"CREATE POLICY house_is_read ON {name} FOR SELECT USING (tenant_id = "
                   f"'{HOUSE}')")


def _people() -> None:
    tenant_table(
        "persons",
        text("kind"),
        text("display_ref"),
        text("state"),
        uuid_column("twin_of", nullable=True),
        inside("twin_of", "persons"),
        sa.CheckConstraint("kind IN ('real', 'synthetic', 'digital_twin')", name="persons_kind"),
        write=GATE,
    )
    # a wrong declaration of a real person as fictional must not skip a consent check
    op.execute(
        "CREATE FUNCTION persons_keep_their_kind() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.kind <> OLD.kind OR NEW.twin_of IS DISTINCT FROM OLD.twin_of OR OLD.state = "
        "'blocked' THEN"
        " RAISE EXCEPTION 'kind and counterpart of a person never change, blocked is final'; END "
        "IF;"
        " RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER persons_keep_their_kind BEFORE UPDATE ON persons"
        " FOR EACH ROW EXECUTE FUNCTION persons_keep_their_kind()"
    )
    _of_person(
        "identity_checks",
        text("custodian"),
        text("method"),
        text("result"),
        instant("on_day", nullable=True),
        instant("verified_at"),
        instant("valid_until", nullable=True),
        text("evidence_digest"),
        append_only=True,
    )
    _of_person(
        "declarations",
        text("source_digest"),
        flag("adult_licence"),
        uuid_column("declared_by"),
        uuid_column("reviewed_by", nullable=True),
        append_only=True,
    )
    _of_person(
        "consent_grants",
        text("scope"),
        jsonb("surfaces"),
        text("max_rating"),
        instant("valid_from"),
        instant("valid_until"),
        text("evidence_digest"),
        uuid_column("signed_by"),
        instant("revoked_at", nullable=True),
        sa.CheckConstraint("signed_by = person_id", name="consent_grants_signed_by_the_person"),
        sa.CheckConstraint("valid_until <= valid_from + interval '24 months'", name="consent_grants_end"),
    )
    op.execute(
        "CREATE FUNCTION grants_stay_revoked() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF OLD.revoked_at IS NOT NULL OR NEW.scope <> OLD.scope OR NEW.surfaces <> OLD.surfaces"
        " OR NEW.max_rating <> OLD.max_rating OR NEW.valid_until > OLD.valid_until OR "
        "NEW.person_id <> OLD.person_id"
        " THEN RAISE EXCEPTION 'a grant is never widened and a revoked one never returns'; END IF;"
        " RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER grants_stay_revoked BEFORE UPDATE ON consent_grants"
        " FOR EACH ROW EXECUTE FUNCTION grants_stay_revoked()"
    )


def _of_person(name: str, *columns: sa.schema.SchemaItem, append_only: bool = False) -> None:
    tenant_table(
        name,
        uuid_column("person_id"),
        *columns,
        inside("person_id", "persons"),
        write=GATE,
        append_only=append_only,
    )
    _index(name, "person", ("person_id",))


def _index(table: str, name: str, columns: Sequence[str]) -> None:
    op.create_index(f"{table}_{name}", table, ["tenant_id", *columns])


def _bytes() -> None:
    tenant_table(
        "assets",
        uuid_column("creator_id"),
        text("origin"),
        text("ai"),
        text("engine"),
        instant("made_at", nullable=True),
        text("source"),
        uuid_column("parent_id", nullable=True),
        number("people_seen", nullable=True),
        inside("creator_id", "creators"),
        inside("parent_id", "assets"),
        write=GATE,
    )
    _index("assets", "creator", ("creator_id",))
    tenant_table(
        "renditions",
        uuid_column("asset_id"),
        text("sha256"),
        text("mime"),
        number("size", big=True),
        number("width"),
        number("height"),
        text("profile"),
        text("parent_sha256", nullable=True),
        text("phash", nullable=True),
        text("state"),
        inside("asset_id", "assets"),
        unique("renditions_sha256", "sha256"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="renditions_digest"),
        write=GATE,
    )
    _index("renditions", "asset", ("asset_id",))
    tenant_table(
        "depictions",
        uuid_column("asset_id"),
        uuid_column("person_id"),
        text("how"),
        text("state"),
        text("confirmed_by"),
        inside("asset_id", "assets"),
        inside("person_id", "persons"),
        unique("depictions_once", "asset_id", "person_id", "how"),
        write=GATE,
    )
    _index("depictions", "person", ("person_id",))
    tenant_table(
        "content_ratings",
        text("sha256"),
        text("rating"),
        text("source"),
        jsonb("reason", nullable=True),
        sa.CheckConstraint("rating IN ('G', 'S', 'N', 'E', 'X')", name="content_ratings_rating"),
        write=GATE,
        append_only=True,
    )
    _index("content_ratings", "sha256", ("sha256",))


def _judgement() -> None:
    tenant_table(
        "age_assurances",
        text("platform"),
        text("user_id"),
        text("state"),
        text("method"),
        text("level"),
        flag("over_18"),
        text("jurisdiction"),
        instant("assured_at", nullable=True),
        instant("expires_at", nullable=True),
        number("epoch"),
        unique("age_assurances_viewer", "platform", "user_id"),
        write=GATE,
    )
    tenant_table(
        "human_reviews",
        text("about"),
        text("digest"),
        uuid_column("principal_id"),
        text("verdict"),
        jsonb("reason", nullable=True),
        number("seen_percent"),
        sa.CheckConstraint("about IN ('unit', 'bytes')", name="human_reviews_about"),
        sa.CheckConstraint("verdict IN ('approve', 'refuse')", name="human_reviews_verdict"),
        inside("principal_id", "principals"),
        write=("app",),
        append_only=True,
    )
    _index("human_reviews", "digest", ("digest",))
    tenant_table(
        "link_targets",
        text("url"),
        text("owner"),
        text("final_host"),
        text("rating"),
        flag("adult"),
        text("state"),
        instant("resolved_at"),
        instant("expires_at"),
        unique("link_targets_url", "url"),
        write=GATE,
    )
    tenant_table(
        "switches",
        text("scope"),
        text("target"),
        text("feature"),
        flag("open"),
        text("by"),
        text("reason"),
        unique("switches_once", "scope", "target", "feature"),
        write=GATE,
    )
    tenant_table(
        "blocklist",
        text("sha256"),
        text("phash", nullable=True),
        text("category"),
        unique("blocklist_sha256", "sha256"),
        write=GATE,
        append_only=True,
    )
    tenant_table("epochs", text("key"), number("value", big=True), unique("epochs_key", "key"), write=GATE)


def _log() -> None:
    tenant_table(
        "decisions",
        number("seq", big=True),
        text("prev_hash"),
        text("hash"),
        instant("decided_at"),
        text("subject_kind"),
        uuid_column("subject_id"),
        uuid_column("creator_id"),
        uuid_column("channel_id"),
        text("surface"),
        text("unit_digest"),
        text("snapshot_digest"),
        text("author"),
        text("stage"),
        text("verdict"),
        jsonb("reasons"),
        text("rating"),
        jsonb("flags"),
        text("bundle"),
        unique("decisions_seq", "seq"),
        write=GATE,
        append_only=True,
    )
    _index("decisions", "subject", ("subject_kind", "subject_id", "seq"))
    _index("decisions", "unit", ("unit_digest",))
    tenant_table("decision_inputs", text("unit"), text("snapshot"), inside("id", "decisions"), write=GATE)
    tenant_table("log_heads", number("seq", big=True), text("hash"), write=GATE)


def _permits() -> None:
    tenant_table(
        "permits",
        uuid_column("creator_id"),
        uuid_column("decision_id"),
        text("subject_kind"),
        uuid_column("subject_id"),
        uuid_column("channel_id"),
        text("account"),
        text("platform"),
        text("surface"),
        text("viewer"),
        text("step"),
        text("unit_digest"),
        text("wire_digest"),
        jsonb("flags"),
        jsonb("media"),
        jsonb("persons"),
        text("bundle"),
        jsonb("epochs"),
        instant("minted_at"),
        instant("expires_at"),
        text("state"),
        jsonb("native_ids"),
        instant("visible_at", nullable=True),
        instant("gone_at", nullable=True),
        text("gone_proof"),
        instant("recalled_at", nullable=True),
        jsonb("recall_reason", nullable=True),
        inside("creator_id", "creators"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "decision_id"],
            ["decisions.tenant_id", "decisions.id"],
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.CheckConstraint("expires_at <= minted_at + interval '60 seconds'", name="permits_live_a_minute"),
        sa.CheckConstraint("gone_at IS NULL OR gone_proof <> ''", name="permits_gone_with_proof"),
        write=GATE,
    )
    _index("permits", "subject", ("subject_kind", "subject_id"))
    _index("permits", "channel", ("channel_id", "viewer", "minted_at"))
    op.create_index("permits_native", "permits", ["native_ids"], postgresql_using="gin")
    op.create_index("permits_media", "permits", ["media"], postgresql_using="gin")
