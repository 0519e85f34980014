"""What a term means, or which term means this."""

from __future__ import annotations

from collections.abc import Iterator

from ...generator import Question
from ..definitions import Definition
from ..phrasing import ANAPHOR, points_back
from ..sentences import as_title, clip, without_end
from .gaps import GAP, with_gap
from .material import Material

SHORT_MEANING = 16
LONGEST_QUOTE = 260
ASKED_BY = {
    "are": "What are {}?",
    "means": "What does {} mean?",
    "mean": "What do {} mean?",
    "refers": "What does {} refer to?",
    "refer": "What do {} refer to?",
    "denotes": "What does {} denote?",
    "stands": "What does {} stand for?",
}


def meaning_questions(material: Material) -> Iterator[Question]:
    """One question per definition."""
    for definition in material.defines:
        question = (
            _by_gap(definition, material) if definition.verb in {"called", ""} and not definition.meaning else None
        )
        question = question or _by_name(definition) or _by_meaning(definition)
        if question:
            yield question


def _by_name(definition: Definition) -> Question | None:
    """Quote the meaning, ask for the name, where the meaning is short and does not give the name away."""
    meaning = without_end(definition.meaning)
    words = meaning.split()
    if not 4 <= len(words) <= SHORT_MEANING or points_back(meaning) or _names(definition.term, meaning):
        return None
    ask = f"Which term fits: “{GAP} {definition.verb} {meaning}”?" if definition.verb in {"is", "are"} else ""
    if not ask and definition.verb:
        return None
    ask = ask or f"Which term does the text explain as “{meaning}”?"
    answer = f"{definition.article} {_lower(definition.term)}".strip() if definition.article else definition.term
    return Question(ask, as_title(answer), "name")


def _by_meaning(definition: Definition) -> Question | None:
    """Ask for the meaning by name, with the verb that the text gives it by."""
    if not definition.meaning or ANAPHOR.match(definition.meaning):
        return None
    term = definition.term
    if not definition.verb:
        return Question(
            f"What does the text say about “{term}”?", clip(as_title(definition.meaning), LONGEST_QUOTE), "meaning"
        )
    subject = f"{definition.article} {_lower(term)}".strip()
    ask = ASKED_BY.get(definition.verb, "What is {}?").format(subject)
    return Question(ask, clip(definition.sentence, LONGEST_QUOTE), "meaning")


def _by_gap(definition: Definition, material: Material) -> Question | None:
    """The sentence that gives the name, with the one before it where it needs that."""
    sentence = definition.sentence
    before = ""
    if ANAPHOR.match(sentence) or points_back(sentence.split(definition.term)[0]):
        place = material.sentences.index(sentence) if sentence in material.sentences else 0
        before = material.sentences[place - 1] if place else ""
        if not before or _names(definition.term, before) or len(before) > LONGEST_QUOTE:
            return None
    gapped = with_gap(sentence, definition.term)
    if not gapped or len(gapped) > LONGEST_QUOTE:
        return None
    asked = f"{before} {gapped}".strip()
    return Question(f"Which term is missing: “{asked.rstrip(':').rstrip()}”", definition.term, "name")


def _names(term: str, text: str) -> bool:
    low = text.lower()
    return any(word.strip("`") in low for word in term.lower().split() if len(word) > 3)


def _lower(term: str) -> str:
    head = term.split()[0]
    keeps = term.startswith("`") or any(letter.isupper() for letter in head[1:]) or any(map(str.isdigit, head))
    return term if keeps else term[:1].lower() + term[1:]
