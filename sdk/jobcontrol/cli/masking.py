"""What must not leave in a file that is handed on.

Masked are, whatever their type, the values of members whose name sounds secret (password, secret, token, api_key,
authorization, cookie, …), and within every text what looks like a secret: `name=value` with such a name, passwords
in URLs, what follows Bearer or Basic, private keys, signed tokens, and keys of well-known services. The rest of a
text stays. Nothing else can be told from other words: names of your own are given as `names`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

MASK = "***"

#: Not `tokens`, of which models have a number.
_WORDS = (
    r"pass(?:word|wd|phrase)|secret|token(?!s)|api[_-]?key|access[_-]?key|private[_-]?key|credential"
    r"|authorization|cookie|session[_-]?id|connection[_-]?string|\bdsn\b"
)
_NAME = re.compile(_WORDS, re.IGNORECASE)
# Every repetition is bounded, so that no text takes longer than its length allows.
_ASSIGNED = re.compile(
    rf"(?i)((?:{_WORDS})[\w-]{{0,40}}[\"']?\s{{0,4}}[=:]\s{{0,4}}[\"']?)(?!\s|Bearer|Basic)[^\s\"',;&)}}]{{1,4000}}"
)
#: What looks like a secret, and how much of it stays.
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)", re.S), MASK),
    (re.compile(r"(://[^/\s:@]{0,200}:)[^/\s@]{1,400}(?=@)"), rf"\g<1>{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic)\s{1,4}[\w.~+/=-]{6,4000}"), rf"\g<1> {MASK}"),
    (re.compile(r"\beyJ[\w-]{8,400}\.[\w-]{8,4000}\.[\w-]{1,2000}"), MASK),
    (re.compile(r"\b(?:sk|pk|rk)[-_][\w-]{16,400}|\bgh[pousr]_\w{20,400}|\bgithub_pat_\w{20,400}"), MASK),
    (re.compile(r"\bglpat-[\w-]{16,400}|\bxox[abprs]-[\w-]{10,400}|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,400}"), MASK),
    (_ASSIGNED, rf"\g<1>{MASK}"),
)


class Masking:
    """Masks values; `names` are more names whose values are secret, `secrets` texts that are, wherever they stand."""

    def __init__(self, *, names: Collection[str] = (), secrets: Collection[str] = ()) -> None:
        self._names = {name.lower() for name in names}
        self._secrets = [secret for secret in secrets if secret]

    def mask(self, value: Any) -> Any:
        """The value without what is secret in it, deeply."""
        if isinstance(value, str):
            return self._mask_text(value)
        if isinstance(value, Mapping):
            return {name: self._mask_member(name, member) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask(member) for member in value]
        return value

    def _mask_member(self, name: str, value: Any) -> Any:
        return MASK if self._is_secret(name, value) else self.mask(value)

    def _is_secret(self, name: str, value: Any) -> bool:
        # None and "" tell that there is nothing, and true that there is something: no secrets.
        has_content = value not in (None, "") and not isinstance(value, bool)
        return has_content and (name.lower() in self._names or _NAME.search(name) is not None)

    def _mask_text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for shape, stays in _SHAPES:
            text = shape.sub(stays, text)
        return text
