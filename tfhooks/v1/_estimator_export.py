"""Stands for the file of tensorflow-estimator that marks names as exported and as deprecated."""

from __future__ import annotations

from typing import Any


class estimator_export:
    """A decorator that changes nothing, since it is applied to tfhooks' hooks, too."""

    def __init__(self, *names: str, **kwargs: Any) -> None:
        pass

    def __call__(self, symbol: Any) -> Any:
        return symbol

    def export_constant(self, module_name: str, name: str) -> None:
        """Does nothing."""
