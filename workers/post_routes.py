"""Posting, wired: who handles which of its events."""

from functools import partial

from channels import carrying, naming
from channels import editing as copies_outside
from channels.carrying import Armed, Settle
from gate.releasing import ReleaseRipe
from generators import sharing
from schedules import (
    alts_handling,
    claiming,
    doubts,
    ending,
    ideas_handling,
    kits_handling,
    recycling,
    rehearsed,
    repeating,
    rewording,
    weeks_handling,
)
from schedules import handling as posting
from schedules.events import (
    AccountBack,
    AddressKnown,
    ClocksDue,
    CopyGone,
    DoubtEnded,
    EditDue,
    EditSaid,
    EndDue,
    ExtendDue,
    HandedBack,
    IdeaWords,
    KitWords,
    LinkKnown,
    PauseOver,
    PictureSeen,
    PoolDue,
    PreflightDue,
    PublishDue,
    ReconcileDue,
    StageDue,
    SweepDue,
    WeekWords,
)
from workers import file_routes
from workers.dispatch import ACT_SECONDS, Route
from workers.wiring import Services

MAKE_SECONDS = 120
"""Ninety days of a series on every account, or every planned time of an agency."""

STAGE_SECONDS = 320
"""All uploads of a post, and what is written around them."""

WORDS_SECONDS = 120
"""Twenty-one short texts; a beating heart makes it longer."""


def routes(s: Services) -> tuple[Route, ...]:
    """The routes of what is posted."""
    claim = partial(rehearsed.take, mint=s.mint, connectors=s.connectors)
    stage = partial(claiming.stage, mint=s.mint, connectors=s.connectors)
    recorded = partial(carrying.recorded, connectors=s.connectors)
    named = partial(naming.look, tenant=s.tenant, transport=s.transport, connectors=s.connectors)
    tenant = s.tenant
    return (
        Route(
            PublishDue,
            partial(posting.publish, tenant=tenant, claim=claim, carry=s.carry),
            deadline_seconds=ACT_SECONDS,
            on_dead=partial(posting.publish_gave_up, tenant=tenant),
        ),
        Route(PreflightDue, partial(posting.preflight, tenant=tenant, connectors=s.connectors)),
        Route(
            StageDue,
            partial(posting.stage, tenant=tenant, begin=stage, upload=s.upload),
            deadline_seconds=STAGE_SECONDS,
        ),
        Route(
            ReconcileDue,
            partial(posting.reconcile, tenant=tenant, look=s.look, recorded=recorded),
            deadline_seconds=ACT_SECONDS,
        ),
        Route(DoubtEnded, partial(doubts.settle, tenant=tenant, look=named), deadline_seconds=ACT_SECONDS),
        *_words(s),
        Route(SweepDue, partial(posting.sweep, tenant=tenant)),
        Route(CopyGone, partial(posting.copy_gone, tenant=tenant)),
        Route(EndDue, partial(ending.end, tenant=tenant)),
        Route(ReleaseRipe, partial(posting.released, tenant=tenant)),
        Route(AccountBack, partial(posting.account_back, tenant=tenant)),
        Route(LinkKnown, partial(posting.link_known, tenant=tenant)),
        Route(AddressKnown, partial(posting.address_known, tenant=tenant)),
        Route(PauseOver, partial(posting.pause_over, tenant=tenant)),
        Route(HandedBack, partial(posting.handed_back, tenant=tenant)),
        Route(ExtendDue, partial(repeating.extend, tenant=tenant), deadline_seconds=MAKE_SECONDS),
        Route(
            PoolDue,
            partial(recycling.recycle, tenant=tenant, connectors=s.connectors),
            deadline_seconds=MAKE_SECONDS,
        ),
        Route(ClocksDue, partial(repeating.look_at_clocks, tenant=tenant), deadline_seconds=MAKE_SECONDS),
        Route(
            WeekWords,
            partial(weeks_handling.write, tenant=tenant, engine=s.text_engine, billing=s.billing),
            deadline_seconds=WORDS_SECONDS,
        ),
        *_texts(s),
        *file_routes.routes(s),
    )


def _texts(s: Services) -> tuple[Route, ...]:
    """The routes of what a model writes for posts."""
    return (
        Route(
            KitWords,
            partial(
                kits_handling.write,
                tenant=s.tenant,
                engine=s.text_engine,
                connectors=s.connectors,
                billing=s.billing,
            ),
            deadline_seconds=WORDS_SECONDS,
            on_dead=partial(kits_handling.gave_up, tenant=s.tenant),
        ),
        Route(
            PictureSeen,
            partial(
                alts_handling.write,
                tenant=s.tenant,
                store=s.store,
                engine=s.seeing_engine,
                make_room=partial(sharing.make_room, s.settings.generators),
                billing=s.billing,
            ),
            deadline_seconds=WORDS_SECONDS,
            on_dead=partial(alts_handling.gave_up, tenant=s.tenant),
        ),
        Route(
            IdeaWords,
            partial(ideas_handling.write, tenant=s.tenant, engine=s.text_engine, billing=s.billing),
            deadline_seconds=WORDS_SECONDS,
            on_dead=partial(ideas_handling.gave_up, tenant=s.tenant),
        ),
    )


def _words(s: Services) -> tuple[Route, ...]:
    """The routes of other words for what stands outside."""
    send = partial(rewording.send, tenant=s.tenant, mint=s.mint, connectors=s.connectors, carry=_rewords(s))
    gave_up = partial(rewording.gave_up, tenant=s.tenant)
    return (
        Route(EditDue, send, deadline_seconds=ACT_SECONDS, on_dead=gave_up),
        Route(EditSaid, partial(rewording.word, tenant=s.tenant)),
    )


def _rewords(s: Services) -> rewording.Carry:
    """The loop of all that is sent, on requests that change words."""
    arm_next = partial(copies_outside.arm_next, connectors=s.connectors, mint=s.mint)

    def carry(armed: Armed, settle: Settle) -> object:
        return carrying.carry(armed, tenant=s.tenant, transport=s.transport, arm_next=arm_next, settle=settle)

    return carry
