"""The checkpoint functions of `tf.contrib.framework`, whose keywords differ from `tf.train`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfhooks._tensorflow import tf


def init_from_checkpoint(checkpoint_dir: Any, assignment_map: Mapping[str, Any]) -> None:
    """Stands for `tf.contrib.framework.init_from_checkpoint`; see `tf.train`'s."""
    tf.train.init_from_checkpoint(checkpoint_dir, assignment_map)


def list_variables(checkpoint_dir: Any) -> list[tuple[str, list[int]]]:
    """Stands for `tf.contrib.framework.list_variables`; see `tf.train`'s."""
    found: list[tuple[str, list[int]]] = tf.train.list_variables(checkpoint_dir)
    return found


def load_checkpoint(filepattern: Any) -> Any:
    """Stands for `tf.contrib.framework.load_checkpoint`; see `tf.train`'s."""
    return tf.train.load_checkpoint(filepattern)


def load_variable(checkpoint_dir: Any, name: str) -> Any:
    """Stands for `tf.contrib.framework.load_variable`; see `tf.train`'s."""
    return tf.train.load_variable(checkpoint_dir, name)
