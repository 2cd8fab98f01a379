"""ProgressHook shows a bar on a terminal and lines elsewhere, and neither is torn."""

import contextlib
import fcntl
import io
import logging
import os
import re
import struct
import sys
import termios
import threading

import absl.logging
import pytest
import tensorflow.compat.v1 as tf
import tqdm
from pages import run_page
from stock_models import SESSIONS, LoseSession, starting_at, train_op

import tfhooks
from tfhooks._base import log
from tfhooks._more_hooks import displays
from tfhooks._more_hooks.evaluation import EvalHook
from tfhooks._more_hooks.progress import ProgressHook
from tfhooks.testing import check_hook


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'last_step': 0}, ValueError, 'last_step must be at least 1; invalid last_step=0'),
        ({'last_step': 'x'}, TypeError, "last_step must be a whole number; last_step='x'"),
        ({'every_n_steps': 1, 'every_n_secs': 1}, ValueError, 'exactly one of every_n_steps and'),
        (
            {'every_n_steps': 0},
            ValueError,
            'every_n_steps must be at least 1; invalid every_n_steps=0',
        ),
        ({'every_n_secs': 0}, ValueError, 'every_n_secs must be greater than 0 seconds'),
        ({'tensors': 'loss:0'}, TypeError, 'tensors must be a dict of tensors or names, or an it'),
        (
            {'tensors': {1: 'loss:0'}},
            TypeError,
            'tensors must hold tensors or their names, under names',
        ),
        ({'bar': 'yes'}, TypeError, "bar must be True, False or None; bar='yes'"),
        ({'file': 'stderr'}, TypeError, "file must have a write method; file='stderr'"),
        ({'title': 3}, TypeError, 'title must be a string; title=3'),
    ],
)
def test_arguments(arguments, error, text):
    with pytest.raises(error, match='ProgressHook: ' + text):
        ProgressHook(**arguments)


def test_a_bar_without_tqdm(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, 'tqdm', None)
    with pytest.raises(ImportError, match=r'bar=True needs tqdm; .*install "tfhooks\[progress\]"'):
        ProgressHook(bar=True)
    file = Terminal()
    train(tfhooks.MonitoredSession, [ProgressHook(every_n_steps=10, file=file)], 12)
    assert [line.split(',')[0] for line in file.getvalue().splitlines()] == ['step 10', 'step 12']
    (record,) = [r for r in caplog.records if r.name == 'tfhooks']
    assert 'for a bar: pip install "tfhooks[progress]"' in record.getMessage()
    assert record.levelname == 'WARNING'  # TensorFlow shows no INFO, if it is not asked to.


def test_begin_needs_a_global_step_and_the_tensors():
    with tf.Graph().as_default():
        with pytest.raises(RuntimeError, match='must have a global step'):
            ProgressHook().begin()
        tf.train.get_or_create_global_step()
        with pytest.raises(ValueError, match=r"ProgressHook.begin: tensors must be .*'loss:0'"):
            ProgressHook(tensors=['loss:0']).begin()


def train(make, hooks, runs, *, start=(0,), clock=None, secs=1.0, by=1, fail=None):
    with tf.Graph().as_default():
        step = train_op(by)
        tf.divide(1.0, tf.cast(tf.train.get_global_step(), tf.float32) + 3, name='loss')
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for run in range(runs):
                if run == fail:
                    raise ValueError('the loop failed')
                session.run(step)
                if clock is not None:
                    clock.now += secs


@pytest.mark.parametrize('make', SESSIONS)
def test_lines_where_there_is_no_terminal(make, clock):
    file = io.StringIO()
    hook = ProgressHook(50, every_n_steps=20, file=file)
    train(make, [hook], 45, clock=clock, secs=0.5)
    # The clock stands still during a run, so that 20 steps end after 19 periods; smoothed.
    assert file.getvalue().splitlines() == [
        'step 20/50 (40%), 2.105 steps/sec, 0:00:14 left',
        'step 40/50 (80%), 2.074 steps/sec, 0:00:05 left',
        'step 45/50 (90%), 1.952 steps/sec, 0:00:03 left',
    ]


@pytest.mark.parametrize('make', SESSIONS)
def test_values_of_the_run_that_ended_at_the_step(make):
    file = io.StringIO()
    with tf.Graph().as_default():
        step = train_op()
        with tf.control_dependencies([step]):
            value = tf.train.get_global_step().read_value()
        tf.multiply(tf.cast(value, tf.float32), 0.333333, name='loss')
        hook = ProgressHook(tensors={'at': value, 'a third': 'loss:0'}, every_n_steps=10, file=file)
        with make(hooks=[hook]) as session:
            for _ in range(25):
                session.run(step)
    lines = [re.sub(r', [\d.e+]+ steps/sec', '', line) for line in file.getvalue().splitlines()]
    assert lines == ['step 10, at=10, a third=3.333', 'step 20, at=20, a third=6.667', 'step 25']


@pytest.mark.parametrize('make', SESSIONS)
def test_ten_seconds_between_lines_by_default(make, clock):
    file = io.StringIO()
    train(make, [ProgressHook(file=file)], 35, clock=clock)
    assert [line.split(',')[0] for line in file.getvalue().splitlines()] == [
        'step 11',
        'step 21',
        'step 31',
        'step 35',
    ]


@pytest.mark.parametrize('make', SESSIONS)
def test_the_last_step_comes_once(make):
    file = io.StringIO()
    train(make, [ProgressHook(every_n_steps=10, file=file)], 20)
    assert len(file.getvalue().splitlines()) == 2


class Pipe(io.StringIO):
    """A pipe that nobody reads any more after some lines."""

    def __init__(self, lines):
        super().__init__()
        self.lines = lines

    def write(self, text):
        self.lines -= text.count('\n') or 1
        if self.lines < 0:
            raise BrokenPipeError(32, 'Broken pipe')
        return super().write(text)


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('bar', [True, False])
def test_training_goes_on_where_nothing_can_be_shown(make, bar, log):
    file = Pipe(2)
    handlers = list(tf.get_logger().handlers)
    train(make, [ProgressHook(9, every_n_steps=1, file=file, bar=bar)], 6)
    assert len(log('nothing more is shown')) == 1
    assert tf.get_logger().handlers == handlers


@pytest.mark.parametrize('period', [{'every_n_steps': 10}, {'every_n_secs': 1000}])
def test_values_of_the_last_step(period):
    file = io.StringIO()
    with tf.Graph().as_default():
        step = train_op()
        with tf.control_dependencies([step]):
            value = tf.train.get_global_step().read_value()
        hook = ProgressHook(25, {'at': value}, file=file, **period)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            for _ in range(28):
                session.run(step)
    lines = [re.sub(r', [\d.e+]+ steps/sec', '', line) for line in file.getvalue().splitlines()]
    assert lines[-2:] == ['step 25/25 (100%), at=25', 'step 28/25 (112%)']
    assert len(lines) == (4 if 'every_n_steps' in period else 2)


@pytest.mark.parametrize('make', SESSIONS)
def test_an_evaluation_is_left_out_of_the_rate(make, clock):
    def evaluate(session):
        clock.now += 1000
        return {}

    file = io.StringIO()
    hooks = [ProgressHook(every_n_steps=20, file=file), EvalHook(5, evaluate)]
    train(make, hooks, 41, clock=clock, secs=0.5)
    assert file.getvalue().splitlines()[:2] == [
        'step 20, 2.105 steps/sec',
        'step 40, 2.074 steps/sec',
    ]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_recovery_has_no_negative_rate(make, clock):
    file = io.StringIO()
    hook = ProgressHook(every_n_steps=10, file=file)
    train(make, [hook, LoseSession(25)], 44, start=(0, 5), clock=clock)
    lines = file.getvalue().splitlines()
    assert [line.split(',')[0] for line in lines] == [
        f'step {step}' for step in (10, 20, 10, 20)
    ] + ['step 25']
    assert all(0.5 < float(line.split()[2]) < 2 for line in lines)


def test_stderr_is_looked_up_when_the_session_is_made(capsys):
    hook = ProgressHook(every_n_steps=10)
    train(tfhooks.MonitoredSession, [hook], 10)
    assert capsys.readouterr().err.startswith('step 10')


# The bar.


def shown(file):
    """What was on the terminal, one after another, without colours and moves of the cursor."""
    text = re.sub(r'\x1b\[[0-9;]*[A-Za-z]', '', file.getvalue())
    return [line.strip() for line in re.split(r'[\r\n]', text) if line.strip()]


def on_screen(screen):
    """What was written to a terminal that nobody has open any more."""
    pieces = []
    with open(screen, 'rb', buffering=0) as file, contextlib.suppress(OSError):
        while piece := file.read(10**6):
            pieces.append(piece)
    return b''.join(pieces).decode()


@pytest.mark.parametrize('make', SESSIONS)
def test_a_bar_on_a_terminal(make, clock):
    file = Terminal()
    hook = ProgressHook(40, {'loss': 'loss:0'}, every_n_steps=10, file=file)
    train(make, [hook], 40, clock=clock, secs=0.5)
    found = shown(file)
    assert found[0].startswith('step:   0%|')
    at_20 = next(line for line in found if '20/40' in line)
    assert ' 50%|' in at_20
    assert '<00:09,  2.16step/s, loss=0.04545]' in at_20
    assert found[-1].startswith('step: 100%|')
    assert '40/40' in found[-1]
    assert file.getvalue().endswith('\n')


def test_a_bar_without_a_last_step(clock):
    file = Terminal()
    train(tfhooks.MonitoredSession, [ProgressHook(every_n_steps=10, file=file)], 25, clock=clock)
    assert shown(file)[-1].startswith('step: 25step [')


def test_a_bar_goes_back_with_a_recovery(clock):
    file = Terminal()
    hook = ProgressHook(100, every_n_steps=10, file=file)
    train(tfhooks.MonitoredSession, [hook, LoseSession(25)], 64, start=(0, 5), clock=clock)
    steps = [int(n) for line in shown(file) for n in re.findall(r'(\d+)/100', line)]
    assert [s for i, s in enumerate(steps) if i == 0 or s != steps[i - 1]] == [
        *(0, 10, 20, 10, 20, 30, 40, 45)
    ]


@pytest.mark.parametrize(('columns', 'shown_columns'), [(60, 60), (0, 80)])
def test_a_real_terminal_and_one_that_does_not_know_its_width(columns, shown_columns):
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    with open(theirs, 'w') as file:
        hook = ProgressHook(20, every_n_steps=10, file=file)
        train(tfhooks.MonitoredSession, [hook], 20)
    lines = on_screen(ours).replace('\n', '\r').split('\r')
    last = [line for line in lines if '20/20' in line][-1]
    assert last.startswith('step: 100%|')
    assert len(last) in (shown_columns - 1, shown_columns)


def test_a_bar_can_be_asked_for_and_refused():
    file = io.StringIO()
    train(tfhooks.MonitoredSession, [ProgressHook(20, bar=True, file=file)], 20)
    assert '20/20' in shown(file)[-1]
    file = Terminal()
    train(tfhooks.MonitoredSession, [ProgressHook(20, bar=False, file=file)], 20)
    assert shown(file)[-1].startswith('step 20/20 (100%)')


class Speak(tf.train.SessionRunHook):
    """Writes a line to a terminal in each of the ways that programs and libraries have."""

    def after_run(self, run_context, run_values):
        print('print', end='')
        print('ed')
        print('asked? ', end='', flush=True)
        print('printed to stderr', file=sys.stderr)
        tf.logging.warning('of TensorFlow')
        log.warning('of tfhooks')
        absl.logging.warning('of absl')
        logging.getLogger('a program').warning('of the program')


LINES = ['printed', 'printed to stderr', 'of TensorFlow', 'of tfhooks', 'of absl', 'of the program']


def test_what_is_printed_and_logged_goes_above_the_bar(monkeypatch):
    ours, theirs = os.openpty()
    with open(theirs, 'w') as file, monkeypatch.context() as patch:
        patch.setattr(sys, 'stdout', file)
        patch.setattr(sys, 'stderr', file)
        # As in a program on a terminal: TensorFlow's handler, absl's of `tf.app.run`, its own.
        handlers = [logging.StreamHandler(file), absl.logging.ABSLHandler(None)]
        absls = handlers[1].python_handler
        patch.setattr(absl.logging, 'get_absl_handler', lambda: handlers[1])
        patch.setattr(tf.get_logger(), 'handlers', handlers[:1])
        patch.setattr(tf.get_logger(), 'propagate', False)
        for name, own in (('absl', handlers[1:]), ('a program', [logging.StreamHandler(file)])):
            patch.setattr(logging.getLogger(name), 'handlers', own)
            patch.setattr(logging.getLogger(name), 'propagate', False)
        threads = set(threading.enumerate())
        hook = ProgressHook(3, {'loss': 'loss:0'}, every_n_steps=2, file=file)
        train(tfhooks.MonitoredSession, [hook, Speak()], 3)
        assert set(threading.enumerate()) == threads
        assert sys.stdout is sys.stderr is handlers[0].stream is absls.stream is file
    # What a terminal shows of a line: what was written since the cursor was at its beginning.
    lines = on_screen(ours).replace('\r\n', '\n').split('\n')
    screen = [line.rpartition('\r')[2] for line in lines]
    said = [re.sub(r'^(WARNING:\w+:|W\d+ .*\] |asked\? )', '', line) for line in screen]
    said = [line for line in said if 'before flag parsing' not in line]  # absl's, once a process.
    assert said[:-2] == LINES * 3
    assert re.fullmatch(r'step: 100%.* 3/3 .*, loss=[\d.]+\]', screen[-2])
    assert screen[-1] == ''


def test_a_bar_leaves_alone_what_goes_elsewhere(monkeypatch):
    stdout, stderr = io.StringIO(), Terminal()
    monkeypatch.setattr(sys, 'stdout', stdout)
    monkeypatch.setattr(sys, 'stderr', stderr)
    bar = displays.Bar(stderr, 3, 'step')
    bar.open(0)
    assert sys.stdout is stdout
    assert sys.stderr is not stderr
    kept = sys.stderr
    sys.stderr = changed = Terminal()
    bar.close()
    assert sys.stderr is changed
    kept.write('one that was kept\n')
    assert stderr.getvalue().endswith('one that was kept\n')


class Closable(Terminal):
    """A terminal that can be closed as by a hangup: whatever is done with it then fails."""

    gone = False

    def flush(self):
        if self.gone:
            raise OSError(5, 'Input/output error')

    def write(self, text):
        self.flush()
        return super().write(text)


def test_the_streams_come_back_from_a_terminal_that_was_closed(monkeypatch):
    terminal = Closable()
    handler = logging.StreamHandler(terminal)
    monkeypatch.setattr(sys, 'stderr', terminal)
    monkeypatch.setattr(logging.getLogger('a program'), 'handlers', [handler])

    class Hangup(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            print('half a line', end='', file=sys.stderr)
            terminal.gone = True

    train(tfhooks.MonitoredSession, [ProgressHook(3, every_n_steps=1), Hangup()], 3)
    assert sys.stderr is handler.stream is terminal


def test_a_forked_process_leaves_the_bar_alone(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    bar = displays.Bar(terminal, 3, 'step')
    bar.open(0)
    with monkeypatch.context() as patch:
        patch.setattr(os, 'getpid', lambda: -1)
        before = terminal.getvalue()
        print('of a child', file=sys.stderr)
        assert terminal.getvalue() == before + 'of a child\n'
    bar.close()


@pytest.mark.parametrize('is_notebook', [True, False])
def test_a_bar_in_a_notebook(monkeypatch, is_notebook):
    """Tried with a real kernel too, which the tests do not have."""

    class Widget(tqdm.std.tqdm):
        __module__ = 'tqdm.notebook' if is_notebook else 'tqdm.asyncio'

    monkeypatch.setattr('tqdm.auto.tqdm', Widget)
    monkeypatch.setattr(sys, 'stderr', io.StringIO())
    train(tfhooks.MonitoredSession, [ProgressHook(20, every_n_steps=10)], 20)
    assert ('step: 100%|' in sys.stderr.getvalue()) == is_notebook


def test_an_error_closes_the_bar(monkeypatch):
    file = Terminal()
    hook = ProgressHook(100, every_n_steps=1, file=file)
    with pytest.raises(ValueError, match='the loop failed'):
        train(tfhooks.MonitoredSession, [hook], 20, fail=10)
    assert '10/100' in shown(file)[-1]
    assert file.getvalue().endswith('\n')


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('terminal', [Terminal, io.StringIO])
def test_an_object_serves_twice(make, terminal):
    file = terminal()
    hook = ProgressHook(20, every_n_steps=10, file=file)
    train(make, [hook], 20)
    once = file.getvalue()
    file.truncate(file.seek(0))
    train(make, [hook], 20)
    assert len(file.getvalue()) > 0.8 * len(once)
    assert '20/20' in shown(file)[-1]


def test_sleeps_between():
    calls = []

    class Counted(ProgressHook):
        # It sleeps like the hook it counts the calls of.
        next_due = ProgressHook.next_due

        def before_run(self, run_context):
            calls.append(1)
            return super().before_run(run_context)

    hook = Counted(every_n_steps=100, file=io.StringIO())
    train(tfhooks.MonitoredSession, [hook], 250)
    assert len(calls) < 15


def test_duration():
    assert [displays.duration(secs) for secs in (0.4, 61, 3723, 360000)] == [
        '0:00:00',
        '0:01:01',
        '1:02:03',
        '100:00:00',
    ]


@pytest.mark.parametrize('terminal', [Terminal, io.StringIO])
def test_it_keeps_the_contract_of_hooks(terminal):
    results = {'loss': [3.0, 2.0, 1.0, 0.0]}
    check_hook(
        lambda: ProgressHook(4, ['loss:0'], every_n_steps=1, file=terminal()), results=results
    )


def test_page(tmp_path):
    output = run_page('progress', tmp_path)
    lines = re.findall(r'^step \d+/300.*$', output, flags=re.MULTILINE)
    assert [re.sub(r', [\d.e+]+ steps/sec', '', line) for line in lines] == [
        'step 100/300 (33%), 0:00:00 left, loss=0.01',
        'step 200/300 (67%), 0:00:00 left, loss=0.005',
        'step 300/300 (100%), loss=0.003333',
    ]
