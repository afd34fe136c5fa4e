"""Names of people and firms: common first names, and family names made up from parts.

Every letter is in cp1252, the encoding of many a delivery. A family name is a stem and an ending of
its language; that some such names exist cannot be helped, no person or firm is meant.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """Names that go together."""

    share: float
    """of the people"""
    first: tuple[str, ...]
    family: tuple[str, ...]


def _each(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _made(stems: str, endings: str) -> tuple[str, ...]:
    """Each stem with each ending."""
    return tuple(stem + ending for stem in _each(stems) for ending in _each(endings))


GERMAN = Language(
    0.58,
    _each(
        """Anna Sophie Lena Katharina Marie Johanna Eva Theresa Magdalena Elisabeth Birgit Sabine
        Karin Monika Ursula Claudia Andrea Petra Gabriele Renate Jörg Günther Björn Käthe Lukas
        Thomas Michael Stefan Andreas Martin Florian Markus Daniel Matthias Johannes Paul Felix
        Jakob Wolfgang Peter Franz Josef Helmut Manfred Gerhard Walter Jürgen Rüdiger"""
    ),
    _made(
        """Hasel Tiefen Wolken Ollen Eschen Rauten Kranz Mühl Grün Silber Distel Wacholder Sommer
        Nebel Ginster Drossel Hollen Birk Lärchen Kupfer Amsel Königs Brachen Heidel Morgen""",
        "brink moor ried horst quell hagen stetter feldner gruber auer",
    ),
)
CZECH = Language(
    0.12,
    _each(
        """Jana Eva Hana Lenka Petra Lucie Tereza Alena Zuzana Barbora Jan Petr Pavel Tomáš Jakub
        Milan Marek David Lukáš Ivan Roman Filip"""
    ),
    _made("Habr Jasen Kalin Lip Mod Osik Pod Stud Vrb Zim Doln Krás", "ák an il ovec ek ina"),
)
ITALIAN = Language(
    0.08,
    _each(
        """Giulia Chiara Francesca Sara Elena Paola Martina Silvia Niccolò Marco Luca Andrea Matteo
        Davide Paolo Stefano Giorgio Roberto Carlo Pietro"""
    ),
    _made("Albar Brun Cast Dor Fior Lavor Montar Pin Rovel Vantor", "etti ini ardo elli ano azzo"),
)
SPANISH = Language(
    0.06,
    _each(
        """María Lucía Carmen Ana Marta Elena Inés Pilar Begoña José Javier Pablo Diego Andrés
        Álvaro Sergio Luis Íñigo Raúl Tomás"""
    ),
    _made("Alb Cast Mont Roble Per Vald Sot Quint", "añeda ares eros ada orín ueña"),
)
FRENCH = Language(
    0.05,
    _each(
        """Camille Chloé Léa Hélène Amélie Élodie Claire Sophie Françoise Zoé René François Benoît
        Jérôme Luc Pierre Antoine Étienne Loïc Hugo"""
    ),
    _made("Beau Mar Val Chante Clair Lon Roche Belle", "mont chêne court vigne lieu pré"),
)
NORDIC = Language(
    0.05,
    _each(
        """Astrid Ingrid Sigrid Maja Freja Åsa Märta Linnéa Solveig Søren Bjørn Håkon Lars Nils
        Erik Anders Gustav Henrik Jens Øyvind"""
    ),
    _made("Ask Dal Fjell Gran Holm Sjö Sten Ås Ek Lind", "qvist gård haug strøm vik lund"),
)
TURKISH = Language(
    0.06,
    _each(
        """Elif Zeynep Ayla Leyla Gül Özlem Sibel Derya Hülya Emre Mehmet Murat Can Kerem Yusuf
        Ömer Deniz Hakan Gökhan Orhan"""
    ),
    _made("Kara Ak Gül Demir Yol Çam Su Gök Ay Tas", "dere han türk er kaya can"),
)

LANGUAGES = (GERMAN, CZECH, ITALIAN, SPANISH, FRENCH, NORDIC, TURKISH)

FIRMS = GERMAN.family
"""What a firm is called after."""
TRADES = {
    "Food machinery": _each(
        """Bäckereimaschinen Fleischereitechnik Molkereitechnik Brauereitechnik Abfülltechnik
        Mühlenbau Backofenbau Kühltechnik Lebensmitteltechnik Dosiertechnik Keltertechnik Siebtechnik
        Kaffeemaschinen"""
    ),
    "Packaging": _each(
        """Verpackungstechnik Folientechnik Etikettiertechnik Kartonagen Wägetechnik Palettiertechnik
        Siegeltechnik Verschlusstechnik Packmittel Verpackungsmaschinen Tubenwerk Flaschenwerk"""
    ),
    "Agricultural technology": _each(
        """Landtechnik Landmaschinen Stalltechnik Melktechnik Erntetechnik Gewächshausbau
        Bewässerungstechnik Forsttechnik Weinbautechnik Silobau Saattechnik Fütterungstechnik"""
    ),
    "Vehicle construction": _each(
        """Fahrzeugbau Karosseriebau Getriebebau Achsenbau Anhängerbau Motorentechnik Bootsbau
        Bremsentechnik Aufbautenbau Nutzfahrzeuge Schienenfahrzeuge Fahrwerktechnik"""
    ),
    "Energy and water": _each(
        """Energietechnik Wassertechnik Pumpentechnik Klärtechnik Rohrleitungsbau Turbinenbau
        Kraftwerkstechnik Wärmetechnik Windkraft Biogasanlagen Wasseraufbereitung Brunnenbau"""
    ),
    "Wood and paper": _each(
        """Holztechnik Sägewerk Papiertechnik Möbelwerk Holzbau Furnierwerk Papierfabrik
        Zellstoffwerk Hobelwerk Spanplatten Kartonfabrik Treppenbau"""
    ),
}
"""What firms of an industry do."""
WORKS = _each(
    """Maschinenbau Anlagenbau Antriebstechnik Metallbau Feinmechanik Werkzeugbau Steuerungstechnik
    Stahlbau Apparatebau Gerätebau Montagetechnik Automation"""
)
"""What firms of any other industry do."""
DEALERS = _each(
    """Industriebedarf Technikhandel Werkzeughandel Maschinenhandel Großhandel Handelskontor
    Betriebsbedarf Industrievertrieb Ersatzteilhandel Werkstattbedarf Komponentenhandel Lagerhaus"""
)
"""What distributors do, whatever the industry."""
CAFES = _each("Café Kaffeehaus Konditorei Espressobar Teehaus Backstube Kaffeerösterei Bistro")
"""What stands before the name of a small café."""
LEGAL_FORMS = ("GmbH", "GmbH & Co. KG", "AG", "KG", "e. K.", "OHG")
LEGAL_FORM_SHARES = (0.48, 0.24, 0.08, 0.08, 0.08, 0.04)
