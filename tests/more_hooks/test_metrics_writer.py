"""MetricsWriterHook writes scalars to TensorBoard, CSV and JSON lines, and takes files up again."""

import csv
import errno
import json
import math
import os
import re
import sys
import threading
import time

import pytest
import tensorflow.compat.v1 as tf
import warm_python
from pages import run_page
from stock_models import SESSIONS, LoseSession, events, starting_at, starts, train_op

import tfhooks
from tfhooks import (
    CsvWriter,
    JsonLinesWriter,
    MetricsWriter,
    MetricsWriterHook,
    TensorBoardWriter,
)
from tfhooks.testing import check_hook

CSV = CsvWriter('metrics.csv')


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        ({'writers': CSV}, TypeError, 'writers must be a list of MetricsWriters'),
        ({'writers': 'metrics.csv'}, TypeError, r'must be MetricsWriters, such as CsvWriter\(path'),
        ({'writers': []}, ValueError, r'at least one writer, and each once; writers=\[\]'),
        ({'writers': [CSV, CSV]}, ValueError, 'at least one writer, and each once'),
        (
            {'tensors': 'loss:0'},
            TypeError,
            'tensors must be a dict of tensors or names, or an iter',
        ),
        ({'tensors': []}, ValueError, r'tensors must not be empty; tensors=\[\]'),
        ({'tensors': {'step': 'loss:0'}}, ValueError, "not 'step' or 'wall_time'.* name='step'"),
        ({'tensors': {'a\nb': 'loss:0'}}, ValueError, 'a name must be printable'),
        ({'tensors': {'': 'loss:0'}}, ValueError, 'a name must be printable'),
        ({'every_n_steps': None}, ValueError, 'exactly one of every_n_steps and every_n_secs'),
        (
            {'every_n_steps': 0},
            ValueError,
            'every_n_steps must be at least 1; invalid every_n_steps=0',
        ),
        ({'every_n_secs': 1}, ValueError, 'exactly one of every_n_steps and every_n_secs'),
    ],
)
def test_arguments(arguments, error, text):
    arguments = {'writers': [CSV], 'tensors': ['loss:0'], 'every_n_steps': 1, **arguments}
    with pytest.raises(error, match='MetricsWriterHook: .*' + text):
        MetricsWriterHook(**arguments)


@pytest.mark.parametrize('make', [CsvWriter, JsonLinesWriter, TensorBoardWriter])
def test_arguments_of_writers(make):
    with pytest.raises(TypeError, match=f'{make.__name__}: .* must be a path'):
        make(3)


def test_begin_needs_a_global_step_and_the_tensors(tmp_path):
    hook = MetricsWriterHook([CsvWriter(tmp_path / 'a.csv')], ['loss:0'], 1)
    with tf.Graph().as_default():
        with pytest.raises(RuntimeError, match='must have a global step'):
            hook.begin()
        tf.train.get_or_create_global_step()
        with pytest.raises(ValueError, match=r"tensors must be tensors of the .*'loss:0'"):
            hook.begin()
    assert list(tmp_path.iterdir()) == []


class Files:
    """The three files in a directory, and what is in them."""

    def __init__(self, directory):
        self.directory = directory
        self.csv = directory / 'new' / 'metrics.csv'
        self.jsonl = directory / 'metrics.jsonl'

    def writers(self):
        return [
            CsvWriter(self.csv),
            JsonLinesWriter(str(self.jsonl)),
            TensorBoardWriter(self.directory / 'events'),
        ]

    def rows(self):
        with open(self.csv, newline='') as file:
            rows = list(csv.DictReader(file))
        objects = [json.loads(line) for line in self.jsonl.read_text().splitlines()]
        return rows, objects

    def steps(self):
        rows, objects = self.rows()
        steps = [int(row['step']) for row in rows]
        assert [row['step'] for row in objects] == steps
        return steps

    def written(self):
        return [
            (event.step, value.tag, value.simple_value)
            for event in events(self.directory / 'events')
            for value in event.summary.value
        ]


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def train(make, hooks, runs, *, by=1, racing=False, start=(0,), clock=None):
    """Runs a model whose `loss` is a tenth of the step after the run."""
    with tf.Graph().as_default():
        step = train_op(by, racing)
        with tf.control_dependencies([step]):
            after = tf.train.get_global_step().read_value()
        tf.multiply(tf.cast(after, tf.float32), 0.1, name='loss')
        tf.identity(after, name='after')
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for _ in range(runs):
                session.run(step)
                if clock is not None:
                    clock.now += 1


TENSORS = {'loss': 'loss:0', 'at': 'after:0'}


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('racing', [False, True])
def test_the_same_rows_in_all_files(make, racing, files, monkeypatch):
    monkeypatch.setattr(time, 'time', lambda: 1234567890.12345)
    hook = MetricsWriterHook(files.writers(), TENSORS, 10)
    train(make, [hook], 25, racing=racing)
    rows, objects = files.rows()
    assert rows == [
        {'step': '10', 'wall_time': '1234567890.123', 'loss': '1.0', 'at': '10'},
        {'step': '20', 'wall_time': '1234567890.123', 'loss': '2.0', 'at': '20'},
    ]
    assert objects == [
        {'step': 10, 'wall_time': 1234567890.123, 'loss': 1.0, 'at': 10},
        {'step': 20, 'wall_time': 1234567890.123, 'loss': 2.0, 'at': 20},
    ]
    assert files.written() == [(10, 'loss', 1), (10, 'at', 10), (20, 'loss', 2), (20, 'at', 20)]
    times = {event.wall_time for event in events(files.directory / 'events') if event.summary.value}
    assert times == {1234567890.12345}


@pytest.mark.parametrize('make', SESSIONS)
def test_steps_that_go_by_three(make, files):
    train(make, [MetricsWriterHook(files.writers(), TENSORS, 10)], 12, by=3)
    rows, _ = files.rows()
    assert [(row['step'], row['at']) for row in rows] == [('12', '12'), ('21', '21'), ('30', '30')]


@pytest.mark.parametrize('make', SESSIONS)
def test_by_seconds(make, files, clock):
    hook = MetricsWriterHook(files.writers(), TENSORS, every_n_secs=10)
    train(make, [hook], 35, clock=clock)
    assert files.steps() == [11, 21, 31]


def test_numbers_in_their_shortest_form(files):
    with tf.Graph().as_default():
        step = train_op()
        tensors = {
            'f32': tf.constant(0.1),
            'f16': tf.constant(0.1, tf.float16),
            'bf16': tf.constant(0.1, tf.bfloat16),
            'f64': tf.constant(0.1, tf.float64),
            'int': tf.constant(2**53 + 1, tf.int64),
            'bool': tf.constant(True),
            'vector': tf.constant([3.0]),
            'nan': tf.constant(math.nan),
            'inf': tf.constant(math.inf),
            'less': tf.constant(-math.inf),
        }
        with tfhooks.MonitoredSession(
            hooks=[MetricsWriterHook(files.writers(), tensors, 1)]
        ) as session:
            session.run(step)
    (row,), (found,) = files.rows()
    del row['step'], row['wall_time'], found['step'], found['wall_time']
    assert list(row.values()) == [
        *('0.1', '0.1', '0.100098', '0.1', '9007199254740993', '1', '3.0', 'nan', 'inf', '-inf')
    ]
    assert list(found.values()) == [
        *(0.1, 0.1, 0.100098, 0.1, 2**53 + 1, 1, 3.0, 'NaN', 'Infinity', '-Infinity')
    ]


def test_a_tensor_that_turns_out_not_to_be_a_number(files):
    with tf.Graph().as_default():
        step = train_op()
        vector = tf.placeholder_with_default([1.0, 2.0], None, name='vector')
        hook = MetricsWriterHook(files.writers(), [vector], 1)
        said = pytest.raises(ValueError, match=r"tensors\['vector'\] must be one number")
        with tfhooks.MonitoredSession(hooks=[hook]) as session, said:
            session.run(step)


def test_names_with_commas_and_quotes(files):
    tensors = {'a, "b"': 'loss:0'}
    for start in (0, 20):
        train(
            tfhooks.MonitoredSession,
            [MetricsWriterHook(files.writers(), tensors, 10)],
            10,
            start=(start,),
        )
    rows, objects = files.rows()
    assert [row['a, "b"'] for row in rows] == ['1.0', '3.0']
    assert [row['a, "b"'] for row in objects] == [1.0, 3.0]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_row_can_be_read_when_it_was_written(make, files):
    seen = []

    class Read(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            seen.append((len(files.steps()), len(files.written())))

    train(make, [MetricsWriterHook(files.writers(), TENSORS, 1), Read()], 3)
    assert seen == [(1, 2), (2, 4), (3, 6)]


# Going on.


@pytest.mark.parametrize('make', SESSIONS)
def test_a_restart_drops_the_rows_that_come_again(make, files, log):
    train(make, [MetricsWriterHook(files.writers(), TENSORS, 10)], 45)
    assert files.steps() == [10, 20, 30, 40]
    train(make, [MetricsWriterHook(files.writers(), TENSORS, 10)], 30, start=(25,))
    assert files.steps() == [10, 20, 30, 40, 50]
    assert len(log('The last 2 lines of ')) == 2
    # From here on TensorBoard replaces what it has.
    assert starts(files.directory / 'events') == [1, 26]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_recovery_drops_the_rows_that_come_again(make, files):
    hook = MetricsWriterHook(files.writers(), TENSORS, 10)
    train(make, [hook, LoseSession(35)], 54, start=(0, 15))
    assert files.steps() == [10, 20, 30]
    assert starts(files.directory / 'events') == [1, 16]


@pytest.mark.parametrize('make', SESSIONS)
def test_an_object_serves_twice(make, files):
    hook = MetricsWriterHook(files.writers(), TENSORS, 10)
    train(make, [hook], 25)
    train(make, [hook], 25, start=(20,))
    assert files.steps() == [10, 20, 30, 40]
    train(make, [hook], 25)
    assert files.steps() == [10, 20]


@pytest.mark.parametrize('unfinished', ['30,12345', '30', '{"step": 30, "wall', '\n', '\0\0\0\0'])
def test_a_line_that_was_not_finished_is_dropped(unfinished, files):
    hook = MetricsWriterHook(files.writers(), TENSORS, 10)
    train(tfhooks.MonitoredSession, [hook], 25)
    for path in (files.csv, files.jsonl):
        with open(path, 'a') as file:
            file.write(unfinished)
    train(tfhooks.MonitoredSession, [hook], 15, start=(35,))
    assert files.steps() == [10, 20, 40, 50]


@pytest.mark.parametrize('start', ['', 'step,wall_ti'])
def test_a_header_that_was_not_finished_is_written_anew(start, files):
    files.csv.parent.mkdir()
    files.csv.write_text(start)
    train(tfhooks.MonitoredSession, [MetricsWriterHook(files.writers(), TENSORS, 10)], 10)
    assert files.steps() == [10]


class StartsAt(tf.train.SessionRunHook):
    """Moves a session on to a step, as a hook that restores does."""

    def __init__(self, steps):
        self._steps = list(steps)

    def begin(self):
        self._value = tf.placeholder(tf.int64, [])
        self._set = tf.train.get_global_step().assign(self._value)

    def after_create_session(self, session, coord):
        session.run(self._set, {self._value: self._steps.pop(0)})


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('place', [0, 1])
def test_rows_are_dropped_from_the_step_that_all_hooks_leave(make, place, files):
    hooks = [MetricsWriterHook(files.writers(), TENSORS, 10)]
    hooks.insert(place, StartsAt([0, 35]))
    train(make, [*hooks, LoseSession(45)], 64, start=(0, 15))
    assert files.steps() == [10, 20, 30, 40, 50]
    assert starts(files.directory / 'events') == [1, 36]


def test_a_run_without_hooks_before_the_first_run_with_them(files):
    train(tfhooks.MonitoredSession, [MetricsWriterHook(files.writers(), TENSORS, 1)], 5)
    with tf.Graph().as_default():
        step = train_op()
        tf.constant(1.0, name='loss')
        tf.constant(1, name='at')
        hook = MetricsWriterHook(files.writers(), {'loss': 'loss:0', 'at': 'at:0'}, 1)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:
            session.run_without_hooks(step)
            session.run(step)
    assert files.steps()[-1] == 2


@pytest.mark.parametrize(
    'line', ['garbage', '[]', '"x"', '30', 'x,1.5,1.0,1', '9' * 5000, '"', 'ÿ']
)
@pytest.mark.parametrize('last', [False, True])
@pytest.mark.parametrize('make', [CsvWriter, JsonLinesWriter])
def test_a_line_that_is_no_row_is_an_error_that_names_it(make, line, last, tmp_path):
    writer = make(tmp_path / 'metrics')
    for step in (0, 1, 2):
        writer.open(['loss', 'at'])
        writer.write(step, 2.5, {'loss': 0.5, 'at': 1})
    lines = (tmp_path / 'metrics').read_text().splitlines()
    lines.insert(len(lines) if last else -1, line)
    text = '\n'.join(lines) + '\n'
    (tmp_path / 'metrics').write_text(text, encoding='utf-8')
    where = f"path='{tmp_path}/metrics', line {lines.index(line) + 1}="
    with pytest.raises(ValueError, match=f'each line must be a row .*{re.escape(where)}'):
        writer.resume(9)
    assert (tmp_path / 'metrics').read_text(encoding='utf-8') == text
    writer.close()


@pytest.mark.parametrize(
    'content',
    [
        *(
            b'notes of mine\n',
            b'notes of mine',
            b'\xff\xfe\n',
            b'{"step": [' + b'[' * 10**5 + b'\n',
        ),
        *(b'{"step": 1e400}\n', b'{"step": true}\n', b'{"step": "1"}\n', b'{"loss": 1}\n'),
        b'"' + b'x' * 200_000 + b'\n',
    ],
)
@pytest.mark.parametrize('writer', [CsvWriter, JsonLinesWriter])
def test_a_file_of_somebody_elses_is_an_error_that_names_it(content, writer, tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(content)
    metrics = writer(path)

    def begin():
        metrics.open(['loss'])
        metrics.resume(3)

    with pytest.raises(ValueError, match=re.escape(f"path='{path}'")):
        begin()
    metrics.close()
    assert path.read_bytes() == content


class During(tf.train.SessionRunHook):
    """Does something, and then loses the session."""

    def __init__(self, action):
        self._action = action
        self._runs = 0

    def after_run(self, run_context, run_values):
        self._runs += 1
        if self._runs == 15:
            self._action()
            raise tf.errors.AbortedError(None, None, 'lost')


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('how', ['removed', 'replaced', 'directory replaced'])
def test_a_file_that_is_gone_in_a_recovery_is_an_error_that_names_it(make, how, tmp_path):
    path = tmp_path / 'in' / 'metrics'

    def change():
        if how == 'removed':
            path.unlink()
        elif how == 'replaced':
            path.rename(tmp_path / 'moved')
            path.write_text('of another program\n')
        else:
            path.parent.rename(tmp_path / 'moved')
            path.parent.mkdir()
            path.write_text('of another program\n')

    problem = 'removed' if how == 'removed' else 'another file has taken its place'
    hooks = [MetricsWriterHook([CsvWriter(path)], TENSORS, 10), During(change)]
    with pytest.raises(OSError, match=f'{problem}: {re.escape(repr(str(path)))}'):
        train(make, hooks, 30, start=(0, 5))
    if how != 'removed':
        assert path.read_text() == 'of another program\n'


@pytest.mark.parametrize('make', SESSIONS)
def test_a_program_that_changes_its_directory_writes_on_where_it_began(make, tmp_path, monkeypatch):
    (tmp_path / 'elsewhere').mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'elsewhere' / 'm.jsonl').write_text('of another program\n')
    hooks = [
        MetricsWriterHook([JsonLinesWriter('m.jsonl'), CsvWriter('m.csv')], TENSORS, 10),
        During(lambda: os.chdir(tmp_path / 'elsewhere')),
    ]
    train(make, hooks, 34, start=(0, 15))
    steps = [json.loads(line)['step'] for line in (tmp_path / 'm.jsonl').read_text().splitlines()]
    assert steps == [10, 20, 30]
    assert (tmp_path / 'elsewhere' / 'm.jsonl').read_text() == 'of another program\n'


def test_a_row_is_never_written_to_a_number_that_another_file_has(tmp_path, monkeypatch):
    """The file is closed while another thread is about to write a row."""
    writer = JsonLinesWriter(tmp_path / 'm.jsonl')
    writer.open(['loss'])
    begun, goes_on = threading.Event(), threading.Event()

    def slow(file, fstat=os.fstat):
        begun.set()
        assert goes_on.wait(60)
        return fstat(file)

    monkeypatch.setattr(os, 'fstat', slow)
    writes = threading.Thread(target=writer.write, args=(1, 2.0, {'loss': 3.0}))
    writes.start()
    assert begun.wait(60)
    closes = threading.Thread(target=writer.close)
    closes.start()
    goes_on.set()
    writes.join()
    closes.join()
    assert (tmp_path / 'm.jsonl').read_text() == '{"step": 1, "wall_time": 2.0, "loss": 3.0}\n'
    with pytest.raises(RuntimeError, match='the file must be open'):
        writer.write(2, 3.0, {'loss': 3.0})


def test_a_run_that_ends_after_the_session_writes_no_row(files):
    ran, goes_on = threading.Event(), threading.Event()

    class Late(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            ran.set()
            assert goes_on.wait(60)

    with tf.Graph().as_default():
        step = train_op()
        tf.constant(1.0, name='loss')
        hooks = [Late(), MetricsWriterHook(files.writers(), ['loss:0'], 1)]
        session = tfhooks.MonitoredSession(hooks=hooks)
        thread = threading.Thread(target=session.run, args=(step,))
        thread.start()
        assert ran.wait(60)
        session.close()
        goes_on.set()
        thread.join()
    assert files.steps() == []


def test_other_columns_are_an_error_before_training(files):
    train(tfhooks.MonitoredSession, [MetricsWriterHook(files.writers(), TENSORS, 10)], 10)
    before = files.csv.read_bytes()
    hook = MetricsWriterHook(files.writers(), ['loss:0'], 10)
    with pytest.raises(ValueError, match=r"columns=\['step', 'wall_time', 'loss', 'at'\], needed="):
        train(tfhooks.MonitoredSession, [hook], 10)
    assert files.csv.read_bytes() == before


_KILLED = """
import os, sys, tensorflow.compat.v1 as tf, tfhooks
from tfhooks import CsvWriter, JsonLinesWriter, MetricsWriterHook

class Kill(tf.train.SessionRunHook):
    runs = 0
    def after_run(self, run_context, run_values):
        self.runs += 1
        if self.runs == 37 and sys.argv[2] == 'kill':
            os.kill(os.getpid(), 9)

with tf.Graph().as_default():
    train = tf.assign_add(tf.train.get_or_create_global_step(), 1).op
    one = tf.constant(1.0, name='one')
    base = sys.argv[1]
    metrics = MetricsWriterHook(
        [CsvWriter(base + '/m.csv'), JsonLinesWriter(base + '/m.jsonl')], [one], 5)
    saver = tfhooks.CheckpointSaverHook(base, save_steps=16)
    creator = tf.train.ChiefSessionCreator(checkpoint_dir=base)
    with tfhooks.MonitoredSession(creator, [saver, metrics, Kill()]) as session:
        for _ in range(40):
            session.run(train)
"""


def test_a_program_that_was_killed_leaves_no_step_out_and_none_twice(tmp_path):
    def run(mode):
        command = [sys.executable, '-c', _KILLED, str(tmp_path), mode]
        return warm_python.run(command, capture_output=True, timeout=300).returncode

    assert run('kill') == -9
    lines = (tmp_path / 'm.jsonl').read_text().splitlines()
    assert [json.loads(line)['step'] for line in lines] == list(range(5, 40, 5))
    assert run('live') == 0
    with open(tmp_path / 'm.csv', newline='') as file:
        steps = [int(row['step']) for row in csv.DictReader(file)]
    # From the checkpoint at 32 on, 40 steps.
    assert steps == list(range(5, 75, 5))
    lines = (tmp_path / 'm.jsonl').read_text().splitlines()
    assert [json.loads(line)['step'] for line in lines] == steps


# What can go wrong.


def test_a_line_that_does_not_fit_is_taken_back(files, monkeypatch):
    train(tfhooks.MonitoredSession, [MetricsWriterHook([CsvWriter(files.csv)], TENSORS, 10)], 10)
    before = files.csv.read_bytes()
    monkeypatch.setattr(os, 'write', lambda file, data, write=os.write: write(file, data[:5]))
    hook = MetricsWriterHook([CsvWriter(files.csv)], TENSORS, 10)
    with pytest.raises(OSError, match=r'could not be written as a whole; path=.* written=5'):
        train(tfhooks.MonitoredSession, [hook], 10, start=(10,))
    assert files.csv.read_bytes() == before


def test_an_error_of_the_disk_is_not_the_end_of_the_data(files, monkeypatch):
    def fail(file, data):
        raise OSError(errno.ENOSPC, 'No space left on device')

    hook = MetricsWriterHook([JsonLinesWriter(files.jsonl)], TENSORS, 10)
    monkeypatch.setattr(os, 'write', fail)
    with pytest.raises(OSError, match='No space left'):
        train(tfhooks.MonitoredSession, [hook], 10)


def open_files():
    return {os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd') if _is(fd)}


def _is(fd):
    return os.path.exists(f'/proc/self/fd/{fd}')


@pytest.mark.skipif(not os.path.exists('/proc/self/fd'), reason='needs /proc')
def test_files_are_closed_at_the_end_and_after_an_error(files):
    train(tfhooks.MonitoredSession, [MetricsWriterHook(files.writers(), TENSORS, 10)], 10)
    assert not {str(files.csv), str(files.jsonl)} & open_files()

    class Fail(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            assert {str(files.csv), str(files.jsonl)} <= open_files()
            raise ValueError('a hook failed')

    hooks = [MetricsWriterHook(files.writers(), TENSORS, 10), Fail()]
    with pytest.raises(ValueError, match='a hook failed'):
        train(tfhooks.MonitoredSession, hooks, 10)
    assert not {str(files.csv), str(files.jsonl)} & open_files()


@pytest.mark.parametrize('make', SESSIONS)
def test_a_writer_of_ones_own(make):
    calls = []

    class Mine(MetricsWriter):
        def open(self, names):
            calls.append(names)

        def resume(self, step):
            calls.append(step)

        def write(self, step, wall_time, values):
            calls.append((step, values))

        def close(self):
            calls.append('closed')

    train(make, [MetricsWriterHook([Mine()], TENSORS, 10)], 10, start=(5,))
    assert calls == [['loss', 'at'], 5, (10, {'loss': 1.0, 'at': 10}), 'closed']


def test_threads_write_each_step_once_and_in_order(files):
    with tf.Graph().as_default():
        step = train_op()
        tf.constant(1.0, name='loss')
        hook = MetricsWriterHook(files.writers(), ['loss:0'], 5)
        with tfhooks.MonitoredSession(hooks=[hook]) as session:

            def work():
                for _ in range(50):
                    session.run(step)

            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    steps = files.steps()
    assert steps == sorted(set(steps))
    assert len(steps) >= 20


def test_sleeps_between(files):
    calls = []

    class Counted(MetricsWriterHook):
        # It sleeps like the hook it counts the calls of.
        next_due = MetricsWriterHook.next_due

        def before_run(self, run_context):
            calls.append(1)
            return super().before_run(run_context)

    train(tfhooks.MonitoredSession, [Counted(files.writers(), TENSORS, 100)], 250)
    assert files.steps() == [100, 200]
    assert len(calls) < 15


def test_it_keeps_the_contract_of_hooks(files):
    results = {'loss': [3.0, 2.0, 1.0, 0.0]}
    check_hook(lambda: MetricsWriterHook(files.writers(), ['loss:0'], 1), results=results)


def test_page(tmp_path):
    output = run_page('metrics_writer', tmp_path)
    assert 'step,wall_time,loss' in output
    with open(tmp_path / 'train_dir' / 'metrics.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [int(row['step']) for row in rows] == [10, 20, 30]
    found = [
        event.step
        for event in events(tmp_path / 'train_dir')
        for value in event.summary.value
        if value.tag == 'loss'
    ]
    assert found == [10, 20, 30]
