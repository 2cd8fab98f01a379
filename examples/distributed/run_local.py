"""Runs a cluster of digits_task.py on this machine: 1 parameter server, 1 chief, 2 workers.

    python run_local.py --train_dir=/tmp/digits_cluster            asynchronous
    python run_local.py --train_dir=/tmp/digits_cluster --sync     with SyncReplicasOptimizer

All other arguments go to the tasks too. Ends with the accuracy, when the chief and the workers have
ended; exits with 1 if one of them failed.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

TASK = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'digits_task.py')
JOBS = {'ps': 1, 'chief': 1, 'worker': 2}


def reserve():
    """Returns a socket that keeps its port from all who do not want to share it."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind(('127.0.0.1', 0))
    return holder


def start(cluster, task_type, index, arguments):
    """Starts one task; its lines come out with its name in front."""
    config = {'cluster': cluster, 'task': {'type': task_type, 'index': index}}
    environment = dict(
        os.environ,
        TF_CONFIG=json.dumps(config),
        TF_GRPC_REUSE_PORT='1',
        TF_CPP_MIN_LOG_LEVEL='3',
        PYTHONUNBUFFERED='1',
        # A proxy of this machine must not stand between processes on it.
        no_grpc_proxy='127.0.0.1',
    )
    process = subprocess.Popen(
        [sys.executable, TASK, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
    )

    def pump():
        for line in process.stdout:
            print(f'[{task_type} {index}] {line}', end='', flush=True)

    reader = threading.Thread(target=pump, daemon=True)
    reader.start()
    return process, reader


def main():
    # The tasks are killed at its end, also where this ends by SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    holders = {job: [reserve() for _ in range(count)] for job, count in JOBS.items()}
    cluster = {
        job: [f'127.0.0.1:{holder.getsockname()[1]}' for holder in sockets]
        for job, sockets in holders.items()
    }
    tasks = {}
    try:
        for job, count in JOBS.items():
            for index in range(count):
                tasks[job, index] = start(cluster, job, index, sys.argv[1:])
        trainers = [process for (job, _), (process, _) in tasks.items() if job != 'ps']
        while any(process.poll() is None for process in trainers):
            if any(process.poll() for process, _ in tasks.values()):
                break
            time.sleep(0.1)
        failed = [name for name, (process, _) in tasks.items() if process.poll()]
    finally:
        for process, _ in tasks.values():
            process.kill()
        for process, reader in tasks.values():
            process.wait()
            reader.join()
    if failed:
        names = ', '.join(f'{job} {index}' for job, index in failed)
        sys.exit(f'run_local.py: failed: {names}')


if __name__ == '__main__':
    main()
