"""Gives the hooks their results after a run, and sees to it that bad weights are not saved."""

from __future__ import annotations

from typing import Any

from tfhooks._base.errors import PREEMPTION_ERRORS, add_secondary_errors, note_origin
from tfhooks._base.hook_types import SessionRunValues, SupportsSkipFinalSave
from tfhooks._run.bad_weights import BadWeights, is_bad
from tfhooks._run.calls import Calls
from tfhooks._run.context import RunContext
from tfhooks._run.members import Member
from tfhooks._run.stock_hooks import answering
from tfhooks._tensorflow import RunMetadata, RunOptions, originals

# The results of the hooks by their indices; under None those of a hook that fetched nothing.
Values = dict[int | None, SessionRunValues[Any]]
_new: Any = tuple.__new__


def is_quiet(calls: Calls, bad_weights: BadWeights, parts: Any, places: list[int]) -> bool:
    """True if no hook's `after_run` needs to be called, as far as their own results tell."""
    if calls.checks is None or bad_weights.found:
        return False
    for has_nothing_to_do, place in zip(calls.checks, places, strict=False):
        if not has_nothing_to_do(parts[place]):
            return False
    return True


def call_hooks(calls: Calls, bad_weights: BadWeights, context: RunContext, values: Values) -> None:
    """Calls `after_run` of the hooks. An error that says that the weights are bad ends this."""
    errors: list[BaseException] | None = None
    nothing, stopped = values[None], context._stop_requested
    for index, hook, member, has_nothing_to_do in calls.after_run_calls:
        own = values.get(index, nothing)
        if has_nothing_to_do and not bad_weights.found and has_nothing_to_do(own.results):
            continue
        if member.saves_weights and not _may_save(member, calls, bad_weights, context, values):
            continue
        if stopped and member.guards_weights:
            # To see whether this hook itself requests a stop.
            context._stop_requested = False
        try:
            hook.after_run(context, own)
        except Exception as error:
            note_origin(error, f'{member.name}.after_run')
            is_verdict = isinstance(error, originals.NanLossDuringTrainingError)
            if member.guards_weights:
                context._stop_requested = context._stop_requested or stopped
                if is_verdict:
                    bad_weights.mark(context, member)
            if (member.guards_weights and is_verdict) or isinstance(error, PREEMPTION_ERRORS):
                raise
            errors = [*(errors or ()), error]
        else:
            if member.guards_weights:
                if context._stop_requested and is_bad(member, own.results):
                    bad_weights.mark(context, member)
                elif bad_weights.found and not context._tfhooks_weights_are_bad:
                    bad_weights.clear()
                context._stop_requested = context._stop_requested or stopped
        if context._stop_requested != stopped:
            stopped = context._stop_requested
            context.note_stop(member.name)
    if errors:
        add_secondary_errors(errors[0], errors[1:])
        raise errors[0]


def _may_save(
    saver: Member, calls: Calls, bad_weights: BadWeights, context: RunContext, values: Values
) -> bool:
    """Checks, before a saver is called, the loss by the hooks after it that guard the weights.

    Returns:
      Whether to call the saver: always if it knows of bad weights, else only if they are good.
    """
    for guard in calls.guards_weights:
        own = values.get(guard.index)
        if guard.index > saver.index and own is not None and is_bad(guard, own.results):
            bad_weights.mark(context, guard)
    is_told = answering(saver.layers[-1], SupportsSkipFinalSave) is not None
    return is_told or not context._tfhooks_weights_are_bad


def values_of(
    members: list[Member],
    parts: Any,
    places: list[int],
    options: RunOptions | None,
    run_metadata: RunMetadata | None,
) -> Values:
    """Picks each hook's results from those of the run.

    Args:
      members: The hooks that have requested something.
      parts: The results of the run.
      places: For each of these hooks, the index of its results in `parts`; 0 for none.
      options: The options of the run, or None.
      run_metadata: Its metadata, or None.
    """
    options = RunOptions() if options is None else options
    run_metadata = RunMetadata() if run_metadata is None else run_metadata
    values: Values = {None: SessionRunValues(None, options, run_metadata)}
    for member, place in zip(members, places, strict=True):
        if place:
            # Skips the constructor of named tuples, which is Python code.
            values[member.index] = _new(SessionRunValues, (parts[place], options, run_metadata))
    return values
