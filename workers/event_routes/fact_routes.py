"""The listeners of each fact. They are separate from the handlers, so that the relay need not load
the handlers."""

from datetime import timedelta

from channels.accounts.events import ChannelConnected
from channels.age_verification.events import AgeCheckEnded
from channels.connections.events import CommandMenuDue, DestinationChecked
from channels.manual_tasks.events import ManualTaskEnded
from channels.sending.events import CopyAddressed, CopyRemovalDue, CopyRemoved
from foundation.outbox.fan_out import FactListener, FactListeners
from gate.consent.events import ConsentRevoked
from gate.policy.events import CreatorEpochDue, SwitchClosed
from gate.removal.events import TakedownOpened
from gate.reviews.events import LinkRegistered, PlatformConfirmed
from gate.viewers.events import ViewerChanged
from insights.metrics.events import READING_AGES, ReadingDue
from insights.rollups.events import SaleRecorded
from schedules.publishing.events import (
    AccountReconnected,
    ApprovalHoldsDue,
    CopyAddressDue,
    CreatorHoldsDue,
    DeliveryPublished,
    LinkHoldsDue,
    ManualOutcomeDue,
    RemovedCopyDue,
    RuleHoldsDue,
)
from subscribers.checkout.events import OrderPaid, SubscriptionPaid
from subscribers.fans.events import FanErased, FanOptedOut
from subscribers.intake.events import AgeCheckAnswered
from subscribers.orders.events import OrderRefunded, PackRecalled, SubscriptionRefunded
from subscribers.safety.events import RolesDue
from subscribers.subscriptions.events import RoleCheckDue
from tenants.agencies.events import CreatorApprovalsRaised, CreatorStateChanged

FACT_ROUTES = FactListeners(
    {
        DeliveryPublished: tuple(
            FactListener(ReadingDue, timedelta(hours=age), {"age_hours": age})
            for age in READING_AGES
        ),
        OrderPaid: (FactListener(SaleRecorded),),
        OrderRefunded: (FactListener(SaleRecorded),),
        SubscriptionPaid: (FactListener(SaleRecorded),),
        SubscriptionRefunded: (FactListener(SaleRecorded),),
        TakedownOpened: (FactListener(CopyRemovalDue), FactListener(PackRecalled)),
        CopyRemoved: (FactListener(RemovedCopyDue),),
        CopyAddressed: (FactListener(CopyAddressDue),),
        ChannelConnected: (
            FactListener(AccountReconnected),
            FactListener(RolesDue),
            FactListener(CommandMenuDue),
        ),
        DestinationChecked: (FactListener(AccountReconnected),),
        ManualTaskEnded: (FactListener(ManualOutcomeDue),),
        ConsentRevoked: (),
        SwitchClosed: (),
        CreatorStateChanged: (FactListener(CreatorHoldsDue), FactListener(CreatorEpochDue)),
        CreatorApprovalsRaised: (FactListener(ApprovalHoldsDue),),
        LinkRegistered: (FactListener(LinkHoldsDue),),
        PlatformConfirmed: (FactListener(RuleHoldsDue),),
        ViewerChanged: (FactListener(RoleCheckDue),),
        AgeCheckEnded: (FactListener(AgeCheckAnswered),),
        FanOptedOut: (),
        FanErased: (),
    }
)
"""Listeners by fact. An empty tuple is a fact without listeners."""
