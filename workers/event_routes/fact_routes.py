"""Who hears which fact. Apart from the handlers: the relay spreads facts and need not load who handles what follows."""

from datetime import timedelta

from channels.accounts.events import (
    AgeCheckEnded,
    ChannelConnected,
    CommandMenuDue,
    CopyAddressed,
    CopyRemovalDue,
    CopyRemoved,
    DestinationChecked,
    ManualTaskEnded,
)
from foundation.outbox.fan_out import FactListener, FactListeners
from gate.removal.events import ConsentRevoked, LinkRegistered, SwitchClosed, TakedownOpened, ViewerChanged
from insights.metrics.events import READING_AGES, ReadingDue, SaleRecorded
from schedules.posts.events import (
    AccountReconnected,
    CopyAddressDue,
    DeliveryPublished,
    LinkHoldsDue,
    ManualOutcomeDue,
    RemovedCopyDue,
)
from subscribers.conversations.events import (
    AgeCheckAnswered,
    FanErased,
    FanOptedOut,
    OrderPaid,
    OrderRefunded,
    PackRecalled,
    RoleCheckDue,
    RolesDue,
    SubscriptionPaid,
    SubscriptionRefunded,
)

FACT_ROUTES = FactListeners(
    {
        DeliveryPublished: tuple(
            FactListener(ReadingDue, timedelta(hours=age), {"age_hours": age}) for age in READING_AGES
        ),
        OrderPaid: (FactListener(SaleRecorded),),
        OrderRefunded: (FactListener(SaleRecorded),),
        SubscriptionPaid: (FactListener(SaleRecorded),),
        SubscriptionRefunded: (FactListener(SaleRecorded),),
        TakedownOpened: (FactListener(CopyRemovalDue), FactListener(PackRecalled)),
        CopyRemoved: (FactListener(RemovedCopyDue),),
        CopyAddressed: (FactListener(CopyAddressDue),),
        ChannelConnected: (FactListener(AccountReconnected), FactListener(RolesDue), FactListener(CommandMenuDue)),
        DestinationChecked: (FactListener(AccountReconnected),),
        ManualTaskEnded: (FactListener(ManualOutcomeDue),),
        ConsentRevoked: (),
        SwitchClosed: (),
        LinkRegistered: (FactListener(LinkHoldsDue),),
        ViewerChanged: (FactListener(RoleCheckDue),),
        AgeCheckEnded: (FactListener(AgeCheckAnswered),),
        FanOptedOut: (),
        FanErased: (),
    }
)
"""An empty line is a fact nobody needs yet."""
