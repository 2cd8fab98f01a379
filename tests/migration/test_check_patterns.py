"""The patterns that `python -m tfhooks check` finds: each where it is, and none where it is not."""

from __future__ import annotations

import functools
import textwrap

import places
import pytest

from tfhooks._migration import check
from tfhooks._migration.checking.installed import Installed
from tfhooks._migration.checking.names import NameChecker
from tfhooks._migration.checking.patterns import PATTERNS

DIFFERENCES = places.ROOT / 'docs' / 'differences.md'


@functools.cache
def judge():
    return NameChecker(Installed.here())


def patterns(folder, source):
    """The patterns found in a program, by line."""
    file = folder / 'program.py'
    file.write_text('import tensorflow as tf\n' + textwrap.dedent(source))
    found = check.check_file(str(file), judge())
    return [(one.line, one.name) for one in found if one.row is not None]


def hook(body):
    """A program with one hook."""
    return 'class Hook(tf.train.SessionRunHook):\n' + textwrap.indent(textwrap.dedent(body), '    ')


# A program of each pattern, with the line that it is found in.
FOUND = [
    ('hooks-generator', 2, 'tf.train.MonitoredSession(hooks=(make(h) for h in x))'),
    ('hooks-generator', 3, 'h = map(make, x)\ntf.train.SingularMonitoredSession(h)'),
    ('hooks-class', 2, 'tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook])'),
    ('hooks-single', 2, 'tf.train.MonitoredSession(None, tf.train.NanTensorHook(loss))'),
    ('hook-twice', 2, 'tf.train.MonitoredSession(hooks=[a, b, a])'),
    ('hook-twice', 2, 'tf.train.MonitoredTrainingSession(hooks=[a], chief_only_hooks=[a])'),
    ('hook-twice', 2, 'h = [a, a]\ntf.train.MonitoredTrainingSession(hooks=h + [b])'),
    (
        'two-cadences',
        2,
        'tf.train.MonitoredTrainingSession(save_checkpoint_secs=9, save_checkpoint_steps=9)',
    ),
    (
        'two-savers',
        2,
        'tf.train.MonitoredTrainingSession(checkpoint_dir=d, '
        'hooks=[tf.train.CheckpointSaverHook(d, save_steps=1)])',
    ),
    (
        'two-savers',
        3,
        'a = tf.train.CheckpointSaverHook("x", 1)\n'
        'b = tf.train.CheckpointSaverHook("x", save_steps=1)\n'
        'tf.train.MonitoredSession(hooks=[a, b])',
    ),
    ('summary-nowhere', 2, 'tf.train.SummarySaverHook(save_steps=3, summary_op=op)'),
    (
        'nan-goes-on',
        2,
        'tf.train.MonitoredTrainingSession(checkpoint_dir=d, '
        'hooks=[tf.train.NanTensorHook(loss, False)])',
    ),
    ('timer-period', 2, 'tf.train.SecondOrStepTimer(every_secs=0)'),
    ('timer-period', 2, 'tf.train.SecondOrStepTimer(None, -1)'),
    ('logging-generator', 2, 'tf.train.LoggingTensorHook((t for t in ts), every_n_iter=3)'),
    (
        'stop-hook-reused',
        4,
        'stop = tf.train.StopAtStepHook(num_steps=3)\n'
        'for _ in range(2):\n    tf.train.MonitoredSession(hooks=[stop])',
    ),
    (
        'run-after-close',
        4,
        'with tf.train.MonitoredSession() as s:\n    s.run(a)\nprint(s.run(b))',
    ),
    ('close-inside', 3, 'with tf.train.MonitoredSession() as s:\n    s.close()'),
    ('none-fed', 3, 'with tf.train.MonitoredSession() as s:\n    s.run(a, feed_dict={b: None})'),
    (
        'none-fed',
        4,
        hook('def before_run(self, c):\n    return tf.train.SessionRunArgs(a, {b: None})'),
    ),
    ('bare-request', 4, hook('def before_run(self, c):\n    return [a, b]')),
    ('bare-request', 4, hook('def before_run(self, c):\n    return tf.train.get_global_step()')),
    (
        'bare-request',
        6,
        hook(
            'def begin(self):\n    self.s = tf.train.get_global_step()\n'
            'def before_run(self, c):\n    return self.s'
        ),
    ),
    (
        'step-fetched',
        6,
        hook(
            'def begin(self):\n    self.s = tf.train.get_or_create_global_step()\n'
            'def before_run(self, c):\n    return tf.train.SessionRunArgs({"s": self.s, "l": loss})'
        ),
    ),
    (
        'hook-timeout',
        5,
        hook(
            'def before_run(self, c):\n    o = tf.RunOptions(timeout_in_ms=9)\n'
            '    return tf.train.SessionRunArgs(a, options=o)'
        ),
    ),
    (
        'end-of-data-raised',
        5,
        hook(
            'def after_run(self, c, v):\n    if v:\n'
            '        raise tf.errors.OutOfRangeError(None, None, "")'
        ),
    ),
    (
        'end-of-data-raised',
        4,
        hook('def after_create_session(self, s, c):\n    raise StopIteration'),
    ),
    ('original-options', 4, hook('def before_run(self, c):\n    print(c.original_args.options)')),
    (
        'listener-stops',
        4,
        'class L(tf.train.CheckpointSaverListener):\n    def after_save(self, s, g):\n'
        '        return True',
    ),
]


@pytest.mark.parametrize(('name', 'line', 'source'), FOUND)
def test_a_pattern_is_found(tmp_path, name, line, source):
    assert patterns(tmp_path, source) == [(line, name)]


def test_every_pattern_has_a_program_here():
    assert {name for name, _, _ in FOUND} == set(PATTERNS)


@pytest.mark.parametrize('pattern', PATTERNS.values(), ids=lambda one: one.name)
def test_every_pattern_has_its_row_in_the_differences(pattern):
    rows = [line[2:] for line in DIFFERENCES.read_text().splitlines() if line.startswith('| ')]
    assert any(row.startswith(pattern.row) for row in rows), pattern.row
    assert pattern.kind in ('differs', 'refused', 'caution')


@pytest.mark.parametrize(
    'source',
    [
        # Hooks that may be anything.
        'tf.train.MonitoredSession(hooks=hooks)',
        'tf.train.MonitoredSession(hooks=make_hooks())',
        'tf.train.MonitoredSession(hooks=list(h for h in x))',
        'h = (h for h in x)\nh = list(h)\ntf.train.MonitoredSession(hooks=h)',
        'def map(f, x): return []\ntf.train.MonitoredSession(hooks=map(f, x))',
        'tf.train.MonitoredSession(hooks=[make(a), make(a)])',
        'tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(a), tf.train.NanTensorHook(a)])',
        'other.MonitoredSession(hooks=[a, a])',
        'from other import MonitoredSession\nMonitoredSession(hooks=[a, a])',
        'def f(tf): tf.train.MonitoredSession(hooks=[a, a])',
        # Cadences of which one is off, or may be.
        'tf.train.MonitoredTrainingSession(save_checkpoint_secs=None, save_checkpoint_steps=9)',
        'tf.train.MonitoredTrainingSession(save_checkpoint_secs=0, save_checkpoint_steps=9)',
        'tf.train.MonitoredTrainingSession(save_checkpoint_secs=a, save_checkpoint_steps=b)',
        # Savers that do not meet, or may not.
        'tf.train.MonitoredTrainingSession(checkpoint_dir=d, save_checkpoint_secs=None, '
        'hooks=[tf.train.CheckpointSaverHook(d, 1)])',
        'tf.train.MonitoredTrainingSession(checkpoint_dir=d, save_checkpoint_secs=FLAGS.secs, '
        'hooks=[tf.train.CheckpointSaverHook(d, 1)])',
        'tf.train.MonitoredTrainingSession(checkpoint_dir=d, is_chief=False, '
        'hooks=[tf.train.CheckpointSaverHook(d, 1)])',
        'tf.train.MonitoredTrainingSession(checkpoint_dir=d, '
        'hooks=[tf.train.CheckpointSaverHook(e, 1)])',
        'tf.train.MonitoredTrainingSession(checkpoint_dir=mkdtemp(), '
        'hooks=[tf.train.CheckpointSaverHook(mkdtemp(), 1)])',
        'tf.train.MonitoredSession(hooks=[tf.train.CheckpointSaverHook(d, 1)])\n'
        'tf.train.MonitoredSession(hooks=[tf.train.CheckpointSaverHook(d, 1)])',
        # Stock hooks as they are meant.
        'tf.train.SummarySaverHook(3, output_dir=d)',
        'tf.train.SummarySaverHook(3, None, d)',
        'tf.train.SummarySaverHook(3, **where)',
        'tf.train.SummarySaverHook(3, summary_writer=w)',
        'tf.train.MonitoredTrainingSession(checkpoint_dir=d, hooks=[tf.train.NanTensorHook(l)])',
        'tf.train.SecondOrStepTimer(every_secs=1)',
        'tf.train.SecondOrStepTimer(every_steps=n)',
        'tf.train.LoggingTensorHook([t for t in ts], every_n_iter=3)',
        'for _ in x:\n    stop = tf.train.StopAtStepHook(num_steps=3)\n'
        '    tf.train.MonitoredSession(hooks=[stop])',
        'stop = tf.train.StopAtStepHook(last_step=3)\n'
        'for _ in x:\n    tf.train.MonitoredSession(hooks=[stop])',
        'stop = tf.train.StopAtStepHook(num_steps=3)\nfor _ in x:\n    pass\n'
        'tf.train.MonitoredSession(hooks=[stop])',
        # Sessions used while they are open, or other sessions.
        'with tf.Session() as s:\n    s.close()\ns.run(a)',
        'with tf.train.MonitoredSession() as s:\n    s.run(a)\ns = make()\ns.run(b)',
        'with tf.train.MonitoredSession() as s:\n    s.run(a)\n'
        'with tf.train.MonitoredSession() as s:\n    s.run(b)',
        'with tf.train.MonitoredSession() as s:\n    s.run(a)\ndef f(s):\n    s.run(b)',
        's = tf.train.MonitoredSession()\ns.run(a)\ns.close()',
        'with tf.train.MonitoredSession() as s:\n    s.run(a, feed_dict={b: 0})',
        'with tf.Session() as s:\n    s.run(a, feed_dict={b: None})',
        # Hooks of one's own.
        hook('def before_run(self, c):\n    return tf.train.SessionRunArgs(self.loss)'),
        hook('def before_run(self, c):\n    return None'),
        hook('def before_run(self, c):\n    return self.request'),
        hook('def before_run(self, c):\n    f = lambda: [1]\n    return self.make(f())'),
        hook('def before_run(self, c):\n    return super().before_run(c)'),
        hook('def other(self):\n    return [1]'),
        'class NoHook:\n    def before_run(self, c):\n        return [1]',
        hook(
            'def begin(self):\n    self.s = tf.train.get_global_step()\n'
            'def after_run(self, c, v):\n    c.session.run(self.s)'
        ),
        hook('def before_run(self, c):\n    return tf.train.SessionRunArgs(a, options=o)'),
        hook('def after_run(self, c, v):\n    c.request_stop()'),
        hook('def after_run(self, c, v):\n    raise ValueError'),
        hook('def end(self, s):\n    raise StopIteration'),
        hook(
            'def after_run(self, c, v):\n    try:\n        raise StopIteration\n'
            '    except StopIteration:\n        pass'
        ),
        hook('def before_run(self, c):\n    print(c.original_args.fetches)'),
        'class L(tf.train.CheckpointSaverListener):\n    def after_save(self, s, g):\n'
        '        return False',
    ],
)
def test_an_ordinary_program_has_none(tmp_path, source):
    assert patterns(tmp_path, source) == []


def test_patterns_are_known_by_every_way_to_a_name(tmp_path):
    for number, way in enumerate(
        [
            'from tensorflow.train import SummarySaverHook as S',
            'from tensorflow.estimator import SummarySaverHook as S',
            'import tensorflow.python.training.basic_session_run_hooks as h\nS=h.SummarySaverHook',
            'from tfhooks import SummarySaverHook as S',
            'import tfhooks.v1.train as t\nS = t.SummarySaverHook',
        ]
    ):
        found = patterns(tmp_path, f'{way}\nS(save_steps=3)')
        assert [name for _, name in found] == ['summary-nowhere'], number


def test_a_hook_that_derives_from_a_hook_of_the_program(tmp_path):
    source = """
        class Base(tf.train.SessionRunHook): pass
        class Middle(Base): pass
        class Hook(Middle):
            def before_run(self, run_context):
                return {'loss': self.loss}
        """
    assert patterns(tmp_path, source) == [(7, 'bare-request')]


def test_the_row_is_in_the_line(tmp_path):
    file = tmp_path / 'a.py'
    file.write_text('import tensorflow as tf\ntf.train.SecondOrStepTimer(every_secs=0)')
    found = [one for one in check.check_file(str(file), judge()) if one.row]
    assert found[0].text() == (
        f'{file}:2:1: refused: SecondOrStepTimer with a period that is not positive '
        '-> None for no period [docs/differences.md: SecondOrStepTimer]'
    )
    assert found[0].fails()
