"""The colours of every page and figure, in light and in dark: a theme is this file."""

from __future__ import annotations

LIGHT = {
    # Paper and letters; edges of what can be pressed (line) and other rules; grounds of pictures
    # (tile), of fields (raised), and what lies over a page that waits (shade)
    "page": "#fbfaf7",
    "ink": "#1d1c1a",
    "soft": "#5d5952",
    "rule": "#dcd8cf",
    "line": "#8a857b",
    "tile": "#f0ede6",
    "raised": "#ffffff",
    "shade": "#1d1c1a73",
    "faint": "#b5b0a6",
    # What is said with colour
    "true": "#17702f",
    "warn": "#8a4b00",
    "bad": "#a3231c",
    "link": "#0b559c",
    "box": "#c8102e",
    "frame": "#e8590c",
    # Lines of charts
    "c0": "#7d3c98",
    "c1": "#1565b0",
    "c2": "#12757c",
    "c3": "#3f7a1d",
    "c4": "#a85a00",
    # Shades from few to many
    "m0": "#cae3f9",
    "m1": "#a5c6e5",
    "m2": "#82a9d1",
    "m3": "#608dbd",
    "m4": "#3f70a8",
    "m5": "#1d5494",
    "m6": "#133a6e",
    # Groups of a map, classes from low to high, the rest
    "g0": "#3f75ad",
    "g1": "#e0556a",
    "g2": "#228833",
    "g3": "#b9a51f",
    "g4": "#35acd0",
    "g5": "#aa3377",
    "q0": "#443983",
    "q1": "#31688e",
    "q2": "#21918c",
    "q3": "#35b779",
    "q4": "#7cc843",
    "q5": "#d2c71f",
    "other": "#a5a198",
    "nothing": "#d0cbc0",
}
"""By the names of their variables in style sheets. No two are equal, so that each can be found."""

DARK = {
    "page": "#17181a",
    "ink": "#e9e6e0",
    "soft": "#aaa69e",
    "rule": "#36373b",
    "line": "#76777d",
    "tile": "#232427",
    "raised": "#1f2023",
    "shade": "#000000a6",
    "faint": "#6f6c66",
    "true": "#55c777",
    "warn": "#e8ad5c",
    "bad": "#f08a80",
    "link": "#8cc0f5",
    "box": "#ff5a6e",
    "frame": "#ff8a4c",
    "c0": "#cf9ee6",
    "c1": "#79b4ee",
    "c2": "#58c4cb",
    "c3": "#93c86f",
    "c4": "#eda65a",
    "m0": "#294263",
    "m1": "#3c5c82",
    "m2": "#5077a3",
    "m3": "#6594c4",
    "m4": "#79b1e6",
    "m5": "#a1cef7",
    "m6": "#ccebff",
    "g0": "#5f9be0",
    "g1": "#f07284",
    "g2": "#3fb356",
    "g3": "#d8c84f",
    "g4": "#7fd6f2",
    "g5": "#d76aa8",
    "q0": "#7a6fd0",
    "q1": "#4a8fc0",
    "q2": "#2fb0a9",
    "q3": "#4fcf8e",
    "q4": "#98df5f",
    "q5": "#f3e54a",
    "other": "#77746e",
    "nothing": "#4a4b50",
}

PAPER = {**LIGHT, "page": "#ffffff", "raised": LIGHT["page"]}
"""What is printed, and figures in files."""


def style_sheet() -> str:
    """The colours as variables: light, dark where the reader's system or choice says so, print.

    The choice is a checked element with the id `theme-light` or `theme-dark`.
    """
    light, dark, paper = (_variables(colours) for colours in (LIGHT, DARK, PAPER))
    return "\n".join(
        [
            f":root {{ color-scheme: light dark; {light} }}",
            f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}",
            f":root:has(#theme-light:checked) {{ color-scheme: light; {light} }}",
            f":root:has(#theme-dark:checked) {{ color-scheme: dark; {dark} }}",
            # As strong as the choice, and after it.
            f"@media print {{ :root, :root:has(#theme-light, #theme-dark) {{ color-scheme: light; "
            f"{paper} }} }}",
        ]
    )


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
