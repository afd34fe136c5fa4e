"""The retailer: loose-goods shops and a web shop, selling to households and small cafés."""

from __future__ import annotations

from crm_lib.simulate.companies.questions import readiness
from crm_lib.simulate.companies.retailer_goods import CATEGORIES
from crm_lib.simulate.laws import (
    ADOPTION,
    Campaign,
    Comeback,
    Company,
    Complaints,
    Event,
    Incident,
    Laws,
    Prospecting,
    Purchasing,
    Segment,
    Service,
    Source,
    Spend,
    Survey,
    Tenure,
)

HOME_COOKS = Segment(
    "Home cooks",
    0.28,
    Purchasing(r=2.2, alpha_days=210, s=1.7, beta_days=370),
    Spend(p=5.0, q=4.5, gamma=22.4),
    extra_lines=1.7,
    categories={
        "Grains and pulses": 0.26, "Spices": 0.2, "Oils and vinegars": 0.24,
        "Nuts and dried fruit": 0.14, "Soap refills": 0.12, "Fermented foods": 0.5,
        "Tea": 0.04, "Coffee beans": 0.02,
    },
    channels={"shop": 0.72, "market stall": 0.16, "web": 0.12},
    regular_share=0.35,
    costly_share=0.06,
    price_elasticity=-1.2,
    attributes={
        "age_band": {"18-29": 0.12, "30-44": 0.38, "45-59": 0.32, "60+": 0.18},
        "household": {"single": 0.14, "couple": 0.3, "family": 0.48, "shared flat": 0.08},
    },
)  # fmt: skip

COFFEE_LOVERS = Segment(
    "Coffee lovers",
    0.22,
    Purchasing(r=2.4, alpha_days=155, s=1.6, beta_days=285),
    Spend(p=6.0, q=5.0, gamma=18.7),
    extra_lines=1.1,
    categories={
        "Coffee beans": 0.36, "Coffee capsules": 0.4, "Compostable pods": 0.4, "Tea": 0.06,
        "Nuts and dried fruit": 0.06,
    },
    channels={"web": 0.7, "shop": 0.26, "market stall": 0.04},
    regular_share=0.5,
    costly_share=0.08,
    price_elasticity=-0.8,
    attributes={
        "age_band": {"18-29": 0.26, "30-44": 0.44, "45-59": 0.22, "60+": 0.08},
        "household": {"single": 0.36, "couple": 0.34, "family": 0.2, "shared flat": 0.1},
    },
)  # fmt: skip

BARGAIN_HUNTERS = Segment(
    "Bargain hunters",
    0.27,
    Purchasing(r=1.6, alpha_days=215, s=1.3, beta_days=260),
    Spend(p=3.5, q=4.0, gamma=15.4),
    extra_lines=1.2,
    categories={
        "Grains and pulses": 0.3, "Soap refills": 0.3, "Coffee capsules": 0.16, "Tea": 0.1,
        "Nuts and dried fruit": 0.1, "Spices": 0.08, "Coffee beans": 0.06,
    },
    channels={"shop": 0.6, "web": 0.24, "market stall": 0.16},
    regular_share=0.1,
    costly_share=0.12,
    price_elasticity=-3.0,
    attributes={
        "age_band": {"18-29": 0.4, "30-44": 0.24, "45-59": 0.18, "60+": 0.18},
        "household": {"single": 0.3, "couple": 0.18, "family": 0.26, "shared flat": 0.26},
    },
)  # fmt: skip

GIFT_BUYERS = Segment(
    "Gift buyers",
    0.19,
    Purchasing(r=1.7, alpha_days=330, s=1.7, beta_days=620),
    Spend(p=4.0, q=4.0, gamma=34.5),
    extra_lines=0.8,
    categories={
        "Cloth and candles": 0.4, "Tea": 0.26, "Spices": 0.12, "Oils and vinegars": 0.1,
        "Nuts and dried fruit": 0.08, "Compostable pods": 0.04, "Fermented foods": 0.1,
    },
    channels={"web": 0.46, "shop": 0.4, "market stall": 0.14},
    regular_share=0.05,
    costly_share=0.07,
    price_elasticity=-1.0,
    attributes={
        "age_band": {"18-29": 0.1, "30-44": 0.24, "45-59": 0.38, "60+": 0.28},
        "household": {"single": 0.24, "couple": 0.46, "family": 0.26, "shared flat": 0.04},
    },
)  # fmt: skip

SMALL_CAFES = Segment(
    "Small cafés",
    0.04,
    Purchasing(r=2.5, alpha_days=66, s=1.8, beta_days=560),
    Spend(p=8.0, q=4.5, gamma=63.0),
    extra_lines=2.4,
    categories={
        "Coffee beans": 0.34, "Tea": 0.16, "Soap refills": 0.14, "Nuts and dried fruit": 0.12,
        "Grains and pulses": 0.1, "Spices": 0.08, "Fermented foods": 0.6,
    },
    channels={"web": 0.5, "shop": 0.5},
    regular_share=0.7,
    costly_share=0.05,
    price_elasticity=-1.5,
    attributes={"household": {"business": 1.0}},
)  # fmt: skip

SOURCES = (
    Source("walk-in", 0.44, cost=1.5),
    Source("referral", 0.14, cost=6.0, rate_factor=1.15, hazard_factor=0.7),
    Source("search ads", 0.21, cost=12.0, hazard_factor=1.05),
    Source("voucher leaflet", 0.16, cost=5.0, rate_factor=0.7, hazard_factor=1.6),
    Source("street team", 0.05, cost=18.0, rate_factor=1.05, hazard_factor=0.9, sells=True),
)

CAMPAIGNS = (
    Campaign(
        "spice-market", "promotion", 0.13, 28, reach=0.25, control_share=0.25, lift=0.3,
        discount_rate=0.15, redemption=0.4, cost_each=0.3, cost_fixed=2_400,
    ),
    Campaign(
        "we-miss-you", "retention", 0.22, 28, reach=0.3, control_share=0.3, lift=0.35,
        discount_rate=0.2, redemption=0.5, silent_days=120, cost_each=0.45, cost_fixed=900,
    ),
    Campaign(
        "refill-weeks", "promotion", 0.31, 28, reach=0.3, lift=0.2, discount_rate=0.1,
        redemption=0.45, cost_each=0.25, cost_fixed=1_800,
    ),
    Campaign(
        "new-in-town", "acquisition", 0.4, 28, cost_fixed=6_500, source="search ads",
    ),
    Campaign(
        "jar-deposit", "pilot", 0.49, 28, reach=0.05, control_share=0.3, lift=0.25,
        discount_rate=0.1, redemption=0.3, cost_each=0.8, cost_fixed=3_200,
    ),
    Campaign(
        "coffee-days", "promotion", 0.58, 21, reach=0.25, lift=0.35, discount_rate=0.12,
        redemption=0.45, cost_each=0.3, cost_fixed=2_100,
    ),
    Campaign(
        "shelf-warmers", "promotion", 0.67, 21, reach=0.2, control_share=0.3, lift=0.2,
        discount_rate=0.2, redemption=0.5, cost_each=0.3, cost_fixed=1_200,
    ),
    Campaign(
        "come-back", "retention", 0.76, 28, reach=0.3, control_share=0.3, lift=0.25,
        discount_rate=0.15, redemption=0.4, silent_days=120, cost_each=0.45, cost_fixed=900,
    ),
    Campaign(
        "pantry-weeks", "promotion", 0.85, 28, reach=0.25, lift=0.25, discount_rate=0.1,
        redemption=0.35, cost_each=0.3, cost_fixed=2_000,
    ),
    Campaign(
        "tasting-days", "promotion", 0.972, 14, reach=0.25, control_share=0.25, lift=0.3,
        discount_rate=0.1, redemption=0.3, cost_each=0.35, cost_fixed=2_800,
    ),
)  # fmt: skip
"""Shelf warmers gives most away for the least lift: the promotion that does not pay."""

EVENTS = (
    Event(0.1, "The discount chain Pennimar opens in Aldersbrück", "rival"),
    Event(0.36, "Food prices rise faster than wages for the first time in years", "economy", 0.93),
    Event(0.52, "A new managing director takes over the shops", "leadership"),
    Event(0.64, "The discount chain Pennimar closes its shops in the region", "rival", 1.04),
    Event(0.79, "A week of floods closes the roads along the Wiesel", "weather"),
)

LAWS = Laws(
    week=(0.9, 0.85, 0.9, 1.0, 1.25, 1.6, 0.5),
    season=(0.92, 0.9, 0.96, 0.97, 0.96, 0.93, 0.9, 0.91, 0.98, 1.03, 1.12, 1.42),
    opening_share=0.2,
    growth=0.6,
    never_buy_share=0.04,
    tenure=Tenure(yearly_growth=0.18),
    comeback=Comeback(probability=0.12),
    complaints=Complaints(
        rate=0.03,
        causes={
            "late delivery": (0.3, 0.85, "Logistics"),
            "faulty product": (0.28, 0.75, "Quality"),
            "wrong item": (0.18, 0.9, "Warehouse"),
            "billing": (0.1, 0.6, "Finance"),
            "unfriendly service": (0.14, 0.45, "Shops"),
        },
    ),
    service=Service(rate=0.05, cost=5.0),
    survey=Survey(
        asked_share=0.06,
        drivers={
            "value": 0.16, "habit": 0.1, "status": 0.03, "emotion": 0.09, "price": 0.15,
            "quality": 0.2, "service": 0.16, "technology": 0.05, "brand": 0.06,
        },
        performance={
            "value": 3.7, "habit": 3.9, "status": 3.1, "emotion": 3.8, "price": 2.9,
            "quality": 4.2, "service": 3.3, "technology": 3.0, "brand": 4.0,
        },
    ),
    prospecting=Prospecting(
        intercept=-3.14,
        coefficients={"interest": 2.0, "budget": 1.2, "referred": 0.8},
        days_to_convert=20.0,
    ),
    price_cut_share=0.15,
    request_rate=0.02,
    reason_share=0.15,
    adoption=ADOPTION,
    incident=Incident(0.93, segment="Coffee lovers", channel="web", drop=0.6),
    events=EVENTS,
    campaigns=CAMPAIGNS,
)  # fmt: skip

RETAILER = Company(
    name="retailer",
    title="Scheffel & Krug",
    about="Shops and a web shop for loose goods: coffee, tea, spices, grains, oils, soap refills.",
    currency="EUR",
    time_zone="Europe/Vienna",
    segments=(HOME_COOKS, COFFEE_LOVERS, BARGAIN_HUNTERS, GIFT_BUYERS, SMALL_CAFES),
    sources=SOURCES,
    categories=CATEGORIES,
    places={
        "Aldersbrück": 0.26, "Grünhallstadt": 0.18, "Wieselmünde": 0.14, "Hollerstein": 0.12,
        "Karlsriedt": 0.1, "Lindquell": 0.08, "Obermöhrn": 0.07, "Sonnhagen am See": 0.05,
    },
    regions={
        "Aldersbrück": "Centre", "Grünhallstadt": "North", "Wieselmünde": "East",
        "Hollerstein": "Centre", "Karlsriedt": "South", "Lindquell": "North",
        "Obermöhrn": "East", "Sonnhagen am See": "South",
    },
    laws=LAWS,
    roles={"end customer": 1.0},
    customers=20_000,
    rivals=("Körbchen & Co.", "Vollwertmarkt Ahrens", "Dosenmarkt Brill", "Pennimar"),
    readiness=readiness(
        {
            "people": (3.1, 12_000),
            "organisation": (2.7, 6_000),
            "processes": (2.9, 14_000),
            "leadership": (3.6, 3_000),
            "culture": (3.8, 3_000),
            "technology": (3.3, 118_000),
            "responsibility for information": (2.2, 4_000),
        }
    ),
)  # fmt: skip
