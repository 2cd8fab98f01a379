"""The mean of tensors over the batches of an evaluation."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from tfhooks._base import arguments, scalars
from tfhooks._tensorflow import Operation, tf


class Mean:
    """Computes the mean of scalar tensors over batches, each of which has the same weight.

    Args:
      owner: The class whose arguments these are, for messages.
      fetches: Scalar tensors or their names, in a dict by the names of the results, or in a list.
      feeds: A feed_dict, a list or tuple of them, a function that returns an iterable of them, or
        None.
      num_batches: The most batches to run.
      initializer: An operation to run before the first batch, or None.

    Raises:
      TypeError: An argument is of the wrong kind.
      ValueError: `num_batches` is out of range.
    """

    def __init__(
        self, owner: str, fetches: Any, feeds: Any, num_batches: Any, initializer: Any
    ) -> None:
        if feeds is not None and not (isinstance(feeds, Mapping | list | tuple) or callable(feeds)):
            raise TypeError(
                f'{owner}: feeds must be a feed_dict, a list of them, or a function that returns '
                f'an iterable of them; feeds={feeds!r}'
            )
        self._owner = owner
        self.fetches = scalars.by_name(owner, 'fetches', fetches)
        self._feeds = feeds
        self._num_batches = arguments.whole(owner, 'num_batches', num_batches)
        self._initializer = initializer
        self._tensors: tuple[Any, ...] = ()

    def begin(self) -> None:
        """Finds the tensors in the default graph.

        Raises:
          ValueError: A fetch or the initializer is not in it.
        """
        self._tensors = scalars.resolve(self._owner, 'fetches', self.fetches)
        initializer = self._initializer
        if isinstance(initializer, Operation) and initializer.graph is not tf.get_default_graph():
            raise ValueError(
                f'{self._owner}.begin: initializer must be an operation of the default graph; '
                f'initializer={initializer.name!r}'
            )

    def __call__(self, session: Any) -> dict[str, float]:
        """Runs the batches in a raw session.

        Raises:
          RuntimeError: There is no batch.
        """
        sums = [0.0] * len(self._tensors)
        count = 0
        if self._initializer is not None:
            session.run(self._initializer)
        for feed_dict in self._batches():
            try:
                values = session.run(self._tensors, feed_dict)
            except tf.errors.OutOfRangeError:
                if self._feeds is not None:
                    raise
                break
            for index, (name, value) in enumerate(zip(self.fetches, values, strict=True)):
                sums[index] += scalars.number(f'{self._owner}: fetches[{name!r}]', value)
            count += 1
        if not count:
            raise RuntimeError(
                f'{self._owner}: an evaluation must have at least one batch; feeds={self._feeds!r},'
                f' initializer={self._initializer!r}. A dataset that ends needs the initializer of '
                'its iterator; feeds that end need a function that returns new ones.'
            )
        return {name: total / count for name, total in zip(self.fetches, sums, strict=True)}

    def _batches(self) -> Iterable[Any]:
        if callable(self._feeds) or isinstance(self._feeds, list | tuple):
            feeds: Any = self._feeds() if callable(self._feeds) else self._feeds
            return itertools.islice(feeds, self._num_batches)
        if self._num_batches is None and self._initializer is not None:
            return itertools.repeat(self._feeds)
        # Without an end of the data, one batch is all unless more are asked for.
        return itertools.repeat(self._feeds, self._num_batches or 1)
