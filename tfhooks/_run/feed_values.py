"""One entry of a feed dict, analysed once: the tensor, and how a value is checked and converted."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfhooks._run.structures import UnservedError
from tfhooks._tensorflow import tf

# The integers up to which a floating-point format is without gaps: such an int converts to itself.
_EXACT_INTEGERS = {
    tf.float16: 2**11,
    tf.bfloat16: 2**8,
    tf.float32: 2**24,
    tf.float64: 2**53,
    tf.complex64: 2**24,
    tf.complex128: 2**53,
}


class Feed:
    """Checks and converts the values that are fed to one tensor.

    Attributes:
        tensor: The tensor that is fed.
        dtype: The `numpy.dtype` that its values have.
        shape: The last shape accepted, which needs no second check; None before the first.
    """

    __slots__ = (
        '_as_array',
        '_high',
        '_kind',
        '_left_to_tensorflow',
        '_low',
        '_sizes',
        'dtype',
        'shape',
        'tensor',
    )

    def __init__(self, tensor: Any, parts: Any) -> None:
        """Analyses a tensor.

        Args:
            tensor: The tensor that will be fed.
            parts: What `tfhooks._tensorflow.session_parts()` returned.

        Raises:
            UnservedError: The dtype has no plain numpy values.
        """
        dtype = tensor.dtype.base_dtype
        if dtype in (tf.resource, tf.variant):
            raise UnservedError(f'feed of dtype {dtype.name}')
        self.tensor = tensor
        # Quantized dtypes have a structured dtype here, not a class of scalars.
        self._kind = dtype.as_numpy_dtype
        self.dtype = np.dtype(self._kind)
        static = tensor.shape
        # A size of None fits any; no sizes at all fit any rank.
        self._sizes: tuple[int | None, ...] | None = (
            None if static.rank is None else tuple(static.as_list())
        )
        self.shape: tuple[int, ...] | None = None
        self._as_array = parts.as_array
        self._left_to_tensorflow = (tf.Tensor, parts.tensor_handle)
        self._low, self._high = _plain_integers(dtype)

    def convert(self, value: Any) -> np.ndarray[Any, Any]:
        """Converts `value` to the array that `Session.run` would feed.

        Args:
            value: An array or anything that TensorFlow makes one of.

        Returns:
            An array of `dtype` whose shape is compatible with the tensor's.

        Raises:
            UnservedError: TensorFlow must judge the value itself; it may refuse it.
            Exception: What TensorFlow's own conversion raises.
        """
        if isinstance(value, int):
            if not self._low <= value <= self._high:
                raise UnservedError('feed value that may not fit')
        elif isinstance(value, self._left_to_tensorflow):
            raise UnservedError(f'feed value of type {type(value).__name__}')
        array: np.ndarray[Any, Any] = self._as_array(value, self._kind)
        if not self.fits(array.shape):
            raise UnservedError('feed value of another shape')
        self.shape = array.shape
        return array

    def fits(self, shape: tuple[int, ...]) -> bool:
        """True if an array of `shape` may be fed."""
        sizes = self._sizes
        if sizes is None:
            return True
        if len(sizes) != len(shape):
            return False
        return all(size is None or size == n for size, n in zip(sizes, shape, strict=True))


def _plain_integers(dtype: Any) -> tuple[int, int]:
    """The closed range of ints that a dtype surely represents; an empty one where none is sure."""
    if dtype == tf.bool:
        return 0, 1
    if dtype in _EXACT_INTEGERS:
        limit = _EXACT_INTEGERS[dtype]
        return -limit, limit
    if dtype.is_integer and not dtype.is_quantized:
        return int(dtype.min), int(dtype.max)
    return 1, 0
