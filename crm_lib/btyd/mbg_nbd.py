"""MBG/NBD: BG/NBD in which a customer may leave after the first purchase, too."""

from __future__ import annotations

from crm_lib.btyd.beta_geometric import BetaGeometric


class MbgNbd(BetaGeometric):
    """Customers may leave after each purchase, the first included.

    Parameters r, alpha (a time) of the rate of purchase, a, b of the probability to leave.
    """

    name = "mbg_nbd"
    title = "MBG/NBD"
    source = (
        "Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Empirical validation and comparison of "
        "models for customer base analysis. International Journal of Research in Marketing 24(3), "
        "201–209; Hoppe, D. & Wagner, U. (2007). Marketing ZFP 29(JRM 2), 75–90."
    )
    first_is_chance = 1
