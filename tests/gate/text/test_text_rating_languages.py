"""Minor statements, crises and bot questions are detected in languages that the assistant does not
support."""

from datetime import date

import pytest

from gate.text.text_rating import (
    MinorSignal,
    detect_minor_statement,
    is_bot_question,
    is_crisis_message,
)

TODAY = date(2026, 12, 1)


@pytest.mark.parametrize(
    "said",
    [
        "ik ben 15", "ik ben vijftien jaar oud", "ik ben minderjarig", "mam 15 lat", "mam piętnaście lat",
        "jestem niepełnoletnia", "мне 15 лет", "мне всего пятнадцать лет", "я "
                                                                           "несовершеннолетняя", "мені 15 років",
        "мені п'ятнадцять років", "15 yaşındayım", "on beş yaşındayım", "عمري 15", "عمري ١٥ سنة", "عمري خمسة عشر",
        "أنا قاصر", "15歳です", "私は十五歳です", "まだ１５歳だよ", "我15岁", "我今年十五岁",
        "我未满18岁", "我还没成年", "저는 15살이에요", "저는 열다섯 살이에요", "im 5teen",
    ],
)  # fmt: skip
def test_minor_statement_is_detected_in_other_languages(said: str) -> None:
    assert detect_minor_statement(said, today=TODAY) is MinorSignal.STATED


@pytest.mark.parametrize(
    "said",
    [
        "ik ben 25", "ik ben 15 jaar getrouwd", "mam 25 lat", "mam 15 lat doświadczenia", "мне 25 лет",
        "мне двадцать пять лет", "мне было 15 лет", "мне 15 лет назад подарили", "25 yaşındayım",
        "yirmi beş yaşındayım", "kızım 15 yaşında", "عمري 25", "عمري ٢٥", "25歳です", "二十五歳です", "15歳の娘がいる",
        "15歳でした", "我25岁", "我二十五岁", "我15岁的时候", "我是成年人", "我满18岁了", "저는 25살이에요",
        "저는 스물다섯 살이에요",
    ],
)  # fmt: skip
def test_adult_statement_is_no_minor_statement(said: str) -> None:
    assert detect_minor_statement(said, today=TODAY) is MinorSignal.NONE


@pytest.mark.parametrize(
    "said",
    [
        "ik wil dood", "ik denk aan zelfmoord", "chcę umrzeć", "я хочу умереть сегодня", "не хочу жить", "хочу померти",
        "artık ölmek istiyorum", "أريد أن أموت", "もう死にたいです", "我不想活了", "너무 힘들어서 죽고싶어",
    ],
)  # fmt: skip
def test_crisis_message_is_detected_in_other_languages(said: str) -> None:
    assert is_crisis_message(said)


@pytest.mark.parametrize(
    "said", ["我想死你了", "привет, как дела", "lekker weer vandaag", "元気ですか"]
)
def test_similar_message_is_no_crisis(said: str) -> None:
    assert not is_crisis_message(said)


@pytest.mark.parametrize(
    "said",
    [
        "ben je een bot?", "jesteś botem?", "ты бот?", "вы живой человек?", "ти бот?", "bot musun?", "هل أنت روبوت",
        "ボットですか？", "你是不是真人", "로봇이에요?",
    ],
)  # fmt: skip
def test_bot_question_is_detected_in_other_languages(said: str) -> None:
    assert is_bot_question(said)
