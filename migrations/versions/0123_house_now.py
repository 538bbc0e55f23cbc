"""What time it is in the house costs a look, no longer a plan.

A function in SQL that reads a table is parsed and planned anew by every statement that calls it;
PL/pgSQL keeps its plan as long as the connection
(https://www.postgresql.org/docs/16/plpgsql-implementation.html#PLPGSQL-PLAN-CACHING). A post asks
some forty times: 11.0 ms of PostgreSQL became 9.6 (docs/benchmarks.md).
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
