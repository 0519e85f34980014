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
    ask = ask or f"Which term does the text explain as “{meaning}”?"
    answer = f"{definition.article} {_lower(definition.term)}".strip() if definition.article else definition.term
    return Question(ask, as_title(answer), "name")


def _by_meaning(definition: Definition) -> Question | None:
    term, sentence = definition.term, definition.sentence
    if not definition.meaning or ANAPHOR.match(definition.meaning):
        return None
    if definition.verb in {"is", "are"}:
        subject = f"{definition.article} {_lower(term)}".strip()
        return Question(f"What {definition.verb} {subject}?", clip(sentence, LONGEST_QUOTE), "meaning")
    if definition.verb:
        verb = {"means": "mean", "refers": "refer to", "refer": "refer to", "denotes": "denote", "stands": "stand for"}
        subject = f"{definition.article} {_lower(term)}".strip()
        does = "do" if definition.verb in {"refer", "denote", "stand"} else "does"
        return Question(
            f"What {does} {subject} {verb.get(definition.verb, 'mean')}?", clip(sentence, LONGEST_QUOTE), "meaning"
        )
    return Question(
        f"What does the text say about “{term}”?", clip(as_title(definition.meaning), LONGEST_QUOTE), "meaning"
    )


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
    return Question(f"Which term is missing: “{f'{before} {gapped}'.strip()}”", definition.term, "name")


def _names(term: str, text: str) -> bool:
    low = text.lower()
    return any(word.strip("`") in low for word in term.lower().split() if len(word) > 3)


def _lower(term: str) -> str:
    head = term.split()[0]
    keeps = term.startswith("`") or any(letter.isupper() for letter in head[1:]) or any(map(str.isdigit, head))
    return term if keeps else term[:1].lower() + term[1:]
