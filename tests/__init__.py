"""Importing the tests sets up their surroundings, before torch and matplotlib read them."""

from tests.surroundings import enter

enter()
