"""Hooks as their authors write them: nothing to complain about."""

# What is revealed stands in the line.
# ruff: noqa: E402, E501, F403, F405, F821
from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import tfhooks
from tfhooks import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues


class Losses(NamedTuple):
    total: Any
    parts: Any


@dataclasses.dataclass
class Rates:
    learning: Any


class Typed(SessionRunHook[Losses]):
    def __init__(self) -> None:
        self.totals: list[float] = []

    def begin(self) -> None:
        self.request = SessionRunArgs(Losses('total:0', ['a:0', 'b:0']))

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[Losses]:
        if run_context.original_args.feed_dict:
            run_context.request_stop()
        return self.request

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[Losses]
    ) -> None:
        reveal_type(run_values.results)  # R: tuple[Any, Any, fallback=good_hooks.Losses]
        self.totals.append(float(run_values.results.total))


class InADataclass(SessionRunHook[Rates]):
    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[Rates] | None:
        return SessionRunArgs(Rates('rate:0'), {'x:0': 1.0})

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[Rates]
    ) -> None:
        reveal_type(run_values.results.learning)  # R: Any


class Loose(SessionRunHook):
    def before_run(self, run_context: Any) -> Any:
        return SessionRunArgs({'loss': 'loss:0'})

    def after_run(self, run_context: Any, run_values: Any) -> None:
        print(run_values.results['loss'])


class OnlyBefore(SessionRunHook[list[Any]]):
    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[list[Any]]:
        return SessionRunArgs(['a:0', 'b:0'])


reveal_type(SessionRunArgs('loss:0'))  # R: tfhooks._base.hook_types.SessionRunArgs[Any]
reveal_type(SessionRunArgs(['a:0']))  # R: tfhooks._base.hook_types.SessionRunArgs[list[Any]]
named = SessionRunArgs({'a': 'a:0'})
reveal_type(named)  # R: tfhooks._base.hook_types.SessionRunArgs[dict[str, Any]]
reveal_type(SessionRunArgs(None))  # R: tfhooks._base.hook_types.SessionRunArgs[None]


@tfhooks.after_run(Losses('total:0', 'parts:0'), every_n_steps=10)
def show(losses: Losses) -> None:
    print(losses.total)


@tfhooks.after_run('loss:0', every_n_secs=0.5)
def show_value(loss: float) -> None:
    print(loss)


@tfhooks.after_run({'a': 'a:0'})
def show_dict(results: dict[str, Any]) -> None:
    print(results['a'])


def ask(run_context: SessionRunContext) -> SessionRunArgs[Losses]:
    return SessionRunArgs(Losses('total:0', 'parts:0'))


def answer(run_context: SessionRunContext, run_values: SessionRunValues[Losses]) -> None:
    print(run_values.results.total)


made = tfhooks.hook(before_run=ask, after_run=answer, end=lambda session: None)
# fmt: off
reveal_type(show)  # R: tfhooks._more_hooks.functional.FunctionHook[tuple[Any, Any, fallback=good_hooks.Losses]]
# fmt: on

with tfhooks.MonitoredSession(hooks=[Typed(), InADataclass(), Loose(), show, made]) as session:
    session.run('loss:0', feed_dict={'x:0': 1.0})


class OfTheChief(SessionRunHook[None]):
    chief_only = True

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[None]) -> None:
        reveal_type(tfhooks.role(run_context.session).is_chief)  # R: bool
        reveal_type(tfhooks.chief_only(self))  # R: tfhooks._base.hook_types.SessionRunHook[Any]


# Lists of hooks, also where a type checker has to find out what the hooks have in common.
own = [Typed(), InADataclass()]
mixed = [tfhooks.StopAtStepHook(9), tfhooks.ProgressHook(9), tfhooks.TimeLimitHook(9), Loose()]
tfhooks.MonitoredTrainingSession(hooks=own, chief_only_hooks=mixed)
tfhooks.MonitoredTrainingSession(hooks=(hook for hook in own))

# Whatever holds names of tensors, but a name.
by_name: dict[str, Any] = {'loss': 'loss:0'}
tfhooks.LoggingTensorHook(by_name, every_n_iter=5)
tfhooks.LoggingTensorHook(by_name.values(), every_n_iter=5)
tfhooks.LoggingTensorHook(['a:0', 'b:0'], every_n_iter=5)
tfhooks.ProgressHook(9, tensors=('a:0', 'b:0'))
tfhooks.ProgressHook(9, tensors=(name + ':0' for name in 'ab'))
tfhooks.MetricsWriterHook([tfhooks.CsvWriter('a.csv')], {'a:0', 'b:0'}, 5)


from tfhooks import *

reveal_type(SingularMonitoredSession())  # R: tfhooks._session.sessions.SingularMonitoredSession
