"""Steps in their order, tables by their cells, and lists with an item to be remembered."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...generator import Question
from ..blocks import Items, Table
from ..sentences import clip, without_end
from .material import Material

LONGEST_ITEM = 140


def step_questions(material: Material) -> Iterator[Question]:
    """What comes after a step, from the middle of the procedure outwards."""
    for block in material.blocks:
        if isinstance(block, Items) and block.is_ordered and len(block.items) >= 2:
            steps = [clip(without_end(item.text), LONGEST_ITEM) for item in block.items]
            pairs = list(pairwise(steps))
            middle = (len(pairs) - 1) // 2
            for step, after in [pairs[middle], *pairs[middle + 1 :], *pairs[:middle]]:
                yield Question(f"Which step follows this one: “{step}”?", after, "order")


def table_questions(material: Material) -> Iterator[Question]:
    """What stands in a cell, found by its row and its column."""
    for block in material.blocks:
        if not isinstance(block, Table) or len(block.header) < 2:
            continue
        for row in [*block.rows[1:3], *block.rows[:1]]:
            label = row[0].text
            cells = [(head.text, cell.text) for head, cell in zip(block.header[1:], row[1:], strict=False)]
            found = [(head, cell) for head, cell in cells if head and cell and len(cell) <= LONGEST_ITEM]
            if label and found and block.header[0].text:
                head, cell = found[0]
                corner = block.header[0].text
                yield Question(f"In the table, what stands under “{head}” for “{label}” ({corner})?", cell, "table")


def whole_list_questions(material: Material) -> Iterator[Question]:
    """The rest of a short list whose first item is given."""
    for block in material.blocks:
        if not isinstance(block, Items) or not 3 <= len(block.items) <= 4:
            continue
        items = [without_end(item.text) for item in block.items]
        if all(8 < len(item) <= LONGEST_ITEM for item in items):
            number = {2: "two", 3: "three"}[len(items) - 1]
            ask = f"{material.title}: one point in the list is “{items[0]}”. Which are the other {number}?"
            yield Question(ask, "; ".join(items[1:]), "list")
