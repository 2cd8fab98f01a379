"""The example with every hook, run as a reader runs it, and again; and what it leaves."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import re
import sys

import tensorflow.compat.v1 as tf
import warm_python

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = ROOT / 'examples' / 'all_hooks.py'


def output_of(train_dir: pathlib.Path, steps: int) -> str:
    """Returns stdout, then stderr, of a run of the example that must succeed."""
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3')
    environment['PYTHONPATH'] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    done = warm_python.run(
        [sys.executable, PROGRAM, f'--train_dir={train_dir}', f'--steps={steps}'],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def scalars(directory: pathlib.Path, tag: str) -> list[int]:
    """Returns the steps of one tag, in the order written."""
    return [
        event.step
        for path in sorted(directory.glob('events.out.tfevents.*'))
        for event in tf.train.summary_iterator(str(path))
        for value in event.summary.value
        if value.tag == tag
    ]


def test_all_hooks_train_and_go_on(tmp_path: pathlib.Path) -> None:
    train_dir = tmp_path / 'train'
    first = output_of(train_dir, 1010)
    accuracy = float(re.search(r'accuracy on the test images: ([\d.]+)%', first)[1])
    assert accuracy > 92
    assert 'why it stopped: StopAtStepHook asked for a stop at global step 1010' in first
    assert 'RestoreHook has restored 1 variables' in first
    assert 'step 1010/1010 (100%)' in first
    assert len(re.findall(r'accuracy = [\d.]+, loss = ', first)) == 4  # Steps 1, 10, 100, 1000.
    # Every period, where a checkpoint is saved, and at both ends.
    evaluated = [int(step) for step in re.findall(r"Evaluation 'eval' at step (\d+)", first)]
    assert evaluated == sorted({*range(0, 1001, 100), *range(0, 1001, 250), 1010})
    assert scalars(train_dir / 'eval', 'accuracy') == evaluated
    assert scalars(train_dir, 'summaries/loss')[:2] == [1, 51]
    assert scalars(train_dir, 'global_step/examples_per_sec') == [501, 1001]

    costs = dict(re.findall(r'^ +(\S+): before_run=.*called in (\d+) runs', first, re.MULTILINE))
    assert costs['FeedFnHook'] == '1010'
    assert int(costs['EvalHook']) < 400  # It sleeps.
    for trace in ('timeline-1000.json', 'hooks_trace.json'):
        assert json.loads((train_dir / trace).read_text())['traceEvents']

    second = output_of(train_dir, 1060)
    assert 'RestoreHook has restored' not in second
    with open(train_dir / 'metrics.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert [int(row['step']) for row in rows] == list(range(20, 1061, 20))
    lines = (train_dir / 'metrics.jsonl').read_text().splitlines()
    assert [json.loads(line)['loss'] for line in lines] == [float(row['loss']) for row in rows]
    checks = json.loads((train_dir / 'early_stopping.json').read_text())['checks']
    assert [step for step, _ in checks] == list(range(100, 1001, 100))

    kept = re.findall(r'best checkpoint: (.*), accuracy ([\d.]+)%', second)
    assert len(kept) == 2
    assert [float(value) for _, value in kept] == sorted((float(v) for _, v in kept), reverse=True)
    for path, _ in kept:
        assert tf.train.load_checkpoint(path).has_tensor('hidden/kernel')
