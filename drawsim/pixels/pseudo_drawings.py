"""A plausible drawing of an artwork by a child or an amateur, simulated: a free training pair.

A hand sees the picture (where its subject is, what to leave out, in which colours), then draws
what it has seen with one medium, in lines or in colours, and the sheet is scanned.
"""

from __future__ import annotations

import cv2
import numpy as np

from drawsim.pixels.drawing_media import COLOUR_MEDIA, LINE_MEDIA, Scene
from drawsim.pixels.transforms import resize
from drawsim.pixels.warps import (
    OVERSIZE,
    check,
    check_size,
    jpeg,
    look_up,
    move,
    smooth_noise,
    to_bytes,
    uneven_light,
    wobble,
)

Random = np.random.Generator

_BOX = np.array(
    [
        *((204, 30, 38), (240, 120, 30), (250, 214, 40), (90, 170, 60), (24, 104, 60)),
        *((60, 150, 220), (30, 60, 150), (110, 50, 140), (230, 120, 160), (120, 70, 40)),
        *((40, 36, 40), (200, 160, 110), (245, 210, 180), (150, 150, 150)),
    ],
    np.float32,
)
"""A box of crayons, RGB."""


class PseudoDrawing:
    """Makes a drawing of a picture.

    `size`: side of the result in pixels, 16..4096.
    `line`: share of drawings in lines or shades of gray; the others are in colours.
    `wobble`: how far proportions go wrong, the largest displacement as a share of the side, 0..0.2.
    `loose`: how far the whole is moved, turned and scaled, 0 (not at all) to 1 (a quarter of it).
    `missing`: probability that the background or parts are left blank.
    `recolour`: probability that colours are replaced by others.
    `paper`: probability that the sheet shows (tint, grain, edge, light); else it is pure white.

    Raises UserError, naming the setting, for numbers out of their range.
    """

    def __init__(
        self,
        *,
        size: int,
        line: float,
        wobble: float,
        loose: float,
        missing: float,
        recolour: float,
        paper: float,
    ) -> None:
        check_size("drawing", size)
        check("drawing", "line", line, 0, 1, "a share")
        check("drawing", "wobble", wobble, 0, 0.2, "a share of the side")
        check("drawing", "loose", loose, 0, 1, "a strength")
        check("drawing", "missing", missing, 0, 1, "a probability")
        check("drawing", "recolour", recolour, 0, 1, "a probability")
        check("drawing", "paper", paper, 0, 1, "a probability")
        self.size = size
        self.line = line
        self.wobble = wobble
        self.loose = loose
        self.missing = missing
        self.recolour = recolour
        self.paper = paper

    def __call__(self, image: np.ndarray, seed: int) -> np.ndarray:
        """One drawing of `image` (uint8 RGB of any size): uint8, `size` x `size` x 3.

        The result depends on the arguments alone. `seed` is 0 or more.
        """
        rng = np.random.default_rng(seed)
        scene = self._seen(image, rng)
        in_lines = rng.random() < self.line
        media = LINE_MEDIA if in_lines else COLOUR_MEDIA
        medium = list(media)[int(rng.choice(len(media), p=list(media.values())))]
        on_paper = rng.random() < self.paper
        sheet = _sheet(scene.side, on_paper, rng)
        if not in_lines:
            scene = _in_own_colours(scene, rng.random() < self.recolour, rng)
        drawing = medium(scene, sheet, rng)
        return _scanned(drawing, self.size, on_paper, rng)

    def _seen(self, image: np.ndarray, rng: Random) -> Scene:
        """The picture as the hand will draw it: simplified, out of proportion, parts left out."""
        side = round(OVERSIZE * self.size)
        coarse = resize(image, round(side * rng.uniform(0.45, 0.9)))
        simple = cv2.medianBlur(coarse, int(rng.choice([3, 5])))
        turn = np.radians(self.loose * rng.uniform(-12, 12))
        scale = np.exp(self.loose * rng.uniform(-0.25, 0.35, 2))
        c, s = np.cos(turn), np.sin(turn)
        turned = np.array([[c, s], [-s, c]]) * scale
        shift = 0.5 + self.loose * rng.uniform(-0.15, 0.15, 2) - turned @ [0.5, 0.5]
        field = wobble(rng, side, self.wobble * rng.uniform(0.3, 1))
        places = move(field, np.hstack([turned, shift[:, None]]))
        colours = look_up(simple, places)
        subject = np.clip(look_up(_subject(coarse), places), 0, 1)
        if rng.random() < 0.6:  # the drawing fills the sheet
            inside = np.ones((side, side), bool)
        else:
            inside = np.logical_and(*((places > 0) & (places < 1)))
        drawn = inside.astype(np.float32)
        if rng.random() < self.missing:
            drawn *= _left(subject, rng)
        return Scene(colours, subject, drawn)


def _subject(picture: np.ndarray) -> np.ndarray:
    """How much each place belongs to the subject: unlike the border, and near the middle.

    Returns float32 in 0..1, of a small copy of the picture.
    """
    cells = 28
    small = cv2.resize(picture, (cells, cells), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    rim = np.concatenate([lab[0, ::4], lab[-1, ::4], lab[::4, 0], lab[::4, -1]])
    apart = (lab**2).sum(axis=2) + ((rim**2).sum(axis=1) - 2 * lab @ rim.T).min(axis=2)
    apart = cv2.GaussianBlur(np.sqrt(np.maximum(apart, 0)), (0, 0), 1.0)
    across = np.linspace(-1, 1, cells, dtype=np.float32)
    share = (apart + 3) * np.exp(-1.2 * (across**2 + across[:, None] ** 2))
    strong = max(float(np.partition(share.ravel(), -16)[-16]), 20.0)  # nothing stands out: none
    return np.asarray(np.clip(1.3 * share / strong, 0, 1))


def _left(subject: np.ndarray, rng: Random) -> np.ndarray:
    """What of the picture is drawn where parts are left out: a soft mask, float32 in 0..1."""
    side = len(subject)
    edge = 0.2 * smooth_noise(rng, side, 4)
    if rng.random() < 0.6:  # the background is missing
        level = rng.uniform(0.15, 0.45)
        return np.clip((subject + 0.5 * edge - level) * 30 + 0.5, 0, 1)
    across = np.linspace(-1, 1, side, dtype=np.float32)  # unfinished towards the edges
    distance = np.maximum(np.abs(across), np.abs(across[:, None]))
    return np.clip((rng.uniform(0.8, 1.05) - distance + edge) * 20 + 0.5, 0, 1)


def _in_own_colours(scene: Scene, replaced: bool, rng: Random) -> Scene:
    """The scene in the few colours that a hand has at its disposal."""
    colours = scene.colours
    palette = _palette(colours, int(rng.integers(4, 11)), rng)
    labels = _nearest(palette, colours)
    at_hand = palette.copy()
    flat = rng.uniform(0.2, 1)
    if rng.random() < 0.35:  # from the box
        reach = rng.uniform(0.5, 1)
        at_hand += reach * (_BOX[_nearest(_BOX, palette[None].astype(np.uint8))[0]] - at_hand)
    if replaced:
        at_hand = _replaced(at_hand, rng)
    hsv = cv2.cvtColor(at_hand[None].clip(0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV)
    vivid = hsv.astype(np.float32) * np.array([1, rng.uniform(0.8, 1.7), rng.uniform(0.95, 1.25)])
    vivid = cv2.cvtColor(np.clip(vivid, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)[0]
    kept = np.float32(1 - flat)
    mixed = np.take(vivid - kept * palette, labels, axis=0) + kept * colours
    return Scene(to_bytes(mixed), scene.subject, scene.drawn)


def _palette(colours: np.ndarray, count: int, rng: Random) -> np.ndarray:
    """The `count` colours that tell a picture best: k-means on a small copy of it, float32."""
    pixels = cv2.resize(colours, (20, 20), interpolation=cv2.INTER_AREA).reshape(-1, 3)
    pixels = pixels.astype(np.float32)
    palette = [pixels[rng.integers(len(pixels))]]
    nearest = np.full(len(pixels), np.inf, np.float32)
    for _ in range(count - 1):  # each next one from what the others tell worst
        apart = pixels - palette[-1]
        nearest = np.minimum(nearest, np.einsum("ij,ij->i", apart, apart))
        palette.append(pixels[int((nearest * rng.random(len(pixels), np.float32)).argmax())])
    centres = np.array(palette)
    for _ in range(3):
        labels = (pixels @ centres.T - (centres**2).sum(axis=1) / 2).argmax(axis=1)
        member = labels == np.arange(count)[:, None]
        size = member.sum(axis=1, keepdims=True)
        centres = np.where(size > 0, (member @ pixels) / np.maximum(size, 1), centres)
    return centres.astype(np.float32)


def _nearest(palette: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """For each pixel (uint8) the row of its nearest palette colour, by a table of 16³ colours."""
    step = np.arange(8, 256, 16, dtype=np.float32)
    cube = np.stack(np.meshgrid(step, step, step, indexing="ij"), axis=-1).reshape(-1, 3)
    score = cube @ palette.T - (palette**2).sum(axis=1) / 2  # largest where the distance is least
    table = score.argmax(axis=1).astype(np.uint8)
    level = (colours >> 4).astype(np.int32)
    return np.take(table, level[..., 0] * 256 + level[..., 1] * 16 + level[..., 2])


def _replaced(palette: np.ndarray, rng: Random) -> np.ndarray:
    """Other colours of the same brightness: all hues turned, or some colours from the box."""
    hsv = cv2.cvtColor(palette[None].clip(0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV)
    if rng.random() < 0.4:
        hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + rng.integers(20, 160)) % 180
        hsv[:, :, 1] = np.maximum(hsv[:, :, 1], rng.integers(0, 90))
        return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0].astype(np.float32))
    other = _BOX[rng.integers(0, len(_BOX), len(palette))]
    other = other * (
        0.4 + 0.6 * hsv[0, :, 2:].astype(np.float32) / other.max(axis=1, keepdims=True)
    )
    return np.where(rng.random((len(palette), 1)) < rng.uniform(0.2, 0.7), other, palette)


def _sheet(side: int, on_paper: bool, rng: Random) -> np.ndarray:
    """An empty sheet, float32 RGB in 0..255: white, or tinted paper with a grain."""
    white = np.full((side, side, 3), 255, np.float32)
    if not on_paper:
        return white
    kind = rng.random()
    if kind < 0.55:
        tint = rng.uniform(236, 254) - np.array([0, 1, 5]) * rng.uniform(0, 2)
    elif kind < 0.85:  # cream
        tint = np.array([246, 238, 222]) - rng.uniform(0, 22)
    else:  # wrapping paper, gray and tinted sheets
        tint = rng.uniform(150, 215) + np.array([14, 4, -18]) * rng.uniform(-0.3, 1.4)
    grain = (rng.random((side, side), np.float32) - 0.5) * np.float32(rng.uniform(2, 12))
    grain += smooth_noise(rng, side, 12) * np.float32(rng.uniform(0, 4))
    return np.asarray(grain[:, :, None] + tint.astype(np.float32))


def _scanned(drawing: np.ndarray, size: int, on_paper: bool, rng: Random) -> np.ndarray:
    """The sheet as a file: reduced to `size`; of real paper also margins, light, edges and JPEG."""
    if not on_paper:
        return resize(to_bytes(drawing), size)
    side = len(drawing)
    if rng.random() < 0.35:
        drawing = _margin(drawing, rng)
    if rng.random() < 0.5:
        drawing = drawing * uneven_light(rng, side, 0.15)[:, :, None]
    if rng.random() < 0.65:
        drawing = _on_a_bed(drawing, rng)
    contrast, cast = rng.uniform(0.85, 1.05), rng.uniform(0.97, 1.02, 3)
    drawing = (drawing * np.float32(contrast) + np.float32(rng.uniform(0, 10))) * np.float32(cast)
    scan = resize(to_bytes(drawing), size)
    if rng.random() < 0.4:
        scan = cv2.GaussianBlur(scan, (0, 0), size * rng.uniform(0.002, 0.006))
    if rng.random() < 0.5:
        scan = jpeg(scan, int(rng.integers(35, 91)))
    return scan


def _margin(drawing: np.ndarray, rng: Random) -> np.ndarray:
    """The drawing smaller, with a white or coloured margin of the sheet around it."""
    side = len(drawing)
    before = rng.integers(1, max(2, side // 12), 2)
    inner = side - before - rng.integers(1, max(2, side // 12), 2)
    margin = rng.uniform(225, 255) if rng.random() < 0.8 else rng.uniform(0, 90)
    sheet = np.full_like(drawing, margin)
    left, top = before.tolist()
    width, height = inner.tolist()
    part = cv2.resize(drawing, (width, height), interpolation=cv2.INTER_AREA)
    sheet[top : top + height, left : left + width] = part
    return sheet


def _on_a_bed(drawing: np.ndarray, rng: Random) -> np.ndarray:
    """The sheet lies a little askew: past some of its edges the dark lid or a table shows."""
    side = len(drawing)
    past = np.where(rng.random((4, 2)) < 0.65, rng.uniform(0, 0.035, (4, 2)), -0.02)
    past = past + rng.uniform(0.005, 0.03) - 0.015
    signs = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) + signs * past
    mask = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners * side * 8).astype(np.int32), 255, cv2.LINE_AA, 3)
    bed = rng.uniform(8, 60) if rng.random() < 0.85 else rng.uniform(60, 200, 3)
    covered = (mask / np.float32(255))[:, :, None]
    return np.asarray(np.float32(bed) + (drawing - np.float32(bed)) * covered)
