"""Do the numbers hold? Every model refitted on public data, beside reference numbers.

Each subject is a module with `CHECKS`; a check is data (see `check.Check`), so that the command, the
page and the test are one table.
"""

from __future__ import annotations

from crm_lib.verify import base, contest, contract, exact, purchases, spend
from crm_lib.verify.cdnow import Cdnow, load
from crm_lib.verify.check import Check, Result
from crm_lib.verify.study import Study

CHECKS: tuple[Check, ...] = (
    *purchases.CHECKS,
    *contest.CHECKS,
    *spend.CHECKS,
    *contract.CHECKS,
    *exact.CHECKS,
    *base.CHECKS,
)


def run(cdnow: Cdnow) -> list[Result]:
    """Every check, in order; what cannot be computed is a result that fails."""
    study = Study(cdnow)
    return [check.run(study) for check in CHECKS]


__all__ = ["CHECKS", "Cdnow", "Check", "Result", "Study", "load", "run"]
