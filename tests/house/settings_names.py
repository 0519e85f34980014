"""The names under which the code reads its settings, taken from the code itself."""

import ast
from functools import cache
from pathlib import Path

from pydantic import AliasChoices

from house.source_tree import files, tree
from jobcontrol_core.settings import Settings

SDK_SETTINGS = Path("sdk/jobcontrol/_settings.py")
PREFIXES = ("JOBCONTROL_", "JOB_", "REDIS_", "DATABASE_")


@cache
def settings_names() -> dict[str, tuple[str, ...]]:
    """Every field of `Settings` with the environment variables that set it, the preferred one first."""
    return {field: _names_of(field) for field in Settings.model_fields}


@cache
def sdk_names() -> frozenset[str]:
    """The environment variables of the SDK's own settings: the string constants there that look like one."""
    if SDK_SETTINGS not in files():
        return frozenset()  # No other module of the SDK may read the environment, which test_source_rules holds.
    constants = (node.value for node in ast.walk(tree(SDK_SETTINGS)) if isinstance(node, ast.Constant))
    return frozenset(
        text for text in constants if isinstance(text, str) and text.isupper() and text.startswith("JOBCONTROL_")
    )


def every_name() -> frozenset[str]:
    """Whatever the code reads from the environment."""
    return sdk_names().union(*settings_names().values())


def _names_of(field: str) -> tuple[str, ...]:
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(choice.upper() for choice in alias.choices if isinstance(choice, str) and _is_variable(choice))
    if isinstance(alias, str):
        return (alias.upper(),)
    return (f"{Settings.model_config.get('env_prefix', '')}{field}".upper(),)


def _is_variable(choice: str) -> bool:
    # A field's own name may be among its aliases, so that tests can build Settings by keyword.
    return choice.upper().startswith(PREFIXES)
