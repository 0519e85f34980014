"""A line of the code with a name left out, or a command and what it prints."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...generator import Question
from ..blocks import Code
from ..sentences import clip
from .gaps import GAP
from .material import Material

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}[!?]?")
PROMPT = re.compile(r"^\s*(?:\$|PS>|C:\\[^>]*>|>)\s+(?P<command>\S.*)$")
COMMENT = re.compile(r"^\s*(?://|#(?!\[)|--|/\*|\*|;|<!--)")
STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
LANGUAGES = {
    "c": "C",
    "cpp": "C++",
    "css": "CSS",
    "go": "Go",
    "html": "HTML",
    "java": "Java",
    "javascript": "JavaScript",
    "js": "JavaScript",
    "json": "JSON",
    "proto": "Protocol Buffers",
    "py": "Python",
    "python": "Python",
    "rust": "Rust",
    "sql": "SQL",
    "toml": "TOML",
    "ts": "TypeScript",
    "typescript": "TypeScript",
    "yaml": "YAML",
}
TERMINALS = frozenset({"console", "shell", "bash", "sh", "powershell", "cmd", "shell-session", "terminal", "zsh"})
NO_CODE = TERMINALS | {"text", "txt", "output", "plaintext", "log"}
COMMON = frozenset(
    """let mut pub use fn impl for while loop match return self Self String str vec Vec main println print format
    assert assert_eq import from def class None True False true false null const var new int the and not public
    static void if else elif in is type struct enum where async await function string with try except raise std
    usize bool char u32 i32 u64""".split()
)
STATUS = re.compile(
    r"(?:Created|Finished|Compiling|Updating|Adding|Downloading|Downloaded|Installing|Running|Collecting"
    r"|Requirement|Building)\b"
)
EVERYDAY = frozenset({"cd", "ls", "mkdir", "echo", "cat", "touch", "rm", "dir"})
LONGEST_LINE = 90


def code_questions(material: Material) -> Iterator[Question]:
    """Commands and what they print, then the lines with a name that a reader of the text must know."""
    for code in material.code:
        if code.language in TERMINALS:
            yield from _terminal_questions(code, material)
    gaps = [gap for code in material.code if code.language not in NO_CODE for gap in _gaps(code, material)]
    for _, line, name, language in sorted(gaps, key=lambda gap: -gap[0])[:2]:
        shown = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", GAP, line.replace("`", ""))
        kind = LANGUAGES.get(language, "")
        where = f"the {kind} code" if kind else "the code"
        yield Question(f"Which name is missing from this line of {where}: `{shown}`", f"`{name}`", "code")


def _gaps(code: Code, material: Material) -> Iterator[tuple[float, str, str, str]]:
    spoken = {name for text in (*material.spoken_code, *material.terms) for name in NAME.findall(text.strip("`"))}
    title = set(NAME.findall(material.title))
    for line in code.text.split("\n")[:80]:
        stripped = line.strip()
        if not 12 <= len(stripped) <= LONGEST_LINE or COMMENT.match(line):
            continue
        bare = re.split(r"\s//|\s#\s|\s--\s", STRING.sub('""', stripped))[0]
        for name in NAME.findall(bare):
            if (
                name in COMMON
                or (code.language == "sql" and name.isupper())
                or bare.count(name) != 1
                or stripped.count(name) != 1
                or not _is_telling(name, bare)
            ):
                continue
            score = (
                (3.0 if name in spoken else 0.0) - (1.5 if name in title else 0) + min(len(NAME.findall(bare)), 5) * 0.2
            )
            if score >= 1.5 and len(NAME.findall(bare)) >= 2:
                yield score, stripped, name, code.language


def _is_telling(name: str, line: str) -> bool:
    """Whether `name` is used in `line` rather than made up there: called, looked up, or a type."""
    if re.search(
        rf"\b(?:let|mut|var|const|fn|def|class|struct|enum|trait|function|mod|static)\s+{re.escape(name)}\b", line
    ):
        return False
    is_used = re.search(rf"{re.escape(name)}\s*(?:[(<!{{]|::)|(?:\.|::|->){re.escape(name)}\b", line)
    return is_used is not None or name[:1].isupper()


def _terminal_questions(code: Code, material: Material) -> Iterator[Question]:
    lines = code.text.split("\n")
    for number, line in enumerate(lines[:40]):
        prompt = PROMPT.match(line)
        if not prompt:
            continue
        command = prompt["command"].strip()
        output = _output_after(lines, number)
        words = command.split()
        if words[0] in EVERYDAY:
            continue
        if output and not STATUS.match(output) and len(command) <= LONGEST_LINE:
            yield Question(f"What does `{command.replace('`', '')}` print?", f"`{output}`", "output")
        elif len(words) >= 3 and (name := _spoken_word(words, material)):
            shown = " ".join(GAP if word == name else word for word in words).replace("`", "")
            yield Question(f"Complete the command: `{clip(shown, LONGEST_LINE)}`", f"`{name}`", "code")


def _spoken_word(words: list[str], material: Material) -> str:
    spoken = {part for code in material.spoken_code for part in code.split()}
    for word in words[1:]:
        if NAME.search(word) and word in spoken and words.count(word) == 1 and not word.startswith("$"):
            return word
    return ""


def _output_after(lines: list[str], number: int) -> str:
    """What a command printed, where that is one or two short lines."""
    printed: list[str] = []
    for line in lines[number + 1 :]:
        if PROMPT.match(line) or len(printed) > 2:
            break
        if line.strip():
            printed.append(line.strip().replace("`", "'"))
    text = " / ".join(printed)
    return text if 1 <= len(printed) <= 2 and len(text) <= 120 and "--snip--" not in text else ""
