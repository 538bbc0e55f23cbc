"""What stands on every page: whose it is, and what is stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.frame import Page
from dashboard.reads.system import Hold, holds
from foundation.database import Scope
from tenants import reads as tenant_reads
from tenants.reads import Agency
from tenants.roles import Right


@dataclass(frozen=True)
class Above:
    """The agency, and the stops that keep this member's work back."""

    agency: Agency
    held: Sequence[Hold]
    now: datetime


def above(scope: Scope, page: Page) -> Above:
    """All of it; who only reviews is told of no stop."""
    works = page.may(*(right for right in Right if right is not Right.REVIEW))
    return Above(tenant_reads.agency(scope), holds(scope, page.mine) if works else [], scope.now)
