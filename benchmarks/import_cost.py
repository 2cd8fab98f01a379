"""What `import tfhooks` adds to TensorFlow's own import, in milliseconds of CPU and in megabytes.

    python benchmarks/import_cost.py

Fresh processes import TensorFlow, then tfhooks with every public name asked for. tfhooks is
compiled beforehand, as an installed package is.
"""

from __future__ import annotations

import compileall
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 9
PROGRAM = """
import resource, time
import tensorflow as tf
tf.compat.v1.train.MonitoredTrainingSession
import tensorflow.python.training.monitored_session
kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
import tfhooks
for name in tfhooks.__all__:
    getattr(tfhooks, name)
elapsed = time.process_time() - start
print('cost', elapsed * 1e3, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - kilobytes) / 1e3)
"""


def main() -> None:
    costs = []
    package = pathlib.Path(__file__).resolve().parent.parent / 'tfhooks'
    with tempfile.TemporaryDirectory() as directory:
        shutil.copytree(package, pathlib.Path(directory, 'tfhooks'))
        compileall.compile_dir(directory, quiet=1)
        environment = {**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3', 'PYTHONPATH': directory}
        for _ in range(ROUNDS):
            output = subprocess.run(
                [sys.executable, '-c', PROGRAM],
                cwd=directory,
                env=environment,
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            ).stdout
            line = next(line for line in output.splitlines() if line.startswith('cost '))
            costs.append(tuple(map(float, line.split()[1:])))
    cpu, megabytes = (statistics.median(column) for column in zip(*costs, strict=True))
    print(f'import tfhooks adds {cpu:.1f} ms of CPU and {megabytes:.1f} MB (median of {ROUNDS})')


if __name__ == '__main__':
    main()
