"""Dockerfile and docker-compose.yml as the tests read them: instructions, services, commands."""

import json
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from house.source_tree import read


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile: `word` in capitals, `rest` with its continued lines joined."""

    word: str
    rest: str

    def words(self) -> list[str]:
        """The arguments, of the exec form or of the plain one, without flags."""
        words = json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)
        return [word for word in words if not word.startswith("--")]


@cache
def stages() -> tuple[tuple[Instruction, ...], ...]:
    """The stages of the Dockerfile, each beginning with its FROM."""
    lines = [line for line in read(Path("Dockerfile")).splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    found: list[list[Instruction]] = []
    for line in joined:
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append(Instruction(word, rest.strip()))
    return tuple(tuple(stage) for stage in found)


def instructions(word: str, stage: int) -> list[Instruction]:
    """The instructions named `word` of a stage; the final stage is -1."""
    return [instruction for instruction in stages()[stage] if instruction.word == word]


@cache
def compose() -> dict[str, Any]:
    """docker-compose.yml, with its anchors resolved."""
    document: dict[str, Any] = yaml.safe_load(read(Path("docker-compose.yml")))
    return document


def own_services() -> dict[str, Any]:
    """The services that run this project's image."""
    return {name: service for name, service in compose()["services"].items() if "build" in service}
