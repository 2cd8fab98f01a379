"""Requests in, one merged request out: pure functions over a graph, usable without a session.

A request is what one party wants of one `run()`: the caller's own arguments, or the SessionRunArgs that
a hook's `before_run` returned. `gather` puts requests together and looks only at what is cheap to see;
`check` finds everything that is wrong in them and names whose it is; `merge` does both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from tfhooks import feeding, fetching, placeholders
from tfhooks._tensorflow import Graph, GraphElement, RunOptions, tf
from tfhooks.errors import (
    ConflictError,
    Problem,
    RequestTypeError,
    ReturnTypeError,
    UnfedPlaceholderError,
    kind_of,
    request_error,
)
from tfhooks.fetching import Rebuild
from tfhooks.options import merge_options
from tfhooks.structures import UnservedError, feed_keys_key, is_fixed, structure_key

CALLER = 'the caller'

# Whose request it is, and the request: a SessionRunArgs.
Request: TypeAlias = 'tuple[str, Any]'


class Merged(NamedTuple):
    """One request made of many.

    Attributes:
      fetches: The fetch structures, the caller's first, then those of the hooks that fetch something.
      feed_dict: Everybody's feeds, or None where nobody feeds anything.
      options: Everybody's options in a new proto, or None where nobody wants any.
      places: For each hook's request, where in `fetches` its own stand; 0 where it fetches nothing.
      rebuilds: What makes results what their hook asked for, where a session cannot: place -> function.
      suspicious: Whether something caught the eye that `check` must look at.
    """

    fetches: list[Any]
    feed_dict: dict[Any, Any] | None
    options: RunOptions | None
    places: list[int]
    rebuilds: dict[int, Rebuild] | None
    suspicious: bool

    def split(self, results: list[Any]) -> tuple[Any, list[Any]]:
        """Gives each party its own part of the results of `fetches`, by position.

        Returns:
          The caller's results, and for each hook's request its results or None.
        """
        if self.rebuilds:
            results = list(results)
            for place, rebuild in self.rebuilds.items():
                results[place] = rebuild(results[place])
        return results[0], [results[place] if place else None for place in self.places]


def merge(graph: Graph, caller: Any, requests: Sequence[Request]) -> Merged:
    """Checks and merges what the caller and the hooks want of one run.

    Args:
      graph: The graph that is to be run.
      caller: A SessionRunArgs with the caller's own fetches, feed_dict and options.
      requests: For each hook its name and the SessionRunArgs it wants, in the order of the hooks.

    Returns:
      The merged request and the way back from its results.

    Raises:
      RequestError: Something is wrong in one or several of the requests; of the type that TensorFlow
        raises for each of the mistakes. Nothing has been changed.
    """
    check(graph, caller, requests)
    return gather(caller, requests)


def gather(caller: Any, requests: Sequence[Request]) -> Merged:
    """Puts requests together without looking into them; see `merge`."""
    fetches, feed_dict, options = caller
    parts = [fetches]
    places: list[int] = []
    rebuilds: dict[int, Rebuild] | None = None
    feeds = feed_dict
    suspicious = False
    if feed_dict:
        try:
            suspicious = any(value is None for value in feed_dict.values())
        except AttributeError:
            return Merged(parts, feed_dict, options, places, rebuilds, True)
    wanted = None if options is None else [(CALLER, options)]
    for who, request in requests:
        try:
            fetches, feed_dict, options = request.fetches, request.feed_dict, request.options
        except AttributeError:
            suspicious = True
            places.append(0)
            continue
        if fetches is None:
            places.append(0)
        else:
            if not (is_fixed(fetches) or _is_plain(fetches)):
                fetches, rebuild = fetching.lower(fetches)
                if rebuild is not None:
                    rebuilds = rebuilds or {}
                    rebuilds[len(parts)] = rebuild
            places.append(len(parts))
            parts.append(fetches)
        if feed_dict:
            if type(feed_dict) is not dict or not all(
                map(feeding.surely_good, feed_dict, feed_dict.values())
            ):
                suspicious = True
            if isinstance(feed_dict, dict):
                size = len(feed_dict) + (len(feeds) if feeds else 0)
                # As in TensorFlow: the feeds of the hooks first, in their order, then the caller's.
                feeds = {**feed_dict, **feeds} if feeds else dict(feed_dict)
                suspicious = suspicious or len(feeds) != size
        elif feed_dict is not None and type(feed_dict) is not dict:
            suspicious = True
        if options is not None:
            if wanted is None:
                wanted = []
            wanted.append((who, options))
    if wanted is None:
        return Merged(parts, feeds, None, places, rebuilds, suspicious)
    if not all(isinstance(given, RunOptions) for _, given in wanted):
        return Merged(parts, feeds, None, places, rebuilds, True)
    merged, conflicts = merge_options(wanted)
    return Merged(parts, feeds, merged, places, rebuilds, suspicious or bool(conflicts))


def _is_plain(fetches: Any) -> bool:
    """Whether a fetch structure surely has no dataclass in it."""
    if isinstance(fetches, dict):
        children: Any = fetches.values()
    elif isinstance(fetches, (list, tuple)):
        children = fetches
    else:
        return not fetching.is_dataclass_instance(fetches)
    return all(is_fixed(child) or _is_plain(child) for child in children)


class Checked:
    """Requests that `check` has found good, for sessions that have no plans to know them by."""

    _LIMIT = 256

    def __init__(self) -> None:
        # What a key stands for is kept alive, since keys go by identity.
        self._known: dict[Any, Any] = {}

    def has(self, fetches: Any, feed_dict: Any) -> bool:
        return self._key(fetches, feed_dict) in self._known

    def add(self, fetches: Any, feed_dict: Any) -> None:
        key = self._key(fetches, feed_dict)
        if key is not None:
            if len(self._known) >= self._LIMIT:
                self._known.clear()
            self._known[key] = (list(fetching.leaves(fetches)), list(feed_dict or ()))

    @staticmethod
    def _key(fetches: Any, feed_dict: Any) -> Any:
        try:
            return (structure_key(fetches), *(feed_keys_key(feed_dict) if feed_dict else ()))
        except UnservedError:
            return None


def check(graph: Graph, caller: Any, requests: Sequence[Request]) -> None:
    """Looks at everything in the requests; see `merge`.

    What is wrong with the caller's own request alone is left to `Session.run`, which says it as it
    always did, unless there is more than one thing to say.
    """
    problems: list[Problem] = []
    reached: list[tuple[str, str, list[GraphElement]]] = []
    fed: list[feeding.Feed] = []
    for number, (who, request) in enumerate([(CALLER, caller), *requests]):
        returned = _return_problem(who, request)
        if returned is not None:
            problems.append(returned)
            continue
        if request.fetches is not None or number == 0:
            for path, leaf in fetching.leaves(request.fetches):
                try:
                    reached.append((who, path, fetching.elements(graph, leaf)))
                except (TypeError, ValueError) as error:
                    problems.append(Problem(who, f'{path}: {error}', kind_of(error)))
        if request.feed_dict is not None:
            found, wrong = feeding.resolve(graph, who, request.feed_dict)
            problems += wrong
            fed += found
            for feed in found:
                wrong_value = feeding.value_problem(graph, feed, exact=number > 0)
                if wrong_value is not None:
                    problems.append(wrong_value)
        if request.options is not None and not isinstance(request.options, RunOptions):
            rule = f'options must be a tf.compat.v1.RunOptions. got {request.options!r}'
            problems.append(Problem(who, rule, RequestTypeError))
    problems += _fed_twice(fed)
    parties = [(CALLER, caller), *requests]
    problems += merge_options(
        [
            (who, request.options)
            for who, request in parties
            if isinstance(getattr(request, 'options', None), RunOptions)
        ]
    )[1]
    if not problems:
        problems += _unfed(reached, fed)
    own = [problem for problem in problems if problem.who == CALLER]
    only_the_callers = len(own) == len(problems) == 1 and not _is_ours(own[0])
    if problems and not only_the_callers:
        raise request_error(problems)


def _is_ours(problem: Problem) -> bool:
    """Whether `Session.run` would let the problem pass."""
    return 'None cannot be fed' in problem.text


def _return_problem(who: str, request: Any) -> Problem | None:
    if all(hasattr(request, name) for name in ('fetches', 'feed_dict', 'options')):
        return None
    text = repr(request)
    text = text if len(text) <= 80 else text[:77] + '...'
    rule = (
        f'must return None or a SessionRunArgs. got {text} (type={type(request).__name__}). '
        'Write: return tfhooks.SessionRunArgs(fetches)'
    )
    return Problem(who, rule, ReturnTypeError)


def _fed_twice(fed: Sequence[feeding.Feed]) -> list[Problem]:
    problems = []
    first: dict[str, feeding.Feed] = {}
    for feed in fed:
        other = first.setdefault(feed.tensor.name, feed)
        if other is feed or other.who == feed.who == CALLER:
            continue
        # The wording keeps TensorFlow's own sentences, which programs and people search for.
        by = 'a SessionRunHook and user' if other.who == CALLER else 'two hooks'
        rule = (
            f'Same tensor is fed by {by}. tensor={feeding.describe(feed.tensor)}, '
            f'fed by {other.who} as {other.key} and by {feed.who} as {feed.key}. '
            'Feed it in one place only'
        )
        problems.append(Problem(feed.who, rule, ConflictError))
    return problems


def _unfed(
    reached: Sequence[tuple[str, str, list[GraphElement]]], fed: Sequence[feeding.Feed]
) -> list[Problem]:
    tensors = [feed.tensor for feed in fed]
    callers = [element for who, _, found in reached if who == CALLER for element in found]
    own = None
    problems = []
    for who, path, found in reached:
        if who == CALLER:
            continue
        missing = placeholders.needed(found, tensors)
        if missing and own is None:
            own = {tensor.name for tensor in placeholders.needed(callers, tensors)}
        for tensor in missing:
            if tensor.name not in (own or ()):
                rule = (
                    f'{path}: {found[0].name} depends on a placeholder that nobody feeds in this '
                    f'run. placeholder={feeding.describe(tensor)}. Feed it, or leave hooks out of '
                    'this run: session.run_without_hooks(...), or session.run(..., '
                    "skip_hooks=[...]), or set the hook's when_fed=[placeholder]"
                )
                problems.append(Problem(who, rule, UnfedPlaceholderError))
    return problems
