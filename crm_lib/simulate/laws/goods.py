"""What is sold: products, and categories with their stages of life."""

from __future__ import annotations

from dataclasses import dataclass

STAGES = ("Introduction", "Growth", "Maturity", "Decline")
"""The life of a product category."""

ADOPTION = {
    "Introduction": (8.0, 3.5, 0.7, 0.1, 0.0),
    "Growth": (2.0, 1.8, 1.2, 0.7, 0.3),
    "Maturity": (1.0, 1.0, 1.0, 1.0, 1.0),
    "Decline": (0.3, 0.5, 0.9, 1.2, 1.5),
}
"""Stage of a category: weight by adopter (`ADOPTERS`) against the usual."""


@dataclass(frozen=True)
class Product:
    """A product, sold by the kilogram, litre, metre or piece in parts of a thousand."""

    product_id: str
    name: str
    subcategory: str
    list_price: float
    cost_rate: float
    """cost of goods as a share of the list price"""
    popularity: float = 1.0
    """weight among the products of its category"""
    launched: float = -1.0
    """moment of the launch"""
    replaced: float | None = None
    """moment at which its successor takes over, gradually within half a year"""
    successor: str = ""
    """product_id of the successor"""
    return_rate: float = 0.03
    """share of its order lines that come back"""


@dataclass(frozen=True)
class Category:
    """A product category and the moments at which the stages of its life begin (None: never)."""

    name: str
    products: tuple[Product, ...]
    introduction: float = -3.0
    growth: float | None = -2.0
    maturity: float | None = -1.0
    decline: float | None = None
    market_share: float = 0.15
    """our share of the category's whole market over the window"""
