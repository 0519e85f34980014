"""How many failed steps of a stage its job can bear.

A pipeline says `continue`, `fail_fast` or a share; all three are a share: everything, nothing, or between.
"""

from __future__ import annotations

from jobcontrol_core.domain.progress import StageCounts

#: Every step may fail; a stage of which every step did fails its job at the end all the same.
CONTINUE = 1.0
#: No step may fail.
FAIL_FAST = 0.0

_ROUNDING = 1e-9


def exceeds_tolerance(counts: StageCounts, share: float, *, is_total_final: bool) -> bool:
    """True once more than `share` of a stage's steps have failed, and no step to come can change that.

    While more steps may be born, only a share of 0 can be exceeded for certain: 3 of 10 may become 3 of 100.
    """
    if not is_total_final and share > FAIL_FAST:
        return False
    return counts.failed > share * counts.total + _ROUNDING
