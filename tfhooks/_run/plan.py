"""A run plan: one request to `Session.run`, analysed and ready to be run again."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from tfhooks import _tensorflow as tf_private
from tfhooks._run import structures
from tfhooks._run.feed_values import Feed
from tfhooks._run.structures import UnservedError
from tfhooks._tensorflow import tf

# After the cache has overflowed, a request must come this often before it gets an executor of its
# own: building one costs as much as a first `Session.run`, and a request that is soon evicted would
# pay for it in vain.
_CALLS_BEFORE_OWN_EXECUTOR = 8
# The memory of a plan beside its elements, counted in elements.
_HELD_BY_ANY = 10


class Cache(Protocol):
    """The parts of the cache that its plans use.

    Attributes:
        session: The raw session.
        graph: Its graph.
        tick: Returns a larger number at each call; it orders the plans by their last use.
    """

    session: Any
    graph: Any
    tick: Callable[[], int]

    def fed_tensors(self, keys: list[Any]) -> list[Any]:
        """The tensors that the keys of a feed dict name."""
        ...

    def unplanned(self, reason: str, fetches: Any, feed_dict: Any) -> Any:
        """Runs a request as TensorFlow does, and counts the reason."""

    def count_retired(self) -> None:
        """Counts a run of a plan that has left the cache."""

    def promote(self, plan: Plan) -> None:
        """Builds an executor for a plan that has come often enough."""


class Plan:
    """One analysed request.

    Attributes:
        fetches: The fetches, in containers of the plan's own.
        result_indices: For a request of a monitored session: the index in the results of each
          hook's values; 0 for none.
        times: How often the plan has run.
        retired: Whether the plan has left the cache; a caller that holds it may still run it.
        has_own_executor: Whether a C-level callable runs it, which holds its part of the graph.
        held: How much memory the plan takes without an executor, counted in elements.
    """

    __slots__ = (
        '__weakref__',
        '_append',
        '_build',
        '_cache',
        '_call',
        '_feed_keys',
        '_feeds',
        '_session',
        '_tick',
        '_watched',
        'fetches',
        'has_own_executor',
        'held',
        'last_used',
        'result_indices',
        'retired',
        'targets',
        'tensors',
        'times',
        'version',
    )

    def __init__(self, cache: Cache, fetches: Any, feed_keys: list[Any], parts: Any) -> None:
        """Analyses a request.

        Args:
            cache: The cache that the plan is for.
            fetches: The fetches, in containers that nobody else changes.
            feed_keys: The keys of the feed dict, in order.
            parts: What `tfhooks._tensorflow.session_parts()` returned.

        Raises:
            UnservedError: No plan serves the request exactly.
            Exception: What `Session.run` raises for it.
        """
        graph = cache.graph
        self._cache = cache
        self._session = cache.session
        self._tick = cache.tick
        self.fetches = fetches
        self.result_indices: list[int] = []
        # Keeps the keys alive, whose id() is in the plan's own key.
        self._feed_keys = feed_keys
        self.version = graph.version
        self.times = 0
        self.retired = False
        self.has_own_executor = False
        self.last_used = cache.tick()
        self._feeds = [Feed(tensor, parts) for tensor in cache.fed_tensors(feed_keys)]
        fed = {id(feed.tensor): place for place, feed in enumerate(self._feeds)}
        leaves = list(structures.leaves(fetches))
        handler: Any = None
        if all(_is_element(leaf, graph) for leaf in leaves):
            # Each is fetched as it is, so there is nothing to analyse.
            elements = list({id(leaf): leaf for leaf in leaves}.values())
        else:
            handler = self._fetch_handler(parts)
            elements = tf_private.unique_elements(handler)
        # One entry for each tensor, since two objects may stand for one tensor, and a callable
        # takes each once.
        places: dict[str, int] = {}
        self.tensors: list[Any] = []
        self.targets: list[Any] = []
        for element in elements:
            if isinstance(element, tf.Operation):
                self.targets.append(element)
            elif id(element) not in fed:
                _require_plain(element)
                if element.name not in places:
                    places[element.name] = len(self.tensors)
                    self.tensors.append(element)
        # After the fetched values come one None, for operations, and the fed values.
        nothing = len(self.tensors)
        self._append = len(elements) > len(self.tensors)

        def place(element: Any) -> int:
            if isinstance(element, tf.Operation):
                return nothing
            if id(element) in fed:
                return nothing + 1 + fed[id(element)]
            return places[element.name]

        if any(map(structures.is_composite, leaves)):
            in_order = [place(element) for element in elements]
            self._build: structures.Builder = lambda values: tf_private.build_results(
                handler, [values[index] for index in in_order]
            )
        else:
            element_of = graph.as_graph_element if handler else lambda leaf: leaf
            self._build = structures.builder(fetches, lambda leaf: place(element_of(leaf)))
        self.held = _HELD_BY_ANY + len(leaves) + len(feed_keys)
        self._call: Callable[[list[Any]], list[Any]] | None = None
        # Whether runs are counted: until the plan has its own executor, or once it is retired.
        self._watched = False

    def _fetch_handler(self, parts: Any) -> Any:
        """Has TensorFlow analyse the fetches, which raises for what it does not accept."""
        feeds = {feed.tensor.ref(): None for feed in self._feeds}
        return parts.fetch_handler(self._cache.graph, self.fetches, feeds)

    def prepare(self, parts: Any, own_executor: bool) -> None:
        """Sets up the call.

        Args:
            parts: What `tfhooks._tensorflow.session_parts()` returned.
            own_executor: Whether to build a C-level callable; False for the call that `Session.run`
                makes.
        """
        if not (self.tensors or self.targets):
            return
        fed = [feed.tensor for feed in self._feeds]
        in_process = tf_private.is_in_process(self._session)
        if own_executor and in_process and not any(map(_is_large, self.tensors)):
            self._watched = self.retired
            # Weak, so that the session's memory is freed without a garbage collection.
            moves = weakref.WeakMethod(self._move_to_shared)

            def on_large() -> None:
                move_to_shared = moves()
                if move_to_shared is not None:
                    move_to_shared()

            self._call = tf_private.direct_call(
                parts, self._session, fed, self.tensors, self.targets, on_large
            )
            self.has_own_executor = True
        else:
            self._move_to_shared()
            self._watched = self.retired or (in_process and not own_executor)

    def _move_to_shared(self) -> None:
        """Switches to the call that `Session.run` makes."""
        fed = [feed.tensor for feed in self._feeds]
        self._call = tf_private.shared_call(self._session, fed, self.tensors, self.targets)
        self.has_own_executor = False

    def retire(self) -> int:
        """Notes that the plan has left the cache.

        Returns:
            How often it has run.
        """
        self.retired = self._watched = True
        return self.times

    def check(self, parts: Any) -> None:
        """Makes sure, after the graph has grown, that the request still means the same.

        Raises:
            Exception: An element may no longer be fetched or fed.
        """
        version = self._cache.graph.version
        self._cache.fed_tensors(self._feed_keys)
        self._fetch_handler(parts)
        tf_private.extend(self._session)
        self.version = version

    def run(self, feed_dict: Any = None) -> Any:
        """Runs the request once.

        Args:
            feed_dict: Values for the keys that the plan was found or compiled with, in the same
                order.

        Returns:
            The results in the structure of `fetches`, as `Session.run` returns them.

        Raises:
            Exception: What `Session.run` raises for the same request.
        """
        if tf_private.is_closed(self._session):
            return self._cache.unplanned('closed session', self.fetches, feed_dict)
        arrays: list[Any] = []
        unserved = None
        if self._feeds:
            try:
                for feed, value in zip(self._feeds, feed_dict.values(), strict=True):
                    if (
                        type(value) is np.ndarray
                        and value.dtype is feed.dtype
                        and value.shape == feed.shape
                    ):
                        arrays.append(value)
                    else:
                        arrays.append(feed.convert(value))
            except UnservedError as error:
                unserved = error.args[0]
            if unserved is not None:
                return self._cache.unplanned(unserved, self.fetches, feed_dict)
        self.last_used = self._tick()
        self.times += 1
        if self._watched:
            if self.retired:
                self._cache.count_retired()
            elif self.times == _CALLS_BEFORE_OWN_EXECUTOR:
                self._cache.promote(self)
        call = self._call
        values = [] if call is None else call(arrays)
        if self._append:
            values.append(None)
            values.extend(arrays)
        return self._build(values)

    def __repr__(self) -> str:
        names = [element.name for element in (*self.tensors, *self.targets)]
        fed = [feed.tensor.name for feed in self._feeds]
        return f'Plan(fetches={names}, feeds={fed}, times={self.times})'


def _is_element(leaf: Any, graph: tf_private.Graph) -> bool:
    """True if a fetched leaf is itself an element of the graph that may be fetched."""
    return (
        isinstance(leaf, (tf.Tensor, tf.Operation))
        and getattr(leaf, 'graph', None) is graph  # Eager tensors have none.
        and bool(graph.is_fetchable(leaf))
    )


def _require_plain(tensor: Any) -> None:
    """Refuses tensors whose values are more than arrays."""
    if tensor.op.type in ('GetSessionHandle', 'GetSessionHandleV2'):
        raise UnservedError('fetch of a tensor handle')
    dtype = tensor.dtype.base_dtype
    if dtype in (tf.resource, tf.variant):
        raise UnservedError(f'fetch of dtype {dtype.name}')


def _is_large(tensor: Any) -> bool:
    """True if a result is known to be too large to be copied without need."""
    size = tensor.shape.num_elements()
    return size is not None and size * tensor.dtype.base_dtype.size > tf_private.LARGE_BYTES
