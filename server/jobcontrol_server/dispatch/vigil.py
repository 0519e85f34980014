"""How long this process has been awake and connected without a break."""

from __future__ import annotations

from collections.abc import Callable

from jobcontrol_core.awake import awake_clock


class Vigil:
    """Whoever judges others by their silence must have been listening: see G3 in docs/guarantees.md.

    `mark` after every turn that reached the database. A gap longer than `longest_gap` seconds (a laptop's
    sleep, a database restart, a stopped process) starts the vigil anew.
    """

    def __init__(self, *, required: float, longest_gap: float, clock: Callable[[], float] = awake_clock) -> None:
        self._required = required
        self._longest_gap = longest_gap
        self._clock = clock
        self._since = self._marked_at = clock()

    def mark(self) -> None:
        """This process is awake and reached the database just now."""
        now = self._clock()
        if now - self._marked_at > self._longest_gap:
            self._since = now
        self._marked_at = now

    def restart(self) -> None:
        """The database was out of reach."""
        self._since = self._marked_at = self._clock()

    @property
    def is_long_enough(self) -> bool:
        return self._marked_at - self._since >= self._required
