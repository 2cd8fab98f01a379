"""ProfilerHook traces the runs that are due, and those of its window."""

import json
import shutil

import pytest
import tensorflow.compat.v1 as tf
from stock_models import SESSIONS, LoseSession, OtherWorker, events, starting_at, train_op

import tfhooks
from tfhooks import ProfilerHook


@pytest.mark.parametrize(
    ('arguments', 'error', 'text'),
    [
        (
            {'save_steps': None},
            ValueError,
            'ProfilerHook: .*every_steps should be provided; save_secs=None, save_steps=None',
        ),
        (
            {'save_secs': 1},
            ValueError,
            'ProfilerHook: Can not provide both .*; save_secs=1, save_steps=',
        ),
        ({'save_steps': -1}, ValueError, 'save_steps must be 0 or greater; invalid save_steps=-1'),
        ({'save_steps': 'x'}, TypeError, "save_steps must be a number; save_steps='x'"),
        ({'save_steps': None, 'save_secs': -1}, ValueError, 'save_secs must be 0 or greater'),
        ({'max_traces': 0}, ValueError, 'max_traces must be at least 1; invalid max_traces=0'),
        ({'max_bytes': 0}, ValueError, 'max_bytes must be at least 1; invalid max_bytes=0'),
        ({'start_step': -1}, ValueError, 'start_step must be at least 0; invalid start_step=-1'),
        ({'start_step': 9, 'end_step': 8}, ValueError, 'not be before.*start_step=9, end_step=8'),
    ],
)
def test_arguments(arguments, error, text, tmp_path):
    directory = tmp_path / 'traces'
    with pytest.raises(error, match=text):
        ProfilerHook(**{'save_steps': 1, 'output_dir': str(directory), **arguments})
    assert not directory.exists()


def test_it_is_both_tensorflows_hook_and_tfhooks_hook(tmp_path):
    with tf.Graph().as_default():
        hook = ProfilerHook(1, output_dir=str(tmp_path))
    assert isinstance(hook, tf.train.ProfilerHook)
    assert isinstance(hook, tfhooks.SessionRunHook)


def test_begin_needs_a_global_step(tmp_path):
    with tf.Graph().as_default():
        hook = ProfilerHook(1, output_dir=str(tmp_path))
        with pytest.raises(RuntimeError, match='Global step should be'):
            hook.begin()


class Traced(tf.train.SessionRunHook):
    """Notes at which runs the options asked for a full trace."""

    def __init__(self):
        self.runs = []
        self._count = 0

    def after_run(self, run_context, run_values):
        self._count += 1
        if run_values.options.trace_level == tf.RunOptions.FULL_TRACE:
            self.runs.append(self._count)


def profile(make, directory, runs, hook=ProfilerHook, *, by=1, racing=True, start=(0,), lose=None,
            other=(), clock=None, **arguments):  # fmt: skip
    """Trains, and returns the steps of the timelines and the runs that were traced."""
    with tf.Graph().as_default():
        train = train_op(by, racing)
        hook = hook(output_dir=str(directory), **arguments)
        traced = Traced()
        hooks = [OtherWorker(other), hook, traced] + ([LoseSession(lose)] if lose else [])
        with make(session_creator=starting_at(*start), hooks=hooks) as session:
            for _ in range(runs):
                session.run(train)
                if clock is not None:
                    clock.now += 1
    return timelines(directory), traced.runs


def timelines(directory):
    return sorted(int(path.stem.split('-')[1]) for path in directory.glob('timeline-*.json'))


def written(directory):
    """How many bytes the traces take, without what is in the event file."""
    return sum(
        path.stat().st_size
        for path in directory.rglob('*')
        if path.suffix == '.json' or path.name.endswith('.xplane.pb')
    )


def tags(directory):
    return [e.tagged_run_metadata.tag for e in events(directory) if e.tagged_run_metadata.tag]


@pytest.mark.parametrize('make', SESSIONS)
@pytest.mark.parametrize('hook', [tf.train.ProfilerHook, ProfilerHook])
def test_traces_one_period_after_the_first_run_as_tensorflow_does(make, hook, tmp_path, log):
    steps, traced = profile(make, tmp_path, 35, hook, racing=False, save_steps=10)
    if hook is ProfilerHook:
        assert steps == [10, 20, 30]
    else:  # It may read the step of the first run before or after the increment.
        assert steps in ([10, 20, 30], [11, 21, 31])
    assert steps == traced
    assert log('Saving timeline')[0] == (
        f"Saving timeline for {steps[0]} into '{tmp_path}/timeline-{steps[0]}.json'."
    )


@pytest.mark.parametrize('make', SESSIONS)
def test_gaps_are_exact_though_the_read_of_the_step_races(make, tmp_path):
    steps, traced = profile(make, tmp_path, 405, save_steps=20)
    assert steps == traced == list(range(20, 405, 20))
    assert tags(tmp_path) == [f'step_{step}' for step in steps]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_step_that_goes_by_three_and_other_workers(make, tmp_path):
    steps, _ = profile(make, tmp_path / 'three', 20, by=3, save_steps=10)
    assert steps == list(range(12, 61, 12))
    steps, _ = profile(make, tmp_path / 'others', 20, other=[4] * 99, save_steps=10)
    assert steps == list(range(15, 101, 10))


@pytest.mark.parametrize('make', SESSIONS)
def test_by_seconds(make, tmp_path, clock):
    steps, traced = profile(make, tmp_path, 25, save_secs=10, clock=clock)
    assert steps == traced == [11, 21]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_timeline_is_what_perfetto_reads(make, tmp_path):
    profile(make, tmp_path, 3, save_steps=2, show_memory=True)
    trace = json.loads((tmp_path / 'timeline-2.json').read_text())
    complete = [event for event in trace['traceEvents'] if event['ph'] == 'X']
    assert complete
    for event in complete:
        assert event.keys() >= {'name', 'pid', 'tid', 'ts', 'dur'}
        assert event['dur'] >= 0
    assert any('AssignAdd' in event['name'] for event in complete)
    named = {e['pid'] for e in trace['traceEvents'] if e['name'] == 'process_name'}
    assert {event['pid'] for event in complete} <= named


@pytest.mark.parametrize('make', SESSIONS)
def test_the_event_file_has_the_metadata_of_the_traced_runs(make, tmp_path):
    profile(make, tmp_path, 3, save_steps=2)
    (found,) = [e.tagged_run_metadata for e in events(tmp_path) if e.tagged_run_metadata.tag]
    metadata = tf.RunMetadata.FromString(found.run_metadata)
    assert [device.device for device in metadata.step_stats.dev_stats]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_window_of_steps(make, tmp_path):
    window = {'start_step': 12, 'end_step': 15}
    steps, traced = profile(make, tmp_path, 30, save_steps=1, **window)
    assert steps == traced == [12, 13, 14, 15]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_number_of_traces(make, tmp_path):
    steps, traced = profile(make, tmp_path, 30, save_steps=4, max_traces=2)
    assert steps == traced == [4, 8]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_number_of_bytes(make, tmp_path, log):
    profile(make, tmp_path / 'one', 2, save_steps=1, max_traces=1)
    # Room for three traces of that size, and a little.
    metadata = next(e.tagged_run_metadata for e in events(tmp_path / 'one') if
                    e.tagged_run_metadata.tag)  # fmt: skip
    size = len(metadata.run_metadata) + written(tmp_path / 'one')
    room = int(size * 3.7)
    steps, traced = profile(make, tmp_path / 'more', 30, save_steps=4, max_bytes=room)
    assert 1 <= len(steps) <= 4
    assert steps == [4, 8, 12, 16][: len(steps)]
    assert traced == [*steps, steps[-1] + 4]
    assert tags(tmp_path / 'more') == [f'step_{step}' for step in steps]
    assert written(tmp_path / 'more') <= room
    (warning,) = log('is dropped')
    assert f'max_bytes={room}' in warning


@pytest.mark.parametrize('make', SESSIONS)
def test_a_second_session_in_the_same_directory(make, tmp_path):
    for _ in range(2):
        assert profile(make, tmp_path, 5, save_steps=2)[1] == [2, 4]
    assert tags(tmp_path) == ['step_2', 'step_4', 'step_2_2', 'step_4_2']


@pytest.mark.parametrize('make', SESSIONS)
def test_begin_begins_anew_even_where_the_directory_was_wiped(make, tmp_path):
    directory = tmp_path / 'traces'
    with tf.Graph().as_default():
        train = train_op()
        hook = ProfilerHook(2, output_dir=str(directory), max_traces=1)
        for _ in range(2):
            with make(hooks=[hook]) as session:
                for _ in range(5):
                    session.run(train)
            assert timelines(directory) == [2]
            assert tags(directory) == ['step_2']
            shutil.rmtree(directory)
            directory.mkdir()


@pytest.mark.parametrize('make', SESSIONS)
def test_recovery_to_an_older_step_goes_on_with_the_cadence(make, tmp_path):
    _, traced = profile(make, tmp_path, 40, start=(0, 18), lose=25, save_steps=10)
    # Run 26 of the process ends at 19, so the steps 20 and 30 are reached in runs 27 and 37.
    assert traced == [10, 20, 27, 37]


def test_sleeps_until_a_trace_is_due(tmp_path):
    calls = []

    class Counted(ProfilerHook):
        # It sleeps like the hook it counts the calls of.
        next_due = ProfilerHook.next_due

        def before_run(self, run_context):
            calls.append(1)
            return super().before_run(run_context)

    steps, _ = profile(
        tfhooks.MonitoredSession, tmp_path, 250, Counted, save_steps=100, max_traces=1
    )
    assert steps == [100]
    assert len(calls) < 20
