"""What the supplier sells: components and consumables for machines.

A product's numbers are its list price in euros per unit (in brackets in its name), cost rate,
popularity and moment of launch. The lives of the categories are planted: wired sensors decline
while wireless ones take over, tooling matures within the window, condition monitoring has just come.
"""

from __future__ import annotations

from crm_lib.simulate.laws import Category, Product

FASTENERS = Category(
    "Fasteners",
    (
        Product("FA-01", "Hexagon screws M8, zinc plated (100)", "Screws", 14.8, 0.62, 1.5, -9.0),
        Product("FA-02", "Cylinder screws M6, stainless (100)", "Screws", 22.4, 0.61, 1.3, -0.49),
        Product("FA-03", "Lock nuts M8 (100)", "Nuts", 11.9, 0.63, 1.2, -4.23),
        Product("FA-04", "Blind rivets, aluminium (1,000)", "Rivets", 38.5, 0.6, 0.8, -3.0),
        Product("FA-05", "Threaded rod M12 (m)", "Rods", 4.6, 0.64, 0.7, -7.19, return_rate=0.02),
    ),
    introduction=-9.0,
    growth=-8.0,
    maturity=-5.0,
    market_share=0.11,
)

SEALS = Category(
    "Seals",
    (
        Product("SE-01", "O-rings, nitrile, assorted (100)", "O-rings", 19.5, 0.55, 1.5, -8.0),
        Product("SE-02", "O-rings, fluorine rubber (100)", "O-rings", 64.0, 0.53, 0.9, -0.61),
        Product(
            "SE-03",
            "Shaft seals, standard (10)",
            "Shaft seals",
            42.0,
            0.56,
            1.3,
            -2.58,
            replaced=0.32,
            successor="SE-06",
        ),
        Product("SE-04", "Flat gasket sheet (m)", "Gaskets", 58.0, 0.57, 0.8, -0.41),
        Product("SE-05", "Hydraulic rod seals (10)", "Rod seals", 76.0, 0.54, 0.9, -0.98),
        Product(
            "SE-06", "Shaft seals, low friction (10)", "Shaft seals", 49.0, 0.54, 1.4, launched=0.32
        ),
    ),
    introduction=-8.0,
    growth=-7.0,
    maturity=-4.0,
    market_share=0.17,
)

BEARINGS = Category(
    "Bearings",
    (
        Product("BE-01", "Ball bearings, sealed (10)", "Ball bearings", 48.0, 0.64, 1.5, -9.0),
        Product(
            "BE-02", "Tapered roller bearings (10)", "Roller bearings", 148.0, 0.62, 0.9, -6.36
        ),
        Product("BE-03", "Needle bearings (10)", "Roller bearings", 69.0, 0.62, 0.9, -5.8),
        Product(
            "BE-04",
            "Plain bushes, polymer (100)",
            "Plain bearings",
            84.0,
            0.56,
            1.0,
            -7.53,
            return_rate=0.2,
        ),
        Product("BE-05", "Pillow blocks (10)", "Housings", 186.0, 0.6, 0.7, -7.71),
    ),
    introduction=-9.0,
    growth=-8.0,
    maturity=-5.0,
    market_share=0.09,
)
"""Polymer bushes are the faulty product: a fifth of them comes back."""

HYDRAULIC_HOSES = Category(
    "Hydraulic hoses",
    (
        Product("HH-01", "Hose, two wire braids (m)", "Hoses", 8.9, 0.6, 1.5, -6.0),
        Product(
            "HH-02",
            "Hose, four spiral layers (m)",
            "Hoses",
            19.8,
            0.61,
            1.0,
            -5.62,
            replaced=0.55,
            successor="HH-05",
        ),
        Product("HH-03", "Press fittings (10)", "Fittings", 54.0, 0.55, 1.2, -4.24),
        Product("HH-04", "Quick couplings (10)", "Fittings", 132.0, 0.54, 0.8, -2.47),
        Product(
            "HH-05", "Hose, four layers, tight bend (m)", "Hoses", 22.6, 0.58, 1.1, launched=0.55
        ),
    ),
    introduction=-6.0,
    growth=-5.0,
    maturity=-2.0,
    market_share=0.21,
)

DRIVE_BELTS = Category(
    "Drive belts",
    (
        Product("DB-01", "Toothed belts (10)", "Toothed belts", 92.0, 0.58, 1.3, -7.0),
        Product("DB-02", "V-belts (10)", "V-belts", 61.0, 0.6, 1.2, -6.98),
        Product("DB-03", "Flat belting (m)", "Flat belts", 27.0, 0.57, 0.7, -2.36),
        Product("DB-04", "Belt tensioners (10)", "Accessories", 178.0, 0.56, 0.6, -4.69),
    ),
    introduction=-7.0,
    growth=-6.0,
    maturity=-3.0,
    market_share=0.13,
)

WIRED_SENSORS = Category(
    "Wired sensors",
    (
        Product("WS-01", "Inductive sensors M12 (10)", "Proximity", 210.0, 0.57, 1.5, -5.0),
        Product("WS-02", "Photoelectric sensors (10)", "Optical", 390.0, 0.56, 1.1, -3.5),
        Product("WS-03", "Pressure transmitters (10)", "Pressure", 640.0, 0.55, 0.8, -1.03),
        Product(
            "WS-04", "Sensor cable, shielded (m)", "Cable", 3.4, 0.58, 1.2, -2.67, return_rate=0.02
        ),
    ),
    introduction=-5.0,
    growth=-4.0,
    maturity=-1.5,
    decline=0.28,
    market_share=0.16,
)

WIRELESS_SENSORS = Category(
    "Wireless sensors",
    (
        Product(
            "WL-01", "Wireless proximity nodes (10)", "Proximity", 420.0, 0.52, 1.3, launched=0.1
        ),
        Product(
            "WL-02", "Wireless pressure nodes (10)", "Pressure", 780.0, 0.51, 0.9, launched=0.1
        ),
        Product("WL-03", "Gateways (10)", "Gateways", 1_900.0, 0.5, 0.5, launched=0.1),
        Product("WL-04", "Energy harvesters (10)", "Supply", 560.0, 0.55, 0.6, launched=0.45),
    ),
    introduction=0.1,
    growth=0.38,
    maturity=None,
    market_share=0.31,
)

LUBRICANTS = Category(
    "Lubricants",
    (
        Product(
            "LU-01",
            "Hydraulic oil 46 (l)",
            "Oils",
            4.8,
            0.66,
            1.5,
            -9.0,
            replaced=0.68,
            successor="LU-05",
        ),
        Product("LU-02", "Gear oil 220 (l)", "Oils", 7.9, 0.64, 1.1, -6.21),
        Product("LU-03", "Bearing grease (kg)", "Greases", 13.5, 0.58, 1.2, -4.74),
        Product("LU-04", "Food-safe grease (kg)", "Greases", 24.8, 0.55, 0.8, -2.76),
        Product(
            "LU-05", "Hydraulic oil 46, biodegradable (l)", "Oils", 7.6, 0.61, 1.6, launched=0.68
        ),
    ),
    introduction=-9.0,
    growth=-8.0,
    maturity=-5.0,
    market_share=0.1,
)

TOOLING = Category(
    "Tooling",
    (
        Product("TO-01", "Carbide end mills (10)", "Milling", 264.0, 0.58, 1.3, -1.4),
        Product("TO-02", "Indexable inserts (100)", "Turning", 740.0, 0.57, 1.0, -1.32),
        Product("TO-03", "Twist drills, coated (10)", "Drilling", 118.0, 0.59, 1.2, -0.05),
        Product(
            "TO-04", "Thread formers (10)", "Threading", 196.0, 0.56, 0.7, -1.37, return_rate=0.05
        ),
        Product("TO-05", "Cutting fluid (l)", "Fluids", 9.4, 0.6, 1.1, -0.37, return_rate=0.02),
    ),
    introduction=-1.4,
    growth=-0.7,
    maturity=0.48,
    market_share=0.14,
)

CONDITION_MONITORING = Category(
    "Condition monitoring",
    (
        Product("CM-01", "Vibration pick-ups (10)", "Pick-ups", 980.0, 0.5, 1.2, launched=0.78),
        Product(
            "CM-02", "Oil particle counters (1)", "Counters", 1_450.0, 0.52, 0.7, launched=0.78
        ),
        Product("CM-03", "Bearing watch units (1)", "Units", 520.0, 0.51, 1.0, launched=0.78),
        Product("CM-04", "Thermal cameras, fixed (1)", "Cameras", 860.0, 0.54, 0.6, launched=0.78),
    ),
    introduction=0.78,
    growth=None,
    maturity=None,
    market_share=0.38,
)

CATEGORIES = (
    FASTENERS,
    SEALS,
    BEARINGS,
    HYDRAULIC_HOSES,
    DRIVE_BELTS,
    WIRED_SENSORS,
    WIRELESS_SENSORS,
    LUBRICANTS,
    TOOLING,
    CONDITION_MONITORING,
)
