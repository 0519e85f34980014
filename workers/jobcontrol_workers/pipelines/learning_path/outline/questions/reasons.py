"""Why something is so, what happens when, and how to bring it about: from sentences that say it outright."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ...generator import Question
from ..phrasing import ANAPHOR, is_signpost, owns_something, points_back, without_lead
from ..sentences import CODE_SPAN, as_title, clip, without_end
from .material import Material

LONGEST_CLAUSE = 24
LONGEST_ANSWER = 260
BECAUSE = re.compile(r"^(?P<fact>.+?),?\s+because\s+(?P<reason>(?!of\b).+)$")
OPENING = re.compile(r"^(?P<word>Because|When|If|Whenever|Once|Unless|After)\s+(?!of\b)(?P<rest>.+)$")
PURPOSE = re.compile(
    r"^(?:In order to|To)\s+(?!(?:many|most|some|any|all|each|the|an?|us|you|me|him|her|them|my|your|our|which"
    r"|whom|date|do|be|say|recap|summarize|see|show|demonstrate|illustrate"
    r"|begin)\b)(?P<aim>[a-z][^,]+),\s+(?P<means>.+)$"
)
ENABLES = re.compile(
    r"^(?P<what>.{3,60}?)\s+(?P<verb>lets?|allows?|enables?)\s+(?P<whom>you|us|we)\s+(?:to\s+)?(?P<gain>[a-z].+)$"
)
INVERTED = re.compile(
    r"^(?P<subject>(?:(?:The|A|An|Each|Every|Our|Your|Its|Their|These|All)\s+)?(?:[\w’'\-]+"
    r"|`[^`]+`)(?:\s+(?:[\w’'\-]+|`[^`]+`)){0,3}?)\s+"
    r"(?P<verb>is|are|was|were|can|can’t|can't|cannot|could|must|should|shouldn’t|will|won’t|won't|would|has to"
    r"|have to|isn’t|isn't|aren’t|aren't"
    r"|doesn’t|doesn't|don’t|don't|didn’t|didn't|do not|does not|did not|will not|must not|should not"
    r"|could not)\s+(?P<rest>.+)$"
)
NO_SUBJECT = re.compile(
    r"\b(?:that|which|who|when|if|while|what|how|and|or|but|to|so|as|of|for|with|in|on|there|where|after|before"
    r"|then|because"
    r"|says?|means?|shows?|tells?|also|therefore|via|by|not|can|can’t|doesn’t|won’t|won't|doesn't|don't|can't|cannot|didn’t|wouldn’t|don’t"
    r"|does|do|is|are|will|would|using|have|has|had)\b|[,;:]",
    re.IGNORECASE,
)
WORDED = {"Ne": "never", "Av": "avoid", "Do": "not"}
FORBIDS = re.compile(r"^(?P<word>Never|Avoid|Do not|Don[’']t)\s+(?P<what>.+)$")
PLAIN_PERSON = re.compile(
    r"^(?P<who>We|You|They)\s+(?P<rest>(?:only |often |usually |always |never |also |still )?"
    r"(?:need|want|use|call|have|get|write|create|define|declare|specify|know|see|prefer|choose|say|store|keep"
    r"|send|read|pass|add)\s(?!to be\b).+)$"
)
NEGATED = re.compile(r"^(?P<verb>do|does|did|will|must|should|could) not$")
STARTS_LOW = re.compile(
    r"^(?:The|An?|We|You|In|On|At|For|From|With|Each|Every|If|When|Some|All|Most|Many|Our|Your|There|By|After"
    r"|Before|While|Even"
    r"|No|Not|Any|As|Only|Using|One|Two|Both|Since|Without)\b"
)
ENDS_RELATIVE = re.compile(
    r"\b(?:that|which|who)(?:\s\S+){1,4}$"
    r"|\b(?:only|just|simply|partly|mainly|largely|and|or|but|that)$"
)
CONDITIONAL = re.compile(r"(?:If|When|While|Although|Even|Maybe|Perhaps|Because|Once|Unless)\b")
WOULD = re.compile(r"\b(?:would|could|might)\b")
ADVICE = re.compile(
    r"^(?:use|add|call|run|create|write|put|open|store|set|make|start|ask|keep|read|check|type|enter|press"
    r"|choose|declare|define|install|pass|simply|just)\b"
)
CHOICE = re.compile(r"^(?P<who>you|we)\s+(?P<verb>can|should|must|need to|have to|could|might|may)\s+")


def reason_questions(material: Material) -> Iterator[Question]:
    """`X because Y` and `Because Y, X` ask why X."""
    for sentence in _plain(material):
        if (opened := _opened(sentence)) and opened.word == "because":
            fact, reason = as_title(opened.main), opened.clause
        elif (match := BECAUSE.match(sentence)) and not CONDITIONAL.match(sentence):
            fact, reason = match["fact"], match["reason"]
        else:
            continue
        if (
            _is_clear(fact)
            and not ENDS_RELATIVE.search(fact)
            and len(reason.split()) >= 3
            and not is_signpost(fact)
            and not CONDITIONAL.match(fact)
        ):
            yield Question(why(fact, material), _answer(f"Because {low(reason, material)}"), "reason")


def condition_questions(material: Material) -> Iterator[Question]:
    """`When X, Y` asks what happens when X."""
    for sentence in _plain(material):
        opened = _opened(sentence)
        if not opened or opened.word == "because" or is_signpost(sentence):
            continue
        if not _is_clear(opened.clause) or len(opened.main.split()) < 3 or ANAPHOR.match(as_title(opened.main)):
            continue
        if re.search(r"\b(?:these|the following|as follows)\b|:$", opened.main):
            continue
        answer = _answer(as_title(opened.main))
        if choice := CHOICE.match(opened.main):
            verb = choice["verb"]
            ask = f"What do {choice['who']} {verb} do" if verb.endswith(" to") else f"What {verb} {choice['who']} do"
            yield Question(f"{ask} {opened.word} {opened.clause}?", answer, "condition")
        elif ADVICE.match(opened.main):
            yield Question(f"What should you do {opened.word} {opened.clause}?", answer, "condition")
        else:
            would = "would happen" if WOULD.search(opened.main) and opened.word == "if" else "happens"
            yield Question(f"What {would} {opened.word} {opened.clause}?", answer, "condition")


def purpose_questions(material: Material) -> Iterator[Question]:
    """`To X, do Y` asks how to X; `X lets you Y` asks what X lets you do."""
    for sentence in _plain(material):
        if is_signpost(sentence):
            continue
        if (
            (aim := PURPOSE.match(sentence))
            and not owns_something(aim["aim"])
            and _is_clear(aim["aim"], shortest=2)
            and _is_clear(aim["means"], longest=60)
        ):
            how = (
                "How do you"
                if ADVICE.match(aim["means"]) or aim["means"].startswith(("you ", "we "))
                else "What is done to"
            )
            yield Question(f"{how} {aim['aim']}?", _answer(as_title(without_end(aim["means"]))), "purpose")
        elif (
            (gain := ENABLES.match(sentence))
            and _is_clear(gain["what"], shortest=1)
            and not NO_SUBJECT.search(gain["what"])
        ):
            yield _gain_question(gain, material)


def _gain_question(gain: re.Match[str], material: Material) -> Question:
    whom = "us" if gain["whom"] == "we" else gain["whom"]
    link = "" if gain["verb"].startswith("let") else " to"
    does = "does" if gain["verb"].endswith("s") else "do"
    ask = f"What {does} {low(gain['what'], material)} {gain['verb'].removesuffix('s')} {whom}{link} do?"
    return Question(ask, _answer(as_title(without_end(gain["gain"]))), "purpose")


def warning_questions(material: Material) -> Iterator[Question]:
    """`Never X. Y` asks why, or what to do instead where Y is advice as well."""
    for sentence, after in pairwise(material.sentences):
        match = FORBIDS.match(sentence)
        if not match or len(match["what"].split()) > LONGEST_CLAUSE:
            continue
        if ADVICE.match(after[:1].lower() + after[1:]):
            yield Question(f"“{sentence}” What should you do instead?", _answer(without_end(after)), "warning")
        else:
            yield Question(
                f"Why should you {WORDED[match['word'][:2]]} {without_end(match['what'])}?",
                _answer(without_end(after)),
                "warning",
            )


def why(fact: str, material: Material) -> str:
    """Ask for the reason of `fact`, turned round where its subject is plain enough for that."""
    if plain := PLAIN_PERSON.match(fact):
        return f"Why do {plain['who'].lower()} {plain['rest']}?"
    match = INVERTED.match(fact)
    if not match or NO_SUBJECT.search(match["subject"]) or match["verb"].startswith(("has", "have")):
        return f"Why is it that {low(fact, material)}?"
    subject, verb = low(match["subject"], material), match["verb"]
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


def _is_clear(clause: str, *, shortest: int = 3, longest: int = LONGEST_CLAUSE) -> bool:
    words = clause.split()
    return shortest <= len(words) <= longest and not ANAPHOR.match(as_title(clause)) and not points_back(clause)


def low(text: str, material: Material) -> str:
    """`text` as it stands within a sentence: its first word in lower case, unless it is a name."""
    first = text.split(maxsplit=1)[0].rstrip(",") if text.strip() else ""
    is_plain = (
        STARTS_LOW.match(text) or first.lower() in material.lower_words or re.fullmatch(r"[A-Z][a-z]+(?:ing|ly)", first)
    )
    return text[:1].lower() + text[1:] if is_plain else text


@dataclass(frozen=True, slots=True)
class _Opened:
    """A sentence that opens with a clause of its own: `word` in lower case, the clause, and the rest."""

    word: str
    clause: str
    main: str


def _opened(sentence: str) -> _Opened | None:
    """Take a sentence apart at the comma that ends its opening clause: not one within a list of two words."""
    opening = OPENING.match(_commas_in_code_hidden(sentence))
    if not opening:
        return None
    rest, start = opening["rest"], opening.start("rest")
    for comma in re.finditer(r",\s+(?:then\s+)?", rest):
        following = re.split(r"[,;:—]", rest[comma.end() :], maxsplit=1)[0]
        if len(following.split()) >= 3 and not re.match(
            r"(?:and|or|but|which|who|such as|including|like|whether|not|for example|say|as|for instance"
            r"|[a-z]+ing)\b",
            following,
        ):
            clause, main = sentence[start : start + comma.start()], sentence[start + comma.end() :]
            return _Opened(opening["word"].lower(), clause, without_end(main))
    return None


def _answer(text: str) -> str:
    return clip(f"{text}.", LONGEST_ANSWER)


def _commas_in_code_hidden(sentence: str) -> str:
    return CODE_SPAN.sub(lambda match: match[0].replace(",", ";"), sentence)
