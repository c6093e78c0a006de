"""The field's own words: age groups, countries, endings of style copies, artists' names."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection as Ids
from itertools import pairwise

AGE_GROUPS = ("3-5", "6-9", "10-13", "14-17", "18-25", "MS", "unknown")
"""In their natural order; MS: medico-social institutions, of no stated age."""

STYLE_SUFFIXES = ("_pencil_gray", "_texture", "_water", "_gray", "_oil")
"""What the id of a style copy has after the id of its original; the longest is tried first."""

COUNTRIES = frozenset(
    """
    ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD
    BGR BHR BHS BIH BLM BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR
    COD COG COK COL COM CPV CRI CUB CUW CXR CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH
    ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB GIN GLP GMB GNB GNQ GRC GRD GRL
    GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA JAM JEY JOR
    JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR
    MCO MDA MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL
    NER NFK NGA NIC NIU NLD NOR NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY
    PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP
    SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON TTO TUN TUR TUV TWN TZA
    UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE
    ANT CSK DDR SCG SUN YUG ZAR
    """.split()  # noqa: SIM905  (two hundred quoted strings would say no more)
)
"""ISO 3166-1 alpha-3, and in the last line states of ISO 3166-3 that are no more."""

_ENCODINGS = ("cp437", "cp1252", "mac_roman")
_SUSPECTS = "ªºµ"  # letters to Unicode, but in a name most likely half of a broken one
_GOOD_MARKS = "’‘“”–·"


def original_id(copy: str, known: Ids[str]) -> str | None:
    """The id of which `copy` is a style copy, if that is among `known`.

    >>> original_id("2015_14-17_3372_ITA_R_C_oil", {"2015_14-17_3372_ITA_R_C"})
    '2015_14-17_3372_ITA_R_C'
    """
    originals = (copy.removesuffix(s) for s in STYLE_SUFFIXES if copy.endswith(s))
    return next((name for name in originals if name in known), None)


def display_name(name: str) -> str:
    """An artist's name for people: spaces for underscores, broken letters repaired.

    >>> display_name("Albrecht_Du╠êrer")
    'Albrecht Dürer'
    >>> display_name("Édouard_Manet")
    'Édouard Manet'
    """
    return " ".join(unicodedata.normalize("NFC", repaired(name)).replace("_", " ").split())


def repaired(text: str) -> str:
    """Text whose UTF-8 bytes were once read as another encoding, as it was meant (NFC).

    Tried are cp437 (zip archives), cp1252 with latin-1 for the bytes that it lacks (Windows, the
    web) and Mac Roman, twice at most, as some text was broken twice. Only what looks broken is
    touched, and only if it is UTF-8 in that encoding and then looks like a name: letters of one
    script, and no sign that names do not have. Everything else comes back as it is.
    """
    better = text
    for _ in range(2):
        tries = (_reread(better, encoding) for encoding in _ENCODINGS if _looks_broken(better))
        better = next((meant for meant in tries if meant is not None), better)
    return text if _looks_broken(better) else better


def _reread(text: str, encoding: str) -> str | None:
    """The text as UTF-8 if these were its bytes, or None."""
    try:
        raw = b"".join(_byte(letter, encoding) for letter in text)
        meant = unicodedata.normalize("NFC", raw.decode("utf-8"))
    except UnicodeError:
        return None
    scripts = {unicodedata.name(c, "?").split()[0] for c in meant if c.isalpha()}
    marks = any(unicodedata.combining(c) for c in meant)
    return meant if len(scripts) == 1 and not marks else None


def _byte(letter: str, encoding: str) -> bytes:
    try:
        return letter.encode(encoding)
    except UnicodeEncodeError:
        if encoding != "cp1252":
            raise
        return letter.encode("latin-1")


def _looks_broken(text: str) -> bool:
    """Whether there is a sign that names do not have, or a capital like Ã within a word."""
    return any(map(_is_odd, text)) or any(
        a.islower() and b.isupper() and not b.isascii() for a, b in pairwise(text)
    )


def _is_odd(letter: str) -> bool:
    if letter.isascii() or letter in _GOOD_MARKS:
        return False
    return letter in _SUSPECTS or unicodedata.category(letter)[0] not in "LM"
