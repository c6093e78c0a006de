"""Packages that only some launchers and sweepers need."""

from __future__ import annotations

import importlib.util

from drawsim.common.errors import UserError


def needs(package: str, what: str, extra: str) -> None:
    """Raise UserError if a package is absent: it names the extra that brings it."""
    if importlib.util.find_spec(package) is None:
        raise UserError(f"{what} needs {package}: pip install 'drawsim[{extra}]'")
