"""BG/NBD: the beta-geometric / negative binomial model of purchases."""

from __future__ import annotations

from crm_lib.btyd.beta_geometric import BetaGeometric


class BgNbd(BetaGeometric):
    """Customers may leave after each repeat purchase; who has not repeated is still there.

    Parameters r, alpha (a time) of the rate of purchase, a, b of the probability to leave.
    """

    name = "bg_nbd"
    title = "BG/NBD"
    source = (
        "Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). 'Counting your customers' the easy way. "
        "Marketing Science 24(2), 275–284."
    )
    first_is_chance = 0
