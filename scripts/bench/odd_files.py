"""What 40 odd files do to whoever reads images: how long, how much memory, what is said.

    python scripts/bench/odd_files.py [NAME …]
    python scripts/bench/odd_files.py --commands

Each file, as the picture of a drawing, goes to `check`, to the look that `train` takes at images,
to what `embed` reads, to `search image=…` and to the pictures of the annotation app: each in a
process of its own that is ended after 20 seconds. The table has seconds and peak MiB beyond those
of the process, the slowest and the largest reader of each file, and what check says.
With --commands, all of them lie in one collection that goes through the whole commands and the app.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import socket
import struct
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch  # noqa: F401  (before the processes are forked, so that each starts with it)
from PIL import Image

from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.models.embedding.image_batches import fingerprints
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS, ImageReadError
from drawsim.pixels.reading import Reading
from drawsim.pixels.screening import screen
from drawsim.retrieval.index.asked import find_files
from drawsim.web.pictures import Pictures
from drawsim.web.thumbnails import ThumbnailFolder
from drawsim.workflows.check import prepare_check

LIMIT = 20  # seconds
MEMORY = 8 << 30  # bytes a process may ask for: what wants more fails rather than harms
Make = Callable[[Path], object]


def encoded(kind: str, size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """A picture in a format of Pillow's."""
    file = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int, rows: int) -> bytes:
    """A PNG that says a size and has so many rows of zeros, of one byte a pixel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check_sum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check_sum

    packer = zlib.compressobj(9)
    row = bytes(width + 1)
    data = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tiff(width: int, height: int, strip: bytes) -> bytes:
    """A TIFF of one strip of gray, deflated, that says a size."""
    fields = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 8), (262, 3, 1)]
    fields += [(273, 4, 8), (277, 3, 1), (278, 4, height), (279, 4, len(strip))]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in fields)
    head = b"II*\0" + struct.pack("<I", 8 + len(strip))
    return head + strip + struct.pack("<H", len(fields)) + entries + struct.pack("<I", 0)


def loop_of_pages() -> bytes:
    """A TIFF whose one page says that the next one is itself."""
    whole = tiff(8, 8, zlib.compress(bytes(64)))
    return whole[:-4] + whole[4:8]


def sparse(begin: bytes, size: int = 40 << 30) -> Make:
    """A file of 40 GB that takes no room."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(begin)
            file.truncate(size)

    return make


def bound(path: Path) -> None:
    """A socket of that name."""
    here = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def circle(path: Path) -> None:
    """A link in a circle."""
    path.with_suffix(".other").symlink_to(path)
    path.symlink_to(path.with_suffix(".other"))


def closed(path: Path) -> None:
    """A picture that its owner has closed to everybody but root."""
    path.write_bytes(JPEG)
    path.chmod(0)


def archive() -> bytes:
    """A zip archive of a picture."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a.jpg", encoded("JPEG"))
    return file.getvalue()


def animated() -> bytes:
    """A GIF of three frames."""
    file = io.BytesIO()
    frames = [Image.new("RGB", (64, 48), (shade, 0, 0)) for shade in (250, 120, 10)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def content(data: bytes) -> Make:
    """A file with this in it."""
    return lambda path: path.write_bytes(data)


JPEG = encoded("JPEG", (640, 480))
FILES: dict[str, Make] = {
    "pipe": os.mkfifo,
    "socket": bound,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "/dev/random": lambda path: path.symlink_to("/dev/random"),
    "/dev/tty": lambda path: path.symlink_to("/dev/tty"),
    "/proc/kmsg": lambda path: path.symlink_to("/proc/kmsg"),
    "folder.jpg": Path.mkdir,
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "link in a circle": circle,
    "link out": lambda path: path.symlink_to("/etc/hostname"),
    "not there": lambda path: None,
    "no permission": closed,
    "empty": content(b""),
    "one byte": content(b"\xff"),
    "sparse 40 GB": sparse(b""),
    "sparse 40 GB, a JPEG": sparse(JPEG),
    "sparse 40 GB, a TIFF": sparse(tiff(8, 8, zlib.compress(bytes(64)))),
    "sparse 2 GB": sparse(b"", 2 << 30),
    "png bomb, 60000²": content(png(60_000, 60_000, 3000)),
    "png bomb, 2 Gigapixel wide": content(png(2**31 - 1, 1, 0)),
    "tiff bomb, 100000²": content(tiff(100_000, 100_000, zlib.compress(bytes(10_000_000)))),
    "tiff, pages in a circle": content(loop_of_pages()),
    "jp2 bomb, 2^31 wide": content(
        encoded("JPEG2000").replace(struct.pack(">II", 48, 64), struct.pack(">II", 48, 2**31 - 1))
    ),
    "jpeg, 65535 wide": content(encoded("JPEG", (65_500, 3))),
    "png, 65535 × 2": content(encoded("PNG", (65_535, 2))),
    "1 × 1": content(encoded("PNG", (1, 1))),
    "animated": content(animated()),
    "cut short": content(JPEG[: len(JPEG) // 2]),
    "header alone": content(JPEG[:20]),
    "zip": content(archive()),
    "zip after a JPEG": content(JPEG + archive()),
    "html": content(b"<!doctype html><script>alert(1)</script>"),
    "html after a GIF": content(b"GIF89a<script>alert(1)</script>"),
    "svg": content(b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>"),
    "eps": content(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n"),
    "pdf": content(b"%PDF-1.7\n%%EOF"),
    "psd": content(b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 8, 8, 8, 3) + bytes(400)),
    "fits": content(b"SIMPLE  =                    T".ljust(2880)),
    "numbers": content(bytes(range(256)) * 400),
    "text": content("ein Bild ü\n".encode() * 1000),
}


def collection(root: Path, make: Make) -> Path:
    """A collection of two good drawings and an odd one; returns the odd file."""
    for kind in ("drawing", "artwork"):
        (root / f"{kind}s").mkdir(parents=True)
        for name in "ab":
            pixels = np.random.default_rng(ord(name) + len(kind)).integers(0, 255, (48, 64, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(root / f"{kind}s/{name}.png")
        odd = "odd,drawings/odd.jpg\n" if kind == "drawing" else ""
        table = f"id,path\na,{kind}s/a.png\nb,{kind}s/b.png\n{odd}"
        (root / f"{kind}s.csv").write_text(table)
    (root / "pairs.csv").write_text("drawing_id,artwork_id,pair\na,a,true\nb,b,true\nodd,a,true\n")
    file = root / "drawings" / "odd.jpg"
    make(file)
    return file


def check(root: Path, file: Path) -> str:
    """What the step `check` says of the odd drawing."""
    try:
        prepare_check(root, root, 1, distance=10, pictured=0, max_pixels=DEFAULT_MAX_PIXELS)
    except UserError as error:
        lines = [line for line in str(error).splitlines() if "odd" in line]
        return lines[0].partition("odd.jpg ")[2].partition(" – ")[0] or lines[0].strip()
    return "sound"


def train(root: Path, file: Path) -> str:
    """What training leaves out, by data.on_missing=skip."""
    opened = Collection.open(root)
    every = list(opened.drawings.index)
    _, left_out = screen(opened, every, on_missing="skip", max_pixels=DEFAULT_MAX_PIXELS, workers=1)
    return f"{len(left_out)} skipped"


def embed(root: Path, file: Path) -> str:
    """What is read for embeddings."""
    if reasons := fingerprints({"odd": file}, 1, progress=False)[1]:
        return reasons["odd"]
    Reading(64).read(file)
    return "read"


def search(root: Path, file: Path) -> str:
    """What a query is made of."""
    return str(find_files([file], "drawing")[1])


def app(root: Path, file: Path) -> str:
    """The small and the large picture of a drawing."""
    pictures = Pictures(Collection.open(root), ThumbnailFolder(root / "kept"))
    pictures.small("drawing", "odd")
    pictures.large("drawing", "odd")
    return "shown"


READERS = {"check": check, "train": train, "embed": embed, "search": search, "app": app}


def measured(read: Callable[[Path, Path], str], make: Make) -> tuple[float, float, str]:
    """Seconds, MiB beyond those of this process, and what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "c")
        file = collection(root, make)
        out = Path(folder, "said")
        began = time.perf_counter()
        child = os.fork()
        if not child:
            _child(read, root, file, out)
        status = _waited(child, began)
        taken = time.perf_counter() - began
        said = out.read_text(errors="replace") if out.exists() else ""
        memory, _, words = said.partition("\n")
        if status:
            words = "ended after 20 s" if taken > LIMIT - 1 else f"killed ({status})"
        return taken, float(memory or "nan"), words


def _waited(child: int, began: float) -> int:
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        if time.perf_counter() - began > LIMIT:
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1]
        time.sleep(0.002)


def _child(read: Callable[[Path, Path], str], root: Path, file: Path, out: Path) -> None:
    """Read in this process, and end it."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory begins here
    before = _peak()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        said = read(root, file)
    except (UserError, ImageReadError) as error:
        said = str(error).rpartition(f"{file}: ")[2].splitlines()[0]
    except BaseException as error:
        said = f"!! {type(error).__name__}: {error}"
    out.write_text(f"{_peak() - before}\n{said}", errors="replace")
    os._exit(0)


def _peak() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Print a line for each file, or for each command."""
    if sys.argv[1:] == ["--commands"]:
        import odd_commands

        odd_commands.main()
        return
    print("| file | seconds | MiB | tracebacks | check says |\n|---|---|---|---|---|")
    slowest = largest = 0.0
    for name, make in FILES.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        found = {reader: measured(read, make) for reader, read in READERS.items()}
        second, slow = max((taken, reader) for reader, (taken, _, _) in found.items())
        most, large = max((memory, reader) for reader, (_, memory, _) in found.items())
        wrong = [reader for reader, (_, _, said) in found.items() if said[:2] in ("!!", "ki", "en")]
        said = found["check"][2].replace("|", "/")[:110]
        cells = (name, f"{second:.1f} ({slow})", f"{most:.0f} ({large})", " ".join(wrong), said)
        print(f"| {' | '.join(cells)} |", flush=True)
        slowest, largest = max(slowest, second), max(largest, most)
    print(f"\nslowest {slowest:.1f} s, most {largest:.0f} MiB")


if __name__ == "__main__":
    main()
