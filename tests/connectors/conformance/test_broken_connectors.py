"""Tests of the suite itself: every planted fault is detected by its rule."""

from functools import partial

import pytest

from connectors.conformance import (
    edit_rules,
    metric_rules,
    presence_rules,
    price_rules,
    refusal_rules,
    rules,
    textless_post_rules,
    token_rules,
    webhook_rules,
)
from connectors.platforms.discord.publisher import Discord
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.instagram.publisher import Instagram
from connectors.platforms.own_page.publisher import OwnPage
from connectors.platforms.sandbox.publisher import Sandbox
from connectors.platforms.telegram.publisher import Telegram
from tests.connectors.conformance.broken_connectors import (
    addresses,
    edits,
    general,
    options,
    presence,
    roles,
    textless_posts,
    tokens_and_webhooks,
)
from tests.connectors.conformance.worlds.running_fakes import RunningFakes


def on(day: str) -> rules.Rule:
    return partial(rules.publishes_exactly_once, day=day)


Sound = Discord | Fanvue | OwnPage | Instagram | Sandbox | Telegram

FOUND: tuple[tuple[type[Sound], str, rules.Rule, str], ...] = (
    (general.ResendsLostPosts, "post", on("accepted, then reset"), "sent"),
    (general.ResendsLostPosts, "chat", on("503 after accepting"), "sent"),
    (general.FailsOnServerErrors, "post", on("503 after accepting"), "misreported"),
    (general.FailsOnServerErrors, "post", on("503"), "lost"),
    (general.FailsOnServerErrors, "post", rules.unproven_answers_are_looked_up, "Rejected"),
    (general.TrustsAnySuccess, "post", on("broken JSON"), "misreported"),
    (general.NewKeyEachTime, "post_key", rules.stepper_is_pure, "differs"),
    (general.NewKeyEachTime, "post_key", on("accepted, then hang"), "sent"),
    (general.NeverWaits, "post", rules.retry_after_is_respected, "retried after"),
    (general.RetriesRefusals, "post", rules.refusals_are_final, "reported as Retry"),
    (
        general.TakesMissingForGone,
        "post",
        refusal_rules.unexplained_refusals_keep_the_account,
        "404 of a post",
    ),
    (general.SendsAddresses, "post", rules.media_are_staged, "not staged"),
    (general.RepeatsUploadRequest, "fanvue", rules.media_are_staged, "have the same digest"),
    (general.DoubtsLostUploads, "post", rules.staging_is_never_uncertain, "uncertain"),
    (general.CutsTexts, "post", rules.text_is_unchanged, "changed"),
    (general.CutsTexts, "chat", rules.text_is_unchanged, "too long"),
    (general.ForgetsFlags, "post", rules.marks_are_sent, "missing"),
    (general.TrustsFailedLookup, "post", on("look-up down"), "sent"),
    (general.MatchesOlderDuplicates, "post", rules.older_duplicates_are_ignored, "older"),
    (
        textless_posts.MatchesAnyTextlessPost,
        "post",
        textless_post_rules.textless_posts_are_found,
        "another post",
    ),
    (
        textless_posts.ReportsTextlessPostsAbsent,
        "fanvue",
        textless_post_rules.textless_posts_are_found,
        "sent 2 times",
    ),
    (general.TrustsItsClock, "post", rules.clock_skew_is_tolerated, "sent"),
    (general.InventsLookupMatches, "post", on("reset before"), "misreported"),
    (general.ClaimsRemoval, "post", rules.removal_is_proven, "not retried"),
    (general.ClaimsToReplace, "post", rules.replacement_is_never_uncertain, "cannot"),
    (
        general.DoubtsEdits,
        "telegram_channel",
        rules.replacement_is_never_uncertain,
        "not retried",
    ),
    (edits.ClaimsEdits, "post", edit_rules.edits_are_applied, "not retried"),
    (edits.DropsEditedPictures, "own_page", edit_rules.edits_are_applied, "the text is"),
    (edits.ClaimsEditSupport, "fanvue", edit_rules.edits_are_applied, "cannot"),
    (general.GivesUpOffline, "post", rules.refused_connection_is_retried, "Rejected"),
    (general.LeaksTextInLookup, "post", rules.control_steps_carry_no_content, "carries the text"),
    (general.InventsNumbers, "post", rules.metrics_are_read, "malformed response"),
    (
        presence.ReportsOutageAsDeletion,
        "fanvue",
        presence_rules.deleted_posts_are_noticed,
        "malformed response",
    ),
    (
        presence.NeverReportsDeletion,
        "fanvue",
        presence_rules.deleted_posts_are_noticed,
        "for a deleted post",
    ),
    (general.ReadsFollowersByPost, "post", rules.control_steps_carry_no_content, "control/look"),
    (general.InventsFollowers, "post", metric_rules.followers_are_counted, "malformed response"),
    (general.CountsItself, "post", metric_rules.followers_are_counted, "instead of 12"),
    (
        general.SkipsFollowerCount,
        "post",
        metric_rules.followers_are_counted,
        "followers are not requested",
    ),
    (general.InventsEarnings, "fanvue", metric_rules.earnings_are_reported, "malformed response"),
    (
        general.KeysEarningsByAmount,
        "fanvue",
        metric_rules.earnings_are_reported,
        "instead of 1200, 500, 500",
    ),
    (
        general.KeysEarningsByPosition,
        "fanvue",
        metric_rules.earnings_are_reported,
        "unique and stable",
    ),
    (
        general.SkipsEarnings,
        "fanvue",
        metric_rules.earnings_are_reported,
        "earnings are not requested",
    ),
    (general.ReadsEarningsByPost, "fanvue", rules.control_steps_carry_no_content, "control/look"),
    (
        general.InventsEmptyLedger,
        "telegram_chat",
        metric_rules.movements_are_listed,
        "malformed response",
    ),
    (
        general.IgnoresLedgerCursor,
        "telegram_chat",
        metric_rules.movements_are_listed,
        "the cursor",
    ),
    (general.KeysChargesByAmount, "telegram_chat", metric_rules.movements_are_listed, "instead of"),
    (general.SkipsBalance, "telegram_chat", metric_rules.movements_are_listed, "instead of 310"),
    (
        general.SkipsLedger,
        "telegram_chat",
        metric_rules.movements_are_listed,
        "movements are not requested",
    ),
    (general.MissesSales, "fanvue_locked", price_rules.purchases_are_seen, "not seen"),
    (general.InventsSales, "fanvue_locked", price_rules.purchases_are_seen, "a status from"),
    (general.IgnoresComments, "post", rules.comments_are_received, "not received"),
    (general.ReportsOwnComments, "post", rules.comments_are_received, "own reply"),
    (general.DropsCommentedPost, "post", rules.comments_are_received, "belongs to"),
    (general.AnswersAsNewPost, "post", rules.comments_are_answered_once, "it belongs to"),
    (general.DropsPrice, "fanvue", rules.prices_are_enforced, "costs 3.00 USD is not sent"),
    (
        general.DropsStarPrice,
        "telegram_channel",
        rules.prices_are_enforced,
        "costs 1 XTR is not sent",
    ),
    (general.PricesFreePosts, "fanvue", rules.prices_are_enforced, "is free is not sent"),
    (general.SkipsLookup, "fanvue", rules.prices_are_enforced, "sent 2 times"),
    (
        options.ForgetsOptions,
        "telegram_channel",
        rules.options_reach_the_wire,
        "yes and no send the same",
    ),
    (
        options.ForgetsOptions,
        "telegram_channel",
        rules.options_reach_the_wire,
        "an unknown option is sent",
    ),
    (options.RepostsCrossposts, "discord", rules.crossposts_are_made_once, "reported as Published"),
    (
        addresses.TrustsLastPathSegment,
        "post",
        rules.addresses_are_resolved,
        "is accepted as a post of the account",
    ),
    (
        addresses.IgnoresAddresses,
        "post",
        rules.addresses_are_resolved,
        "not resolved",
    ),
    (
        addresses.ReportsUnreadablePostAbsent,
        "post",
        rules.addresses_are_resolved,
        "proof from a malformed response",
    ),
    (addresses.SkipsAddressLookup, "post", rules.addresses_are_resolved, "after its removal"),
    (general.ClaimsModeration, "post", rules.comments_are_moderated, "not retried"),
    (edits.RepeatsFirstComment, "instagram", rules.first_comments_are_posted_once, "2 comments"),
    (
        roles.ClaimsRoleRemoval,
        "discord",
        rules.roles_are_given_once,
        "reported as removed, but it is not",
    ),
    (
        roles.DisconnectsOnMissingMember,
        "discord",
        rules.roles_are_given_once,
        "a missing member is reported as Disconnected",
    ),
    (
        tokens_and_webhooks.NeverRetriesRenewal,
        "fanvue",
        token_rules.tokens_are_renewed,
        "429: not retried but Reauthorize",
    ),
    (
        tokens_and_webhooks.NeverRetriesRenewal,
        "fanvue",
        token_rules.tokens_are_renewed,
        "a lost token pair is reported as Reauthorize",
    ),
    (
        tokens_and_webhooks.ReusesRefreshToken,
        "fanvue",
        token_rules.tokens_are_renewed,
        "lost response: reported as Retry",
    ),
    (
        tokens_and_webhooks.KeepsOldToken,
        "fanvue",
        token_rules.tokens_are_renewed,
        "the new token does not work",
    ),
    (
        tokens_and_webhooks.LeaksWebhookSecret,
        "telegram_chat",
        webhook_rules.webhooks_are_read,
        "the secret is not encrypted",
    ),
    (
        tokens_and_webhooks.SkipsUnsubscribe,
        "telegram_chat",
        webhook_rules.webhooks_are_read,
        "after unsubscribe webhooks go to",
    ),
    (
        tokens_and_webhooks.NumbersUpdatesItself,
        "telegram_chat",
        webhook_rules.webhooks_are_read,
        "read as a new one",
    ),
    (
        tokens_and_webhooks.DropsWebhookAccount,
        "fanvue",
        webhook_rules.app_webhooks_are_verified,
        "a webhook for the account",
    ),
    (
        tokens_and_webhooks.SharesWebhookId,
        "fanvue",
        webhook_rules.app_webhooks_are_verified,
        "not distinguished",
    ),
    (
        tokens_and_webhooks.AcceptsAnySignature,
        "fanvue",
        webhook_rules.app_webhooks_are_verified,
        "a signature from",
    ),
)


@pytest.mark.parametrize(
    ("connector", "kind", "rule", "breach"),
    FOUND,
    ids=[
        f"{connector.__name__}-{kind}-{number}"
        for number, (connector, kind, _, _) in enumerate(FOUND)
    ],
)
def test_rule_detects_the_fault(
    platforms: RunningFakes, connector: type[Sound], kind: str, rule: rules.Rule, breach: str
) -> None:
    found = rule(platforms.world(kind), connector())
    assert any(breach in told for told in found), found


def test_every_rule_detects_a_fault() -> None:
    """A rule that never failed proves nothing."""
    used = {getattr(rule, "__name__", "once") for _, _, rule, _ in FOUND}
    assert used == {"once", *(rule.__name__ for rule in rules.CORE_RULES)}
