"""The part of the contract by which a reader bears a role: what a platform calls a group that
somebody is put into.

A role says something to the people of a place, and opens nothing with us: the gate decides by what
it knows itself. Where a platform lets people ask to come in, being inside is such a role, called by
the place's own id.
"""

from typing import Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome

ROLE_ACTION = "role"
"""Name of the step, and its action."""

ADULT_ROLE_FIELD = "adult_role"
"""Where an account keeps the role of readers who proved their age: the platform's id, "" for none.
What people call it stands beside it, under `ADULT_NAME`."""

ADULT_ROLE_NAME_FIELD = "adult_role_name"

ADMISSION_FIELD = "lets_in"
ADMITS_SUBSCRIBERS = "subscribers"
ADMITS_ADULTS = "adults"
"""Where an account keeps whom it lets into its place when they ask, "" for nobody: who pays for a
subscription on it, or whose age is proven. A place that somebody said is entered by request alone
may be for adults: there, who pays has to prove their age as well."""

READER_NOT_THERE = "roles.not_there"
"""Why somebody cannot be given a role: they are not where it counts. Nobody's fault, and it may
change."""


@runtime_checkable
class SupportsReaderRoles(Connector, Protocol):
    """A platform where an account may give readers a role."""

    def set_role(
        self, account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """The next request (kind control, action role) that gives `fan` a role or takes it, or what
        came of it.

        `Published` means that it is so now, as it may have been before: who is not there bears
        none. The same again changes nothing, so a lost answer is a Retry, never a doubt. Rejected
        with `NOT_THERE`: see there.
        """
        ...
