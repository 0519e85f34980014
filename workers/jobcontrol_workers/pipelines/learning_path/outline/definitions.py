"""Sentences that say what a term means, and which term it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .prose import Prose
from .sentences import sentences
from .terms import ELSEWHERE, is_term, set_apart_terms
from .words import STOPWORDS, WEAK_WORDS, WORD, is_meaningful, normal

NOUN = r"(?P<term>(?:`[^`]+`|[^\W\d_][\w’'\-/+#]*)(?:[ ](?:`[^`]+`|[\w’'\-/+#(]+\)?)){0,4}?)"
SUBJECT = re.compile(
    rf"^(?P<article>(?:An?|The)\s+)?{NOUN}(?P<verb>\s+(?:is|are)\s+(?=(?:an?|the|any|one (?:of|that|whose"
    rf"|which)|like an?|just an?|simply an?|a kind|code|data"
    r"|types?|values?|functions?|variables?)\b)|\s+(?:means|refers? to|denotes?|stands? for"
    r"|describes?)\s+)(?P<meaning>.+)$"
)
OFTEN = r"(?:\s+(?:also|often|sometimes|usually|commonly|generally|just|simply|known|better))*"
NAMED = re.compile(
    rf"\b(?:(?:is|are|be|was|being|it’s|it's|they’re){OFTEN}\s+(?:called|known as|referred to as|termed|named)"
    rf"|we call (?:this|these|it|them)"
    r"|(?:an?|the|this|these) (?:process|technique|concept|feature|pattern|practice|method|situation|behavior"
    r"|property)s? (?:is |are )?(?:called|known as|of))"
    r"\s+(?:an?\s+|the\s+)?",
)
FOREIGN = re.compile(
    r"(?: — это | - это | – это |является|называ(?:ется|ют)|とは|と呼(?:ぶ|ばれ)|是指|指的是|是一[种个]|叫做|称为"
    r"|\bist ein|\bnennt man|\bbezeichnet"
    r"|\best une? |\bon appelle|\bsont des |\bes una? |\bse llama|\bè una? |\bsi chiama| هو | هي |يسمى|تسمى|تعني)"
)
FOREIGN_SUBJECT = re.compile(
    r"^(?:(?P<ru>[^\W\d_][\w -]{1,40}?) [—–-] это |(?P<zh>\w{2,10}?)(?:是一[种个]|是指|指的是)|(?P<ja>\w{2,16}?)とは"
    r"|(?P<ar>[\u0600-\u06ff]+(?: [\u0600-\u06ff]+)?) (?:هو|هي) "
    r"|(?:Eine?|Der|Die|Das) (?P<de>[A-ZÄÖÜ][\w-]+) (?:ist|sind) (?:eine?|der|die|das)\b"
    r"|(?:Une?|Le|La|Les|L’|L') ?(?P<fr>[\w-]+(?: de [\w-]+)?) (?:est|sont) (?:une?|le|la|des|l’|l')"
    r"|(?:Una?|El|La) (?P<es>[\w-]+(?: de [\w-]+)?) es (?:una?|el|la)\b)"
)
LABELLED = re.compile(r"^(?:—|–|-|:|：)?\s*(?P<meaning>.+)$", re.DOTALL)
VAGUE = frozenset(
    """advantage answer approach aspect benefit case change chapter code concept consequence difference disadvantage
    downside drawback effect error example fact first function goal idea issue key last line main method next one option
    other part point possibility problem program purpose question reason rest result rule same second section side
    solution step syntax task thing third trick type value version way word output listing body figure book name number
    course topic half choice exception default only left right latter former what""".split()
)
JOINING = frozenset("that which who of in to with for if when and or from on at by".split())
PRONOUNS = frozenset(
    "it this that these those they there he she we you i here what which who everything nothing".split()
)
JUDGING = re.compile(
    r"^(?:an?|the|one of the)\s+(?:very |really |quite )?(?:fact|complex|good|great|important|useful|common"
    r"|powerful|bit|big|popular|nice|handy|key|little|lot"
    r"|different|similar|perfect|bad|major|crucial|prime|real|same|most|best|only|next|first|last|more|less|few"
    r"|number|matter|case|result|reason|way|term that|word that)\b",
)
SHORTEST_MEANING = 3


@dataclass(frozen=True, slots=True)
class Definition:
    """`term` as the text writes it, what the text says it means, and the sentence that says so."""

    term: str
    meaning: str
    sentence: str
    verb: str = ""
    article: str = ""


@lru_cache(maxsize=512)
def definitions_in(prose: Prose, *, topic: str = "") -> tuple[Definition, ...]:
    """The definitions in one paragraph, each term once."""
    found: dict[str, Definition] = {}
    for definition in _labelled(prose):
        found.setdefault(normal(definition.term), definition)
    apart = marked_terms(prose)
    for sentence in sentences(prose.text):
        for definition in defined_in(sentence, marked=apart, topic=topic):
            found.setdefault(normal(definition.term), definition)
    return tuple(found.values())


def marked_terms(prose: Prose) -> tuple[str, ...]:
    """The terms that the author of `prose` set apart, each once."""
    return tuple(dict.fromkeys(set_apart_terms(prose)))


def defined_in(sentence: str, *, marked: Sequence[str], topic: str) -> list[Definition]:
    """The definitions that one sentence makes; `marked` are the terms that its paragraph sets apart."""
    apart = [term for term in marked if term in sentence]
    subject = _by_subject(sentence, apart, topic) or _by_marked_subject(sentence, apart)
    if subject:
        return [subject]
    named = _by_naming(sentence, apart) or _by_apposition(sentence, apart)
    return named or _in_other_tongues(sentence, apart)


def _in_other_tongues(sentence: str, apart: list[str]) -> list[Definition]:
    if match := FOREIGN_SUBJECT.match(sentence):
        term = next(term for term in match.groups() if term)
        return [Definition(term, "", sentence, "called")]
    is_foreign = apart and not sentence.isascii() and FOREIGN.search(sentence)
    return [Definition(apart[0], "", sentence, "called")] if is_foreign else []


def _labelled(prose: Prose) -> list[Definition]:
    """`**Term**: what it means`, and the same with a dash."""
    for label in (*prose.strong[:1], *prose.set_apart[:1]):
        rest = prose.text[len(label) :] if prose.text.startswith(label) else ""
        opening = rest.lstrip(" .")
        if opening[:1] in ":：—–" and is_term(label) and (meaning := LABELLED.match(opening)):
            first = sentences(meaning["meaning"])[:1]
            if first and len(WORD.findall(first[0])) >= SHORTEST_MEANING:
                return [Definition(label.strip(" .,:"), first[0], f"{label.strip(' .,:')}: {first[0]}")]
    return []


def _by_subject(sentence: str, apart: list[str], topic: str) -> Definition | None:
    match = SUBJECT.match(sentence)
    if not match:
        return None
    term, article = match["term"], (match["article"] or "").strip()
    if not _names_something(term) or len(WORD.findall(match["meaning"])) < SHORTEST_MEANING:
        return None
    if JUDGING.match(match["meaning"]):
        return None
    is_marked = term.startswith("`") or any(f"{normal(term)} ".startswith(f"{normal(word)} ") for word in apart)
    is_topic = normal(term) in normal(topic)
    is_general = article in {"A", "An"} and len(term.split()) <= 3
    if not (is_marked or is_topic or is_general):
        return None
    return Definition(term, match["meaning"], sentence, match["verb"].split()[0], article.lower())


def _by_marked_subject(sentence: str, apart: list[str]) -> Definition | None:
    """`A *term* says …`: a term set apart where a sentence begins is introduced there, whatever the verb."""
    for term in apart:
        match = re.match(
            rf"(?P<article>(?:An?|The)\s+)?{re.escape(term)}\s+(?P<verb>[a-z]+)\s+(?P<meaning>.+)$", sentence
        )
        is_new = match and (match["article"] or match["verb"] in {"is", "are", "means"})
        if (
            match
            and is_new
            and match["verb"] not in JOINING
            and len(WORD.findall(match["meaning"])) >= SHORTEST_MEANING
        ):
            article = (match["article"] or "").strip().lower()
            return Definition(term, match["meaning"], sentence, match["verb"], article)
    return None


def _by_apposition(sentence: str, apart: list[str]) -> list[Definition]:
    """`… *term*: what it means.`"""
    for term in apart:
        _, found, meaning = sentence.partition(f"{term}: ")
        if found and len(WORD.findall(meaning)) >= SHORTEST_MEANING + 1:
            return [Definition(term, "", sentence, "called")]
    return []


def _names_something(term: str) -> bool:
    words = [word.strip("`").lower() for word in term.split()]
    if ELSEWHERE.match(term) or words[0] in PRONOUNS or words[-1] in VAGUE or words[-1] in STOPWORDS:
        return False
    if JOINING.intersection(words):
        return False
    return term.startswith("`") or any(is_meaningful(word) or word in WEAK_WORDS for word in words)


def _by_naming(sentence: str, apart: list[str]) -> list[Definition]:
    """`… is called a *term*`: the term must be set apart, or nobody could tell where it ends."""
    found = [
        Definition(term, "", sentence, "called")
        for match in NAMED.finditer(sentence)
        for term in apart
        if sentence.startswith(term, match.end())
    ]
    return found or [
        Definition(term, "", sentence, "called")
        for term in apart
        if re.search(rf"\b(?:is|are) {re.escape(term)} (?:if|when|as long as)\b", sentence)
    ]
