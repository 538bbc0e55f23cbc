"""Who hears which fact. Apart from the handlers: the relay spreads facts and need not load who handles what follows."""

from datetime import timedelta

from channels.events import (
    AgeAnswered,
    ChannelConnected,
    CopyAddressed,
    CopyRemoved,
    HandoverEnded,
    MenuDue,
    PlaceSeen,
    TakedownRemove,
)
from foundation.facts import Facts, Heard
from gate.stating import ConsentRevoked, LinkRegistered, SwitchClosed, TakedownOpened, ViewerChanged
from insights.events import AGES, ReadingDue, SaleSeen
from schedules.events import AccountBack, AddressKnown, CopyGone, DeliveryPublished, HandedBack, LinkKnown
from subscribers.events import (
    AgeTold,
    FanErased,
    FanOptedOut,
    OrderPaid,
    OrderRefunded,
    PackRecalled,
    RolesDue,
    RoleWanted,
    SubscriptionPaid,
    SubscriptionRefunded,
)

FACTS = Facts(
    {
        DeliveryPublished: tuple(Heard(ReadingDue, timedelta(hours=age), {"age_hours": age}) for age in AGES),
        OrderPaid: (Heard(SaleSeen),),
        OrderRefunded: (Heard(SaleSeen),),
        SubscriptionPaid: (Heard(SaleSeen),),
        SubscriptionRefunded: (Heard(SaleSeen),),
        TakedownOpened: (Heard(TakedownRemove), Heard(PackRecalled)),
        CopyRemoved: (Heard(CopyGone),),
        CopyAddressed: (Heard(AddressKnown),),
        ChannelConnected: (Heard(AccountBack), Heard(RolesDue), Heard(MenuDue)),
        PlaceSeen: (Heard(AccountBack),),
        HandoverEnded: (Heard(HandedBack),),
        ConsentRevoked: (),
        SwitchClosed: (),
        LinkRegistered: (Heard(LinkKnown),),
        ViewerChanged: (Heard(RoleWanted),),
        AgeAnswered: (Heard(AgeTold),),
        FanOptedOut: (),
        FanErased: (),
    }
)
"""An empty line is a fact nobody needs yet."""
