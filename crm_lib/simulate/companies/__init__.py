"""The two companies that are declared: what they sell, to whom, and by which laws."""

from __future__ import annotations

from crm_lib.errors import UsageError, unknown
from crm_lib.simulate.companies.retailer import RETAILER
from crm_lib.simulate.companies.supplier import SUPPLIER
from crm_lib.simulate.laws import Company, plain

_DECLARED = {company.name: company for company in (RETAILER, SUPPLIER)}
COMPANIES = tuple(_DECLARED)


def company(name: str, *, without_disturbance: bool = False) -> Company:
    """The declared company `name`; with nothing but its laws of buying and spending if so asked.

    Raises UsageError for an unknown name.
    """
    if name not in _DECLARED:
        raise UsageError(unknown("company", name, COMPANIES))
    return plain(_DECLARED[name]) if without_disturbance else _DECLARED[name]
