"""Several threads that do the same at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")


def together(count: int, do: Callable[[int], R]) -> list[R]:
    """`do(0)` … `do(count - 1)`, each in a thread, none before all are there. The first exception is raised."""
    gate = threading.Barrier(count)

    def run(number: int) -> R:
        gate.wait(timeout=30)
        return do(number)

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run, number) for number in range(count)]]


def side_by_side(*acts: Callable[[], object]) -> None:
    """Each of these in a thread, none before all are there. The first exception is raised."""
    together(len(acts), lambda number: acts[number]())
