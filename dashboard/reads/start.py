"""How far an agency of one's own has come: its page, its first post, its other accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from channels import abilities
from channels import reads as channel_reads
from channels.reads import Channel
from dashboard.reads.channels import connectors
from foundation.database import Scope
from schedules import reads as schedule_reads
from schedules.reads import Entry
from schedules.states import DeliveryState
from tenants import reads as tenant_reads
from tenants.reads import Creator

SINCE = timedelta(days=90)


@dataclass(frozen=True)
class Started:
    """The page's values; `page` is the creator's own one once it is open, `posts` the last ones."""

    demo: bool
    creator: Creator | None
    page: Channel | None
    accounts: int
    posts: Sequence[Entry]

    @property
    def done(self) -> tuple[bool, ...]:
        """The steps: the page is open, a post is planned, a post stands, another account is connected."""
        stands = any(post.state is DeliveryState.PUBLISHED for post in self.posts)
        return self.page is not None, bool(self.posts), stands, self.accounts > 1


def started(scope: Scope, mine: Sequence[Creator]) -> Started:
    """What stands and what is missing."""
    demo, creator = tenant_reads.agency(scope).demo, mine[0] if mine else None
    if demo or creator is None:
        return Started(demo, creator, None, 0, ())
    channels = channel_reads.channels_of(scope, creator.id)
    own = next((one for one in channels if abilities.of(connectors(), one).capabilities.in_house), None)
    posts = schedule_reads.between(scope, creator.id, scope.now - SINCE, scope.now + SINCE, limit=5)
    return Started(demo, creator, own, len(channels), posts)
