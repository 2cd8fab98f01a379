"""What builds a session: TensorFlow is right here, so these are TensorFlow's own classes.

`Scaffold`, `SessionCreator`, `ChiefSessionCreator` and `WorkerSessionCreator` are those of
`tf.compat.v1.train`.
"""

from tfhooks._tensorflow import ChiefSessionCreator as ChiefSessionCreator
from tfhooks._tensorflow import Scaffold as Scaffold
from tfhooks._tensorflow import SessionCreator as SessionCreator
from tfhooks._tensorflow import WorkerSessionCreator as WorkerSessionCreator

__all__ = ['ChiefSessionCreator', 'Scaffold', 'SessionCreator', 'WorkerSessionCreator']
