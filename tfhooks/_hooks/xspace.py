"""Converts the step stats of a traced run to XSpace files for TensorBoard's profile plugin.

The format is the protocol buffer `tensorflow.profiler.XSpace`. Its Python class is no public name
of TensorFlow, so the few fields that are needed are encoded here, by their numbers.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from typing import Any, NamedTuple

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
      `<job>_<task>` for a task of a cluster.
    """
    hosts: dict[str, list[Any]] = {}
    for device in step_stats.dev_stats:
        if device.node_stats:
            hosts.setdefault(_host(device.device), []).append(device)
    return {host: _encode_host(host, devices, step) for host, devices in hosts.items()}


def _host(device: str) -> str:
    task = _TASK.match(device)
    if task is None or task['job'] == 'localhost':
        return socket.gethostname()
    return f'{task["job"]}_{task["task"]}'


def _encode_host(host: str, devices: list[Any], step: int) -> bytes:
    spans = {device.device: [_span(node) for node in device.node_stats] for device in devices}
    start = min(span.start for of_device in spans.values() for span in of_device)
    end = max(span.end for of_device in spans.values() for span in of_device)
    planes = {_HOST_PLANE: _Plane(start)}
    # The plugin finds the step by its name, and its operations by the two ids.
    planes[_HOST_PLANE].add_line(
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
                planes[_HOST_PLANE].add_line(f'{short} {number}', [whole, *lane])
        elif stream['stream'] != 'stream:all' or stream['device'] not in with_streams:
            plane = planes.setdefault(f'/device:{stream["device"]}', _Plane(start))
            for lane in _lanes(of_device):
                plane.add_line(stream['stream'], lane)
    encoded = b''.join(
        _message(1, plane.encode(number, name))
        for number, (name, plane) in enumerate(planes.items())
    )
    return encoded + _text(4, host)


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

    def __init__(self, origin: int) -> None:
        self._origin = origin
        self._event_names: dict[str, int] = {}
        self._stat_names: dict[str, int] = {}
        self._lines: list[bytes] = []

    def add_line(self, name: str, spans: Iterable[_Span]) -> None:
        number = len(self._lines) + 1
        fields = [_number(1, number), _text(2, name), _number(3, self._origin)]
        fields += [_message(4, self._event(span)) for span in spans]
        self._lines.append(b''.join(fields))

    def _event(self, span: _Span) -> bytes:
        fields = [
            _number(1, _id(self._event_names, span.name)),
            _number(2, (span.start - self._origin) * 1000),
            _number(3, (span.end - span.start) * 1000),
        ]
        for name, value in span.stats.items():
            stat = _number(1, _id(self._stat_names, name)) + _number(4, value)
            fields.append(_message(4, stat))
        return b''.join(fields)

    def encode(self, number: int, name: str) -> bytes:
        fields = [_number(1, number), _text(2, name)]
        fields += [_message(3, line) for line in self._lines]
        for field, names in ((4, self._event_names), (5, self._stat_names)):
            for text, key in names.items():
                entry = _number(1, key) + _message(2, _number(1, key) + _text(2, text))
                fields.append(_message(field, entry))
        return b''.join(fields)


def _id(names: dict[str, int], name: str) -> int:
    return names.setdefault(name, len(names) + 1)


def _varint(value: int) -> bytes:
    parts = bytearray()
    value &= 0xFFFFFFFFFFFFFFFF
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
