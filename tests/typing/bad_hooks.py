"""What a type checker must find in hooks: each line that is wrong says the code of its error."""

# ruff: noqa: B018
from __future__ import annotations

from typing import Any, NamedTuple

import tfhooks
from tfhooks import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues


class Losses(NamedTuple):
    total: Any


class Other(NamedTuple):
    rate: Any


Others = SessionRunValues[Other]


class WrongRequest(SessionRunHook[Losses]):
    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[Losses]:
        return SessionRunArgs(Other('rate:0'))  # E: arg-type

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[Losses]
    ) -> None:
        run_values.results.rate  # E: attr-defined
        run_values.result  # E: attr-defined
        run_context.stop()  # E: attr-defined
        run_context.original_args.feeds  # E: attr-defined


class WrongResults(SessionRunHook[Losses]):
    def after_run(self, run_context: Any, run_values: Others) -> None: ...  # E: override


class ReturnsATensor(SessionRunHook[Losses]):
    def before_run(self, run_context: SessionRunContext) -> str:  # E: override
        return 'loss:0'


class ReturnsATuple(SessionRunHook[Losses]):
    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[Losses]:
        return ('loss:0', None, None)  # E: return-value


class ForgetsTheContext(SessionRunHook[Losses]):
    def before_run(self) -> SessionRunArgs[Losses]:  # E: override
        return SessionRunArgs(Losses('loss:0'))


class ForgetsTheCoordinator(SessionRunHook[Losses]):
    def after_create_session(self, session: Any) -> None: ...  # E: override


class TakesTooMuch(SessionRunHook[Losses]):
    def end(self, session: Any, step: int) -> None: ...  # E: override

    def begin(self, graph: Any) -> None: ...  # E: override


class WrongError(SessionRunHook[Losses]):
    def on_error(self, session: Any, error: ValueError) -> None: ...  # E: override


SessionRunArgs('loss:0', feeds={})  # E: call-overload
SessionRunArgs()  # E: call-overload
SessionRunArgs('loss:0', ['x:0'])  # E: call-overload
SessionRunArgs('loss:0', options={})  # E: call-overload

tfhooks.hook(befor_run=None)  # E: call-arg
tfhooks.hook(end=lambda: None)  # E: arg-type misc
tfhooks.hook(end=5)  # E: arg-type
tfhooks.after_run('loss:0', every_steps=5)  # E: call-overload
tfhooks.after_run('loss:0', every_n_steps='5')  # E: call-overload
tfhooks.after_run('loss:0', 5)  # E: call-overload
tfhooks.LoggingTensorHok  # E: attr-defined


@tfhooks.after_run(Losses('loss:0'))  # E: arg-type
def takes_other(results: Other) -> None: ...


@tfhooks.after_run('loss:0')  # E: arg-type
def takes_nothing() -> None: ...


tfhooks.MonitoredSession(hook=[])  # E: call-arg
tfhooks.MonitoredSession(hooks=[tfhooks.StallWatchdogHook])  # E: list-item
tfhooks.MonitoredTrainingSession(hooks=[Losses('loss:0')])  # E: list-item
tfhooks.MonitoredTrainingSession(chief_only_hooks=WrongRequest())  # E: arg-type
tfhooks.every(tfhooks.StallWatchdogHook, steps=5)  # E: arg-type
tfhooks.LoggingTensorHook('loss:0', every_n_iter=5)  # E: arg-type
tfhooks.ProgressHook(9, tensors='loss:0')  # E: arg-type
tfhooks.MetricsWriterHook([tfhooks.CsvWriter('a.csv')], 'loss:0', 5)  # E: arg-type
tfhooks.EvalHook(5, fetches='loss:0')  # E: arg-type
tfhooks.EarlyStoppingHook('loss:0', mode='minimum')  # E: arg-type
tfhooks.BestCheckpoints('loss:0', mode='minimum')  # E: arg-type
