"""README and the examples, run as a reader runs them: each in its own process and directory."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest
import tensorflow as tf
import warm_python

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / 'examples'
README = (ROOT / 'README.md').read_text(encoding='utf-8')


def python(*args: object, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Runs this Python with `args` in `cwd`, with the tfhooks that this process imports."""
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3')
    environment['PYTHONPATH'] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    command = [sys.executable, *map(str, args)]
    return warm_python.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )


def output_of(*args: object, cwd: pathlib.Path) -> str:
    """Returns stdout, then stderr, of a run that must succeed."""
    done = python(*args, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def readme_block(text: str) -> str:
    """Returns README's one Python block that contains `text`."""
    blocks = re.findall(r'^```python\n(.*?)^```', README, flags=re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if text in block]
    return block


def saved_step(train_dir: pathlib.Path) -> int:
    return int(tf.train.load_checkpoint(str(train_dir)).get_tensor('global_step'))


def scalars(train_dir: pathlib.Path) -> set[str]:
    """Returns the tags of all scalars in the event files of `train_dir`."""
    return {
        value.tag
        for path in train_dir.glob('events.out.tfevents.*')
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }


def test_readme_import_line_trains_and_saves(tmp_path: pathlib.Path) -> None:
    output = output_of('-c', readme_block('import tfhooks.v1 as tf'), cwd=tmp_path)
    assert float(re.search(r'^loss: (.*)$', output, flags=re.MULTILINE)[1]) < 1
    assert saved_step(tmp_path / 'train_dir') == 50


def test_readme_first_hook_stops_at_a_low_loss(tmp_path: pathlib.Path) -> None:
    output = output_of('-c', readme_block('class LossPrinter'), cwd=tmp_path)
    losses = [float(loss) for loss in re.findall(r'^loss (.*)$', output, flags=re.MULTILINE)]
    assert losses == sorted(losses, reverse=True)
    assert [loss < 0.1 for loss in losses] == [False] * (len(losses) - 1) + [True]


def test_readme_has_no_other_python_block() -> None:
    assert README.count('```python') == 2


def test_readme_names_are_the_public_names() -> None:
    import tfhooks

    table = README.split('## Names')[1].split('## ')[0]
    first_cells = re.findall(r'^\| (`.*?) \|', table, flags=re.MULTILINE)
    names = {name for cell in first_cells for name in re.findall(r'`(\w+)`', cell)}
    tensorflow_names = {name for name in tfhooks.__all__ if hasattr(tf.compat.v1.train, name)}
    assert tensorflow_names <= names
    assert names <= set(tfhooks.__all__)


@pytest.mark.parametrize('command', ['main', 'test'])
def test_readme_commands_are_one_line_each(command: str) -> None:
    (block,) = re.findall(rf'<!-- command: {command} -->\n```bash\n(.*?)```', README, re.DOTALL)
    assert block.count('\n') == 1
    assert block.startswith('python3.11 -m venv .venv && .venv/bin/pip install ')


def test_train_digits_reaches_its_accuracy_and_resumes(tmp_path: pathlib.Path) -> None:
    train_dir = tmp_path / 'digits'
    program = EXAMPLES / 'train_digits.py'

    first = output_of(program, f'--train_dir={train_dir}', cwd=tmp_path)
    accuracy = re.search(r'test accuracy at step 600: (.*)% of 360 images', first)
    assert float(accuracy[1]) >= 97
    assert 'starting at step 0' in first
    assert 'loss = ' in first
    assert 'global_step/sec: ' in first
    assert saved_step(train_dir) == 600
    # The names that examples/tensorboard.md tells a reader to look for.
    assert scalars(train_dir) == {'loss', 'accuracy', 'global_step/sec'}

    second = output_of(program, f'--train_dir={train_dir}', '--steps=20', cwd=tmp_path)
    assert 'resuming from step 600' in second
    assert 'test accuracy at step 620: ' in second
    assert saved_step(train_dir) == 620


@pytest.mark.parametrize('flag', ['--steps=0', '--learning_rate=2', '--nonsense', 'word'])
def test_train_digits_says_in_one_line_what_is_wrong(flag: str, tmp_path: pathlib.Path) -> None:
    done = python(EXAMPLES / 'train_digits.py', f'--train_dir={tmp_path}', flag, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ''
    assert re.fullmatch(r'train_digits\.py: .*\n', done.stderr)
    assert flag.lstrip('-').split('=')[0] in done.stderr


def test_train_digits_refuses_a_gpu_that_is_not_there(tmp_path: pathlib.Path) -> None:
    if tf.config.list_physical_devices('GPU'):
        pytest.skip('this machine has a GPU')
    done = python(
        EXAMPLES / 'train_digits.py', f'--train_dir={tmp_path}', '--device=gpu', cwd=tmp_path
    )
    assert done.returncode == 1
    assert re.fullmatch(r'train_digits\.py: flag --device=gpu: .*\n', done.stderr)


def test_custom_hook_draws_a_falling_curve(tmp_path: pathlib.Path) -> None:
    output = output_of(EXAMPLES / 'custom_hook.py', cwd=tmp_path)
    losses = [float(loss) for loss in re.findall(r'^run +\d+ +([\d.]+) ', output, re.MULTILINE)]
    assert len(losses) == 10
    assert losses == sorted(losses, reverse=True)


def test_resume_after_kill_goes_on_from_a_checkpoint(tmp_path: pathlib.Path) -> None:
    train_dir = tmp_path / 'killed'
    output = output_of(EXAMPLES / 'resume_after_kill.py', f'--train_dir={train_dir}', cwd=tmp_path)
    resumed = int(re.search(r'the second run said: resuming from step (\d+)', output)[1])
    assert resumed >= 100
    assert resumed % 50 == 0
    assert saved_step(train_dir) == resumed + 50
