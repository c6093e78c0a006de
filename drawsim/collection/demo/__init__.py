"""The demo collection: painted scenes and children's drawings after them, made from a seed."""

from __future__ import annotations

from drawsim.collection.demo.make import VERSION, demo_root, make_demo

__all__ = ["VERSION", "demo_root", "make_demo"]
