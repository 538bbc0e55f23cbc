"""The suite itself: each way a connector can be wrong is found by the rule that is there for it."""

from functools import partial

import pytest

from connectors.discord import Discord
from connectors.fanvue import Fanvue
from connectors.feed import Feed
from connectors.instagram import Instagram
from connectors.sandbox import Sandbox
from connectors.suite import (
    call_rules,
    edit_rules,
    price_rules,
    readings,
    rules,
    standing_rules,
    token_rules,
    wordless_rules,
)
from connectors.telegram import Telegram
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
    return partial(rules.once, day=day)


Sound = Discord | Fanvue | Feed | Instagram | Sandbox | Telegram

FOUND: tuple[tuple[type[Sound], str, rules.Rule, str], ...] = (
    (broken.ResendsBlindly, "post", on("accepted, then reset"), "sent"),
    (broken.ResendsBlindly, "chat", on("503 after accepting"), "sent"),
    (broken.FailsOnServerErrors, "post", on("503 after accepting"), "misreported"),
    (broken.FailsOnServerErrors, "post", on("503"), "lost"),
    (broken.BelievesAnySuccess, "post", on("broken JSON"), "misreported"),
    (broken.NewKeyEachTime, "post_key", rules.pure, "changes"),
    (broken.NewKeyEachTime, "post_key", on("accepted, then hang"), "sent"),
    (broken.NeverWaits, "post", rules.waits, "asked again"),
    (broken.RetriesRefusals, "post", rules.refused, "told as Retry"),
    (broken.SendsAddresses, "post", rules.media_are_staged, "not staged"),
    (broken.OpensAllAlike, "fanvue", rules.media_are_staged, "look the same"),
    (broken.DoubtsFiles, "post", rules.staging_is_never_in_doubt, "doubt"),
    (broken.CutsTexts, "post", rules.says_all_of_it, "changed"),
    (broken.CutsTexts, "chat", rules.says_all_of_it, "too long"),
    (broken.ForgetsFlags, "post", rules.tells_the_flags, "missing"),
    (broken.BlindMeansAbsent, "post", on("look-up down"), "sent"),
    (broken.BlindMeansAbsent, "post", on("look-up lost"), "sent"),
    (broken.TakesAnyTwin, "post", rules.older_twins_are_left_alone, "older"),
    (broken_wordless.TakesAnyPicture, "post", wordless_rules.pictures_without_words_are_found, "another one"),
    (broken_wordless.SeesNoPicture, "fanvue", wordless_rules.pictures_without_words_are_found, "sent 2 times"),
    (broken.TrustsItsClock, "post", rules.clocks_apart_are_reckoned_with, "sent"),
    (broken.FindsWhatIsNotThere, "post", on("reset before"), "misreported"),
    (broken.BelievesInRemoval, "post", rules.removal_is_proven, "not tried again"),
    (broken.ClaimsToReplace, "post", rules.replacing_is_never_in_doubt, "cannot"),
    (broken.DoubtsEdits, "telegram_channel", rules.replacing_is_never_in_doubt, "not tried again"),
    (broken_edits.BelievesInChanges, "post", edit_rules.words_are_changed, "not tried again"),
    (broken_edits.DropsPictures, "own_page", edit_rules.words_are_changed, "it says"),
    (broken_edits.ClaimsToChange, "fanvue", edit_rules.words_are_changed, "cannot"),
    (broken.GivesUpOffline, "post", rules.nothing_leaves_a_closed_door, "Rejected"),
    (broken.TellsInLookUps, "post", rules.orders_carry_no_content, "carries the text"),
    (broken.InventsNumbers, "post", rules.numbers_are_read, "broken answer"),
    (broken_standing.MissesWhatItCannotRead, "fanvue", standing_rules.what_is_gone_is_missed, "broken answer"),
    (broken_standing.NeverMisses, "fanvue", standing_rules.what_is_gone_is_missed, "and it is gone"),
    (broken.AsksInPost, "post", rules.orders_carry_no_content, "control/look"),
    (broken.InventsFollowers, "post", readings.followers_are_counted, "broken answer"),
    (broken.CountsItself, "post", readings.followers_are_counted, "where there are 12"),
    (broken.AsksNobody, "post", readings.followers_are_counted, "nobody asks"),
    (broken.InventsEarnings, "fanvue", readings.earnings_are_told, "broken answer"),
    (broken.TakesTipsForOne, "fanvue", readings.earnings_are_told, "where 1200, 500, 500 came"),
    (broken.NumbersAsItReads, "fanvue", readings.earnings_are_told, "key that stays"),
    (broken.KeepsNoBooks, "fanvue", readings.earnings_are_told, "nobody asks"),
    (broken.AsksForMoneyAloud, "fanvue", rules.orders_carry_no_content, "control/look"),
    (broken.ListsNothing, "telegram_chat", readings.movements_are_listed, "broken answer"),
    (broken.ReadsFromTheBeginning, "telegram_chat", readings.movements_are_listed, "a place in the list"),
    (broken.KnowsChargesByAmount, "telegram_chat", readings.movements_are_listed, "came"),
    (broken.AddsUpItself, "telegram_chat", readings.movements_are_listed, "where 310 do"),
    (broken.LooksIntoNoPurse, "telegram_chat", readings.movements_are_listed, "nobody asks"),
    (broken.SeesNoSale, "fanvue_locked", price_rules.what_was_bought_is_seen, "not seen"),
    (broken.TakesAnswersForSales, "fanvue_locked", price_rules.what_was_bought_is_seen, "how it stands"),
    (broken.HearsNobody, "post", rules.remarks_are_heard, "nobody hears"),
    (broken.HearsItself, "post", rules.remarks_are_heard, "what the account answered"),
    (broken.ForgetsWhere, "post", rules.remarks_are_heard, "stands under"),
    (broken.AnswersInTheOpen, "post", rules.remarks_are_answered_once, "it stands under"),
    (broken.GivesAway, "fanvue", rules.prices_are_kept, "costs 3.00 USD is not sent"),
    (broken.GivesStarsAway, "telegram_channel", rules.prices_are_kept, "costs 1 XTR is not sent"),
    (broken.AsksOfEverybody, "fanvue", rules.prices_are_kept, "is free is not sent"),
    (broken.LooksAtNothing, "fanvue", rules.prices_are_kept, "sent 2 times"),
    (broken_options.ForgetsOptions, "telegram_channel", rules.options_reach_the_wire, "yes and no are the same"),
    (broken_options.ForgetsOptions, "telegram_channel", rules.options_reach_the_wire, "an unknown option is sent"),
    (broken_options.PostsAgain, "discord", rules.posts_are_passed_on_once, "told as Published"),
    (broken_addresses.ReadsTheLastPart, "post", rules.addresses_are_read, "is taken for a post of the account"),
    (broken_addresses.ReadsNoAddress, "post", rules.addresses_are_read, "nobody reads addresses"),
    (broken_addresses.MissesWhatItCannotRead, "post", rules.addresses_are_read, "proof out of a broken answer"),
    (broken_addresses.LooksAtNoAddress, "post", rules.addresses_are_read, "and it is gone"),
    (broken.ModeratesInWords, "post", rules.remarks_are_moderated, "not tried again"),
    (broken_edits.CommentsAgain, "instagram", rules.first_comments_stand_once, "2 comments"),
    (broken_roles.GivesForGood, "discord", rules.roles_are_given_once, "told taken and is not"),
    (broken_roles.LosesTheAccount, "discord", rules.roles_are_given_once, "who is not there is told as Disconnected"),
    (broken_calls.AsksOnce, "fanvue", token_rules.tokens_are_renewed, "429: not asked again, but Reauthorize"),
    (broken_calls.AsksOnce, "fanvue", token_rules.tokens_are_renewed, "lost on its way is told as Reauthorize"),
    (broken_calls.ShowsItAgain, "fanvue", token_rules.tokens_are_renewed, "a lost answer: told as Retry"),
    (broken_calls.KeepsTheOld, "fanvue", token_rules.tokens_are_renewed, "the new token does not work"),
    (broken_calls.HooksAloud, "telegram_chat", call_rules.hooks_are_read, "the secret is not sealed"),
    (broken_calls.ForgetsToBePolled, "telegram_chat", call_rules.hooks_are_read, "after unsubscribe it calls"),
    (broken_calls.CountsCallsItself, "telegram_chat", call_rules.hooks_are_read, "is another one"),
    (broken_calls.CallsForEverybody, "fanvue", call_rules.calls_are_nudges, "a call about the account"),
    (broken_calls.KnowsOneCall, "fanvue", call_rules.calls_are_nudges, "not told apart"),
    (broken_calls.BelievesAnyMark, "fanvue", call_rules.calls_are_nudges, "a signature out of"),
)


@pytest.mark.parametrize(
    ("connector", "kind", "rule", "breach"),
    FOUND,
    ids=[f"{connector.__name__}-{kind}-{number}" for number, (connector, kind, _, _) in enumerate(FOUND)],
)
def test_the_fault_is_found(platforms: Fakes, connector: type[Sound], kind: str, rule: rules.Rule, breach: str) -> None:
    found = rule(platforms.world(kind), connector())
    assert any(breach in told for told in found), found


def test_every_rule_finds_something() -> None:
    """A rule that never failed proves nothing."""
    used = {getattr(rule, "__name__", "once") for _, _, rule, _ in FOUND}
    assert used == {"once", *(rule.__name__ for rule in rules.RULES)}
