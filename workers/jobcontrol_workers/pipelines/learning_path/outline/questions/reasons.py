"""Why something is so, what happens when, and how to bring it about: from sentences that say it outright."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...generator import Question
from ..phrasing import ANAPHOR, is_signpost, points_back, without_lead
from ..sentences import CODE_SPAN, as_title, clip, without_end
from .material import Material

LONGEST_CLAUSE = 24
LONGEST_ANSWER = 260
BECAUSE = re.compile(r"^(?P<fact>.+?),?\s+because\s+(?P<reason>(?!of\b).+)$")
FIRST_BECAUSE = re.compile(r"^Because\s+(?!of\b)(?P<reason>[^,]+),\s+(?P<fact>.+)$")
CONDITION = re.compile(
    r"^(?P<word>When|If|Whenever|Once|Unless|Without|After)\s+(?P<condition>[^,]+),\s+(?:then\s+)?(?P<result>.+)$"
)
PURPOSE = re.compile(r"^(?:In order to|To)\s+(?P<aim>[a-z][^,]+),\s+(?P<means>.+)$")
ENABLES = re.compile(
    r"^(?P<what>.{3,60}?)\s+(?P<verb>lets?|allows?|enables?)\s+(?P<whom>you|us|we)\s+(?:to\s+)?(?P<gain>[a-z].+)$"
)
INVERTED = re.compile(
    r"^(?P<subject>(?:(?:The|A|An|Each|Every|Our|Your|Its|Their|These|All)\s+)?(?:[\w’'\-]+|`[^`]+`)(?:\s+(?:[\w’'\-]+|`[^`]+`)){0,3}?)\s+"
    r"(?P<verb>is|are|was|were|can|can’t|can't|cannot|could|must|should|shouldn’t|will|won’t|won't|would|has to|have to|isn’t|isn't|aren’t|aren't"
    r"|doesn’t|doesn't|don’t|don't|didn’t|didn't|do not|does not|did not|will not|must not|should not|could not)\s+(?P<rest>.+)$"
)
NO_SUBJECT = re.compile(
    r"\b(?:that|which|who|when|if|while|what|how|and|or|but|to|so|as|of|for|with|in|on|there|where|after|before|then|because)\b",
    re.IGNORECASE,
)
NEGATED = re.compile(r"^(?P<verb>do|does|did|will|must|should|could) not$")
STARTS_LOW = re.compile(
    r"^(?:The|An?|We|You|In|On|At|For|From|With|Each|Every|If|When|Some|All|Most|Many|Our|Your|There|By|After|Before|While|Even"
    r"|No|Not|Any|As|Only|Using|One|Two|Both|Since|Without)\b"
)
CHOICE = re.compile(r"^(?P<who>you|we)\s+(?P<verb>can|should|must|need to|have to|could|might|may)\s+")


def reason_questions(material: Material) -> Iterator[Question]:
    """`X because Y` asks why X."""
    for sentence in _plain(material):
        match = FIRST_BECAUSE.match(sentence) or BECAUSE.match(sentence)
        if not match or is_signpost(match["fact"]):
            continue
        fact, reason = as_title(match["fact"]), without_end(match["reason"])
        if _is_clear(fact) and len(reason.split()) >= 3 and not _opens_with_relative(fact):
            yield Question(why(fact), _answer(f"Because {_low(reason)}"), "reason")


def condition_questions(material: Material) -> Iterator[Question]:
    """`When X, Y` asks what happens when X."""
    for sentence in _plain(material):
        match = CONDITION.match(_commas_in_code_hidden(sentence))
        if not match or is_signpost(sentence):
            continue
        condition, result = _same_part(sentence, match, "condition"), without_end(_same_part(sentence, match, "result"))
        if not _is_clear(condition) or len(result.split()) < 3 or ANAPHOR.match(as_title(result)):
            continue
        word = match["word"].lower()
        if choice := CHOICE.match(result):
            verb = choice["verb"]
            ask = f"What do {choice['who']} {verb} do" if verb.endswith(" to") else f"What {verb} {choice['who']} do"
            yield Question(f"{ask} {word} {condition}?", _answer(as_title(result)), "condition")
        else:
            yield Question(f"What happens {word} {condition}?", _answer(as_title(result)), "condition")


def purpose_questions(material: Material) -> Iterator[Question]:
    """`To X, do Y` asks how to X; `X lets you Y` asks what X lets you do."""
    for sentence in _plain(material):
        if is_signpost(sentence):
            continue
        if (aim := PURPOSE.match(sentence)) and _is_clear(aim["aim"]) and not ANAPHOR.match(as_title(aim["means"])):
            yield Question(f"How do you {aim['aim']}?", _answer(as_title(without_end(aim["means"]))), "purpose")
        elif (
            (gain := ENABLES.match(sentence))
            and _is_clear(gain["what"], shortest=1)
            and not NO_SUBJECT.search(gain["what"])
        ):
            whom = "us" if gain["whom"] == "we" else gain["whom"]
            verb, link = gain["verb"], "" if gain["verb"].startswith("let") else " to"
            does = "does" if verb.endswith("s") else "do"
            ask = f"What {does} {_low(gain['what'])} {verb.removesuffix('s')} {whom}{link} do?"
            yield Question(ask, _answer(as_title(without_end(gain["gain"]))), "purpose")


def why(fact: str) -> str:
    """`fact` asked for its reason: turned round where its subject is plain, else led in by words that fit any clause."""
    match = INVERTED.match(fact)
    if not match or NO_SUBJECT.search(match["subject"]) or match["verb"].startswith(("has", "have")):
        return f"Why is it that {_low(fact)}?"
    subject, verb = _low(match["subject"]), match["verb"]
    if verb == "cannot":
        return f"Why can {subject} not {match['rest']}?"
    if negated := NEGATED.match(verb):
        return f"Why {negated['verb']} {subject} not {match['rest']}?"
    return f"Why {verb} {subject} {match['rest']}?"


def _plain(material: Material) -> Iterator[str]:
    for sentence in material.sentences:
        plain = without_lead(sentence)
        if sentence[:1] not in '(“"' and plain[-1:] in ".。`":
            yield plain.rstrip(".")


def _is_clear(clause: str, *, shortest: int = 3) -> bool:
    words = clause.split()
    return shortest <= len(words) <= LONGEST_CLAUSE and not ANAPHOR.match(as_title(clause)) and not points_back(clause)


def _opens_with_relative(fact: str) -> bool:
    return (
        re.match(r"(?:If|When|While|Although|Even|Just|Maybe|Perhaps|Not|Only|Mainly|Largely|Simply)\b", fact)
        is not None
    )


def _low(text: str) -> str:
    return text[:1].lower() + text[1:] if STARTS_LOW.match(text) else text


def _answer(text: str) -> str:
    return clip(f"{text}.", LONGEST_ANSWER)


def _commas_in_code_hidden(sentence: str) -> str:
    return CODE_SPAN.sub(lambda match: match[0].replace(",", ";"), sentence)


def _same_part(sentence: str, match: re.Match[str], group: str) -> str:
    return sentence[match.start(group) : match.end(group)]
