"""Converts the step stats of a traced run to XSpace files for TensorBoard's profile plugin."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from typing import Any, NamedTuple

from tfhooks import _tensorflow as tf_private

# TensorFlow's numbers for the contexts that link operations to a run, and a run to a step.
_EXECUTOR = 2
_HOST_PLANE = '/host:CPU'

_TASK = re.compile(r'/job:(?P<job>[^/]+)/replica:\d+/task:(?P<task>\d+)')
_STREAM = re.compile(r'/(?:device:)?(?P<device>[A-Za-z_]+:\d+)/(?P<stream>stream:.*|memcpy.*|sync)')
_OPERATION = re.compile(r' = ([^ (]+)\(')


class _Span(NamedTuple):
    """A slice of time, in nanoseconds."""

    start: int
    end: int
    name: str
    stats: dict[str, int]


def encode(step_stats: Any, step: int) -> dict[str, bytes]:
    """Encodes the step stats of one run.

    Args:
      step_stats: The `StepStats` of the run.
      step: The global step after the run.

    Returns:
      The contents of the file `<host>.xplane.pb` by host: the name of this machine, or
      `<job>_<task>` for a task of a cluster. Empty where TensorFlow has no XSpace.
    """
    xplane = tf_private.xplane()
    if xplane is None:
        return {}
    hosts: dict[str, list[Any]] = {}
    for device in step_stats.dev_stats:
        if device.node_stats:
            hosts.setdefault(_host(device.device), []).append(device)
    spaces = {host: xplane.XSpace(hostnames=[host]) for host in hosts}
    for host, space in spaces.items():
        _fill(space, hosts[host], step)
    return {host: space.SerializeToString() for host, space in spaces.items()}


def _host(device: str) -> str:
    task = _TASK.match(device)
    if task is None or task['job'] == 'localhost':
        return socket.gethostname()
    return f'{task["job"]}_{task["task"]}'


def _fill(space: Any, devices: list[Any], step: int) -> None:
    """Adds the events of one host's devices to its XSpace."""
    spans = {device.device: [_span(node) for node in device.node_stats] for device in devices}
    start = min(span.start for of_device in spans.values() for span in of_device)
    end = max(span.end for of_device in spans.values() for span in of_device)
    planes: dict[str, _Plane] = {}

    def plane(name: str) -> _Plane:
        if name not in planes:
            planes[name] = _Plane(space.planes.add(id=len(planes), name=name), start)
        return planes[name]

    # The plugin finds the step by its name, and its operations by the two ids.
    plane(_HOST_PLANE).add_line(
        'python',
        [
            _Span(start, end, 'train', {'step_num': step, '_r': 1}),
            _Span(start, end, 'SessionRun', {'id': step, '_pt': _EXECUTOR, '_p': step}),
        ],
    )
    process = {'id': step, 'iter_num': 0, '_ct': _EXECUTOR, '_c': step}
    streams = {name: _STREAM.search(name) for name in spans}
    # One line holds what the lines of the single streams hold.
    with_streams = {
        found['device'] for found in streams.values() if found and found['stream'] != 'stream:all'
    }
    for name, of_device in spans.items():
        stream = streams[name]
        if stream is None:
            short = name.rpartition('/device:')[2] or name
            for number, lane in enumerate(_lanes(of_device)):
                whole = _Span(lane[0].start, lane[-1].end, 'ExecutorState::Process', process)
                plane(_HOST_PLANE).add_line(f'{short} {number}', [whole, *lane])
        elif stream['stream'] != 'stream:all' or stream['device'] not in with_streams:
            for lane in _lanes(of_device):
                plane(f'/device:{stream["device"]}').add_line(stream['stream'], lane)


def _span(node: Any) -> _Span:
    start = node.all_start_nanos or node.all_start_micros * 1000
    length = node.all_end_rel_nanos or node.all_end_rel_micros * 1000
    operation = _OPERATION.search(node.timeline_label)
    name = node.node_name if operation is None else f'{node.node_name}:{operation[1]}'
    return _Span(start, start + max(length, 0), name, {})


def _lanes(spans: Iterable[_Span]) -> list[list[_Span]]:
    """Distributes spans over as few lines as possible, so that none overlap in a line."""
    lanes: list[list[_Span]] = []
    for span in sorted(spans):
        for lane in lanes:
            if lane[-1].end <= span.start:
                lane.append(span)
                break
        else:
            lanes.append([span])
    return lanes


class _Plane:
    """An XPlane: lines of events, whose names are kept once."""

    def __init__(self, proto: Any, origin: int) -> None:
        self._proto = proto
        self._origin = origin
        self._event_names: dict[str, int] = {}
        self._stat_names: dict[str, int] = {}

    def add_line(self, name: str, spans: Iterable[_Span]) -> None:
        plane, origin = self._proto, self._origin
        line = plane.lines.add(id=len(plane.lines) + 1, name=name, timestamp_ns=origin)
        for span in spans:
            event = line.events.add(
                metadata_id=_id(plane.event_metadata, self._event_names, span.name),
                offset_ps=(span.start - origin) * 1000,
                duration_ps=(span.end - span.start) * 1000,
            )
            for stat, value in span.stats.items():
                number = _id(plane.stat_metadata, self._stat_names, stat)
                event.stats.add(metadata_id=number, int64_value=value)


def _id(metadata: Any, numbers: dict[str, int], name: str) -> int:
    """Returns the number of a name in the metadata of a plane; adds the name if it is new."""
    if name not in numbers:
        numbers[name] = len(numbers) + 1
        metadata[numbers[name]].id = numbers[name]
        metadata[numbers[name]].name = name
    return numbers[name]
