"""Structures to fetch, hooks that ask for them, and a session to run both."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import attrs

import tfhooks

Pair = collections.namedtuple('Pair', ['left', 'right'])


@attrs.define
class Box:
    left: Any
    right: Any


@dataclasses.dataclass
class Losses:
    total: Any
    parts: Any = None
    scale: Any = dataclasses.field(default=1.0, init=False)


@dataclasses.dataclass(frozen=True)
class Frozen:
    inner: Any
    name: Any = 'one:0'


class Asks(tfhooks.SessionRunHook):
    """Asks for one thing in every run, and keeps what it gets."""

    def __init__(self, *arguments, **options):
        self.request = tfhooks.SessionRunArgs(*arguments, **options) if arguments else None
        self.got = []

    def before_run(self, run_context):
        return self.request

    def after_run(self, run_context, run_values):
        self.got.append(run_values.results)


class Other(Asks):
    pass


def run(hooks, fetches='zero:0', feed_dict=None, times=2, run_plans=True, **arguments):
    """What the caller gets from a monitored session, run until the request is known."""
    with tfhooks.MonitoredSession(hooks=hooks, run_plans=run_plans) as session:
        for _ in range(times):
            result = session.run(fetches, feed_dict, **arguments)
    return result
