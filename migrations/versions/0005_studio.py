"""Recipes, jobs, lineage, packs."""

import sqlalchemy as sa
from alembic import op

from migrations.tools import flag, inside, instant, jsonb, number, tenant_table, text, unique, uuid_column

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    creator = (uuid_column("creator_id"),)
    tenant_table(
        "recipes",
        *creator,
        text("name"),
        number("version"),
        jsonb("spec"),
        text("digest"),
        inside("creator_id", "creators"),
        unique("recipes_version", "creator_id", "name", "version"),
    )
    tenant_table(
        "jobs",
        uuid_column("creator_id"),
        uuid_column("recipe_id"),
        text("key"),
        text("state"),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        number("total"),
        number("done"),
        jsonb("reason", nullable=True),
        inside("creator_id", "creators"),
        inside("recipe_id", "recipes"),
        unique("jobs_key", "key"),
    )
    tenant_table(
        "creations",
        uuid_column("creator_id"),
        uuid_column("asset_id"),
        uuid_column("job_id", nullable=True),
        text("source_key"),
        text("sha256"),
        text("engine"),
        text("model"),
        text("label"),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        text("prompt"),
        jsonb("parameters"),
        text("alt"),
        instant("taken_at", nullable=True),
        inside("creator_id", "creators"),
        inside("asset_id", "assets"),
        inside("job_id", "jobs"),
        unique("creations_asset", "asset_id"),
        unique("creations_source", "creator_id", "source_key"),
    )
    op.create_index("creations_library", "creations", ["tenant_id", "creator_id", "created_at"])
    _packs()


def _packs() -> None:
    tenant_table(
        "packs",
        uuid_column("creator_id"),
        text("slug"),
        text("title"),
        text("description"),
        text("state"),
        number("version"),
        flag("frozen"),
        inside("creator_id", "creators"),
        unique("packs_slug", "creator_id", "slug"),
    )
    tenant_table(
        "pack_items",
        uuid_column("creator_id"),
        uuid_column("pack_id"),
        number("position"),
        uuid_column("asset_id"),
        inside("creator_id", "creators"),
        inside("pack_id", "packs"),
        inside("asset_id", "assets"),
        unique("pack_items_position", "pack_id", "position"),
    )
