"""Known faces: consent, sealed templates, compared pictures and resemblances."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _known()
    _compared()


def _known() -> None:
    tenant_table(
        "face_subjects",
        text("basis"),
        uuid_column("person_id", nullable=True),
        text("why"),
        jsonb("pictures"),
        text("said_by"),
        uuid_column("ending_by", nullable=True),
        instant("ended_at", nullable=True),
        inside("person_id", "persons"),
        sa.CheckConstraint("basis IN ('agreed', 'barred', 'reference')", name="face_subjects_basis"),
        # consent is given only by the person; a banned face needs no person record
        sa.CheckConstraint("basis <> 'agreed' OR said_by = 'person:' || person_id", name="face_subjects_own_hand"),
        sa.CheckConstraint("(basis = 'barred') = (person_id IS NULL)", name="face_subjects_whose"),
        write=("gate",),
    )
    op.create_index(
        "face_subjects_one",
        "face_subjects",
        ["tenant_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    tenant_table(
        "face_templates",
        uuid_column("subject_id"),
        text("model"),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        jsonb("pictures"),
        inside("subject_id", "face_subjects"),
        unique("face_templates_one", "subject_id", "model"),
        write=("gate",),
    )


def _compared() -> None:
    tenant_table(
        "face_searches",
        text("sha256"),
        text("model"),
        number("version", big=True),
        flag("complete"),
        number("faces"),
        unique("face_searches_one", "sha256"),
        write=("gate",),
    )
    tenant_table(
        "likenesses",
        text("sha256"),
        uuid_column("subject_id"),
        uuid_column("person_id", nullable=True),
        text("model"),
        number("score"),
        text("digest"),
        inside("subject_id", "face_subjects"),
        inside("person_id", "persons"),
        unique("likenesses_one", "sha256", "subject_id"),
        write=("gate",),
    )
    op.create_index("likenesses_subject", "likenesses", ["tenant_id", "subject_id"])
    tenant_table(
        "likeness_rulings",
        uuid_column("likeness_id"),
        text("digest"),
        uuid_column("principal_id"),
        flag("other"),
        jsonb("reason", nullable=True),
        inside("likeness_id", "likenesses"),
        write=("gate",),
        append_only=True,
    )
    op.create_index("likeness_rulings_one", "likeness_rulings", ["tenant_id", "likeness_id"])


def downgrade() -> None:
    for name in ("likeness_rulings", "likenesses", "face_searches", "face_templates", "face_subjects"):
        op.drop_table(name)
