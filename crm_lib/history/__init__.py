"""The facts of a book, remembered: what was counted of closed months is counted once.

`write` makes the facts of a book from those of an earlier one and the order lines since; `History` reads
them. Everything is kept under a hash of what it is made of, so that a changed line is never overlooked.
"""

from crm_lib.history.account import Delivery, write
from crm_lib.history.periods import Period, Piece, periods_of
from crm_lib.history.reading import History
from crm_lib.history.shelf import Contents

__all__ = ["Contents", "Delivery", "History", "Period", "Piece", "periods_of", "write"]
