"""Roles of readers: the groups of a platform to which an account may add a user.

A role has a meaning only on the platform. It unlocks nothing here, because the gate decides by
stored facts. On platforms where users request to join a destination, membership is such a role,
identified by the destination's ID.
"""

from typing import Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepResult
from connectors.contract.outcomes import Outcome

ROLE_ACTION = "role"
"""Name and action of the step that assigns or removes a role."""

ADULT_ROLE_FIELD = "adult_role"
"""Account option with the platform's ID of the role for age-verified readers, "" for none. Its
display name is in `ADULT_ROLE_NAME_FIELD`."""

ADULT_ROLE_NAME_FIELD = "adult_role_name"

ADMISSION_FIELD = "lets_in"
ADMITS_SUBSCRIBERS = "subscribers"
ADMITS_ADULTS = "adults"
"""Account option that determines whose join requests are accepted: those of the account's
subscribers, those of age-verified readers, or none (""). If a member declared that the destination
can be joined by request only, it may contain adult content, and subscribers must also prove their
age."""

READER_NOT_THERE = "roles.not_there"
"""Message code: the user cannot get a role because they have not joined. This is no error and may
change."""


@runtime_checkable
class SupportsReaderRoles(Connector, Protocol):
    """A platform where an account may assign roles to readers."""

    def set_role(
        self, account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Return the next request (kind control, action role) that assigns a role to `fan` or
        removes it, or the outcome.

        `Published` means that the role is in the requested state, possibly since before; a user who
        has not joined has no roles. The request is idempotent, so a lost answer is a Retry, never
        Uncertain. It is Rejected with `READER_NOT_THERE` if the user has not joined.
        """
        ...
