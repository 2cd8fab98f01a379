"""Requests are analysed once, then served from a cache at the cost of the C-level call.

A plan holds the analysis of one request: the elements of the graph to fetch and run, the checks of
the fed values, the call, and the structure of the results. The key of a request is its structure
with the identity of its leaves and of the keys of its feeds; in a monitored session, it is that of
the caller's part and each hook's fetches. A request that a plan cannot serve exactly as TensorFlow
does goes to TensorFlow's own `Session.run`; a counter says how often, and why.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import threading
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tfhooks import _tensorflow as tf_private
from tfhooks._run import request_keys, structures
from tfhooks._run.plan import Plan
from tfhooks._run.structures import UnservedError
from tfhooks._tensorflow import tf

# The most that a cache holds: elements that its plans name, of some 150 bytes each.
_MOST_ELEMENTS = 1 << 17
# Nodes of the graph in the executors of its plans, of some 2,000 bytes each, if each executor had
# the whole graph; and how many executors it may hold on a graph of any size. Beyond that plans use
# those of TensorFlow's session, which keeps one for each request for as long as it lives.
_MOST_NODES = 1 << 19
_LEAST_EXECUTORS = 128
# A full cache drops one plan in so many at once, since finding the least recently used ones takes
# a look at all.
_DROPPED_AT_ONCE = 64
_plans_of_sessions: weakref.WeakKeyDictionary[Any, weakref.ref[PlanCache]] = (
    weakref.WeakKeyDictionary()
)


def plans_enabled(argument: bool | None = None) -> bool:
    """True if run plans are on: as the argument says, or else as the environment says.

    Args:
        argument: True, False, or None to leave it to the environment variable `TFHOOKS_RUN_PLANS`
            ('0' is off).
    """
    if argument is not None:
        return bool(argument)
    return os.environ.get('TFHOOKS_RUN_PLANS', '1').lower() not in ('0', 'false', 'off', 'no')


def run_plans(session: Any) -> PlanCache | None:
    """The run plans of a session, to look at: `print(tfhooks.run_plans(session))`.

    Args:
        session: A `tf.compat.v1.Session`, or a monitored session of tfhooks.

    Returns:
        Its plans and counters, or None where plans are switched off or the session is of a kind
        they leave alone.

    Example:
      ```python
      with tfhooks.MonitoredSession() as session:
          for _ in range(3):
              session.run(train_op)
          print(tfhooks.run_plans(session))  # PlanCache(...
      ```
    """
    raw_session = getattr(session, 'raw_session', None)
    found = session if raw_session is None else raw_session()
    if not isinstance(found, (tf.Session, tf.InteractiveSession)):
        return None
    plans = _plans_of_sessions.get(found)
    return None if plans is None else plans()


@dataclasses.dataclass(frozen=True)
class PlanCounters:
    """Counts of what the run plans of one session did so far.

    Attributes:
        served: Runs that a plan answered.
        compiled: Requests analysed.
        evicted: Plans dropped because others were used more recently.
        fallbacks: How many requests went to TensorFlow's own `Session.run`, for each reason.
    """

    served: int
    compiled: int
    evicted: int
    fallbacks: Mapping[str, int]


class PlanCache:
    """The run plans of one session: a bounded cache that evicts the least recently used.

    Many threads may use one object at a time. A look-up takes no lock; analysing and evicting do.

    Attributes:
        session: The `tf.compat.v1.Session` whose requests are planned.
        graph: Its graph.
        limit: How many plans are kept at most, or None.
    """

    def __init__(self, session: Any, limit: int | None = None) -> None:
        """Makes an empty cache for a session.

        Args:
            session: A `tf.compat.v1.Session` or `InteractiveSession`.
            limit: How many plans to keep at most, at least 1; None for no limit but that of what
                they hold.

        Raises:
            ValueError: `limit` is less than 1.
        """
        if limit is not None and limit < 1:
            raise ValueError(f'PlanCache keeps at least one plan: limit={limit}')
        self.session = session
        self.graph = session.graph
        self.limit = limit
        self._parts = tf_private.session_parts() if self.serves(session) else None
        self._expansions = () if self._parts is None else self._parts.expansions
        self._known_expansions = len(self._expansions)
        # The method as it is now, to see whether a library has replaced it since.
        self._run_of_class = type(session).run if self._parts is not None else None
        self._installed: Any = None
        self._table: dict[Any, Plan] = {}
        # Counts runs, to tell which plan was used last; it needs no lock.
        self.tick = itertools.count().__next__
        self._lock = threading.RLock()
        self._held = self._compiled = self._evicted = self._served_before = 0
        self._fallbacks: Counter[str] = Counter()
        _plans_of_sessions[session] = weakref.ref(self)

    @staticmethod
    def serves(session: Any) -> bool:
        """True if the session is TensorFlow's own, not wrapped and its `run` not overridden."""
        if not isinstance(session, (tf.Session, tf.InteractiveSession)):
            return False
        parts = tf_private.session_parts()
        if parts is None:
            return False
        installed = vars(session).get('run')
        return tf_private.runs_as_tensorflow(session) and (
            installed is None or isinstance(getattr(installed, '__self__', None), PlanCache)
        )

    def find(self, fetches: Any, feed_dict: Any = None) -> Plan | None:
        """Returns the plan of a request seen before, or None. Costs about a microsecond.

        Args:
            fetches: As `Session.run` takes them.
            feed_dict: As `Session.run` takes it.
        """
        return self.get(request_keys.key_of(fetches, feed_dict))

    def get(self, key: Any) -> Plan | None:
        """Returns the plan that is stored under `key`, or None."""
        plan = self._table.get(key)
        if plan is None:
            return None
        graph = self.graph
        if (not graph.finalized and plan.version != graph.version) or (
            len(self._expansions) != self._known_expansions
        ):
            return self._renewed(key, plan)
        return plan

    def look_up(
        self, fetches: Any, feed_dict: Any, hooks: Any, last: Any
    ) -> tuple[Any, Plan | None]:
        """Returns the key of a request of a caller and hooks, and its plan; each None if missing.

        Args:
            fetches: The caller's fetches.
            feed_dict: The caller's feeds.
            hooks: The `hooks_key` of the hooks' requests.
            last: Another fetch beside them, or None.
        """
        key = request_keys.joined_key(fetches, feed_dict, hooks, last)
        plan = self._table.get(key)
        is_fixed = self.graph.finalized and len(self._expansions) == self._known_expansions
        return key, plan if plan is None or is_fixed else self.get(key)

    def compile(
        self,
        fetches: Any,
        feed_dict: Any = None,
        key: Any = None,
        result_indices: Sequence[int] = (),
    ) -> Plan | None:
        """Analyses a request and keeps its plan.

        Args:
            fetches: As `Session.run` takes them.
            feed_dict: As `Session.run` takes it; the values do not matter to the plan.
            key: The key to store the plan under, made of elements that are in `fetches` and
              `feed_dict`; by default their own `key_of`.
            result_indices: See `Plan`.

        Returns:
            The plan, or None where no plan serves the request exactly, which is counted with the
            reason: `Session.run` itself must then answer it or refuse it.

        Raises:
            Exception: What `Session.run` raises for fetches or feed keys that it does not take.
        """
        refused: Exception
        try:
            return self._compiled_plan(fetches, feed_dict, key, result_indices)
        except UnservedError as error:
            self._count(error.args[0])
            return None
        except Exception as error:
            refused = error
        # TensorFlow checks feeds before fetches, value by value: its own run knows which error
        # comes first. It raises before anything runs.
        self._tensorflow_run(fetches, feed_dict)
        raise refused

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Stands for `Session.run`: same arguments, same results, same errors."""
        if self._parts is not None and type(self.session).run is not self._run_of_class:
            return self.unplanned('patched run', fetches, feed_dict, options, run_metadata)
        if options or run_metadata:
            return self.unplanned('run options', fetches, feed_dict, options, run_metadata)
        plan = self.find(fetches, feed_dict) or self.compile(fetches, feed_dict)
        if plan is None:
            return self._tensorflow_run(fetches, feed_dict)
        return plan.run(feed_dict)

    def unplanned(
        self,
        reason: str,
        fetches: Any,
        feed_dict: Any = None,
        options: Any = None,
        run_metadata: Any = None,
    ) -> Any:
        """Calls TensorFlow's own `Session.run`, and counts that under `reason`."""
        self._count(reason)
        if tf_private.is_closed(self.session):
            self.clear()
        return self._tensorflow_run(fetches, feed_dict, options, run_metadata)

    def install(self) -> None:
        """Replaces `session.run` of this one object, if it is of a kind that plans serve."""
        if self._parts is not None:
            self.session.run = self._installed = self.run

    def is_patched(self) -> bool:
        """True if somebody has replaced `run`, of this session or of its class, since `install`.

        Libraries that watch runs do so at any time, and must see each run.
        """
        session = self.session
        return session.run is not self._installed or type(session).run is not self._run_of_class

    def _tensorflow_run(self, *arguments: Any) -> Any:
        return type(self.session).run(self.session, *arguments)

    def uninstall(self) -> None:
        """Gives `session.run` back to TensorFlow and drops all plans."""
        installed = vars(self.session).get('run')
        if getattr(installed, '__self__', None) is self:
            del self.session.run
        self._installed = None
        self.clear()

    def clear(self) -> None:
        """Drops all plans; the counters stay."""
        with self._lock:
            for key in list(self._table):
                self._drop(key)

    def promote(self, plan: Plan) -> None:
        """Gives an often used plan an executor of its own, instead of another plan if need be."""
        with self._lock:
            if not self._has_room_for_executor():
                owners = [other for other in self._table.values() if other.has_own_executor]
                min(owners, key=lambda other: other.last_used).prepare(self._parts, False)
            plan.prepare(self._parts, own_executor=True)

    def _has_room_for_executor(self) -> bool:
        most: int = max(_LEAST_EXECUTORS, _MOST_NODES // max(self.graph.version, 1))
        table = self._table
        return len(table) < most or most > sum(plan.has_own_executor for plan in table.values())

    def count_retired(self) -> None:
        """Counts a run of a plan that has left the cache."""
        with self._lock:
            self._served_before += 1

    def fed_tensors(self, keys: list[Any]) -> list[Any]:
        """The tensors that feed keys stand for, in order.

        Raises:
            UnservedError: A key has a registered conversion, or two keys stand for one tensor.
            Exception: A key does not stand for a tensor of the graph that may be fed.
        """
        tensors = []
        for key in keys:
            if structures.is_composite(key):
                raise UnservedError(f'feed key of type {type(key).__name__}')
            self._require_plain_leaf(key)
            tensor = self.graph.as_graph_element(key, allow_tensor=True, allow_operation=False)
            if not self.graph.is_feedable(tensor):
                raise ValueError(f'This tensor may not be fed: tensor={tensor.name}')
            tensors.append(tensor)
        if len({tensor.name for tensor in tensors}) < len(tensors):
            raise UnservedError('two feed keys for one tensor')
        return tensors

    def _compiled_plan(
        self, fetches: Any, feed_dict: Any, key: Any, result_indices: Sequence[int]
    ) -> Plan:
        parts = self._parts
        if parts is None:
            raise UnservedError('session of another kind')
        if tf_private.is_closed(self.session):
            raise UnservedError('closed session')
        if self.graph.version == 0:
            raise UnservedError('empty graph')
        if key is None:
            key = request_keys.require_key(fetches, feed_dict)
        with self._lock:
            known = self._table.get(key)
            if known is not None and known.version == self.graph.version:
                return known
            for leaf in structures.leaves(fetches):
                self._require_plain_leaf(leaf)
            plan = Plan(self, structures.frozen(fetches), list(feed_dict or ()), parts)
            plan.result_indices = list(result_indices)
            self._drop(key)
            self._make_room(plan)
            try:
                plan.prepare(parts, self._evicted == 0 and self._has_room_for_executor())
            except tf.errors.OpError as error:
                # The graph cannot be placed or pruned for this request: `Session.run` says so.
                raise UnservedError(f'{type(error).__name__} while preparing') from error
            self._table[key] = plan
            self._held += plan.held
            self._compiled += 1
        return plan

    def _require_plain_leaf(self, leaf: Any) -> None:
        for kind, *_ in self._expansions:
            if isinstance(leaf, kind):
                if kind is not object and not structures.is_composite(leaf):
                    raise UnservedError(f'registered conversion of {kind.__name__}')
                return

    def _make_room(self, plan: Plan) -> None:
        """Drops plans that were not used for long until `plan` fits in; the lock must be held."""
        table, limit = self._table, self.limit
        while table and (
            self._held + plan.held > _MOST_ELEMENTS or (limit is not None and len(table) >= limit)
        ):
            oldest = sorted(table, key=lambda key: table[key].last_used)
            for key in oldest[: max(1, len(table) // _DROPPED_AT_ONCE)]:
                self._drop(key)
                self._evicted += 1

    def _drop(self, key: Any) -> None:
        """Takes a plan out of the cache, if it is in there; the lock must be held."""
        plan = self._table.pop(key, None)
        if plan is not None:
            self._held -= plan.held
            self._served_before += plan.retire()

    def _renewed(self, key: Any, plan: Plan) -> Plan | None:
        """Returns the plan if it still holds after the graph has grown, or None."""
        with self._lock:
            if len(self._expansions) != self._known_expansions:
                self._known_expansions = len(self._expansions)
                self.clear()
                return None
            try:
                plan.check(self._parts)
            except Exception:
                self._drop(key)
                return None
            return plan

    def _count(self, reason: str) -> None:
        with self._lock:
            self._fallbacks[reason] += 1

    @property
    def counters(self) -> PlanCounters:
        """The counts of what the plans did so far."""
        with self._lock:
            served = self._served_before + sum(plan.times for plan in self._table.values())
            return PlanCounters(served, self._compiled, self._evicted, dict(self._fallbacks))

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        with self._lock:
            plans = list(self._table.values())
        plans.sort(key=lambda plan: -plan.times)
        return '\n'.join([f'PlanCache(limit={self.limit}, {self.counters})', *map(repr, plans)])
