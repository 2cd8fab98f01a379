"""Kills tasks of a training cluster at random moments with SIGKILL, and says what was lost.

    python benchmarks/cluster_kills.py --kills=20 --seed=1

1 parameter server, 1 chief and 2 workers on this machine train asynchronously and save every 20
steps or so. One task after another, drawn by chance, is killed and started again. A kill counts as
survived when all tasks train again. Nothing may come back older than the last completed save.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

DISTRIBUTED = Path(__file__).resolve().parents[1] / 'tests' / 'distributed'
sys.path.insert(0, str(DISTRIBUTED))

from harness import Cluster  # noqa: E402

TASKS = ['ps:0', 'chief:0', 'worker:0', 'worker:1']
TRAINERS = TASKS[1:]
RAN_AGAIN = r'recovered step \d+\n(?:.*\n)*?ran step \d+'


def numbers(cluster, pattern, names=TRAINERS):
    """All numbers that the pattern finds in all lives of these tasks."""
    logs = [
        task.log(life)
        for task in (cluster.tasks[name] for name in names)
        for life in range(1, task.lives + 1)
    ]
    return [int(found) for log in logs for found in re.findall(pattern, log)]


def newest(cluster, pattern):
    """The highest of the last numbers that the tasks have said in the lives they are in."""
    found = [re.findall(pattern, cluster.log(name)) for name in TRAINERS]
    return max((int(values[-1]) for values in found if values), default=0)


def kill(cluster, name, model):
    """Kills a task, starts it again, and waits until all train. Returns what became of it.

    `reached` is the step that the tasks have said last, in each 25th run; `saved` the step of the
    last save that was completed; `kept` that of the checkpoint to be restored; `restored` the step
    when the chief's new session was there, by which time others may have trained on.
    """
    recoveries = {n: len(re.findall(r'recovered step', cluster.log(n))) for n in TRAINERS}
    reached = newest(cluster, r'(?:at|saved) step (\d+)\n')
    saved = max(numbers(cluster, r'saved step (\d+)\n', ['chief:0']), default=0)
    cluster.kill(name)
    state = (model / 'checkpoint').read_text(encoding='utf-8')
    kept = int(re.findall(r'^model_checkpoint_path: ".*-(\d+)"', state)[0])
    begun = time.monotonic()
    cluster.start(name)
    restored = None
    if name == 'ps:0':
        for trainer in TRAINERS:
            cluster.until_logged(trainer, RAN_AGAIN, recoveries[trainer] + 1)
        restored = int(re.findall(r'recovered step (\d+)\n', cluster.log('chief:0'))[-1])
    else:
        cluster.until_logged(name, r'(?m)^serving$')
        before = newest(cluster, r'at step (\d+)\n')
        cluster.until_logged(name, r'ran step \d+')
        if name == 'chief:0':
            restored = int(re.findall(r'created step (\d+)\n', cluster.log(name))[0])
            # The workers have gone on without it, up to its return.
            reached = before
    return {
        'killed': name,
        'reached': reached,
        'saved': saved,
        'kept': kept,
        'restored': restored,
        'lost': None if restored is None else max(0, reached - kept),
        'secs': round(time.monotonic() - begun, 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--limit_secs', type=float, default=1800)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    rows = []
    with (
        tempfile.TemporaryDirectory() as directory,
        Cluster(
            Path(directory) / 'tasks',
            DISTRIBUTED / 'trainer.py',
            {'ps': 1, 'chief': 1, 'worker': 2},
            ['async', Path(directory) / 'model', 10**9, 10**9],
            limit_secs=arguments.limit_secs,
        ) as cluster,
    ):
        cluster.start()
        for name in TRAINERS:
            cluster.until_logged(name, r'ran step \d+')
        for _ in range(arguments.kills):
            time.sleep(chance.uniform(0.0, 2.0))
            rows.append(kill(cluster, chance.choice(TASKS), Path(directory) / 'model'))
            print(json.dumps(rows[-1]), flush=True)
    older = [r for r in rows if r['restored'] is not None and r['restored'] < r['saved']]
    older += [r for r in rows if r['kept'] < r['saved']]
    for job in ('ps', 'chief', 'worker'):
        mine = [row for row in rows if row['killed'].startswith(job)]
        lost = [row['lost'] for row in mine if row['lost'] is not None]
        most = f', lost steps: median {statistics.median(lost)}, most {max(lost)}' if lost else ''
        print(f'{job}: killed {len(mine)} times, came back {len(mine)} times{most}')
    print(f'came back older than the last completed save: {len(older)} of {len(rows)}')
    sys.exit(bool(older))


if __name__ == '__main__':
    main()
