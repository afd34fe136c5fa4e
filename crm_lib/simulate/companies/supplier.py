"""The supplier: components and consumables for industry, sold to business accounts."""

from __future__ import annotations

from crm_lib.simulate.companies.questions import readiness
from crm_lib.simulate.companies.supplier_goods import CATEGORIES
from crm_lib.simulate.laws import (
    ADOPTION,
    Accounts,
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

MACHINE_BUILDERS = Segment(
    "Machine builders",
    0.3,
    Purchasing(r=2.4, alpha_days=58, s=1.6, beta_days=1_500),
    Spend(p=4.0, q=4.0, gamma=2_025.0),
    extra_lines=3.2,
    categories={
        "Bearings": 0.2, "Wired sensors": 0.18, "Fasteners": 0.16, "Seals": 0.14,
        "Wireless sensors": 0.18, "Hydraulic hoses": 0.1, "Drive belts": 0.1,
    },
    channels={"field sales": 0.46, "portal": 0.34, "phone": 0.2},
    regular_share=0.7,
    costly_share=0.06,
    price_elasticity=-1.4,
    attributes={
        "size": {"small": 0.2, "medium": 0.5, "large": 0.3},
        "role": {"end customer": 0.9, "partner": 0.1},
    },
)  # fmt: skip

WORKSHOPS = Segment(
    "Workshops",
    0.34,
    Purchasing(r=1.6, alpha_days=62, s=1.4, beta_days=900),
    Spend(p=3.5, q=4.0, gamma=728.6),
    extra_lines=2.2,
    categories={
        "Tooling": 0.46, "Fasteners": 0.2, "Lubricants": 0.18, "Seals": 0.1, "Drive belts": 0.06,
    },
    channels={"portal": 0.6, "phone": 0.34, "field sales": 0.06},
    regular_share=0.5,
    costly_share=0.11,
    price_elasticity=-2.2,
    attributes={
        "size": {"small": 0.78, "medium": 0.2, "large": 0.02},
        "role": {"end customer": 1.0},
    },
)  # fmt: skip

TRADE = Segment(
    "Trade",
    0.14,
    Purchasing(r=2.5, alpha_days=38, s=1.8, beta_days=2_200),
    Spend(p=5.0, q=4.5, gamma=4_200.0),
    extra_lines=3.8,
    categories={
        "Fasteners": 0.24, "Bearings": 0.18, "Hydraulic hoses": 0.16, "Lubricants": 0.14,
        "Drive belts": 0.12, "Tooling": 0.1, "Wired sensors": 0.06,
    },
    channels={"portal": 0.5, "field sales": 0.38, "phone": 0.12},
    regular_share=0.8,
    costly_share=0.08,
    price_elasticity=-2.8,
    attributes={
        "size": {"small": 0.3, "medium": 0.5, "large": 0.2},
        "role": {"distributor": 0.85, "partner": 0.15},
    },
)  # fmt: skip

PLANT_OPERATORS = Segment(
    "Plant operators",
    0.22,
    Purchasing(r=2.0, alpha_days=60, s=1.7, beta_days=2_400),
    Spend(p=3.0, q=4.0, gamma=6_000.0),
    extra_lines=2.6,
    categories={
        "Hydraulic hoses": 0.24, "Lubricants": 0.2, "Seals": 0.16, "Condition monitoring": 0.9,
        "Wireless sensors": 0.2, "Bearings": 0.06, "Wired sensors": 0.04,
    },
    channels={"field sales": 0.62, "phone": 0.24, "portal": 0.14},
    regular_share=0.6,
    costly_share=0.05,
    price_elasticity=-0.7,
    attributes={
        "size": {"small": 0.05, "medium": 0.35, "large": 0.6},
        "role": {"end customer": 0.94, "partner": 0.06},
    },
)  # fmt: skip

SOURCES = (
    Source("field sales", 0.38, cost=1_400.0, hazard_factor=0.9, sells=True),
    Source("trade fair", 0.2, cost=900.0, sells=True),
    Source("referral", 0.16, cost=250.0, rate_factor=1.1, hazard_factor=0.75),
    Source("portal search", 0.16, cost=320.0, rate_factor=0.9, hazard_factor=1.1),
    Source("price list mailing", 0.1, cost=120.0, rate_factor=0.7, hazard_factor=1.6),
)

CAMPAIGNS = (
    Campaign(
        "stock-up", "promotion", 0.16, 28, reach=0.4, control_share=0.3, lift=0.25,
        discount_rate=0.1, redemption=0.4, cost_each=18.0, cost_fixed=4_000,
    ),
    Campaign(
        "trade-fair-week", "acquisition", 0.34, 28, cost_fixed=38_000, source="trade fair",
    ),
    Campaign(
        "visit-the-silent", "retention", 0.5, 28, reach=0.5, control_share=0.3, lift=0.35,
        discount_rate=0.1, redemption=0.4, silent_days=120, cost_each=95.0, cost_fixed=1_500,
    ),
    Campaign(
        "hose-service-trial", "pilot", 0.66, 28, reach=0.05, control_share=0.3, lift=0.25,
        discount_rate=0.1, redemption=0.3, cost_each=60.0, cost_fixed=9_000,
    ),
    Campaign(
        "tooling-weeks", "promotion", 0.83, 28, reach=0.4, control_share=0.3, lift=0.2,
        discount_rate=0.12, redemption=0.35, cost_each=18.0, cost_fixed=3_500,
    ),
)  # fmt: skip

EVENTS = (
    Event(0.14, "The key interest rate rises for the fifth time in a year", "economy", 0.93),
    Event(0.33, "Torvik Komponenten takes over a regional competitor", "rival"),
    Event(0.46, "The head of sales retires; her deputy follows", "leadership"),
    Event(0.61, "Orders in mechanical engineering recover", "economy", 1.04),
    Event(0.8, "Low water stops deliveries by barge for two weeks", "weather"),
)

ACCOUNTS = Accounts(
    rungs={
        "vendor": (0.55, 0.18, 8.0, 5),
        "preferred supplier": (0.33, 0.42, 12.0, 3),
        "partner": (0.12, 0.72, 20.0, 1),
    },
    staff=(
        "Antje Wolkenried", "Bernd Haselmoor", "Carla Tiefenthau", "Dirk Ollenbrink",
        "Elif Gölkuyu", "Florian Stegmoor", "Gesa Brinkhoop", "Henrik Dahlquell",
        "Imke Robledal", "Jan Krautbrink", "Katrin Nebelquell", "Lukas Pfannried",
        "Mira Sandovec", "Nils Overkolk",
    ),
)  # fmt: skip

LAWS = Laws(
    week=(1.1, 1.15, 1.1, 1.05, 0.9, 0.05, 0.01),
    season=(0.98, 1.0, 1.08, 1.02, 1.0, 1.02, 0.94, 0.86, 1.06, 1.1, 1.08, 0.86),
    opening_share=0.5,
    growth=0.3,
    never_buy_share=0.02,
    tenure=Tenure(yearly_growth=0.08),
    comeback=Comeback(probability=0.08, shortest_days=90.0, mean_days=300.0),
    complaints=Complaints(
        rate=0.03,
        causes={
            "late delivery": (0.36, 0.85, "Logistics"),
            "faulty product": (0.24, 0.8, "Quality"),
            "wrong item": (0.16, 0.9, "Warehouse"),
            "billing": (0.14, 0.55, "Finance"),
            "technical advice": (0.1, 0.5, "Application engineering"),
        },
        resolution_days=6.0,
        leave_if_resolved=0.02,
        leave_if_unresolved=0.25,
        cost=65.0,
    ),
    service=Service(rate=0.12, cost=35.0),
    survey=Survey(
        asked_share=0.5,
        response_rate=0.4,
        drivers={
            "value": 0.14, "habit": 0.08, "status": 0.02, "emotion": 0.04, "price": 0.14,
            "quality": 0.2, "service": 0.22, "technology": 0.11, "brand": 0.05,
        },
        performance={
            "value": 3.6, "habit": 3.8, "status": 3.3, "emotion": 3.4, "price": 3.0,
            "quality": 4.1, "service": 3.4, "technology": 3.2, "brand": 3.7,
        },
    ),
    prospecting=Prospecting(
        intercept=-3.21,
        coefficients={"interest": 2.2, "budget": 1.6, "referred": 0.8},
        days_to_convert=75.0,
    ),
    price_cut_share=0.08,
    request_rate=0.03,
    reason_share=0.3,
    adoption=ADOPTION,
    incident=Incident(0.93, segment="Workshops", channel="portal", drop=0.6),
    events=EVENTS,
    campaigns=CAMPAIGNS,
)  # fmt: skip

SUPPLIER = Company(
    name="supplier",
    title="Nordholm Industriebedarf",
    about="Components and consumables for machines: fasteners, seals, bearings, hoses, sensors.",
    currency="EUR",
    time_zone="Europe/Berlin",
    segments=(MACHINE_BUILDERS, WORKSHOPS, TRADE, PLANT_OPERATORS),
    sources=SOURCES,
    categories=CATEGORIES,
    places={
        "Nordholm": 0.24, "Tannfleth": 0.12, "Ahlsieken": 0.1, "Rabenwörth": 0.14,
        "Steinach am Kolk": 0.12, "Quellhofen": 0.1, "Brandenau": 0.1, "Mühlgörde": 0.08,
    },
    regions={
        "Nordholm": "North", "Tannfleth": "North", "Ahlsieken": "North", "Rabenwörth": "South",
        "Steinach am Kolk": "South", "Quellhofen": "West", "Brandenau": "East",
        "Mühlgörde": "East",
    },
    laws=LAWS,
    accounts=ACCOUNTS,
    roles={"end customer": 0.82, "distributor": 0.12, "partner": 0.06},
    customers=2_000,
    rivals=(
        "Torvik Komponenten", "Halmerot Industrie", "Brückfeld & Söhne", "Vantorelli",
        "Ostermoor Hydraulik", "Delacombe Fournitures",
    ),
    industries={
        "Food machinery": 0.22, "Packaging": 0.18, "Agricultural technology": 0.18,
        "Vehicle construction": 0.16, "Energy and water": 0.14, "Wood and paper": 0.12,
    },
    brand_tiers={"A brand": 0.25, "B brand": 0.4, "own label": 0.35},
    readiness=readiness(
        {
            "people": (3.4, 590_000),
            "organisation": (3.0, 540_000),
            "processes": (3.2, 880_000),
            "leadership": (3.1, 150_000),
            "culture": (3.3, 100_000),
            "technology": (2.6, 4_000_000),
            "responsibility for information": (2.4, 390_000),
        }
    ),
)  # fmt: skip
