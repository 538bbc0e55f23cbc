"""The suite itself: each way a connector can be wrong is found by the rule that is there for it."""

from functools import partial

import pytest

from connectors.conformance import (
    edit_rules,
    metric_rules,
    presence_rules,
    price_rules,
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
from tests.contract import (
    broken,
    broken_addresses,
    broken_calls,
    broken_edits,
    broken_options,
    broken_roles,
    broken_standing,
    broken_wordless,
)
from tests.contract.worlds import Fakes


def on(day: str) -> rules.Rule:
    return partial(rules.publishes_exactly_once, day=day)


Sound = Discord | Fanvue | OwnPage | Instagram | Sandbox | Telegram

FOUND: tuple[tuple[type[Sound], str, rules.Rule, str], ...] = (
    (broken.ResendsBlindly, "post", on("accepted, then reset"), "sent"),
    (broken.ResendsBlindly, "chat", on("503 after accepting"), "sent"),
    (broken.FailsOnServerErrors, "post", on("503 after accepting"), "misreported"),
    (broken.FailsOnServerErrors, "post", on("503"), "lost"),
    (broken.BelievesAnySuccess, "post", on("broken JSON"), "misreported"),
    (broken.NewKeyEachTime, "post_key", rules.stepper_is_pure, "changes"),
    (broken.NewKeyEachTime, "post_key", on("accepted, then hang"), "sent"),
    (broken.NeverWaits, "post", rules.retry_after_is_respected, "asked again"),
    (broken.RetriesRefusals, "post", rules.refusals_are_final, "told as Retry"),
    (broken.SendsAddresses, "post", rules.media_are_staged, "not staged"),
    (broken.OpensAllAlike, "fanvue", rules.media_are_staged, "look the same"),
    (broken.DoubtsFiles, "post", rules.staging_is_never_uncertain, "doubt"),
    (broken.CutsTexts, "post", rules.text_is_unchanged, "changed"),
    (broken.CutsTexts, "chat", rules.text_is_unchanged, "too long"),
    (broken.ForgetsFlags, "post", rules.marks_are_sent, "missing"),
    (broken.BlindMeansAbsent, "post", on("look-up down"), "sent"),
    (broken.BlindMeansAbsent, "post", on("look-up lost"), "sent"),
    (broken.TakesAnyTwin, "post", rules.older_duplicates_are_ignored, "older"),
    (
        broken_wordless.TakesAnyPicture,
        "post",
        textless_post_rules.textless_posts_are_found,
        "another one",
    ),
    (
        broken_wordless.SeesNoPicture,
        "fanvue",
        textless_post_rules.textless_posts_are_found,
        "sent 2 times",
    ),
    (broken.TrustsItsClock, "post", rules.clock_skew_is_tolerated, "sent"),
    (broken.FindsWhatIsNotThere, "post", on("reset before"), "misreported"),
    (broken.BelievesInRemoval, "post", rules.removal_is_proven, "not tried again"),
    (broken.ClaimsToReplace, "post", rules.replacement_is_never_uncertain, "cannot"),
    (
        broken.DoubtsEdits,
        "telegram_channel",
        rules.replacement_is_never_uncertain,
        "not tried again",
    ),
    (broken_edits.BelievesInChanges, "post", edit_rules.edits_are_applied, "not tried again"),
    (broken_edits.DropsPictures, "own_page", edit_rules.edits_are_applied, "it says"),
    (broken_edits.ClaimsToChange, "fanvue", edit_rules.edits_are_applied, "cannot"),
    (broken.GivesUpOffline, "post", rules.refused_connection_is_retried, "Rejected"),
    (broken.TellsInLookUps, "post", rules.control_steps_carry_no_content, "carries the text"),
    (broken.InventsNumbers, "post", rules.metrics_are_read, "broken answer"),
    (
        broken_standing.MissesWhatItCannotRead,
        "fanvue",
        presence_rules.deleted_posts_are_noticed,
        "broken answer",
    ),
    (
        broken_standing.NeverMisses,
        "fanvue",
        presence_rules.deleted_posts_are_noticed,
        "and it is gone",
    ),
    (broken.AsksInPost, "post", rules.control_steps_carry_no_content, "control/look"),
    (broken.InventsFollowers, "post", metric_rules.followers_are_counted, "broken answer"),
    (broken.CountsItself, "post", metric_rules.followers_are_counted, "where there are 12"),
    (broken.AsksNobody, "post", metric_rules.followers_are_counted, "nobody asks"),
    (broken.InventsEarnings, "fanvue", metric_rules.earnings_are_reported, "broken answer"),
    (
        broken.TakesTipsForOne,
        "fanvue",
        metric_rules.earnings_are_reported,
        "where 1200, 500, 500 came",
    ),
    (broken.NumbersAsItReads, "fanvue", metric_rules.earnings_are_reported, "key that stays"),
    (broken.KeepsNoBooks, "fanvue", metric_rules.earnings_are_reported, "nobody asks"),
    (broken.AsksForMoneyAloud, "fanvue", rules.control_steps_carry_no_content, "control/look"),
    (broken.ListsNothing, "telegram_chat", metric_rules.movements_are_listed, "broken answer"),
    (
        broken.ReadsFromTheBeginning,
        "telegram_chat",
        metric_rules.movements_are_listed,
        "a place in the list",
    ),
    (broken.KnowsChargesByAmount, "telegram_chat", metric_rules.movements_are_listed, "came"),
    (broken.AddsUpItself, "telegram_chat", metric_rules.movements_are_listed, "where 310 do"),
    (broken.LooksIntoNoPurse, "telegram_chat", metric_rules.movements_are_listed, "nobody asks"),
    (broken.SeesNoSale, "fanvue_locked", price_rules.purchases_are_seen, "not seen"),
    (broken.TakesAnswersForSales, "fanvue_locked", price_rules.purchases_are_seen, "how it stands"),
    (broken.HearsNobody, "post", rules.comments_are_received, "nobody hears"),
    (broken.HearsItself, "post", rules.comments_are_received, "what the account answered"),
    (broken.ForgetsWhere, "post", rules.comments_are_received, "stands under"),
    (broken.AnswersInTheOpen, "post", rules.comments_are_answered_once, "it stands under"),
    (broken.GivesAway, "fanvue", rules.prices_are_enforced, "costs 3.00 USD is not sent"),
    (
        broken.GivesStarsAway,
        "telegram_channel",
        rules.prices_are_enforced,
        "costs 1 XTR is not sent",
    ),
    (broken.AsksOfEverybody, "fanvue", rules.prices_are_enforced, "is free is not sent"),
    (broken.LooksAtNothing, "fanvue", rules.prices_are_enforced, "sent 2 times"),
    (
        broken_options.ForgetsOptions,
        "telegram_channel",
        rules.options_reach_the_wire,
        "yes and no are the same",
    ),
    (
        broken_options.ForgetsOptions,
        "telegram_channel",
        rules.options_reach_the_wire,
        "an unknown option is sent",
    ),
    (broken_options.PostsAgain, "discord", rules.crossposts_are_made_once, "told as Published"),
    (
        broken_addresses.ReadsTheLastPart,
        "post",
        rules.addresses_are_resolved,
        "is taken for a post of the account",
    ),
    (
        broken_addresses.ReadsNoAddress,
        "post",
        rules.addresses_are_resolved,
        "nobody reads addresses",
    ),
    (
        broken_addresses.MissesWhatItCannotRead,
        "post",
        rules.addresses_are_resolved,
        "proof out of a broken answer",
    ),
    (broken_addresses.LooksAtNoAddress, "post", rules.addresses_are_resolved, "and it is gone"),
    (broken.ModeratesInWords, "post", rules.comments_are_moderated, "not tried again"),
    (broken_edits.CommentsAgain, "instagram", rules.first_comments_are_posted_once, "2 comments"),
    (broken_roles.GivesForGood, "discord", rules.roles_are_given_once, "told taken and is not"),
    (
        broken_roles.LosesTheAccount,
        "discord",
        rules.roles_are_given_once,
        "who is not there is told as Disconnected",
    ),
    (
        broken_calls.AsksOnce,
        "fanvue",
        token_rules.tokens_are_renewed,
        "429: not asked again, but Reauthorize",
    ),
    (
        broken_calls.AsksOnce,
        "fanvue",
        token_rules.tokens_are_renewed,
        "lost on its way is told as Reauthorize",
    ),
    (
        broken_calls.ShowsItAgain,
        "fanvue",
        token_rules.tokens_are_renewed,
        "a lost answer: told as Retry",
    ),
    (
        broken_calls.KeepsTheOld,
        "fanvue",
        token_rules.tokens_are_renewed,
        "the new token does not work",
    ),
    (
        broken_calls.HooksAloud,
        "telegram_chat",
        webhook_rules.webhooks_are_read,
        "the secret is not sealed",
    ),
    (
        broken_calls.ForgetsToBePolled,
        "telegram_chat",
        webhook_rules.webhooks_are_read,
        "after unsubscribe it calls",
    ),
    (
        broken_calls.CountsCallsItself,
        "telegram_chat",
        webhook_rules.webhooks_are_read,
        "is another one",
    ),
    (
        broken_calls.CallsForEverybody,
        "fanvue",
        webhook_rules.app_webhooks_are_verified,
        "a call about the account",
    ),
    (
        broken_calls.KnowsOneCall,
        "fanvue",
        webhook_rules.app_webhooks_are_verified,
        "not told apart",
    ),
    (
        broken_calls.BelievesAnyMark,
        "fanvue",
        webhook_rules.app_webhooks_are_verified,
        "a signature out of",
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
def test_the_fault_is_found(
    platforms: Fakes, connector: type[Sound], kind: str, rule: rules.Rule, breach: str
) -> None:
    found = rule(platforms.world(kind), connector())
    assert any(breach in told for told in found), found


def test_every_rule_finds_something() -> None:
    """A rule that never failed proves nothing."""
    used = {getattr(rule, "__name__", "once") for _, _, rule, _ in FOUND}
    assert used == {"once", *(rule.__name__ for rule in rules.CORE_RULES)}
