"""The fields of requests and responses, with the bounds that OpenAPI tells."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

NO_NUL = r"^[^\x00]*$"
"""Databases do not take the character NUL."""
Id = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NO_NUL)]
Note = Annotated[str, StringConstraints(max_length=10_000, pattern=NO_NUL)]
Words = Annotated[str, StringConstraints(max_length=500, pattern=NO_NUL)]
Label = Annotated[str, StringConstraints(max_length=500, pattern=NO_NUL)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$", max_length=64)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
BoxFractions = tuple[Fraction, Fraction, Fraction, Fraction]
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]
