"""The names of `tf.train`, for editors and type checkers; see `__init__.pyi`."""

from typing import Any

# isort: off
from tensorflow._api.v2.compat.v1.train import *  # noqa: F403

from tfhooks import CheckpointSaverHook as CheckpointSaverHook
from tfhooks import CheckpointSaverListener as CheckpointSaverListener
from tfhooks import ChiefSessionCreator as ChiefSessionCreator
from tfhooks import FeedFnHook as FeedFnHook
from tfhooks import FinalOpsHook as FinalOpsHook
from tfhooks import GlobalStepWaiterHook as GlobalStepWaiterHook
from tfhooks import LoggingTensorHook as LoggingTensorHook
from tfhooks import MonitoredSession as MonitoredSession
from tfhooks import MonitoredTrainingSession as MonitoredTrainingSession
from tfhooks import NanLossDuringTrainingError as NanLossDuringTrainingError
from tfhooks import NanTensorHook as NanTensorHook
from tfhooks import ProfilerHook as ProfilerHook
from tfhooks import Scaffold as Scaffold
from tfhooks import SecondOrStepTimer as SecondOrStepTimer
from tfhooks import SessionCreator as SessionCreator
from tfhooks import SessionRunArgs as SessionRunArgs
from tfhooks import SessionRunContext as SessionRunContext
from tfhooks import SessionRunHook as SessionRunHook
from tfhooks import SessionRunValues as SessionRunValues
from tfhooks import SingularMonitoredSession as SingularMonitoredSession
from tfhooks import StepCounterHook as StepCounterHook
from tfhooks import StopAtStepHook as StopAtStepHook
from tfhooks import SummarySaverHook as SummarySaverHook
from tfhooks import WorkerSessionCreator as WorkerSessionCreator
from tfhooks._session.coordinator import Coordinator as Coordinator
# isort: on

if False:
    def __getattr__(name: str) -> Any: ...
