"""What ProfilerHook writes, read as the programs read it that it is for; and runs beside others."""

from __future__ import annotations

import collections
import itertools
import json
import socket
import threading

import pytest
import tensorflow.compat.v1 as tf
from stock_models import SESSIONS, events, train_op

from tfhooks import ProfilerHook
from tfhooks import _tensorflow as tf_private
from tfhooks._hooks import xspace

HOST = socket.gethostname()


def planes_of(data):
    """Per plane and line: the events as (name, start in ns, length in ns, stats)."""
    space = tf_private.xplane().XSpace.FromString(data)
    found = {}
    for plane in space.planes:
        assert {key: entry.id for key, entry in plane.event_metadata.items()} == {
            key: key for key in plane.event_metadata
        }
        names = {key: entry.name for key, entry in plane.stat_metadata.items()}
        found[plane.name] = {
            line.name: [
                (
                    plane.event_metadata[event.metadata_id].name,
                    line.timestamp_ns + event.offset_ps // 1000,
                    event.duration_ps // 1000,
                    {names[stat.metadata_id]: stat.int64_value for stat in event.stats},
                )
                for event in line.events
            ]
            for line in plane.lines
        }
    return list(space.hostnames), found


def profiled(make, directory, runs=3, **arguments):
    with tf.Graph().as_default():
        train = train_op()
        big = tf.random.normal([50, 50])
        product = tf.matmul(big, big, name='product')
        hook = ProfilerHook(output_dir=str(directory), **{'save_steps': 2, **arguments})
        with make(hooks=[hook]) as session:
            for _ in range(runs):
                session.run([train, product.op])


def folders(directory):
    return sorted(path.name for path in (directory / 'plugins' / 'profile').glob('*'))


@pytest.mark.parametrize('make', SESSIONS)
def test_the_profile_plugins_file_holds_the_run(make, tmp_path):
    profiled(make, tmp_path, show_memory=True)
    assert folders(tmp_path) == ['step_2']
    (path,) = (tmp_path / 'plugins' / 'profile' / 'step_2').iterdir()
    assert path.name == f'{HOST}.xplane.pb'
    hosts, planes = planes_of(path.read_bytes())
    assert hosts == [HOST]
    assert list(planes) == ['/host:CPU']
    lines = planes['/host:CPU']
    (train, run), rest = lines['python'], [lines[name] for name in lines if name != 'python']
    assert train[0] == 'train'
    assert train[3]['step_num'] == 2
    assert run[0] == 'SessionRun'

    (tagged,) = [e.tagged_run_metadata for e in events(tmp_path) if e.tagged_run_metadata.tag]
    stats = tf.RunMetadata.FromString(tagged.run_metadata).step_stats
    nodes = {
        (node.node_name, node.all_start_nanos, node.all_end_rel_nanos)
        for device in stats.dev_stats
        for node in device.node_stats
    }
    found = set()
    for process, *operations in rest:
        assert process[0] == 'ExecutorState::Process'
        assert process[3]['_c'] == run[3]['_p']  # By this the plugin knows which step it was.
        found |= {(name.split(':')[0], start, length) for name, start, length, _ in operations}
        inside(process, train)
        for operation in operations:
            inside(operation, process)
        for before, after in itertools.pairwise(operations):
            assert before[1] + before[2] <= after[1]
    assert found == nodes
    assert any(name == 'product' for name, _, _ in found)


def inside(inner, outer):
    assert outer[1] <= inner[1]
    assert inner[1] + inner[2] <= outer[1] + outer[2]


@pytest.mark.parametrize('make', SESSIONS)
def test_a_second_session_keeps_what_the_first_one_wrote(make, tmp_path):
    for _ in range(2):
        profiled(make, tmp_path, runs=5)
    assert folders(tmp_path) == ['step_2', 'step_2_2', 'step_4', 'step_4_2']


def test_workers_that_write_into_one_directory_share_a_folder(tmp_path, monkeypatch):
    for host in ('first', 'second'):
        monkeypatch.setattr(socket, 'gethostname', lambda host=host: host)
        profiled(SESSIONS[1], tmp_path)
    (folder,) = (tmp_path / 'plugins' / 'profile').iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [
        'first.xplane.pb',
        'second.xplane.pb',
    ]


def test_a_directory_whose_name_has_braces(tmp_path):
    profiled(SESSIONS[1], tmp_path / '{step}')
    assert (tmp_path / '{step}' / 'timeline-2.json').exists()
    assert folders(tmp_path / '{step}') == ['step_2']


@pytest.mark.parametrize('show_memory', [False, True])
def test_the_chrome_trace_is_one_that_perfetto_imports(show_memory, tmp_path):
    profiled(SESSIONS[1], tmp_path, show_memory=show_memory)
    trace = json.loads((tmp_path / 'timeline-2.json').read_text())
    tracks = collections.defaultdict(list)
    flows = collections.defaultdict(list)
    for event in trace['traceEvents']:
        assert isinstance(event['name'], str)
        assert isinstance(event['pid'], int)
        kind = event['ph']
        assert kind in 'XMCstNOD'
        if kind == 'M':
            assert isinstance(event['args']['name'], str)
            continue
        assert isinstance(event['ts'], int | float)
        assert isinstance(event.get('tid', 0), int)
        if kind == 'X':
            assert isinstance(event['dur'], int | float)
            assert event['dur'] >= 0
            tracks[event['pid'], event['tid']].append((event['ts'], event['ts'] + event['dur']))
        elif kind == 'C':
            assert all(isinstance(value, int | float) for value in event['args'].values())
        elif kind in 'st':
            flows[event['id']].append(kind)
        else:
            assert 'id' in event
    # Slices of one track lie one after another or one in the other: Perfetto drops what overlaps.
    assert tracks
    for slices in tracks.values():
        open_until = []
        for start, end in sorted(slices, key=lambda s: (s[0], -s[1])):
            while open_until and open_until[-1] <= start:
                open_until.pop()
            assert not open_until or end <= open_until[-1]
            open_until.append(end)
    assert all('s' in kinds for kinds in flows.values())


STEP_STATS = """
dev_stats { device: "/job:ps/replica:0/task:0/device:CPU:0"
  node_stats { node_name: "w" all_start_nanos: 100 all_end_rel_nanos: 50
               timeline_label: "w = VariableV2()" } }
dev_stats { device: "/job:worker/replica:0/task:1/device:CPU:0"
  node_stats { node_name: "a" all_start_nanos: 200 all_end_rel_nanos: 100
               timeline_label: "a = MatMul(w, x)" }
  node_stats { node_name: "b" all_start_nanos: 250 all_end_rel_nanos: 10 timeline_label: "b" }
  node_stats { node_name: "c" all_start_nanos: 300 all_end_rel_nanos: 0 } }
dev_stats { device: "/job:worker/replica:0/task:1/device:GPU:0"
  node_stats { node_name: "g" all_start_micros: 1 all_end_rel_micros: 2
               timeline_label: "g = Conv2D(w, x)" } }
dev_stats { device: "/job:worker/replica:0/task:1/device:GPU:0/stream:all"
  node_stats { node_name: "g:kernel" all_start_nanos: 2500 all_end_rel_nanos: 400 } }
dev_stats { device: "/job:worker/replica:0/task:1/device:GPU:0/stream:14#Kernel"
  node_stats { node_name: "g:kernel" all_start_nanos: 2500 all_end_rel_nanos: 400 } }
dev_stats { device: "/device:GPU:1/stream:all"
  node_stats { node_name: "h:kernel" all_start_nanos: 5 all_end_rel_nanos: 4 } }
dev_stats { device: "/job:worker/replica:0/task:1/device:CPU:9" }
"""


def test_clusters_and_gpus():
    from google.protobuf import text_format

    metadata = text_format.Parse(f'step_stats {{ {STEP_STATS} }}', tf.RunMetadata())
    files = xspace.encode(metadata.step_stats, 7)
    assert set(files) == {'ps_0', 'worker_1', HOST}
    hosts, planes = planes_of(files['worker_1'])
    assert hosts == ['worker_1']
    cpu = planes['/host:CPU']
    # What overlaps stands in lines of its own.
    assert [event[:3] for event in cpu['CPU:0 0'][1:]] == [('a:MatMul', 200, 100), ('c', 300, 0)]
    assert [event[:3] for event in cpu['CPU:0 1'][1:]] == [('b', 250, 10)]
    assert [event[:3] for event in cpu['GPU:0 0'][1:]] == [('g:Conv2D', 1000, 2000)]
    assert cpu['python'][0] == ('train', 200, 2800, {'step_num': 7, '_r': 1})
    # A kernel stands in the line of its stream, not a second time in that of all streams.
    assert {name: list(lines) for name, lines in planes.items() if name != '/host:CPU'} == {
        '/device:GPU:0': ['stream:14#Kernel']
    }
    assert planes['/device:GPU:0']['stream:14#Kernel'] == [('g:kernel', 2500, 400, {})]
    _, elsewhere = planes_of(files[HOST])
    assert list(elsewhere['/device:GPU:1']) == ['stream:all']


def test_long_numbers_and_names():
    metadata = tf.RunMetadata()
    device = metadata.step_stats.dev_stats.add(device='/job:localhost/replica:0/task:0/CPU:0')
    name = 'käse' * 100
    device.node_stats.add(node_name=name, all_start_nanos=2**62, all_end_rel_nanos=2**40)
    (data,) = xspace.encode(metadata.step_stats, -1).values()
    lines = planes_of(data)[1]['/host:CPU']
    assert lines['python'][0][3]['step_num'] == -1
    assert lines['/job:localhost/replica:0/task:0/CPU:0 0'][1][:3] == (name, 2**62, 2**40)
    assert xspace.encode(tf.RunMetadata().step_stats, 1) == {}


class _InRun:
    """A session whose run waits, while another thread runs it too."""

    def __init__(self, make, hook, fail=False):
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.fail = fail

        def wait():
            self.entered.set()
            assert self.go_on.wait(120)
            if self.fail:
                raise ValueError('it fails')

        self.train = train_op()
        self.waiting = tf.py_func(wait, [], [])
        self.session = make(hooks=[hook])
        self.error = None
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            self.session.run(self.waiting)
        except Exception as error:
            # Without the frames, which know the run.
            self.error = type(error)

    def __enter__(self):
        self.session.run(self.train)  # It starts the clock.
        self.thread.start()
        assert self.entered.wait(120)
        return self

    def __exit__(self, *error):
        self.go_on.set()
        self.thread.join()


@pytest.mark.parametrize('make', SESSIONS)
def test_a_run_beside_one_that_is_traced_is_not(make, tmp_path):
    # TensorFlow fails the second one: "Another profiling session active".
    with tf.Graph().as_default():
        hook = ProfilerHook(save_steps=1, output_dir=str(tmp_path))
        with _InRun(make, hook) as other:
            other.session.run(other.train)
            assert folders(tmp_path) == []
        assert other.error is None
        # The run that waited was traced, and ended after the one beside it.
        assert folders(tmp_path) == ['step_2']
        other.session.run(other.train)
        other.session.close()
    assert folders(tmp_path) == ['step_2', 'step_3']


@pytest.mark.parametrize('make', SESSIONS)
def test_a_traced_run_that_fails_holds_up_no_other(make, tmp_path):
    with tf.Graph().as_default():
        hook = ProfilerHook(save_steps=1, output_dir=str(tmp_path))
        with _InRun(make, hook, fail=True) as other:
            pass
        assert issubclass(other.error, tf.errors.OpError)
        other.session.run(other.train)
        other.session.close()
    assert folders(tmp_path) == ['step_2']


@pytest.mark.parametrize('make', SESSIONS)
def test_a_profiler_of_the_programs_own(make, tmp_path):
    profiler = tf.compat.v2.profiler.experimental
    with profiler.Profile(str(tmp_path / 'own')):
        profiled(make, tmp_path / 'hook')
        with pytest.raises(tf.errors.AlreadyExistsError):
            profiler.start('')  # It is on.
    assert list((tmp_path / 'own').rglob('*.xplane.pb'))
    assert folders(tmp_path / 'hook') == ['step_2']
    (path,) = (tmp_path / 'hook').rglob('*.xplane.pb')
    names = [
        event[0] for line in planes_of(path.read_bytes())[1]['/host:CPU'].values() for event in line
    ]
    assert any(name.startswith('product:') for name in names)
