"""Markup in a model's text that is not meant for readers: reasoning, chat tokens, placeholders.
Pure.

Markup is removed as far as possible; a text with remaining markup is not sent. The forms are those
of the chat templates of open models: ChatML, Llama, Mistral, Gemma, DeepSeek, Cohere, Kimi and
Harmony (gpt-oss). Source: https://huggingface.co/docs/transformers/chat_templating
"""

import re

_THOUGHTS = "think|thinking|thought|thoughts|reasoning|analysis|reflection|scratchpad|seed:think"
_REASONING_MARK = re.compile(
    rf"(?P<xml><\s*(?P<xml_end>/?)\s*(?:{_THOUGHTS})\b[^<>]*>)"
    r"|\[(?P<mistral_end>/?)(?:THINK|INST)\]"
    r"|◁(?P<kimi_end>/?)think▷"
    r"|<\|(?:START|(?P<cohere_end>END))_THINKING\|>",
    re.IGNORECASE,
)
_FINAL = re.compile(r"<\|channel\|>\s*final\s*(?:<\|[^<>|]{0,40}\|>[^<]{0,40})?<\|message\|>")
"""Harmony's final channel: the text after it is for the reader; the text before it is reasoning."""

_TOKEN = re.compile(
    r"<\|[^<>|\n]{1,40}\|>"  # ChatML, Llama 3, Phi, Harmony
    r"|<｜[^<>｜\n]{1,40}｜>"  # DeepSeek
    r"|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>"
    r"|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\]|<</?SYS>>",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"\s*(?:(?P<other>system|user|human|developer|tool)"
    r"|assistant|model|ai|bot|response|reply|answer)"
    r"(?:\s*[:：]|\s*\n|\s*$)\s*",
    re.IGNORECASE,
)
"""The role of a turn, after a token or at the start of the text."""

_NEXT_TURN = re.compile(r"\n[ \t]{0,8}(?:system|user|human|fan) ?[:：]", re.IGNORECASE)
_FENCE = re.compile(r"```[a-z]{0,12}\n?|`", re.IGNORECASE)
_EMPHASIS = re.compile(r"\*\*(?=\S)([^*\n]{1,400})(?<=\S)\*\*")
_TAG = re.compile(r"</?(?:b|i|u|em|strong|p|br|span|code|pre)\s*/?>", re.IGNORECASE)

_PLACEHOLDER = re.compile(
    r"\{\{[^{}\n]{0,60}\}\}|\$\{[^{}\n]{0,60}\}|<%[^%\n]{0,60}%>"
    r"|\{\s*(?:your_)?(?:user|fan|char|name|username|creator|persona|nickname)[\w .-]{0,20}\}"
    r"|[\[<%]\s*(?:your|the|their|fan|user|insert|first|my|ton|votre|le)?[ _'’s-]{0,3}"
    r"(?:name|user|username|nickname|char|fan_?name|firstname|prénom|prenom|pseudo)\s*[\]>%]"
    r"|\[\s*(?:insert|insérer|your|ton|votre)\b[^\]\n]{1,60}\]",
    re.IGNORECASE,
)
_LEFT_TAG = re.compile(r"</?[a-z][\w:-]{0,30}(?:\s[^<>\n]{0,200})?/?>", re.IGNORECASE)
_JSON = re.compile(r'\s*\{\s*"\w{1,30}"\s*:')


def clean_model_text(text: str) -> str:
    """Return the part of a model's text that is meant for its reader, as far as it can be
    extracted."""
    said = drop_reasoning(text)
    if _TOKEN.search(said):
        said = _first_own_turn(said)
    role = _ROLE.match(said)
    if role is not None and said[role.start() : role.end()].strip().endswith((":", "：")):
        said = said[role.end() :]
    turn = _NEXT_TURN.search(said)
    said = said[: turn.start()] if turn is not None else said
    plain = _EMPHASIS.sub(r"\1", _TAG.sub(" ", _FENCE.sub("", said)))
    return plain.strip() if plain != text else text


def has_model_markup(text: str) -> bool:
    """Return True if a text contains markup that is not for its reader."""
    patterns = (_TOKEN, _REASONING_MARK, _PLACEHOLDER, _LEFT_TAG)
    return any(one.search(text) for one in patterns) or _JSON.match(text) is not None


def drop_reasoning(text: str) -> str:
    """Return a text without reasoning: text between marks, before a closing mark without an opening
    one, and after an opening mark without a closing one."""
    finals = list(_FINAL.finditer(text))
    rest = text[finals[-1].end() :] if finals else text
    kept = list[str]()
    start = depth = 0
    for mark in _REASONING_MARK.finditer(rest):
        closes = any(mark[name] for name in mark.groupdict() if name.endswith("_end"))
        if not closes:
            if not depth:
                kept.append(rest[start : mark.start()])
            depth += 1
            continue
        if not depth:
            kept.clear()  # The opening mark was part of the prompt.
        depth = max(depth - 1, 0)
        start = mark.end()
    if not depth:
        kept.append(rest[start:])
    return "".join(kept)


def _first_own_turn(text: str) -> str:
    """Return the first part between tokens that is not another role's turn."""
    for piece in _TOKEN.split(text):
        role = _ROLE.match(piece)
        if role is not None and role["other"]:
            continue
        own = piece[role.end() :] if role is not None else piece
        if own.strip():
            return own
    return ""
