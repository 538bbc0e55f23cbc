"""What accounts are called in files of posts: by their name, and by where they are too where a
creator has several of that name. Pure."""

from collections.abc import Collection, Sequence
from uuid import UUID

from channels.accounts.queries import Channel
from foundation.i18n.name_forms import fold_name


def name_accounts(accounts: Collection[Channel]) -> dict[UUID, str]:
    """What each account of a creator is called in files, so that no two have the same name,
    whatever the case and the normal form.

    One that nobody uses any more takes no name from one that is used.
    """
    return {
        one.id: _shortest_unused_name(one, [other for other in accounts if other.id != one.id])
        for one in accounts
    }


def _name_variants(one: Channel) -> Sequence[str]:
    return one.name, f"{one.name} ({one.platform})", f"{one.name} ({one.platform} {one.account})"


def _shortest_unused_name(one: Channel, others: Sequence[Channel]) -> str:
    """The shortest form nobody else goes by; the longest is one account's alone on its platform."""
    rivals = [other for other in others if one.is_disconnected or not other.is_disconnected]
    taken = {fold_name(form) for other in rivals for form in _name_variants(other)}
    return next(
        (form for form in _name_variants(one) if fold_name(form) not in taken),
        _name_variants(one)[-1],
    )
