"""Patterns of code that behave differently under tfhooks and can be found without running it.

Each is anchored to a row of docs/differences.md. A pattern is reported only where it is certain:
code that is one only for some values of variables is ignored.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from tfhooks._migration.checking import hook_patterns, session_patterns
from tfhooks._migration.checking.calls_and_classes import Facts, is_interesting
from tfhooks._migration.checking.program import Program


class Pattern(NamedTuple):
    """One pattern.

    Attributes:
      name: Its name, in JSON.
      kind: 'differs': runs, and does something else; 'refused': raises an error; 'caution': works
        as in TensorFlow, which is not what it seems.
      message: The text of the finding.
        replacement: The code to write instead; may be empty.
        row: The first column of its row in docs/differences.md.
    """

    name: str
    kind: str
    message: str
    replacement: str
    row: str


_LISTED = '`hooks=` a generator, a class, a single hook, no hook'

PATTERNS = {
    pattern.name: pattern
    for pattern in (
        Pattern(
            'hooks-generator',
            'differs',
            'hooks= is a generator or an iterator: it is taken once, so after_run is called; '
            'TensorFlow called begin alone',
            'a list',
            _LISTED,
        ),
        Pattern(
            'hooks-class',
            'refused',
            'hooks= holds a class, not a hook',
            'an instance of it',
            _LISTED,
        ),
        Pattern(
            'hooks-single', 'refused', 'hooks= is one hook, not a list of hooks', '[hook]', _LISTED
        ),
        Pattern(
            'hook-twice',
            'caution',
            'the same hook is given twice to one session: each of its methods is called twice',
            'list it once',
            'A hook listed twice',
        ),
        Pattern(
            'two-cadences',
            'differs',
            'both save_checkpoint_secs and save_checkpoint_steps are given: the seconds count; '
            'TensorFlow raises ValueError',
            'one of them',
            'Both `save_checkpoint_secs` and `save_checkpoint_steps`',
        ),
        Pattern(
            'two-savers',
            'refused',
            "two savers write into one directory, and would delete each other's files",
            'another directory, or save_checkpoint_secs=None with save_checkpoint_steps=None',
            'Two savers on one directory',
        ),
        Pattern(
            'summary-nowhere',
            'refused',
            'SummarySaverHook has neither output_dir nor summary_writer; in TensorFlow it did '
            'nothing',
            'output_dir=...',
            'SummarySaverHook with nowhere to write',
        ),
        Pattern(
            'nan-goes-on',
            'differs',
            'NanTensorHook(fail_on_nan_loss=False): after a NaN nothing is saved, not even at the '
            "end; TensorFlow's last checkpoint held the NaN",
            '',
            'The NaN check and saves in one run',
        ),
        Pattern(
            'timer-period',
            'refused',
            'SecondOrStepTimer with a period that is not positive',
            'None for no period',
            'SecondOrStepTimer',
        ),
        Pattern(
            'logging-generator',
            'differs',
            'LoggingTensorHook with a generator of tensors logs them; in TensorFlow it logged '
            'nothing',
            'a list',
            'LoggingTensorHook with a generator of tensors',
        ),
        Pattern(
            'stop-hook-reused',
            'differs',
            'StopAtStepHook(num_steps=...) made outside the loop serves several sessions and '
            "counts anew in each; in TensorFlow it kept the first one's last step",
            '',
            'StopAtStepHook used again',
        ),
        Pattern(
            'run-after-close',
            'refused',
            'run() after the with statement has closed the session; the error is '
            'SessionClosedError, in TensorFlow an AttributeError about NoneType',
            'indent it into the with statement',
            'Use of a closed session',
        ),
        Pattern(
            'close-inside',
            'differs',
            'close() inside the with statement is quiet; in TensorFlow the end of the with raised '
            'RuntimeError',
            '',
            'Closing inside the `with`',
        ),
        Pattern(
            'none-fed',
            'refused',
            'None is fed: NoneFedError; in TensorFlow it became nan, or an error',
            'leave the key out of feed_dict',
            'None as a fed value',
        ),
        Pattern(
            'bare-request',
            'refused',
            'before_run must return tf.train.SessionRunArgs or None; the error names the hook, in '
            'TensorFlow it is an AttributeError',
            'tf.train.SessionRunArgs(...)',
            'Any exception in a hook',
        ),
        Pattern(
            'step-fetched',
            'caution',
            'the global step is fetched in the run that increments it: the value may be of before '
            "or after the increment, as in TensorFlow; tfhooks' own hooks do not read it so",
            'run_context.session.run(global_step) in after_run',
            'How untouched stock hooks read the global step',
        ),
        Pattern(
            'hook-timeout',
            'differs',
            'a hook sets timeout_in_ms: of several timeouts in one run the shortest counts, in '
            'TensorFlow the longest',
            '',
            'Two timeouts in one run',
        ),
        Pattern(
            'end-of-data-raised',
            'refused',
            'OutOfRangeError or StopIteration raised by a hook is an error; in TensorFlow it ended '
            'the training quietly',
            'run_context.request_stop()',
            'OutOfRangeError or StopIteration out of `after_run` or `after_create_session`',
        ),
        Pattern(
            'original-options',
            'differs',
            "run_context.original_args.options holds the caller's RunOptions; in TensorFlow it is "
            'always None',
            '',
            'Options in `run_context.original_args`',
        ),
        Pattern(
            'listener-stops',
            'differs',
            'a True from after_save stops the training at the first save too; TensorFlow ignores '
            'it there',
            '',
            "A listener's True at the first save",
        ),
    )
}


def find(program: Program) -> Iterator[tuple[Pattern, ast.AST]]:
    """Yields the patterns in one program, each with its node."""
    if not is_interesting(program):
        return
    facts = Facts(program)
    for name, node in (*session_patterns.find(facts), *hook_patterns.find(facts)):
        yield PATTERNS[name], node
