"""The self-assessment of readiness: four questions for each of the seven pillars."""

from __future__ import annotations

from collections.abc import Mapping

QUESTIONS: dict[str, tuple[str, ...]] = {
    "people": (
        "Everyone who meets customers was trained for it within the last two years.",
        "Staff may settle a complaint on the spot.",
        "Pay depends in part on what customers say about us.",
        "We know who among us can read customer figures, and there are enough of them.",
    ),
    "organisation": (
        "One person answers for each customer segment.",
        "Sales, service and marketing pursue the same goals for customers.",
        "Who looks after a customer is known to everyone who needs to know.",
        "Someone decides when two departments disagree about a customer.",
    ),
    "processes": (
        "A complaint takes the same way whichever channel it comes in by.",
        "What customers tell us reaches those who plan the range.",
        "Offers go to customers chosen by a written rule.",
        "Each campaign is measured against customers it did not reach.",
    ),
    "leadership": (
        "The management looks at customer figures every month.",
        "Managers speak with customers themselves.",
        "Decisions that cost customers' trust are discussed before they are taken.",
        "The budget for keeping customers is set apart from that for winning them.",
    ),
    "culture": (
        "Mistakes that customers find are talked about openly.",
        "A good idea from the shop floor or the field is tried within a quarter.",
        "We would rather lose a sale than sell the wrong thing.",
        "Departments share what they know about customers without being asked.",
    ),
    "technology": (
        "Every contact with a customer is recorded in one system.",
        "Purchases, contacts and campaigns of a customer can be joined.",
        "The figures needed for a decision are there within a day.",
        "Those who work with the systems find them easy to use.",
    ),
    "responsibility for information": (
        "Each table of customer data has an owner.",
        "Errors in customer data are corrected at their source.",
        "It is written down what each customer figure means.",
        "Customers can see, correct and erase what we hold about them.",
    ),
}
"""Pillar: statements, each answered from 1 (not at all) to 5 (fully)."""

Readiness = dict[str, tuple[tuple[str, ...], float, float]]


def readiness(pillars: Mapping[str, tuple[float, float]]) -> Readiness:
    """`Company.readiness` from the mean score and the money invested of each pillar."""
    return {name: (questions, *pillars[name]) for name, questions in QUESTIONS.items()}
