"""What holds for every text whatsoever."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobcontrol.pipeline import InvalidInput
from jobcontrol_workers.pipelines.learning_path.generator import KnowledgeUnit, Outline, Span
from jobcontrol_workers.pipelines.learning_path.outline import OutlineGenerator
from jobcontrol_workers.pipelines.learning_path.outline.source import Source

LINES = st.sampled_from(
    """# A
## B
### `c`
###### deep
===
---
***

Plain words stand here.
A *lease* is a claim that ends by itself, because nobody renews it.
When it rains, the street gets wet.
**Warning:** Never do this. It hurts.
租约是一种权利。它会到期。
- item one
  - inner
1. first
2. then
> quoted
> # in a quotation
```py
x = call(1)
```
~~~
    indented
| a | b |
|---|---|
| 1 | 2 |
<div>
</div>
<!-- c
-->
[r]: http://example.org
[x][r] and ![p](q)
*
_a
`
## Summary
$ run it
\ufeff""".split("\n")
)
DOCUMENTS = st.one_of(
    st.lists(LINES, max_size=40).map("\n".join),
    st.lists(LINES, max_size=20).map("\r\n".join),
    st.text(max_size=400),
    st.text(alphabet="#>-*`_[]()|<!= \n\r\tab1.", max_size=200),
)


def work_through(text: str) -> tuple[Outline, list[tuple[Span, list[tuple[Span, tuple[KnowledgeUnit, ...]]]]]] | None:
    generator = OutlineGenerator()
    try:
        outline = generator.outline(text)
    except InvalidInput:
        return None
    found = []
    for concept in outline.concepts:
        subs = generator.sub_concepts(text, concept)
        assert subs, "every concept has sub-concepts"
        assert len({sub.key for sub in subs}) == len(subs)
        found.append((concept.span, [(sub.span, generator.units(text, sub)) for sub in subs]))
    return outline, found


@given(DOCUMENTS)
@settings(max_examples=150)
@example("- a\n\n      code\n")
@example("> \n\ntext")
@example("# \n\n# \n\nx")
def test_spans_lie_within_their_parents_and_units_within_their_spans(text: str) -> None:
    worked = work_through(text)
    if worked is None:
        return
    outline, concepts = worked
    assert len({concept.key for concept in outline.concepts}) == len(outline.concepts)
    for whole, subs in concepts:
        assert 0 <= whole.start < whole.end <= len(text)
        for span, units in subs:
            assert whole.start <= span.start < span.end <= whole.end
            assert units, "every sub-concept has units"
            assert len({unit.key for unit in units}) == len(units)
            for unit in units:
                assert 1 <= span.first_line <= unit.first_line <= unit.last_line <= span.last_line <= outline.lines
                assert unit.title
                assert unit.body


@given(DOCUMENTS)
@settings(max_examples=100)
def test_a_gap_hides_its_answer(text: str) -> None:
    worked = work_through(text)
    for _, subs in worked[1] if worked else []:
        for question in (question for _, units in subs for unit in units for question in unit.questions):
            assert question.ask
            assert question.answer
            if question.form == "gap":
                assert "____" in question.ask


@given(st.text(alphabet="a\r\n\x0b\u2028", max_size=60))
def test_every_character_has_its_line(text: str) -> None:
    source = Source(text)
    lines = [source.text[source.offset(number) : source.offset(number + 1)] for number in range(source.line_count)]
    assert "".join(lines) == text
    assert source.line_count == max(
        1, len(text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n"))
    )
