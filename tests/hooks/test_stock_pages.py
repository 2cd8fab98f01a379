"""The examples of the stock hooks' pages, run one after another, and what they leave behind."""

from __future__ import annotations

import re

import pages
import pytest
import tensorflow.compat.v1 as tf

import tfhooks


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, log):
    """Runs the Python blocks of a page in an empty directory, and returns what they print."""
    monkeypatch.chdir(tmp_path)

    def run(name):
        blocks = pages.blocks(name)
        namespace = {'__name__': '__main__'}
        for block in blocks:
            exec(compile(block, f'{name}.md', 'exec'), namespace)
        return capsys.readouterr().out.splitlines()

    return run


def test_checkpoint(run):
    printed = run('checkpoint')
    assert printed == [
        *(f'saved step {step}' for step in (0, 10, 20, 30, 35)),
        'latest: train_dir/model.ckpt-35',
        'best: train_dir/best/model.ckpt-20 loss 0.0',
        'best: train_dir/best/model.ckpt-10 loss 10.0',
        'read [0, 1, 2]',
        'read [3, 4]',
    ]


def test_logging(run, log):
    run('logging')
    # The read of the step in the loss may come before or after the increment, the hook's may not.
    lines = [re.fullmatch(r'step (\d+): loss [\d.]+', line) for line in log('step ')]
    assert [int(line[1]) for line in lines if line] == [1, 11, 21, 25]


def test_step_counter(run, log, tmp_path):
    run('step_counter')
    rates = [float(line.split(': ')[1]) for line in log('global_step/sec: ')]
    examples = [float(line.split(': ')[1]) for line in log('global_step/examples_per_sec: ')]
    assert len(rates) == 3
    assert examples == pytest.approx([32 * rate for rate in rates], rel=1e-4)
    (path,) = tmp_path.glob('train_dir/events*')
    steps = [event.step for event in tf.train.summary_iterator(str(path)) if event.summary.value]
    assert sorted(set(steps)) == [15, 25, 35]


def test_stop(run):
    printed = run('stop')
    assert len(printed) == 2
    assert printed[0].startswith('20 steps; StopAtStepHook')
    assert printed[1].startswith('0 steps; StopAtStepHook')


def test_nan(run):
    printed = run('nan')
    assert 'losses:0 is -inf at index [1] at global step 3.' in printed[0]
    assert printed[1:] == ['the last good checkpoint: train_dir/model.ckpt-2']


def test_summary(run):
    assert run('summary') == [f'{step} loss' for step in (1, 11, 21, 31)]


def test_profiler(run, tmp_path):
    assert run('profiler') == [
        'train_dir/timeline-20.json',
        'train_dir/timeline-30.json',
        'train_dir/plugins/profile/step_20/',
        'train_dir/plugins/profile/step_30/',
    ]
    assert len(list(tmp_path.rglob('*.xplane.pb'))) == 2


def test_waiter(run):
    (printed,) = run('waiter')
    assert 'GlobalStepWaiterHook' in printed
    assert 'timeout_secs=0.5' in printed


def test_final_ops(run):
    assert run('final_ops') == ['total 6.0', 'scaled 60.0']


def test_feed_fn(run):
    assert run('feed_fn') == ['1.0', '4.0', '9.0', '25.0']


def test_timer(run):
    assert run('timer') == [
        'step 1, None after the last time',
        'step 11, 10 after the last time',
        'step 21, 10 after the last time',
    ]


def test_the_index_has_every_page_and_every_hook():
    index = (pages.PAGES / 'README.md').read_text(encoding='utf-8')
    linked = set(re.findall(r'\]\((\w+)\.md\)', index))
    assert linked == {path.stem for path in pages.PAGES.glob('*.md')} - {'README'}
    hooks = {name for name in dir(tfhooks) if name.endswith('Hook')}
    assert {name for name in hooks if f'`{name}`' not in index} == set()
