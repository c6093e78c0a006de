"""How the annotation app is served."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from drawsim.collection.grades import CONFIRMED, Grade
from drawsim.common.errors import UserError
from drawsim.web.events.database import CONNECTIONS

MOST_WORKERS = 32
LEAST_CONNECTIONS = 3


@dataclass(frozen=True)
class Serving:
    """How the app is served. Raises UserError for what is out of bounds.

    host, port: who can reach it; port 0: any that is free. k: candidates shown at first. overlap:
    annotators who see each drawing. audit: share of the drawings drawn at random, 0..1.
    lease_minutes: how long an opened drawing is kept from others. confirmed: grades that make a
    pair true. trust: modules of the user's own that an index's model may name. calibration: a
    fitted one; None: that which the index keeps of its run, if it does. workers: processes that
    answer. proxies: addresses or networks of servers in front, whose word on where a request comes
    from, and how, is believed. thumbnails: a folder or an address of fsspec where small pictures
    are kept; None: in the store. ann: search approximately. index_database: where the index was
    built, if in a database; None: as the environment says, else where decisions are kept. motifs:
    a folder of `drawsim explore view=motifs`, whose groups can be judged at once. words: look for
    words too, by the text tower of the only index's model.
    """

    host: str = "127.0.0.1"
    port: int = 7777
    k: int = 20
    overlap: int = 1
    audit: float = 0.05
    lease_minutes: float = 15
    confirmed: tuple[Grade, ...] = CONFIRMED
    trust: tuple[str, ...] = ()
    calibration: Path | None = None
    workers: int = 1
    proxies: tuple[str, ...] = ()
    thumbnails: str | None = None
    ann: bool = False
    index_database: str | None = None
    motifs: Path | None = None
    words: bool = False

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "port": (0, 65535),
            "k": (1, 200),
            "overlap": (1, 1000),
            "audit": (0, 1),
            "lease_minutes": (1, 10_000),
            "workers": (1, MOST_WORKERS),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise UserError(f"{name}={value}: must be from {least} to {most}")
        strange = [proxy for proxy in self.proxies if not _is_network(proxy)]
        if strange:
            raise UserError(
                f"forwarded_allow_ips: {strange[0]} is no address; name the servers in front by "
                "address or network, such as 10.0.0.5 or 172.28.0.0/16"
            )

    @property
    def connections(self) -> int:
        """To the database at a time, of each process."""
        return max(LEAST_CONNECTIONS, CONNECTIONS // self.workers)


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
