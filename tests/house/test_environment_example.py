"""`.env.example` shows every setting once, with its default, and none that the code does not read."""

import re
from pathlib import Path

import pytest

from house.settings_names import every_name, sdk_names, settings_names
from house.source_tree import read
from jobcontrol_core.settings import Settings

SETTING = re.compile(r"^#?(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)$", re.MULTILINE)
COMPOSE_VARIABLE = re.compile(r"\$\{(\w+)")
FIRST_DESIGN = {
    "REDIS_HOST": "localhost",
    "REDIS_PORT": "6379",
    "REDIS_PASSWORD": "",
    "REDIS_DB": "0",
    "JOB_CONCURRENCY_DECOMPOSE": "3",
    "JOB_CONCURRENCY_GENERATE_KU": "5",
    "JOB_RATE_LIMIT_MAX": "10",
    "JOB_RATE_LIMIT_DURATION": "60000",
    "JOB_MAX_ATTEMPTS": "3",
    "JOB_BACKOFF_TYPE": "exponential",
    "JOB_BACKOFF_DELAY": "1000",
}


def shown() -> dict[str, str]:
    """The names and values of `.env.example`, those commented out included."""
    found = SETTING.findall(read(Path(".env.example")))
    assert len(found) == len(dict(found)), "a name stands there twice"
    return dict(found)


def compose_names() -> set[str]:
    """The variables that docker-compose.yml takes from .env."""
    return set(COMPOSE_VARIABLE.findall(read(Path("docker-compose.yml"))))


def test_every_setting_is_shown() -> None:
    names = shown().keys()
    assert [field for field, accepted in settings_names().items() if not names & set(accepted)] == []
    assert sdk_names() <= names
    assert compose_names() <= names


def test_nothing_else_is_shown() -> None:
    assert shown().keys() - every_name() - compose_names() == set()


@pytest.mark.parametrize(
    "field", [field for field, known in Settings.model_fields.items() if known.default is not None]
)
def test_a_setting_is_shown_at_its_default(field: str) -> None:
    (name,) = shown().keys() & set(settings_names()[field])
    assert getattr(Settings.load(**{field: shown()[name]}), field) == Settings.model_fields[field].default


@pytest.mark.parametrize("name", FIRST_DESIGN)
def test_a_name_of_the_first_design_is_shown_with_its_default_and_read(name: str) -> None:
    assert shown()[name] == FIRST_DESIGN[name]
    assert name in every_name()
