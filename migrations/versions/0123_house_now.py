"""The installation's clock as a PL/pgSQL function, whose plan is cached.

A SQL function that reads a table is parsed and planned by every statement that calls it; PL/pgSQL
caches its plan for the connection
(https://www.postgresql.org/docs/16/plpgsql-implementation.html#PLPGSQL-PLAN-CACHING). A post calls
it about forty times: 11.0 ms of PostgreSQL became 9.6 (docs/benchmarks.md).
"""

from alembic import op

revision = "0123"
down_revision = "0122"
branch_labels = None
depends_on = None

_NOW = (
    "CREATE OR REPLACE FUNCTION house_now() RETURNS timestamptz LANGUAGE {} STABLE SECURITY "
    "DEFINER SET search_path = public"
)


def upgrade() -> None:
    op.execute(_NOW.format("plpgsql") + " AS $$ BEGIN RETURN (SELECT clock_timestamp() + shift "
                                        "FROM house_clock); END $$")


def downgrade() -> None:
    op.execute(_NOW.format("sql") + " AS $$ SELECT clock_timestamp() + shift FROM house_clock $$")
