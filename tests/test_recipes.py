"""docs/recipes.md: each recipe runs and does what it says, with a stand-in for what is not here."""

from __future__ import annotations

import csv
import importlib.util
import re
import sys
import types

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import warm_python
from places import ROOT

PAGE = (ROOT / 'docs' / 'recipes.md').read_text(encoding='utf-8')
# The program of each section, by its title.
RECIPES = {
    section.partition('\n')[0]: re.search(r'^```python\n(.*?)^```', section, re.M | re.S)[1]
    for section in re.split(r'^##? ', PAGE, flags=re.M)[1:]
}


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A function that runs a recipe in an empty folder, and returns its names."""
    monkeypatch.chdir(tmp_path)

    def run(title):
        names = {'__name__': 'recipe'}
        for program in (RECIPES['Recipes'], RECIPES[title]):
            exec(compile(program, f'docs/recipes.md: {title}', 'exec'), names)
        return names

    return run


@pytest.fixture
def stand_in(monkeypatch):
    """A function that puts a module in the place of one, with these names."""

    def put(name, **names):
        module = types.ModuleType(name)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name, module)

    return put


class Notes:
    """Stands for the run of a tracker, and notes what is logged to it."""

    def __init__(self):
        self.logged, self.ended = [], 0

    def log(self, values, step):
        self.logged.append((step, values))

    log_metrics = log

    def finish(self):
        self.ended += 1

    end = finish


def losses(notes):
    assert [step for step, _ in notes.logged] == [20, 40, 60]
    assert notes.ended == 1
    return [values['loss'] for _, values in notes.logged]


def test_weights_and_biases(recipe, stand_in):
    notes, asked = Notes(), {}
    stand_in('wandb', init=lambda **options: asked.update(options) or notes)
    recipe('Weights & Biases')
    assert sorted(losses(notes), reverse=True) == losses(notes)
    assert asked == {'project': 'line', 'id': 'line-1', 'resume': 'allow', 'mode': 'offline'}


def test_mlflow(recipe, stand_in):
    notes = Notes()
    stand_in(
        'mlflow',
        active_run=lambda: None,
        start_run=lambda run_name: notes,
        log_metrics=notes.log_metrics,
        end_run=notes.end,
    )
    recipe('MLflow')
    assert {type(loss) for loss in losses(notes)} == {float}


def test_comet(recipe, stand_in):
    notes = Notes()
    stand_in('comet_ml', OfflineExperiment=lambda project_name, offline_directory: notes)
    recipe('Comet')
    assert len(losses(notes)) == 3


def _mlflow_steps(names, folder):
    run_id = names['writer'].run.info.run_id
    history = names['mlflow'].tracking.MlflowClient().get_metric_history(run_id, 'loss')
    return [metric.step for metric in history] == [20, 40, 60]


@pytest.mark.parametrize(
    ('package', 'title', 'has_all'),
    [
        ('wandb', 'Weights & Biases', lambda _, folder: any(folder.glob('wandb/offline-run-*'))),
        ('mlflow', 'MLflow', _mlflow_steps),
        ('comet_ml', 'Comet', lambda _, folder: any(folder.glob('comet/*.zip'))),
    ],
)
def test_the_tracker_itself_where_it_is(recipe, package, title, has_all, monkeypatch, tmp_path):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f'{package} is not installed: the stand-in has to do')
    monkeypatch.setenv('WANDB_SILENT', 'true')
    monkeypatch.setenv('MLFLOW_TRACKING_URI', (tmp_path / 'mlruns').as_uri())
    monkeypatch.setenv('MLFLOW_ALLOW_FILE_STORE', 'true')
    assert has_all(recipe(title), tmp_path)


def test_learning_rate_and_gradient_norm(recipe, tmp_path):
    recipe('Learning rate and gradient norm')
    with open(tmp_path / 'rates.csv') as file:
        rows = list(csv.DictReader(file))
    assert [float(row['learning_rate']) for row in rows] == pytest.approx([0.05, 0.025, 0.0125])
    norms = [float(row['gradient_norm']) for row in rows]
    assert norms[0] > norms[1] > norms[2] > 0
    (events,) = (tmp_path / 'rates').glob('events.*')
    tags = {v.tag for event in tf.train.summary_iterator(str(events)) for v in event.summary.value}
    assert {'learning_rate', 'gradient_norm'} <= tags


def test_memory(recipe, capsys):
    recipe('Memory')
    said = re.findall(r'^loss [\d.]+, at most (\d+) MiB$', capsys.readouterr().out, re.M)
    assert len(said) == 3
    assert all(int(memory) > 50 for memory in said)


def test_a_saved_model(recipe, tmp_path):
    recipe('A SavedModel')
    with tf.Graph().as_default(), tf.Session() as session:
        model = tf.saved_model.load(session, ['serve'], str(tmp_path / 'exported'))
        signature = model.signature_def['serving_default']
        answer = session.run(signature.outputs['y'].name, {signature.inputs['x'].name: [10.0]})
    assert answer == pytest.approx([21], abs=0.5)


def test_keras_weights(recipe, tmp_path):
    pytest.importorskip('tf_keras')
    names = recipe('Keras weights')
    kernel, bias = names['loaded']
    assert kernel.ravel() == pytest.approx([2], abs=0.2)
    assert bias == pytest.approx([1], abs=0.4)
    with np.load(tmp_path / 'weights.npz') as values:
        assert [values[name].tolist() for name in values.files] == [kernel.tolist(), bias.tolist()]


def test_warm_start(recipe, tmp_path):
    recipe('Warm start')
    first = tf.train.load_checkpoint(str(tmp_path / 'first'))
    second = tf.train.load_checkpoint(str(tmp_path / 'second'))
    assert second.get_tensor('tuned/weight') == pytest.approx(first.get_tensor('weight'), abs=0.2)
    assert abs(second.get_tensor('tuned/bias')) < 0.2  # One step away from where it begins.
    assert second.get_tensor('global_step') == 1


def test_mixed_precision(recipe):
    try:
        names = recipe('Mixed precision')
    finally:
        tf.train.experimental.disable_mixed_precision_graph_rewrite()
    assert 'LossScaleOptimizer' in type(names['optimizer']).__name__


@pytest.mark.parametrize('rank', [0, 1])
def test_horovod(recipe, stand_in, tmp_path, rank, capsys):
    broadcasts = []

    class Broadcast(tf.train.SessionRunHook):
        def __init__(self, root_rank):
            self.root_rank = root_rank

        def after_create_session(self, session, coord):
            broadcasts.append(self.root_rank)

    hvd = {
        'init': lambda: None,
        'rank': lambda: rank,
        'local_rank': lambda: rank,
        'size': lambda: 2,
        'DistributedOptimizer': lambda optimizer: optimizer,
        'BroadcastGlobalVariablesHook': Broadcast,
    }
    stand_in('horovod')
    stand_in('horovod.tensorflow', **hvd)
    sys.modules['horovod'].tensorflow = sys.modules['horovod.tensorflow']
    recipe('Horovod')
    assert broadcasts == [0]
    assert (tmp_path / 'parallel').exists() == (rank == 0)
    assert ('step 20/30' in capsys.readouterr().err) == (rank == 0)
    if rank == 0:
        assert tf.train.latest_checkpoint(str(tmp_path / 'parallel')).endswith('-30')


def test_pytest_in_one_process(tmp_path):
    (tmp_path / 'test_line.py').write_text(RECIPES['Recipes'] + RECIPES['pytest in one process'])
    command = [sys.executable, '-m', 'pytest', '-q', '-n', '0', 'test_line.py']
    done = warm_python.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert '2 passed' in done.stdout, done.stdout + done.stderr


def test_every_recipe_has_a_test():
    source = (ROOT / 'tests' / 'test_recipes.py').read_text()
    assert len(RECIPES) == 12
    assert [title for title in RECIPES if repr(title) not in source] == []
    linked = re.findall(r'\]\(#([\w-]+)\)', PAGE)
    anchors = [re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-') for title in RECIPES]
    assert sorted(['recipes', *linked]) == sorted(anchors)
