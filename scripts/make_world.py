"""Makes `drawsim/reporting/collection/data/world.json`, the map that `drawsim explore` colours.

    pip download --no-deps geopandas==0.14.4
    python scripts/make_world.py geopandas-0.14.4-py3-none-any.whl

The outlines are Natural Earth's countries at 1:110 million (naturalearthdata.com, public domain),
which that release of GeoPandas carries. They are projected by Equal Earth and rounded to whole
units of a map 2,000 wide. Every part of the world with an ISO 3166-1 code gets an outline, a dot
where that is too small to be seen, or both; Antarctica, which lies below the map, gets neither.
"""

from __future__ import annotations

import argparse
import json
import math
import struct
import zipfile
from itertools import pairwise
from pathlib import Path

from drawsim.common.files import write_text

Point = tuple[float, float]
Ring = list[Point]

TARGET = Path(__file__).parents[1] / "drawsim/reporting/collection/data/world.json"
INSIDE = "geopandas/datasets/naturalearth_lowres/naturalearth_lowres"
SOURCE = "Natural Earth 1:110m, public domain, naturalearthdata.com; projection Equal Earth"
WIDTH = 2000  # units from the western to the eastern edge at the equator
CENTRE = 11.0  # degrees east: the seam of the map then runs through the Bering Strait
NORTH, SOUTH = 84.5, -56.5  # degrees of latitude that the map shows
SMALLEST = 60.0  # square units: what is smaller gets a dot besides

# Natural Earth's codes for what ISO 3166-1 counts otherwise, or not at all: XKX is the code that
# the European Commission and the World Bank use.
CODES = {"N. Cyprus": "CYP", "Somaliland": "SOM", "Kosovo": "XKX"}
# Parts far from their country that have a code of their own: west, south, east, north.
PARTS = {"FRA": ("GUF", (-55.0, 2.0, -51.0, 6.0)), "NOR": ("SJM", (10.0, 76.0, 35.0, 81.0))}
LEFT_OUT = {"ATA"}
# What Natural Earth shortens, or calls by another name than the country does today.
NAMES = {
    "ATF": "French Southern Territories",
    "BIH": "Bosnia and Herzegovina",
    "CAF": "Central African Republic",
    "COD": "DR Congo",
    "CYP": "Cyprus",
    "DOM": "Dominican Republic",
    "ESH": "Western Sahara",
    "FLK": "Falkland Islands",
    "GNQ": "Equatorial Guinea",
    "GUF": "French Guiana",
    "SJM": "Svalbard and Jan Mayen",
    "SLB": "Solomon Islands",
    "SOM": "Somalia",
    "SSD": "South Sudan",
    "SWZ": "Eswatini",
    "TUR": "Türkiye",
    "USA": "United States",
}
# Degrees of longitude and latitude of what the outlines leave out.
DOTS: dict[str, tuple[str, float, float]] = {
    "ABW": ("Aruba", -69.97, 12.52),
    "AIA": ("Anguilla", -63.05, 18.22),
    "ALA": ("Åland Islands", 19.95, 60.21),
    "AND": ("Andorra", 1.57, 42.54),
    "ASM": ("American Samoa", -170.70, -14.30),
    "ATG": ("Antigua and Barbuda", -61.80, 17.08),
    "BES": ("Bonaire, Sint Eustatius and Saba", -68.26, 12.18),
    "BHR": ("Bahrain", 50.55, 26.04),
    "BLM": ("Saint Barthélemy", -62.83, 17.90),
    "BMU": ("Bermuda", -64.75, 32.31),
    "BRB": ("Barbados", -59.55, 13.18),
    "BVT": ("Bouvet Island", 3.35, -54.42),
    "CCK": ("Cocos (Keeling) Islands", 96.84, -12.17),
    "COK": ("Cook Islands", -159.78, -21.23),
    "COM": ("Comoros", 43.68, -11.89),
    "CPV": ("Cabo Verde", -23.61, 15.11),
    "CUW": ("Curaçao", -68.97, 12.19),
    "CXR": ("Christmas Island", 105.68, -10.45),
    "CYM": ("Cayman Islands", -81.25, 19.31),
    "DMA": ("Dominica", -61.36, 15.43),
    "FRO": ("Faroe Islands", -6.93, 62.05),
    "FSM": ("Micronesia", 158.22, 6.88),
    "GGY": ("Guernsey", -2.57, 49.45),
    "GIB": ("Gibraltar", -5.35, 36.14),
    "GLP": ("Guadeloupe", -61.55, 16.20),
    "GRD": ("Grenada", -61.68, 12.12),
    "GUM": ("Guam", 144.78, 13.44),
    "HKG": ("Hong Kong", 114.17, 22.35),
    "HMD": ("Heard and McDonald Islands", 73.51, -53.10),
    "IMN": ("Isle of Man", -4.53, 54.23),
    "IOT": ("British Indian Ocean Territory", 72.42, -7.33),
    "JEY": ("Jersey", -2.13, 49.22),
    "KIR": ("Kiribati", 172.98, 1.42),
    "KNA": ("Saint Kitts and Nevis", -62.74, 17.30),
    "LCA": ("Saint Lucia", -60.98, 13.90),
    "LIE": ("Liechtenstein", 9.54, 47.15),
    "MAC": ("Macao", 113.55, 22.17),
    "MAF": ("Saint Martin", -63.06, 18.08),
    "MCO": ("Monaco", 7.42, 43.74),
    "MDV": ("Maldives", 73.46, 3.73),
    "MHL": ("Marshall Islands", 171.18, 7.10),
    "MLT": ("Malta", 14.40, 35.92),
    "MNP": ("Northern Mariana Islands", 145.75, 15.19),
    "MSR": ("Montserrat", -62.19, 16.74),
    "MTQ": ("Martinique", -61.02, 14.65),
    "MUS": ("Mauritius", 57.57, -20.28),
    "MYT": ("Mayotte", 45.16, -12.82),
    "NFK": ("Norfolk Island", 167.95, -29.03),
    "NIU": ("Niue", -169.87, -19.05),
    "NRU": ("Nauru", 166.93, -0.53),
    "PCN": ("Pitcairn", -130.10, -25.07),
    "PLW": ("Palau", 134.57, 7.50),
    "PYF": ("French Polynesia", -149.45, -17.66),
    "REU": ("Réunion", 55.53, -21.12),
    "SGP": ("Singapore", 103.82, 1.35),
    "SGS": ("South Georgia and South Sandwich Islands", -36.75, -54.43),
    "SHN": ("Saint Helena, Ascension and Tristan da Cunha", -5.72, -15.96),
    "SMR": ("San Marino", 12.46, 43.94),
    "SPM": ("Saint Pierre and Miquelon", -56.27, 46.88),
    "STP": ("São Tomé and Príncipe", 6.61, 0.24),
    "SXM": ("Sint Maarten", -63.05, 18.04),
    "SYC": ("Seychelles", 55.47, -4.68),
    "TCA": ("Turks and Caicos Islands", -71.80, 21.77),
    "TKL": ("Tokelau", -171.83, -9.17),
    "TON": ("Tonga", -175.20, -21.17),
    "TUV": ("Tuvalu", 179.20, -8.52),
    "UMI": ("US Minor Outlying Islands", 166.63, 19.29),
    "VAT": ("Vatican City", 12.45, 41.90),
    "VCT": ("Saint Vincent and the Grenadines", -61.20, 13.25),
    "VGB": ("British Virgin Islands", -64.62, 18.43),
    "VIR": ("US Virgin Islands", -64.80, 17.73),
    "WLF": ("Wallis and Futuna", -176.20, -13.29),
    "WSM": ("Samoa", -172.10, -13.76),
}


def read_countries(wheel: Path) -> dict[str, tuple[str, list[Ring]]]:
    """Code -> name and rings of longitude and latitude, from the shapefile inside the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        records = _records(archive.read(f"{INSIDE}.dbf"))
        polygons = _polygons(archive.read(f"{INSIDE}.shp"))
    countries: dict[str, tuple[str, list[Ring]]] = {}
    for record, rings in zip(records, polygons, strict=True):
        name = record["name"]
        code = CODES.get(name, record["iso_a3"])
        for ring in rings:
            part, box = PARTS.get(code, (code, (0.0, 0.0, 0.0, 0.0)))
            own = part if all(_within(point, box) for point in ring) else code
            countries.setdefault(own, (NAMES.get(own, name), []))[1].append(ring)
    return {code: country for code, country in countries.items() if code not in LEFT_OUT}


def _within(point: Point, box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = box
    return west <= point[0] <= east and south <= point[1] <= north


def _records(data: bytes) -> list[dict[str, str]]:
    """The rows of a dBASE III table (.dbf): a header, its fields, then cells of fixed width."""
    count, start, length = struct.unpack_from("<IHH", data, 4)
    fields: list[tuple[str, int]] = []
    at = 32
    while data[at] != 0x0D:
        fields.append((data[at : at + 11].split(b"\0")[0].decode("ascii"), data[at + 16]))
        at += 32
    records = []
    for row in range(count):
        at = start + row * length + 1  # after the mark of deleted rows
        record = {}
        for name, width in fields:
            record[name] = data[at : at + width].decode("latin-1").strip()
            at += width
        records.append(record)
    return records


def _polygons(data: bytes) -> list[list[Ring]]:
    """The rings of each polygon (ESRI Shapefile Technical Description, 1998, p. 8)."""
    polygons: list[list[Ring]] = []
    at = 100
    while at < len(data):
        (words,) = struct.unpack_from(">I", data, at + 4)
        parts, points = struct.unpack_from("<II", data, at + 44)
        starts = [*struct.unpack_from(f"<{parts}I", data, at + 52), points]
        numbers = struct.unpack_from(f"<{2 * points}d", data, at + 52 + 4 * parts)
        corners = list(zip(numbers[::2], numbers[1::2], strict=True))
        # The last point of a ring repeats the first.
        polygons.append([corners[a : b - 1] for a, b in pairwise(starts)])
        at += 8 + 2 * words
    return polygons


def across_the_seam(rings: list[Ring]) -> list[Ring]:
    """The rings, those that the date line cut joined again to its west."""
    shifted = [
        [(x + (360 if min(ring)[0] == -180 else 0), round(y, 5)) for x, y in ring] for ring in rings
    ]
    whole: list[Ring] = []
    for ring in shifted:
        for other in whole:
            if joined := _joined(other, ring):
                whole[whole.index(other)] = joined
                break
        else:
            whole.append(ring)
    return whole


def _joined(a: Ring, b: Ring) -> Ring | None:
    """One ring of two that share an edge on the date line; None if they do not."""
    for i, start in enumerate(a):
        end = a[(i + 1) % len(a)]
        if start[0] == end[0] == 180.0 and start in b and end in b:
            j = b.index(end)
            if b[(j + 1) % len(b)] == start:
                # a without the edge runs from its end to its start, b from there and back.
                around_a = a[i + 1 :] + a[: i + 1]
                around_b = b[j + 1 :] + b[: j + 1]
                return around_a + around_b[1:-1]
    return None


def project(longitude: float, latitude: float) -> Point:
    """Equal Earth on a sphere of radius 1, x to the east and y to the north of the centre.

    B. Šavrič, T. Patterson and B. Jenny, "The Equal Earth map projection", International Journal
    of Geographical Information Science 33(3), 2019, equations 9 and 10.
    """
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    theta = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(latitude)))
    slope = 9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1
    x = 2 * math.sqrt(3) / 3 * math.radians(longitude - CENTRE) * math.cos(theta) / slope
    y = a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta
    return x, y


def on_map(longitude: float, latitude: float) -> Point:
    """Units from the upper left corner of the map, y downwards."""
    scale = WIDTH / 2 / project(CENTRE + 180, 0)[0]
    x, y = project(longitude, latitude)
    return WIDTH / 2 + x * scale, (project(CENTRE, NORTH)[1] - y) * scale


def area(ring: Ring) -> float:
    """The area inside a ring, by the shoelace formula."""
    following = ring[1:] + ring[:1]
    doubled = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, following, strict=True))
    return abs(doubled) / 2


def rounded(ring: Ring) -> Ring:
    """Whole units, each place once in a row."""
    points = [(round(x), round(y)) for x, y in ring]
    return [point for i, point in enumerate(points) if point != points[i - 1]]


def make_world(wheel: Path) -> str:
    """The JSON text: `size`, and under each code its `name`, its `rings`, its `dot`."""
    places: dict[str, dict[str, object]] = {}
    for code, (name, rings) in read_countries(wheel).items():
        shapes = [[on_map(*point) for point in ring] for ring in across_the_seam(rings)]
        flat = [[n for point in rounded(ring) for n in point] for ring in shapes]
        places[code] = {"name": name, "rings": [ring for ring in flat if len(ring) >= 6]}
        if sum(map(area, shapes)) < SMALLEST:
            largest = max(shapes, key=area)
            centre = [sum(values) / len(largest) for values in zip(*largest, strict=True)]
            places[code]["dot"] = [round(value) for value in centre]
    for code, (name, longitude, latitude) in DOTS.items():
        longitude += 360 if longitude < CENTRE - 180 else 0
        places[code] = {"name": name, "dot": [round(n) for n in on_map(longitude, latitude)]}
    height = round(on_map(CENTRE, SOUTH)[1])
    lines = [f" {_compact(code)}: {_compact(places[code])}" for code in sorted(places)]
    head = f'"source": {json.dumps(SOURCE)},\n"size": [{WIDTH},{height}],\n'
    return "{" + head + '"places": {\n' + ",\n".join(lines) + "\n}}\n"


def _compact(data: object) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def main() -> None:
    """Read the wheel named on the command line and write the map."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="geopandas-0.14.4-py3-none-any.whl")
    text = make_world(parser.parse_args().wheel)
    write_text(TARGET, text)
    print(f"{TARGET}: {len(text.encode()):,} bytes, {text.count('rings')} outlines")


if __name__ == "__main__":
    main()
