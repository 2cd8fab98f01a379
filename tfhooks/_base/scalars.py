"""Resolves the scalar tensors that a hook fetches, and converts their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfhooks._tensorflow import Tensor, tf

# Types that stand for a tensor. TensorFlow 2's Variable is the base class of all variables.
TENSORS: Any = (str, Tensor, tf.compat.v2.Variable)


def by_name(owner: str, argument: str, tensors: Any) -> dict[str, Any]:
    """Returns the tensors of an argument by the names under which they are written or shown.

    Args:
      owner: The class whose argument it is.
      argument: The name of the argument.
      tensors: A dict from names to tensors or names of tensors, or an iterable of tensors or names,
        which are then called by the name of the operation.

    Raises:
      TypeError: It is of another kind.
      ValueError: A name is given twice.
    """
    if isinstance(tensors, str | bytes | Tensor) or not isinstance(tensors, Iterable):
        raise TypeError(
            f'{owner}: {argument} must be a dict of tensors or names, or an iterable of them; '
            f'{argument}={tensors!r}'
        )
    pairs = (
        list(tensors.items())
        if isinstance(tensors, Mapping)
        else [(_own_name(tensor), tensor) for tensor in tensors]
    )
    for name, tensor in pairs:
        if not isinstance(name, str) or not isinstance(tensor, TENSORS):
            raise TypeError(
                f'{owner}: {argument} must hold tensors or their names, under names that are '
                f'strings; {argument}[{name!r}]={tensor!r}'
            )
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(
            f'{owner}: {argument} must have a name for each; names={[name for name, _ in pairs]}'
        )
    return found


def _own_name(tensor: Any) -> Any:
    name = tensor if isinstance(tensor, str) else getattr(tensor, 'name', None)
    return name.removesuffix(':0') if isinstance(name, str) else name


def resolve(owner: str, argument: str, tensors: Mapping[str, Any]) -> tuple[Any, ...]:
    """Finds the tensors in the default graph.

    Raises:
      ValueError: One is not in the default graph, or is known to have more than one element.
    """
    graph = tf.get_default_graph()
    found = []
    for name, given in tensors.items():
        try:
            tensor = graph.as_graph_element(given, allow_operation=False)
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(
                f'{owner}.begin: {argument} must be tensors of the default graph; '
                f'{argument}[{name!r}]={given!r} ({error.args[0] if error.args else error})'
            ) from None
        if tensor.shape.num_elements() not in (None, 1):
            raise ValueError(
                f'{owner}.begin: {argument} must be scalars; '
                f'{argument}[{name!r}]={given!r}, shape={tensor.shape}'
            )
        found.append(tensor)
    return tuple(found)


def number(what: str, value: Any) -> int | float:
    """Converts a value to a Python number; a float of 32 bits or fewer by its shortest decimal.

    Args:
      what: The value's name and owner, for messages.
      value: A number, or an array of one element.

    Raises:
      TypeError: It is no number.
      ValueError: It is not one number.
    """
    array = np.asarray(value)
    if array.size != 1:
        raise ValueError(f'{what} must be one number; shape={array.shape}')
    scalar = array.reshape(())[()]
    try:
        if array.dtype.kind in 'biu':
            return int(scalar)
        return float(str(scalar)) if array.dtype.itemsize < 8 else float(scalar)
    except (TypeError, ValueError):
        raise TypeError(f'{what} must be a number; value={value!r}') from None
