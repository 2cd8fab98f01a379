"""Where tfhooks is meant to do something else than what the traces recorded.

Each entry stands for one place in one program's trace: instead of these recorded lines, those. It
belongs to a row of docs/differences.md, and must still be true: a replay fails where a declared
difference does not happen any more.
"""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """One replacement of lines in a recorded trace.

    Attributes:
      program: The program's name, `topic.function`.
      section: The section of its trace: calls, log, files, checkpoints or events.
      instead_of: The recorded lines, which follow each other; none where `these` come at the end.
      these: The lines that tfhooks leaves in their place.
      row: How the `What` of the row in docs/differences.md begins.
    """

    program: str
    section: str
    instead_of: tuple[str, ...]
    these: tuple[str, ...]
    row: str


BEGIN_FAILS = 'A hook that has begun, when making the session fails'
TIMEOUTS = 'Two timeouts in one run'
OPTIONS_SEEN = 'Options in `run_context.original_args`'
CALLERS_OPTIONS = "The caller's RunOptions"
RESTORED = 'The checkpoint that was just restored'
GRAPH_ONCE = 'Graph events after a recovery'
CADENCES = 'Both `save_checkpoint_secs` and `save_checkpoint_steps`'
CLOSED_TWICE = 'Closing a closed session'
PROFILES = 'What ProfilerHook writes'


def _restored_after(program: str, *steps: int) -> list[Difference]:
    return [
        Difference(
            program,
            'log',
            (
                f'Restoring parameters from <dir>/model.ckpt-{step}',
                'Running local_init_op.',
                'Done running local_init_op.',
                f'Saving checkpoints for {step} into <dir>/model.ckpt.',
            ),
            (
                f'Restoring parameters from <dir>/model.ckpt-{step}',
                'Running local_init_op.',
                'Done running local_init_op.',
                f'The checkpoint for {step} in <dir>/model.ckpt was just restored: '
                'it is not written again.',
            ),
            RESTORED,
        )
        for step in steps
    ]


DIFFERENCES: list[Difference] = [
    Difference(
        'callbacks.failing_after_create_session',
        'calls',
        ('use raised ValueError saying "boom"',),
        (
            'before.end raw=True',
            'fails.end raw=True',
            'use raised ValueError saying "boom"',
        ),
        BEGIN_FAILS,
    ),
    Difference(
        'callbacks.failing_methods',
        'calls',
        ('fails in begin raised ValueError saying "boom"',),
        ('before.end raw=False', 'fails in begin raised ValueError saying "boom"'),
        BEGIN_FAILS,
    ),
    Difference(
        'callbacks.options_and_metadata',
        'calls',
        ('merged 3 True 90000',),
        ('merged 3 True 60000',),
        TIMEOUTS,
    ),
    Difference(
        'callbacks.what_a_hook_sees_of_the_call',
        'calls',
        ('args True <y:0>', 'feeds None', 'options True None'),
        ('args True <y:0>', 'feeds None', 'options False 1'),
        OPTIONS_SEEN,
    ),
    Difference(
        'stock.profiler_with_options_of_the_caller',
        'calls',
        ("caller's options 3",),
        ("caller's options 0",),
        CALLERS_OPTIONS,
    ),
    Difference(
        'recovery.goes_on_from_the_last_checkpoint',
        'events',
        (
            'step 4: session_log CHECKPOINT',
            'step 0: graph_def',
            'step 0: meta_graph_def',
            'step 4: session_log CHECKPOINT',
        ),
        ('step 4: session_log CHECKPOINT', 'step 4: session_log CHECKPOINT'),
        GRAPH_ONCE,
    ),
    *_restored_after('recovery.goes_on_from_the_last_checkpoint', 4),
    *_restored_after('saving.restore_in_a_second_session', 3),
    *_restored_after('sessions.scaffold_functions_after_restore', 1),
    *_restored_after('stock.stop_at_step_after_restore', 2, 5),
    Difference(
        'saving.training_session_with_both_cadences',
        'calls',
        ('use raised ValueError',),
        ('use returned None',),
        CADENCES,
    ),
    Difference(
        'saving.training_session_with_both_cadences',
        'checkpoints',
        (),
        (
            '.: latest model.ckpt-3 of model.ckpt-0, model.ckpt-3',
            'model.ckpt-0: global_step=numpy.int64(0)',
            'model.ckpt-3: global_step=numpy.int64(3)',
        ),
        CADENCES,
    ),
    Difference(
        'saving.training_session_with_both_cadences',
        'events',
        (),
        (
            'in .:',
            'step 0: graph_def',
            'step 0: meta_graph_def',
            'step 0: graph_def',
            'step 0: meta_graph_def',
            'step 0: session_log CHECKPOINT',
            'step 1: session_log START',
            'step 3: session_log CHECKPOINT',
        ),
        CADENCES,
    ),
    Difference(
        'saving.training_session_with_both_cadences',
        'files',
        (),
        (
            'checkpoint',
            'events.out.tfevents.*',
            'graph.pbtxt',
            'model.ckpt-0.data-00000-of-00001',
            'model.ckpt-0.index',
            'model.ckpt-0.meta',
            'model.ckpt-3.data-00000-of-00001',
            'model.ckpt-3.index',
            'model.ckpt-3.meta',
        ),
        CADENCES,
    ),
    Difference(
        'saving.training_session_with_both_cadences',
        'log',
        ('Create CheckpointSaverHook.',),
        (
            'Create CheckpointSaverHook.',
            'Graph was finalized.',
            'Running local_init_op.',
            'Done running local_init_op.',
            'Saving checkpoints for 0 into <dir>/model.ckpt.',
            'Saving checkpoints for 3 into <dir>/model.ckpt.',
        ),
        CADENCES,
    ),
    Difference(
        'sessions.used_after_close',
        'calls',
        ('hook.end raw=False', 'close raised RuntimeError'),
        ('close returned None',),
        CLOSED_TWICE,
    ),
    *[
        Difference(
            program,
            'files',
            ('events.out.tfevents.*',),
            ('events.out.tfevents.*', 'plugins/profile/*'),
            PROFILES,
        )
        for program in ('stock.profiler', 'stock.profiler_with_options_of_the_caller')
    ],
]


def apply(trace: dict[str, list[str]], differences: list[Difference]) -> dict[str, list[str]]:
    """Makes the trace that is expected from the one that was recorded.

    Args:
      trace: The recorded trace, from a section's name to its lines. Not changed.
      differences: What to replace in it, each one place, searched in order.

    Returns:
      The expected trace.

    Raises:
      ValueError: If the recorded lines of a difference are not in the trace.
    """
    expected = {section: list(lines) for section, lines in trace.items()}
    begin = dict.fromkeys(expected, 0)
    for difference in differences:
        lines, wanted = expected[difference.section], list(difference.instead_of)
        if not wanted:
            lines.extend(difference.these)
            continue
        for at in range(begin[difference.section], len(lines) - len(wanted) + 1):
            if lines[at : at + len(wanted)] == wanted:
                lines[at : at + len(wanted)] = difference.these
                begin[difference.section] = at + len(difference.these)
                break
        else:
            raise ValueError(
                'A difference replaces lines that the trace does not have (after those of the '
                f'difference before it): program={difference.program!r} '
                f'section={difference.section!r} instead_of={difference.instead_of!r}.'
            )
    return expected
