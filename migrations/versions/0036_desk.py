"""Reviews: lowered ratings, spot checks, calibration, seals; and deletion of rows after their
retention."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import (
    inside,
    instant,
    jsonb,
    may_end,
    may_not_end,
    number,
    tenant_table,
    text,
    unique,
    uuid_column,
)

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


TABLES = (
    *("seals", "calibration_results", "calibration_words", "calibrations"),
    *("desk_choices", "samples", "lowered_ratings", "lowerings"),
)
"""Tables with references to others come first."""

_AGED = {
    "sightings": ("seen_on", "90 days"),
    "audit_entries": ("created_at", "5 years"),
    "rulings": ("created_at", "5 years"),
    "appeals": ("created_at", "5 years"),
    "safety_events": ("created_at", "5 years"),
    "calibrations": ("created_at", "5 years"),
    "calibration_words": ("created_at", "5 years"),
    "calibration_results": ("created_at", "5 years"),
}
"""Tables without deletion so far: the column and the period after which a row may be deleted."""


def _may_end() -> None:
    """Allow the gate to delete expired rows; the database refuses earlier deletions."""
    for table, (since, period) in _AGED.items():
        clock = "people_now" if table == "sightings" else "house_now"
        may_end(table, period, since=since, clock=clock)


_KEPT_FROZEN = """
CREATE FUNCTION sealed_stay_frozen() RETURNS trigger LANGUAGE plpgsql SET search_path =
pg_catalog, public AS $$
BEGIN
  IF EXISTS (SELECT FROM public.seals s WHERE s.tenant_id = OLD.tenant_id AND s.sha256 = OLD.sha256)
    AND (TG_OP = 'DELETE' OR NEW.state = 'made' OR NEW.sha256 <> OLD.sha256) THEN
    RAISE EXCEPTION 'sealed bytes stay withheld' USING ERRCODE = 'check_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
"""
"""The database refuses to release or delete sealed content. A row that is already released stays.
"""


def _spoken_of(*kinds: str) -> None:
    op.drop_constraint("human_reviews_about", "human_reviews")
    op.create_check_constraint(
        "human_reviews_about", "human_reviews", "about IN "
                                                f"({', '.join(repr(kind) for kind in kinds)})"
    )


def _lowering() -> None:
    tenant_table(
        "lowerings",
        uuid_column("asset_id"),
        text("sha256"),
        text("drawn"),
        text("wanted"),
        text("why"),
        uuid_column("principal_id"),
        uuid_column("maker_id", nullable=True),
        inside("asset_id", "assets"),
        inside("principal_id", "principals"),
        append_only=True,
    )
    op.create_index("lowerings_sha256", "lowerings", ["tenant_id", "sha256"])
    tenant_table(
        "lowered_ratings",
        uuid_column("rating_id"),
        uuid_column("lowering_id"),
        inside("rating_id", "content_ratings"),
        inside("lowering_id", "lowerings"),
        unique("lowered_ratings_once", "rating_id", "lowering_id"),
        write=("gate",),
        append_only=True,
    )


def _samples() -> None:
    tenant_table(
        "samples",
        uuid_column("creator_id"),
        text("subject_kind"),
        uuid_column("subject_id"),
        text("unit_digest"),
        uuid_column("decision_id"),
        text("author"),
        text("rating"),
        text("why"),
        instant("read_at", nullable=True),
        uuid_column("reader_id", nullable=True),
        text("raised_to", nullable=True),
        inside("creator_id", "creators"),
        unique("samples_once", "subject_kind", "subject_id", "unit_digest"),
        write=("gate",),
    )
    op.create_index("samples_open", "samples", ["tenant_id", "created_at"])
    tenant_table(
        "desk_choices",
        number("suggestive_percent"),
        number("words_percent"),
        uuid_column("officer_id", nullable=True),
    )


def _calibrations() -> None:
    tenant_table("calibrations", jsonb("tiles"), append_only=True)
    tenant_table(
        "calibration_words",
        uuid_column("calibration_id"),
        uuid_column("principal_id"),
        text("sha256"),
        text("rating"),
        inside("calibration_id", "calibrations"),
        inside("principal_id", "principals"),
        unique("calibration_words_once", "calibration_id", "principal_id", "sha256"),
        append_only=True,
    )
    tenant_table(
        "calibration_results",
        uuid_column("calibration_id"),
        number("kappa"),
        unique("calibration_results_once", "calibration_id"),
        write=("gate",),
        append_only=True,
    )
    op.create_index("calibration_results_newest", "calibration_results", ["tenant_id", "created_at"])


def _seals() -> None:
    tenant_table(
        "seals",
        uuid_column("asset_id"),
        text("sha256"),
        text("by"),
        inside("asset_id", "assets"),
        unique("seals_once", "sha256"),
        write=("gate",),
        append_only=True,
    )
    op.execute(_KEPT_FROZEN)
    op.execute(
        "CREATE TRIGGER sealed_stay_frozen BEFORE UPDATE OR DELETE ON renditions FOR EACH ROW"
        " EXECUTE FUNCTION sealed_stay_frozen()"
    )


def upgrade() -> None:
    _spoken_of("unit", "bytes", "lowering")
    _lowering()
    _samples()
    _calibrations()
    _seals()
    _may_end()
    op.add_column("members", sa.Column("adult_chat", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("drafts", sa.Column("written_by", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    for table in _AGED:
        may_not_end(table)
    op.execute("DROP TRIGGER sealed_stay_frozen ON renditions")
    op.execute("DROP FUNCTION sealed_stay_frozen()")
    op.drop_column("drafts", "written_by")
    op.drop_column("members", "adult_chat")
    op.execute("DELETE FROM human_reviews WHERE about = 'lowering'")
    _spoken_of("unit", "bytes")
    for table in TABLES:
        op.drop_table(table)
