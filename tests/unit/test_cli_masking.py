"""What looks secret is masked, and what does not stays as it is."""

from typing import Any

import pytest

from jobcontrol.cli.masking import Masking


@pytest.mark.parametrize(
    "name",
    "password DB_PASSWORD passphrase client_secret apiKey api-key accessToken Authorization set-cookie "
    "aws_credentials private_key session_id dsn connectionString".split(),
)
def test_the_value_of_a_name_that_sounds_secret_is_masked_whatever_it_is(name: str) -> None:
    for value in ("hunter2", 1234, ["a", "b"], {"kept": "where"}):
        assert Masking().mask({"deep": [{name: value, "other": 1}]}) == {"deep": [{name: "***", "other": 1}]}


def test_what_is_not_there_is_not_masked_and_neither_is_a_yes_or_no() -> None:
    plain = {"password": None, "token": "", "has_secret": True, "max_tokens": 512, "key": "ownership", "author": "ada"}
    assert Masking().mask(plain) == plain


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call with Authorization: Bearer abc.def-123 failed", "call with Authorization: Bearer *** failed"),
        ("postgresql://app:s3cr3t@db/jobs is gone", "postgresql://app:***@db/jobs is gone"),
        ("GET https://x.io/a?api_key=abc123&page=2", "GET https://x.io/a?api_key=***&page=2"),
        ("PASSWORD='hunter2' in the environment", "PASSWORD='***' in the environment"),
        ('{"client_secret": "xyz", "id": 7}', '{"client_secret": "***", "id": 7}'),
        ("invalid key sk-proj-abcdefghijklmnop1234", "invalid key ***"),
        ("ghp_0123456789abcdefghij0123456789 leaked", "*** leaked"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("jwt eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMe", "jwt ***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nafter", "***\nafter"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "***"),
    ],
)
def test_within_a_text_only_the_secret_goes(text: str, masked: str) -> None:
    assert Masking().mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "RateLimitError: 429 from model (3 tries)",
        "the token bucket holds 10 tokens: refill at 12:00",
        "Basic rules of ownership",
        "see https://example.org/a@b and mail ada@example.org",
        "sk-8",
    ],
)
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Masking().mask(text) == text


def test_names_and_secrets_of_ones_own_are_masked_too() -> None:
    masking = Masking(names=["Room"], secrets=["", "correct-horse"])
    plain: dict[str, Any] = {"room": 12, "note": "it is correct-horse today", "list": ("correct-horse",)}
    assert masking.mask(plain) == {"room": "***", "note": "it is *** today", "list": ["***"]}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["x", "token", "password ", "a://b:", "eyJ-", "sk-", "Bearer ", "-----BEGIN PRIVATE KEY-----"]
)
def test_no_text_takes_longer_than_its_length_allows(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    assert len(Masking().mask(text)) <= len(text)
