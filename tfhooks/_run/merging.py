"""Merges the requests of a caller and of hooks into one: pure functions, without a session.

A request is what one party wants of one `run()`: the caller's own arguments, or the SessionRunArgs
that a hook's `before_run` returned. `gather` merges requests and notices only what is cheap to see;
`check` finds every mistake in them and names its owner; `merge` does both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tfhooks._base.errors import (
    CALLER,
    NoneFedError,
    Problem,
    RequestError,
    ReturnTypeError,
    add_note,
    note_origin,
    request_error,
    shown,
)
from tfhooks._run import feeding, fetching, placeholders
from tfhooks._run.fetching import Rebuild
from tfhooks._run.options import merge_options
from tfhooks._run.structures import is_fixed, is_flat
from tfhooks._tensorflow import Graph, RunOptions, tf

# The name of the owner, and the request: a SessionRunArgs.
Request: TypeAlias = 'tuple[str, Any]'

# The errors of a run whose cause may be found in the requests.
EXPLAINED = (
    TypeError,
    ValueError,
    tf.errors.InvalidArgumentError,
    tf.errors.FailedPreconditionError,
)


class Merged(NamedTuple):
    """One request made of many.

    Attributes:
      fetches: The fetch structures, the caller's first, then those of the hooks that have some.
      feed_dict: Everybody's feeds, or None where nobody feeds anything.
      options: Everybody's options in a new proto, or None where nobody wants any.
      places: For each hook's request, the index in `fetches` of its own; 0 if it has none.
      rebuilds: For results that a session cannot put into the structure that the hook asked for:
        by index, the owner and the function that does it.
      needs_check: Whether there may be a mistake, which only `check` can tell.
    """

    fetches: list[Any]
    feed_dict: Any
    options: RunOptions | None
    places: list[int]
    rebuilds: dict[int, tuple[str, Rebuild]] | None
    needs_check: bool

    def split(self, results: list[Any]) -> tuple[Any, list[Any]]:
        """Gives each party its own part of the results of `fetches`, by position.

        Returns:
          The caller's results, and for each hook's request its results or None.
        """
        results = self.rebuilt(results)
        return results[0], [results[place] if place else None for place in self.places]

    def rebuilt(self, results: list[Any]) -> list[Any]:
        """The results of `fetches`, each in the structure that its party asked for."""
        if self.rebuilds:
            results = list(results)
            for place, (owner, rebuild) in self.rebuilds.items():
                try:
                    results[place] = rebuild(results[place])
                except Exception as error:
                    note_origin(error, owner)
                    raise
        return results


def merge(graph: Graph, caller: Any, requests: Sequence[Request]) -> Merged:
    """Checks and merges the requests of the caller and the hooks for one run.

    Args:
      graph: The graph that is to be run.
      caller: A SessionRunArgs with the caller's own fetches, feed_dict and options.
      requests: For each hook its name and the SessionRunArgs it wants, in the order of the hooks.

    Returns:
      The merged request and the way back from its results.

    Raises:
      RequestError: Something is wrong in one or several of the requests; of the type that
        TensorFlow raises for each of the mistakes. Nothing has been changed.
    """
    check(graph, caller, requests)
    return gather(caller, requests)


def gather(caller: Any, requests: Sequence[Request]) -> Merged:
    """Merges requests without checking them; see `merge`."""
    fetches, feeds, options = caller
    parts = [fetches]
    places: list[int] = []
    rebuilds: dict[int, tuple[str, Rebuild]] | None = None
    needs_check = False
    if feeds is not None:
        if isinstance(feeds, Mapping):
            for key, value in feeds.items():
                if value is None or type(key) is tuple:  # It may hold a None.
                    needs_check = True
        else:
            needs_check = feeding.is_given(feeds)
    wanted = None if options is None else [(CALLER, options)]
    for owner, request in requests:
        try:
            fetches, feed_dict, options = request.fetches, request.feed_dict, request.options
        except AttributeError:
            needs_check = True
            places.append(0)
            continue
        if fetches is None:
            places.append(0)
        else:
            if not _is_plain(fetches):
                fetches, rebuild = fetching.lower(fetches)
                if rebuild is not None:
                    rebuilds = rebuilds or {}
                    rebuilds[len(parts)] = (owner, rebuild)
            places.append(len(parts))
            parts.append(fetches)
        if feed_dict is not None:
            feeds, is_sure = _with_feeds(feeds, feed_dict)
            needs_check = needs_check or not is_sure
        if options is not None:
            wanted = wanted or []
            wanted.append((owner, options))
    if wanted is None:
        return Merged(parts, feeds, None, places, rebuilds, needs_check)
    if not all(isinstance(given, RunOptions) for _, given in wanted):
        # The session reports the caller's own mistake, if there is no other one.
        options = None if isinstance(caller[2], RunOptions) else caller[2]
        return Merged(parts, feeds, options, places, rebuilds, True)
    merged, conflicts = merge_options(wanted)
    return Merged(parts, feeds, merged, places, rebuilds, needs_check or bool(conflicts))


def _with_feeds(feeds: Any, feed_dict: Any) -> tuple[Any, bool]:
    """Adds a hook's feeds to those so far; also returns whether the hook's are surely valid."""
    if not isinstance(feed_dict, Mapping):
        return feeds, not feeding.is_given(feed_dict)
    if not feed_dict:
        return feeds, True
    is_sure = all(map(feeding.surely_good, feed_dict, feed_dict.values()))
    if not isinstance(feeds, Mapping):
        if feeding.is_given(feeds):
            return feeds, False
        return dict(feed_dict), is_sure
    # As in TensorFlow: the feeds of the hooks first, in their order, then the caller's.
    joined = {**feed_dict, **feeds}
    return joined, is_sure and len(joined) == len(feed_dict) + len(feeds)


def _is_plain(fetches: Any) -> bool:
    """True if a fetch structure surely has no dataclass in it."""
    kind = type(fetches)
    if kind is dict:
        children = fetches.values()
        if is_flat(children):
            return True
    elif kind is list or kind is tuple:
        children = fetches
    elif kind is str or is_fixed(fetches):
        return True
    elif isinstance(fetches, tuple):
        children = fetches
    else:
        return False
    return all(map(_is_plain, children))


def check(graph: Graph, caller: Any, requests: Sequence[Request]) -> None:
    """Checks everything in the requests; see `merge`.

    A mistake in the caller's own request is left to `Session.run`, which reports it as it always
    did, unless it is one of several.

    Args:
      graph: The graph that is to be run.
      caller: The caller's SessionRunArgs.
      requests: The hooks' names and requests.
    """
    _, fed, problems = _examine(graph, caller, requests)
    problems += feeding.fed_twice(fed)
    problems += _options_problems([(CALLER, caller), *requests])
    if problems and not _is_left_to_the_session(problems):
        raise request_error(problems)


def explain(graph: Graph, caller: Any, requests: Sequence[Request], error: Exception) -> None:
    """Raises an error that names the owner of the request by which a run failed, if one shows it.

    Args:
      graph: The graph that was run.
      caller: The caller's SessionRunArgs.
      requests: The hooks' names and requests.
      error: What the run raised.

    Raises:
      RequestError: The mistake is found; else nothing is raised, and `error` stands.
    """
    try:
        check(graph, caller, requests)
    except RequestError as found:
        raise found from None  # It says all that `error` does.
    fetches, fed, _ = _examine(graph, caller, requests)
    problems = placeholders.unfed_in_run(graph, fetches, fed, error)
    if problems:
        raise request_error(problems) from error
    for fetch in placeholders.uninitialized_in_run(graph, fetches, fed, error):
        add_note(error, f'fetched by {fetch}')


def _examine(
    graph: Graph, caller: Any, requests: Sequence[Request]
) -> tuple[list[fetching.Fetch], list[feeding.Feed], list[Problem]]:
    """Collects all fetches and feeds, and the mistakes in each party's request by itself."""
    fetches: list[fetching.Fetch] = []
    fed: list[feeding.Feed] = []
    problems: list[Problem] = []
    for owner, request in [(CALLER, caller), *requests]:
        returned = _return_problem(owner, request)
        if returned is not None:
            problems.append(returned)
            continue
        if request.fetches is not None or owner == CALLER:
            fetched, wrong = fetching.examine(graph, owner, request.fetches)
            fetches += fetched
            problems += wrong
        feeds, wrong = feeding.examine(graph, owner, request.feed_dict, exact=owner != CALLER)
        fed += feeds
        problems += wrong
    return fetches, fed, problems


def _return_problem(owner: str, request: Any) -> Problem | None:
    parts = ('fetches', 'feed_dict', 'options')
    if not isinstance(request, type) and all(hasattr(request, name) for name in parts):
        return None
    rule = (
        f'must return None or a SessionRunArgs. got {shown(request)} '
        f'(type={type(request).__name__}). Write: return tfhooks.SessionRunArgs(fetches)'
    )
    return Problem(owner, rule, ReturnTypeError)


def _options_problems(parties: Sequence[Request]) -> list[Problem]:
    """Finds options of a wrong type, and options that exclude each other."""
    given: list[Request] = [
        (owner, request.options)
        for owner, request in parties
        if _return_problem(owner, request) is None
    ]
    rule = 'options must be a tf.compat.v1.RunOptions. got '
    wrong = [
        Problem(owner, f'{rule}{shown(options)} (type={type(options).__name__})', ReturnTypeError)
        for owner, options in given
        if options is not None and not isinstance(options, RunOptions)
    ]
    return wrong + merge_options([pair for pair in given if isinstance(pair[1], RunOptions)])[1]


def _is_left_to_the_session(problems: Sequence[Problem]) -> bool:
    """True if there is one mistake, the caller's, and `Session.run` reports it itself."""
    (first, *others) = problems
    is_said_better = first.kind is NoneFedError or first.text.endswith(fetching.FOREIGN)
    return first.owner == CALLER and not others and not is_said_better
