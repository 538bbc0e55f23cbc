"""Monitoring of the removal request form: adult content requires that it was reachable in the last
hour.

The check uses real time, which the demo's shifted clock does not affect.
"""

from datetime import datetime

from foundation.db.database import Scope
from foundation.db.tables import TenantRow, table_arguments, timestamp_column
from foundation.ids import INSTALLATION_ID

LIMIT = "1 hour"
"""Time without a successful check after which new Nudity and Explicit content is on hold."""


class IntakeBeat(TenantRow, table=True):
    """The time of the last successful check of the form, in a single row of the installation.

    Rows of agencies are ignored.
    """

    __tablename__ = "intake_beats"
    __table_args__ = table_arguments(about="none", keep="forever")
    seen_at: datetime = timestamp_column()


INTAKE_REACHED_SQL = f"""
coalesce((SELECT b.seen_at BETWEEN people_now() - interval '{LIMIT}' AND people_now() + interval
'1 minute'
  FROM intake_beats b WHERE b.tenant_id = '{INSTALLATION_ID}' AND b.id = '{INSTALLATION_ID}'),
  false)
"""  # noqa: S608 constants
"""SQL condition: True if the form was reachable recently. No time or a future time counts as False.
"""


def record_reached(scope: Scope) -> None:
    """Record that the form is reachable now, in a scope of the installation."""
    with scope.acting_as("gate"):
        scope.run(
            "INSERT INTO intake_beats (tenant_id, id, seen_at) VALUES (:house, :house, "
            "people_now())"
            " ON CONFLICT (tenant_id, id) DO UPDATE SET seen_at = people_now(), updated_at = "
            "house_now()",
            house=INSTALLATION_ID,
        )


def is_form_reachable(scope: Scope) -> bool:
    """Return True if the form was reachable recently enough."""
    return bool(scope.run(f"SELECT {INTAKE_REACHED_SQL}").scalar_one())
