"""Routes of the events of `gate`: removal, the log, policy, reviews, and the people depicted."""

from functools import partial

from channels.accounts.queries import posting_surfaces
from connectors.registry import shipped_policies
from gate.assets import label_lifts
from gate.assets.label_lifts import LabelLiftRequested
from gate.consent import asset_bindings, card_answers, consent_offers, expiry
from gate.consent.asset_bindings import CardBindingRequested
from gate.consent.card_answers import CardAnswerSubmitted
from gate.consent.consent_offers import OfferAnswerSubmitted
from gate.consent.events import RevocationRequested
from gate.consent.expiry import PaperReminderDue
from gate.consent.handlers import handle_revocation
from gate.copies.events import CopiesRereadDue
from gate.evidence import age_proof_withdrawal
from gate.evidence.age_proof_withdrawal import AgeProofWithdrawn
from gate.journal import JournalDue
from gate.log import anchors, restore
from gate.log.events import CheckpointDue
from gate.people import account_holders, age_proofs
from gate.people.account_holders import AccountConfirmed, AccountHolderEnded
from gate.people.age_proofs import AgeProofSubmitted
from gate.permits import reread_copies
from gate.policy import admission
from gate.policy.admission import AdmissionRequested
from gate.policy.events import CreatorEpochDue, EmergencyStopRequested
from gate.policy.handlers import advance_creator_epoch, handle_stop_request
from gate.ratings.seals import SealDue
from gate.removal import removal_requests, seal_response
from gate.removal.events import (
    DecisionTargetReached,
    IntakeDue,
    RemovalRequestDecided,
    RemovalRequestDue,
    ReportDue,
)
from gate.reviews import (
    appeals,
    bystanders,
    calibration,
    depicted_people,
    link_targets,
    own_releases,
    own_terms,
    rating_reductions,
    rule_expiry,
    spot_checks,
)
from gate.reviews.bystanders import BystandersJudged, BystandersProposed
from gate.reviews.calibration import CalibrationRated, CalibrationReminderDue
from gate.reviews.depicted_people import PeopleConfirmed, PeopleProposed
from gate.reviews.events import (
    AppealDecided,
    AppealDue,
    PlaceLimitRequested,
    RatingRequested,
    RuleReminderDue,
    RuleVerified,
)
from gate.reviews.handlers import handle_place_limit, handle_rating_request, handle_rule_verified
from gate.reviews.link_targets import LinkTargetDeclared, LinkTargetEnded
from gate.reviews.own_releases import OwnReleaseRequested, OwnReleaseWithdrawn
from gate.reviews.own_terms import OwnTermsRequested
from gate.reviews.rating_reductions import LoweringVoted
from gate.reviews.spot_checks import SampleRead
from workers.event_handlers import removal_form_probe, reported_content
from workers.relay.dispatch import EventRoute
from workers.wiring import Services, allowed_reach

NETWORK_DEADLINE_SECONDS = 30
SEARCH_DEADLINE_SECONDS = 120
"""Deadline of a search in all agencies of the installation, and of a run that judges copies."""


def gate_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of the events of `gate`."""
    return (
        *_removal_routes(s),
        *_log_routes(s),
        *_policy_routes(s),
        *_review_routes(s),
        *_people_routes(s),
    )


def _removal_routes(s: Services) -> tuple[EventRoute, ...]:
    tenant, pages = s.tenant, s.settings.web
    reached = partial(
        removal_form_probe.probe_removal_form,
        tenant=tenant,
        address=pages.inside_url or pages.public_url,
        reach=allowed_reach(s.settings),
    )
    return (
        EventRoute(
            RemovalRequestDue,
            partial(removal_requests.handle_removal_request_due, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            RemovalRequestDecided,
            partial(removal_requests.handle_removal_decision, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(DecisionTargetReached, partial(appeals.handle_target_missed, tenant=tenant)),
        EventRoute(
            AppealDue,
            partial(appeals.handle_appeal, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            AppealDecided,
            partial(appeals.handle_appeal_decision, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            ReportDue,
            partial(
                reported_content.search_reported_content,
                tenant=tenant,
                base=s.settings.web.public_url,
            ),
            deadline_seconds=SEARCH_DEADLINE_SECONDS,
        ),
        EventRoute(IntakeDue, reached, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(
            SealDue,
            partial(seal_response.handle_seal, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
    )


def _log_routes(s: Services) -> tuple[EventRoute, ...]:
    sign = partial(anchors.handle_checkpoint_due, tenant=s.tenant, archive=s.archive, key=s.log_key)
    keep = partial(restore.archive_journal_entry, tenant=s.tenant, archive=s.archive, key=s.log_key)
    return (
        EventRoute(CheckpointDue, sign, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(JournalDue, keep, deadline_seconds=NETWORK_DEADLINE_SECONDS),
    )


def _policy_routes(s: Services) -> tuple[EventRoute, ...]:
    tenant = s.tenant
    return (
        EventRoute(
            AdmissionRequested,
            partial(
                admission.handle_admission_request,
                tenant=tenant,
                documents=shipped_policies.policy_documents,
            ),
        ),
        EventRoute(RuleVerified, partial(handle_rule_verified, tenant=tenant)),
        EventRoute(
            RuleReminderDue,
            partial(rule_expiry.send_rule_reminders, tenant=tenant, places=posting_surfaces),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(PlaceLimitRequested, partial(handle_place_limit, tenant=tenant)),
        EventRoute(
            CopiesRereadDue,
            partial(reread_copies.handle_reread, tenant=tenant),
            deadline_seconds=SEARCH_DEADLINE_SECONDS,
        ),
        EventRoute(OwnTermsRequested, partial(own_terms.handle_own_terms, tenant=tenant)),
        EventRoute(CreatorEpochDue, partial(advance_creator_epoch, tenant=tenant)),
        EventRoute(EmergencyStopRequested, partial(handle_stop_request, tenant=tenant)),
        EventRoute(LinkTargetDeclared, partial(link_targets.handle_link_target, tenant=tenant)),
        EventRoute(LinkTargetEnded, partial(link_targets.handle_link_target_end, tenant=tenant)),
        EventRoute(OwnReleaseRequested, partial(own_releases.handle_own_release, tenant=tenant)),
        EventRoute(
            OwnReleaseWithdrawn, partial(own_releases.handle_own_release_end, tenant=tenant)
        ),
    )


def _review_routes(s: Services) -> tuple[EventRoute, ...]:
    tenant = s.tenant
    return (
        EventRoute(RatingRequested, partial(handle_rating_request, tenant=tenant)),
        EventRoute(LoweringVoted, partial(rating_reductions.handle_lowering_vote, tenant=tenant)),
        EventRoute(
            SampleRead,
            partial(spot_checks.handle_sample_read, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(CalibrationRated, partial(calibration.handle_calibration_rated, tenant=tenant)),
        EventRoute(
            CalibrationReminderDue,
            partial(calibration.send_calibration_reminders, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            BystandersProposed, partial(bystanders.handle_bystanders_proposed, tenant=tenant)
        ),
        EventRoute(BystandersJudged, partial(bystanders.handle_bystanders_judged, tenant=tenant)),
        EventRoute(LabelLiftRequested, partial(label_lifts.handle_label_lift, tenant=tenant)),
    )


def _people_routes(s: Services) -> tuple[EventRoute, ...]:
    tenant = s.tenant
    return (
        EventRoute(PeopleProposed, partial(depicted_people.handle_people_proposed, tenant=tenant)),
        EventRoute(
            PeopleConfirmed, partial(depicted_people.handle_people_confirmed, tenant=tenant)
        ),
        EventRoute(AgeProofSubmitted, partial(age_proofs.handle_age_proof, tenant=tenant)),
        EventRoute(
            AccountConfirmed, partial(account_holders.handle_account_confirmed, tenant=tenant)
        ),
        EventRoute(
            AccountHolderEnded, partial(account_holders.handle_account_holder_end, tenant=tenant)
        ),
        EventRoute(
            AgeProofWithdrawn,
            partial(age_proof_withdrawal.handle_withdrawal, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(CardBindingRequested, partial(asset_bindings.handle_binding, tenant=tenant)),
        EventRoute(
            CardAnswerSubmitted,
            partial(card_answers.handle_card_answer, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            OfferAnswerSubmitted, partial(consent_offers.handle_offer_answer, tenant=tenant)
        ),
        EventRoute(
            PaperReminderDue,
            partial(expiry.send_expiry_reminders, tenant=tenant),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(RevocationRequested, partial(handle_revocation, tenant=tenant)),
    )
