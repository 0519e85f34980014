"""Which blocks belong together: a stretch of text cut where its kind of knowledge changes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..generator import Kind
from .blocks import Block, Code, Heading, Items, Note, Paragraph, Table
from .definitions import Definition, definitions_in
from .prose import Prose
from .words import normal, word_count

WARNING = re.compile(
    r"^(?:\[!(?:WARNING|CAUTION|IMPORTANT|DANGER)\]|warning|caution|danger|beware|attention|important|never "
    r"|do not |don[’']t "
    r"|be careful|be aware|take care|achtung|warnung|внимание|осторожно|важно"
    r"|警告|注意|重要|تحذير|تنبيه)",
    re.IGNORECASE,
)
DANGER = re.compile(
    r"\b(?:be (?:very |extra )?careful|use caution|beware|pitfalls?|(?:causes?|causing|is|be|leads? to"
    r"|risks?) undefined behavior|must never|should never|common mistake"
    r"|easy to forget|security vulnerabilit(?:y|ies)|data races? can|can cause (?:a )?deadlocks?|is dangerous"
    r"|are dangerous)\b",
    re.IGNORECASE,
)
NOTE_LABEL = re.compile(
    r"^(?:\[!\w+\]\s*|(?:note|tip|hint|info|warning|caution|danger|attention|important)\s*[:!—–-]\s*)", re.IGNORECASE
)
INTRODUCES_CODE = re.compile(
    r"[:：]$|\b(?:Listing|Figure|Example) [\dA-Z]|\b(?:following|like (?:so|this)|as follows|here[’']s"
    r"|for example|this (?:code|example|program))\b",
    re.IGNORECASE,
)
STEP_WORDS = re.compile(
    r"\b(?:steps?|procedure|how to|follow|in order|instructions|do the following|sequence"
    r"|schritt|этап|шаг|手順|步骤)\b",
    re.IGNORECASE,
)
ENUMERATES = re.compile(
    r"\b(?:cases|ways|reasons|rules|kinds|types|actions|options|features|properties|things|points|situations"
    r"|categories|parts"
    r"|powers|superpowers|examples|questions)\b",
    re.IGNORECASE,
)
NO_STEP = re.compile(
    r"^(?:From|To|With|In|When|If|An?|The|It|This|That|These|Each|Every|All|Any|No|There|What|Why|How|Which|Who"
    r"|Is|Are|Does|Do you|Can|Some|Your|Our)\b"
)
ENTRY = re.compile(r"^(?:`[^`]+`|\S+(?: \S+){0,4}?)\s*(?:[:：]|—|–|--? )\s*\S")
OUTPUT_LANGUAGES = frozenset({"console", "text", "txt", "output", "shell-session", "", "plaintext", "log"})
ENOUGH = 130
TOO_SMALL = 40
SHORT_LEAD = 60


@dataclass(slots=True)
class Draft:
    """Blocks that will be one unit. `topic` is the heading they stand under."""

    kind: Kind
    topic: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def defines(self) -> list[Definition]:
        """The definitions in its paragraphs and, where it is for reference, in its list."""
        found = [found for prose in self._proses() for found in definitions_in(prose, topic=self.topic)]
        return list({normal(definition.term): definition for definition in reversed(found)}.values())[::-1]

    @property
    def words(self) -> int:
        return sum(word_count(text) for block in self.blocks for text in _texts(block))

    def _proses(self) -> Iterable[Prose]:
        for block in self.blocks:
            if isinstance(block, Paragraph):
                yield block.prose
            elif isinstance(block, Items) and self.kind == "reference":
                yield from block.items

    @property
    def has_code(self) -> bool:
        return any(isinstance(block, Code) for block in self.blocks)


def draft_units(blocks: Iterable[Block], *, topic: str) -> list[Draft]:
    """The units that `blocks` make, each under the heading nearest above it; `topic` is that of the first ones."""
    drafting = _Drafting(topic)
    for block in blocks:
        drafting.take(block)
    drafting.close()
    return drafting.done


class _Drafting:
    """Takes blocks one by one; a draft is closed when what follows is of another kind, or when it is long enough."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.done: list[Draft] = []
        self._open: Draft | None = None

    def take(self, block: Block) -> None:
        match block:
            case Heading(title=title):
                self.close()
                self.topic = title
            case Paragraph(prose=prose):
                self._take_paragraph(block, prose)
            case Code():
                self._take_code(block)
            case Items():
                self._take_items(block)
            case Table():
                self._finish_with_lead(Draft("reference", self.topic, [block]))
            case Note():
                self._take_note(block)

    def close(self) -> None:
        """End the open draft. One that is too small to stand alone joins the one before it under the same heading."""
        draft, self._open = self._open, None
        if not draft:
            return
        last = self.done[-1] if self.done else None
        joins = last and last.topic == draft.topic and last.kind in {"explanation", "example", "definition"}
        if joins and last and draft.kind == "explanation" and draft.words < TOO_SMALL and not draft.has_code:
            last.blocks += draft.blocks
        else:
            self.done.append(draft)

    def _take_paragraph(self, block: Paragraph, prose: Prose) -> None:
        if (WARNING.match(prose.text) and word_count(prose.text) >= 8) or DANGER.search(prose.text):
            self._start(Draft("warning", self.topic, [block]))
        elif self._defines(prose) and not (
            self._open and self._open.kind == "definition" and self._open.words < ENOUGH // 2
        ):
            self._start(Draft("definition", self.topic, [block]), carry=TOO_SMALL)
        elif self._open and self._open.words + word_count(prose.text) <= self._room(prose):
            self._open.blocks.append(block)
        else:
            self._start(Draft("explanation", self.topic, [block]))

    def _defines(self, prose: Prose) -> bool:
        return bool(definitions_in(prose, topic=self.topic))

    def _room(self, prose: Prose) -> int:
        """How long the open draft may grow by this paragraph: code keeps what speaks of it."""
        draft = self._open
        if not draft or draft.kind in {"reference", "warning", "procedure"}:
            return 0
        if not draft.has_code:
            return ENOUGH
        spoken_of = any(code in shown.text for shown in draft.blocks if isinstance(shown, Code) for code in prose.code)
        return ENOUGH * 3 // 2 if spoken_of else ENOUGH

    def _take_code(self, block: Code) -> None:
        draft = self._open
        last = draft.blocks[-1] if draft and draft.blocks else None
        goes_on = isinstance(last, Code) or (
            draft is not None and block.language in OUTPUT_LANGUAGES and draft.words < ENOUGH
        )
        if (draft and draft.has_code and goes_on) or (
            not block.text and not block.caption and draft and draft.words < ENOUGH
        ):
            draft.blocks.append(block)
        else:
            lead = self._take_lead(INTRODUCES_CODE)
            defines = any(isinstance(part, Paragraph) and self._defines(part.prose) for part in lead)
            self._start(Draft("definition" if defines else "example", self.topic, [*lead, block]))

    def _take_items(self, block: Items) -> None:
        lead = self._lead()
        if _are_steps(block, lead.text if lead else "", self.topic):
            self._finish_with_lead(Draft("procedure", self.topic, [block]))
        elif _are_entries(block):
            self._finish_with_lead(Draft("reference", self.topic, [block]))
        elif self._open and self._open.kind != "warning":
            self._open.blocks.append(block)
        else:
            self._start(Draft("explanation", self.topic, [block]))

    def _take_note(self, note: Note) -> None:
        if any(isinstance(block, Heading) for block in note.blocks):
            self.close()
            self.done += draft_units(note.blocks, topic=self.topic)
            return
        opening = note.blocks[0].prose.text if isinstance(note.blocks[0], Paragraph) else ""
        kind: Kind = (
            "warning" if WARNING.match(NOTE_LABEL.sub("", opening)) or WARNING.match(opening) else "explanation"
        )
        draft = Draft(kind, self.topic, [_unlabelled(note.blocks[0]), *note.blocks[1:]])
        if kind == "explanation" and draft.defines:
            draft.kind = "definition"
        self._start(draft)
        self.close()

    def _lead(self) -> Prose | None:
        """The paragraph just before, if it announces what comes."""
        last = self._open.blocks[-1] if self._open and self._open.blocks else None
        if isinstance(last, Paragraph) and word_count(last.prose.text) <= SHORT_LEAD * 2:
            return last.prose
        return None

    def _take_lead(self, announces: re.Pattern[str]) -> list[Block]:
        """Move the announcing paragraph out of the open draft, where that leaves something behind or nothing at all."""
        lead = self._lead()
        if not lead or not self._open or (self._open.has_code and len(self._open.blocks) < 2):
            return []
        if not announces.search(lead.text) and word_count(lead.text) > SHORT_LEAD:
            return []
        block = self._open.blocks.pop()
        if not self._open.blocks:
            self._open = None
        return [block]

    def _finish_with_lead(self, draft: Draft) -> None:
        draft.blocks = [*self._take_lead(re.compile(r"[:：.]$")), *draft.blocks]
        self._start(draft)

    def _start(self, draft: Draft, *, carry: int = 0) -> None:
        """Open `draft`; what is open goes with it where it is a few words only, else it is closed."""
        before = self._open
        if before and before.kind == "explanation" and before.topic == draft.topic and before.words < carry:
            draft.blocks = [*before.blocks, *draft.blocks]
            self._open = None
        self.close()
        self._open = draft


def _unlabelled(block: Block) -> Block:
    if not isinstance(block, Paragraph):
        return block
    prose = block.prose
    label = NOTE_LABEL.match(prose.text)
    if not label or label.end() == len(prose.text):
        return block
    marked = NOTE_LABEL.sub("", re.sub(r"^\*+(.*?)\*+", r"\1", prose.markdown, count=1))
    is_label = label[0].strip(" :!—–-").casefold()
    apart = tuple(word for word in prose.set_apart if word.casefold() != is_label)
    strong = tuple(word for word in prose.strong if word.casefold() != is_label)
    return Paragraph(block.first, block.after, Prose(prose.text[label.end() :], marked, apart, strong, prose.code))


def _are_steps(block: Items, lead: str, topic: str) -> bool:
    if not block.is_ordered or len(block.items) < 2:
        return False
    announced = STEP_WORDS.search(lead) or STEP_WORDS.search(topic)
    if not announced and ENUMERATES.search(lead):
        return False
    no_steps = sum(1 for item in block.items if NO_STEP.match(item.text))
    return bool(announced) or no_steps * 2 < len(block.items)


def _are_entries(block: Items) -> bool:
    entries = sum(
        1 for item in block.items if ENTRY.match(item.text) or (item.strong and item.text.startswith(item.strong[0]))
    )
    return len(block.items) >= 2 and entries * 3 >= len(block.items) * 2


def _texts(block: Block) -> Iterable[str]:
    match block:
        case Paragraph(prose=prose):
            yield prose.text
        case Items(items=items):
            yield from (item.text for item in items)
        case Code(text=text):
            yield text[:2000]
        case Table(header=header, rows=rows):
            yield from (cell.text for row in (header, *rows[:100]) for cell in row)
        case Note(blocks=inner):
            for part in inner:
                yield from _texts(part)
