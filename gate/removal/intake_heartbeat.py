"""Whether people can ask for something to be taken away: the form was reached within the hour, or
nothing for adults leaves.

The clock is the people's: a demonstration that moves the house's does not make a form
unreachable.
"""

from datetime import datetime

from foundation.db.database import Scope
from foundation.db.tables import TenantRow, table_arguments, timestamp_column
from foundation.ids import INSTALLATION_ID

LIMIT = "1 hour"
"""After so long without a sign of the form, new Nudity and Explicit waits."""


class IntakeBeat(TenantRow, table=True):
    """When the form was last reached; the house's one row. An agency's own would count for
    nothing."""

    __tablename__ = "intake_beats"
    __table_args__ = table_arguments(about="nobody", keep="forever")
    seen_at: datetime = timestamp_column()


INTAKE_REACHED_SQL = f"""
coalesce((SELECT b.seen_at BETWEEN people_now() - interval '{LIMIT}' AND people_now() + interval
'1 minute'
  FROM intake_beats b WHERE b.tenant_id = '{INSTALLATION_ID}' AND b.id = '{INSTALLATION_ID}'),
  false)
"""  # noqa: S608  constants of our own
"""SQL: what is not known, or said to be later than now, is not reached."""


def record_reached(scope: Scope) -> None:
    """The form was reached just now; in a scope of the house."""
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO intake_beats (tenant_id, id, seen_at) VALUES (:house, :house, "
            "people_now())"
            " ON CONFLICT (tenant_id, id) DO UPDATE SET seen_at = people_now(), updated_at = "
            "house_now()",
            house=INSTALLATION_ID,
        )


def is_form_reachable(scope: Scope) -> bool:
    """Whether the form was reached lately enough."""
    return bool(scope.run(f"SELECT {INTAKE_REACHED_SQL}").scalar_one())
