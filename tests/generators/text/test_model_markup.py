"""Model markup is removed from texts, or the model is called again."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.contract.engines import OriginLabel, PromptMessage, TextJob, UnusableAnswer
from generators.text import model_calls
from generators.text.model_calls import ModelProfile, RawAnswer
from generators.text.model_markup import clean_model_text, has_model_markup

REASONING = (
    ("<think>", "</think>"),
    ("<Thinking>\n", "</Thinking>\n"),
    ("<reasoning type='long'>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("", "</think>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
)
ENDS = (
    "<|im_end|>\n<|im_start|>user\nsend more",
    "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nmore",
    "<end_of_turn>\n<start_of_turn>user\nmore<end_of_turn>",
    "</s>",
    "<｜end▁of▁sentence｜>",
    "<|return|>",
    "\nUser: send more",
)
STARTS = ("", "<|im_start|>assistant\n", "<start_of_turn>model\n", "Assistant: ", "<s> ")
PLACEHOLDERS = (
    *("{{user}}", "{{ char }}", "{name}", "{fan_name}", "${name}", "[name]", "[Your Name]"),
    *("[insert city here]", "<user>", "<USERNAME>", "[prénom]", "%name%", "[ton prénom]"),
)
WORDS = st.text(st.sampled_from("abcdefgh éç😀,.!?'\n<3"), min_size=1, max_size=60).filter(
    lambda text: text.strip() and not has_model_markup(text) and clean_model_text(text) == text
)


@given(WORDS, WORDS, st.sampled_from(REASONING), st.sampled_from(ENDS), st.sampled_from(STARTS))
def test_only_the_text_is_left(
    words: str, thoughts: str, reasoning: tuple[str, str], end: str, start: str
) -> None:
    before, after = reasoning
    said = words.strip()
    for text in (
        f"{before}{thoughts}{after}{said}",
        f"{start}{said}{end}",
        f"{before}{thoughts}{after}\n\n{said}{end}",
        f"**{said}**" if "\n" not in said else said,
        f"```\n{said}\n```",
    ):
        assert clean_model_text(text) == said, text
        assert not has_model_markup(clean_model_text(text))


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@settings(max_examples=15)
@given(words=WORDS)
def test_placeholder_is_detected(placeholder: str, words: str) -> None:
    assert has_model_markup(clean_model_text(f"Hello {placeholder}, {words}"))


@pytest.mark.parametrize(
    "text",
    [
        "I <3 you, 5 > 3 and 2 < 4",
        "[NEW] drop on Friday (my name is on it)",
        "Answer me: yes or no?",
        "Model life: day 3",
        "c'est 100% vrai {ou pas}",
        "1) sea 2) sun",
        "__init__ is fun",
        "¯\\_(ツ)_/¯ *waves*",
    ],
)
def test_ordinary_writing_is_unchanged(text: str) -> None:
    assert clean_model_text(text) == text
    assert not has_model_markup(text)


def test_unfinished_reasoning_gives_an_empty_text() -> None:
    assert clean_model_text("<think>they want a picture") == ""


SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "minLength": 1}},
    "required": ["text"],
}
JOB = TextJob(system="", turns=(PromptMessage("user", "hi"),), seed=1, schema=SCHEMA)
PROFILE = ModelProfile("x", "y", OriginLabel.DEMO, 4096)


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (['<think>{"text": "no"}</think>{"text": "Hi"}'], "Hi"),
        (['{"text": "<think>hm</think> Hi<|im_end|>"}'], "Hi"),
        (['{"text": "Hello {{user}}"}', '{"text": "Hello"}'], "Hello"),
        (['{"text": "<think>hm"}', '{"text": "Hello"}'], "Hello"),
    ],
)
def test_answer_is_cleaned_or_requested_again(answers: list[str], text: str) -> None:
    said = iter(answers)
    found = model_calls.ask_model(JOB, lambda _job: RawAnswer(next(said)), PROFILE)
    assert found.answer == {"text": text}
    assert not has_model_markup(json.dumps(found.answer).replace("{", "").replace("}", ""))
    with pytest.raises(StopIteration):
        next(said)


def test_model_that_repeats_markup_is_refused() -> None:
    with pytest.raises(UnusableAnswer):
        model_calls.ask_model(JOB, lambda _job: RawAnswer('{"text": "Hi [name]"}'), PROFILE)
