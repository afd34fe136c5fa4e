"""Nominations: which accounts the staff holds for key, by the odds of the law."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crm_lib.simulate.block import Block, People, Spells
from crm_lib.simulate.tables import accounts, arrow


def table(block: Block, people: People, spells: Spells) -> pa.Table:
    """The canonical `nominations`: one row a person and account that this person holds for key.

    Everyone sees every account of the block; which ones are key is in the truth of accounts.
    """
    law = accounts.law(block)
    is_key = accounts.key(block, people, spells)
    odds = np.where(is_key, law.nominated_if_key, law.nominated_otherwise)
    chance = block.stream("nominations").random((len(law.staff), len(people)))
    person, customer = np.nonzero(chance < odds)
    return pa.table(
        {
            "person": arrow.texts(person, law.staff),
            "customer_id": arrow.ids("C", people.number[customer]),
        }
    )
