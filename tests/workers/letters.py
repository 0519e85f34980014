"""A pipeline for tests: a word is split into letters, every letter is spelled, and finish puts them together."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from jobcontrol.pipeline import Pipeline, Retry

Handler = Callable[..., Any]
AT_ONCE = Retry(max_attempts=3, base=0.0)


def letters(
    spell: Handler | None = None,
    *,
    word: Sequence[str] = ("a", "b", "c"),
    split: Handler | None = None,
    concurrency: int = 10,
    retry: Retry = AT_ONCE,
    name: str = "letters",
    **options: Any,
) -> Pipeline:
    """Stages split, spell and finalize; `spell` and `split` take the place of the usual handlers.

    `options` are those of the stage spell.
    """
    pipeline = Pipeline(name)

    async def split_word(ctx: Any, _input: Any) -> Any:
        return ctx.fan_out("spell", word, key=str)

    async def join(_ctx: Any, _input: Any, results: Any) -> list[Any]:
        return list(results["spell"])

    pipeline.stage("split", weight=0.2, retry=retry)(split or split_word)
    pipeline.stage("spell", weight=0.8, concurrency=concurrency, retry=retry, **options)(spell or echo)
    pipeline.finish(join, retry=retry)
    return pipeline


async def echo(_ctx: Any, letter: Any) -> Any:
    return letter


class Gate:
    """A handler of which a test sees who came in, and which lets them out when it is told."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.ends: Counter[str] = Counter()
        self.most_inside = 0
        self._open = asyncio.Event()
        self._count = 0

    def open(self) -> None:
        self._open.set()

    async def handler(self, ctx: Any, letter: Any) -> Any:
        self.inside.append(ctx.key)
        self._count += 1
        self.most_inside = max(self.most_inside, self._count)
        try:
            await self._open.wait()
        except asyncio.CancelledError:
            self.ends["cancelled"] += 1
            raise
        finally:
            self._count -= 1
        self.ends["returned"] += 1
        return letter
