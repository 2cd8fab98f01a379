"""Why a training ended."""

from __future__ import annotations

from typing import Any


class StopReason(str):
    """Why a monitored session stopped: a sentence, with its parts as attributes.

    Attributes:
      kind: 'hook', 'requested', 'end of data', 'signal', 'error', 'coordinator' or 'closed'.
      who: The hook, the operation that ran out of data, the signal or the exception's class; or None.
      step: The global step at which it was noticed, or None where it is not known.
    """

    kind: str
    who: str | None
    step: int | None

    def __new__(
        cls, kind: str, sentence: str, who: str | None = None, step: int | None = None
    ) -> StopReason:
        at = '' if step is None else f' at global step {step}'
        reason = super().__new__(cls, sentence + at)
        reason.kind, reason.who, reason.step = kind, who, step
        return reason


def of_error(error: BaseException, end_of_data: bool, step: int | None) -> StopReason:
    """The reason that an exception which came out of the loop stands for."""
    name = type(error).__name__
    if not end_of_data:
        first_line = str(error).partition('\n')[0]
        where = getattr(error, 'raised_in', None)
        place = f' in {where}' if where else ''
        return StopReason('error', f'error{place}: {name}: {first_line}', name, step)
    operation: Any = getattr(error, 'op', None) or getattr(error, 'node_def', None)
    who = getattr(operation, 'name', None) or getattr(error, 'raised_in', None)
    source = f' of {who}' if who else f' ({name})'
    return StopReason('end of data', f'end of data{source}', who, step)
