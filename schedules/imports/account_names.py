"""Names of accounts in import and export files, with platform and handle where names are ambiguous.
Pure."""

from collections.abc import Collection, Sequence
from uuid import UUID

from channels.accounts.queries import Channel
from foundation.i18n.name_forms import fold_name


def name_accounts(accounts: Collection[Channel]) -> dict[UUID, str]:
    """Return a unique name for each account of a creator, ignoring case and Unicode form.

    A disconnected account never makes the name of a connected one longer.
    """
    return {
        one.id: _shortest_unused_name(one, [other for other in accounts if other.id != one.id])
        for one in accounts
    }


def _name_variants(one: Channel) -> Sequence[str]:
    return one.name, f"{one.name} ({one.platform})", f"{one.name} ({one.platform} {one.account})"


def _shortest_unused_name(one: Channel, others: Sequence[Channel]) -> str:
    """Return the shortest form that no other account has; the longest is unique on its platform."""
    rivals = [other for other in others if one.is_disconnected or not other.is_disconnected]
    taken = {fold_name(form) for other in rivals for form in _name_variants(other)}
    return next(
        (form for form in _name_variants(one) if fold_name(form) not in taken),
        _name_variants(one)[-1],
    )
