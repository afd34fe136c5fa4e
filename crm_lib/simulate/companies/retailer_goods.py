"""What the retailer sells: loose goods by the kilogram, litre and metre.

A product's numbers are its list price in euros per unit, cost rate, popularity and moment of launch.
The lives of the categories are planted: capsules decline while pods take over, oils mature within the
window, soap refills still grow, fermented foods have just come.
"""

from __future__ import annotations

from crm_lib.simulate.laws import Category, Product

COFFEE_BEANS = Category(
    "Coffee beans",
    (
        Product("CB-01", "House espresso (kg)", "Espresso", 24.9, 0.52, 1.6, -6.0),
        Product(
            "CB-02",
            "Morning blend (kg)",
            "Filter",
            19.9,
            0.55,
            1.4,
            -2.36,
            replaced=0.3,
            successor="CB-06",
        ),
        Product("CB-03", "Highland single origin (kg)", "Filter", 32.9, 0.56, 0.8, -1.66),
        Product("CB-04", "Decaffeinated (kg)", "Espresso", 27.9, 0.56, 0.5, -1.35),
        Product("CB-05", "Green beans for home roasting (kg)", "Unroasted", 15.9, 0.62, 0.2, -0.49),
        Product("CB-06", "Morning blend, slow roast (kg)", "Filter", 21.9, 0.53, 1.5, launched=0.3),
    ),
    introduction=-6.0,
    growth=-4.5,
    maturity=-2.0,
    market_share=0.12,
)

COFFEE_CAPSULES = Category(
    "Coffee capsules",
    (
        Product("CC-01", "Aluminium capsules, strong (kg)", "Aluminium", 64.0, 0.5, 1.3, -4.0),
        Product("CC-02", "Aluminium capsules, mild (kg)", "Aluminium", 64.0, 0.5, 1.1, -1.15),
        Product(
            "CC-03", "Aluminium capsules, decaffeinated (kg)", "Aluminium", 67.0, 0.51, 0.5, -0.45
        ),
        Product(
            "CC-04", "Lungo capsules (kg)", "Plastic", 58.0, 0.49, 0.8, -3.89, return_rate=0.04
        ),
    ),
    introduction=-4.0,
    growth=-3.2,
    maturity=-1.2,
    decline=0.3,
    market_share=0.06,
)

COMPOSTABLE_PODS = Category(
    "Compostable pods",
    (
        Product("CP-01", "Paper pods, strong (kg)", "Paper", 52.0, 0.58, 1.3, launched=0.15),
        Product("CP-02", "Paper pods, mild (kg)", "Paper", 52.0, 0.58, 1.1, launched=0.15),
        Product(
            "CP-03", "Pressed coffee balls (kg)", "Without wrapping", 59.0, 0.61, 0.7, launched=0.15
        ),
        Product(
            "CP-04", "Pressed cocoa balls (kg)", "Without wrapping", 48.0, 0.6, 0.5, launched=0.5
        ),
    ),
    introduction=0.15,
    growth=0.4,
    maturity=None,
    market_share=0.22,
)

TEA = Category(
    "Tea",
    (
        Product("TE-01", "Breakfast tea (kg)", "Black tea", 44.0, 0.5, 1.4, -6.0),
        Product("TE-02", "Smoked black tea (kg)", "Black tea", 58.0, 0.52, 0.4, -3.28),
        Product("TE-03", "Steamed green tea (kg)", "Green tea", 69.0, 0.53, 0.9, -0.48),
        Product("TE-04", "Meadow herbs (kg)", "Herbs", 52.0, 0.47, 1.2, -2.2),
        Product("TE-05", "Rosehip and apple (kg)", "Fruit", 36.0, 0.48, 1.0, -0.73),
    ),
    introduction=-6.0,
    growth=-5.0,
    maturity=-2.0,
    market_share=0.09,
)

SPICES = Category(
    "Spices",
    (
        Product(
            "SP-01", "Sweet paprika (kg)", "Single spices", 29.0, 0.48, 1.5, -6.0, return_rate=0.02
        ),
        Product("SP-02", "Black pepper, whole (kg)", "Single spices", 38.0, 0.5, 1.4, -5.34),
        Product("SP-03", "Ceylon cinnamon (kg)", "Single spices", 54.0, 0.52, 0.9, -3.26),
        Product(
            "SP-04",
            "Curry mix mild (kg)",
            "Mixes",
            41.0,
            0.47,
            1.0,
            -4.56,
            replaced=0.6,
            successor="SP-06",
        ),
        Product("SP-05", "Bread spice (kg)", "Mixes", 33.0, 0.46, 0.7, -2.82, return_rate=0.02),
        Product("SP-06", "Curry mix without salt (kg)", "Mixes", 43.0, 0.47, 1.1, launched=0.6),
    ),
    introduction=-6.0,
    growth=-5.0,
    maturity=-3.0,
    market_share=0.1,
)

GRAINS_AND_PULSES = Category(
    "Grains and pulses",
    (
        Product("GP-01", "Rolled oats (kg)", "Grains", 3.2, 0.64, 1.6, -6.0, return_rate=0.02),
        Product("GP-02", "Spelt (kg)", "Grains", 4.1, 0.63, 1.1, -2.64, return_rate=0.02),
        Product("GP-03", "Risotto rice (kg)", "Rice", 6.4, 0.62, 1.2, -5.92, return_rate=0.02),
        Product("GP-04", "Mountain lentils (kg)", "Pulses", 7.2, 0.6, 1.0, -4.73, return_rate=0.02),
        Product("GP-05", "Chickpeas (kg)", "Pulses", 5.4, 0.61, 1.0, -4.37, return_rate=0.02),
    ),
    introduction=-6.0,
    growth=-5.0,
    maturity=-3.0,
    market_share=0.07,
)

OILS_AND_VINEGARS = Category(
    "Oils and vinegars",
    (
        Product(
            "OV-01", "Olive oil (l)", "Oil", 18.9, 0.66, 1.6, -1.2, replaced=0.48, successor="OV-05"
        ),
        Product("OV-02", "Pumpkin seed oil (l)", "Oil", 31.9, 0.63, 1.0, -0.12),
        Product("OV-03", "Rapeseed oil (l)", "Oil", 8.9, 0.64, 1.2, -0.3),
        Product("OV-04", "Apple vinegar (l)", "Vinegar", 6.9, 0.55, 0.9, -1.01),
        Product("OV-05", "Olive oil, early harvest (l)", "Oil", 22.9, 0.65, 1.7, launched=0.48),
    ),
    introduction=-1.2,
    growth=-0.6,
    maturity=0.5,
    market_share=0.14,
)

NUTS_AND_DRIED_FRUIT = Category(
    "Nuts and dried fruit",
    (
        Product("ND-01", "Almonds (kg)", "Nuts", 17.9, 0.66, 1.4, -5.0),
        Product("ND-02", "Hazelnuts, roasted (kg)", "Nuts", 19.9, 0.65, 1.2, -1.13),
        Product("ND-03", "Trail mix (kg)", "Mixes", 15.9, 0.6, 1.2, -4.33),
        Product("ND-04", "Dried apricots (kg)", "Dried fruit", 14.9, 0.62, 0.9, -2.01),
        Product(
            "ND-05", "Pear crisps (kg)", "Dried fruit", 27.9, 0.57, 0.5, -4.39, return_rate=0.05
        ),
    ),
    introduction=-5.0,
    growth=-4.0,
    maturity=-1.5,
    market_share=0.08,
)

SOAP_REFILLS = Category(
    "Soap refills",
    (
        Product(
            "SR-01",
            "Washing-up liquid (l)",
            "Kitchen",
            4.9,
            0.52,
            1.5,
            -0.5,
            replaced=0.7,
            successor="SR-05",
        ),
        Product("SR-02", "Laundry liquid (l)", "Laundry", 6.4, 0.54, 1.4, -0.5),
        Product("SR-03", "Hand soap, lavender (l)", "Bath", 9.8, 0.5, 1.0, -0.08),
        Product("SR-04", "Shampoo, nettle (l)", "Bath", 18.5, 0.49, 0.8, -0.4, return_rate=0.06),
        Product("SR-05", "Washing-up concentrate (l)", "Kitchen", 9.4, 0.5, 1.6, launched=0.7),
    ),
    introduction=-0.5,
    growth=0.1,
    maturity=None,
    market_share=0.28,
)

CLOTH_AND_CANDLES = Category(
    "Cloth and candles",
    (
        Product("KW-01", "Muslin (m)", "Cloth", 7.9, 0.55, 1.0, -4.0),
        Product("KW-02", "Linen towelling (m)", "Cloth", 16.9, 0.57, 0.9, -3.17, return_rate=0.05),
        Product(
            "KW-03", "Waxed cloth, printed (m)", "Cloth", 24.9, 0.58, 1.0, -0.22, return_rate=0.2
        ),
        Product(
            "KW-04", "Beeswax candles (kg)", "Candles", 34.9, 0.6, 1.1, -0.64, return_rate=0.05
        ),
        Product(
            "KW-05",
            "Rapeseed wax candles (kg)",
            "Candles",
            21.9,
            0.57,
            0.8,
            -2.89,
            return_rate=0.05,
        ),
    ),
    introduction=-4.0,
    growth=-3.0,
    maturity=-1.0,
    market_share=0.05,
)
"""Waxed cloth is the faulty product: a fifth of it comes back."""

FERMENTED_FOODS = Category(
    "Fermented foods",
    (
        Product("FF-01", "Barley miso (kg)", "Pastes", 22.9, 0.6, 1.2, launched=0.8),
        Product("FF-02", "Chilli paste, aged (kg)", "Pastes", 26.9, 0.6, 1.0, launched=0.8),
        Product("FF-03", "Sour beetroot (kg)", "Vegetables", 9.9, 0.6, 0.9, launched=0.8),
        Product("FF-04", "Kombucha (l)", "Drinks", 6.9, 0.58, 1.1, launched=0.8),
    ),
    introduction=0.8,
    growth=None,
    maturity=None,
    market_share=0.3,
)

CATEGORIES = (
    COFFEE_BEANS,
    COFFEE_CAPSULES,
    COMPOSTABLE_PODS,
    TEA,
    SPICES,
    GRAINS_AND_PULSES,
    OILS_AND_VINEGARS,
    NUTS_AND_DRIED_FRUIT,
    SOAP_REFILLS,
    CLOTH_AND_CANDLES,
    FERMENTED_FOODS,
)
