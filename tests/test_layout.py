"""Folders are layers, private ones look private, and the tests mirror them."""

from __future__ import annotations

import ast
import configparser
import pathlib
import pkgutil
import re

import places
import pytest

import tfhooks

PACKAGE = pathlib.Path(tfhooks.__path__[0])
MODULES = sorted(
    file.relative_to(PACKAGE) for file in PACKAGE.rglob('*.py') if not file.name.startswith('__')
)
# Modules without a file of tests of their own, by the file that tests them.
TESTED_IN = {
    '_base/arguments.py': 'hooks/test_stop_at_step.py',
    '_base/extras.py': 'test_installing.py',
    '_base/locks.py': 'hooks/test_copies.py',
    '_checkpoints/best_list.py': 'checkpoints/test_best.py',
    '_checkpoints/events.py': 'hooks/test_checkpoint_saver_graph.py',
    '_checkpoints/pruning.py': 'hooks/test_checkpoint_saver_savers.py',
    '_checkpoints/restored.py': 'hooks/test_checkpoint_saver_restore.py',
    '_checkpoints/retries.py': 'checkpoints/test_write.py',
    '_checkpoints/saved_tensors.py': 'session/test_creators_checkpoint_fit.py',
    '_checkpoints/saver_listeners.py': 'hooks/test_checkpoint_saver.py',
    '_checkpoints/saver_state.py': 'hooks/test_checkpoint_saver_restore.py',
    '_hooks/next_step_way.py': 'hooks/test_summary_saver.py',
    '_hooks/saving.py': 'checkpoints/test_write.py',
    '_legacy/aliases.py': 'v1/test_v1_relocated.py',
    '_legacy/python_and_numpy.py': 'legacy/test_rewriting.py',
    '_legacy/scipy_misc.py': 'legacy/test_rewriting.py',
    '_migration/settings.py': 'migration/test_run.py',
    '_migration/trace_recorder.py': 'migration/test_compare_traces.py',
    '_more_hooks/displays.py': 'more_hooks/test_progress.py',
    '_more_hooks/mean.py': 'more_hooks/test_evaluation.py',
    '_more_hooks/metrics_files.py': 'more_hooks/test_metrics_writer.py',
    '_run/after_run.py': 'session/test_hook_group.py',
    '_run/bad_weights.py': 'session/test_hook_group.py',
    '_run/calls.py': 'session/test_hook_group.py',
    '_run/feed_values.py': 'run/plans/test_plan_results.py',
    '_run/fetching.py': 'run/merging/test_merging_results.py',
    '_run/placeholders.py': 'run/merging/test_merging_placeholders.py',
    '_run/request_keys.py': 'run/plans/test_plan_cache.py',
    '_run/schedule.py': 'session/test_hook_group.py',
    '_session/coordinator.py': 'session/test_lifecycle_closing.py',
    '_session/process_defaults.py': 'migration/test_run.py',
    '_session/sessions.py': 'session/test_lifecycle_construction.py',
    '_session/step_fn.py': 'session/test_monitored_running.py',
    '_timing/cadence.py': 'more_hooks/test_evaluation.py',
    'testing/_contract.py': 'testing/test_testing.py',
    'testing/_driving.py': 'testing/test_testing.py',
}
# Folders that are tested as one.
FOLDERS = {
    '_legacy/old_names': 'v1/test_v1_removed.py',
    '_migration/checking': 'migration/test_check.py',
    'smoke': 'smoke/test_smoke.py',
    'v1': 'v1/test_v1.py',
}


def files_of(module):
    """The files that are named after a module: test_<module>.py and test_<module>_<aspect>.py."""
    folder = places.TESTS.joinpath(*(part.lstrip('_') for part in module.parts[:-1]))
    name = f'test_{module.stem.lstrip("_")}'
    pattern = re.compile(rf'{name}(_\w+)?\.py')
    return [file for file in folder.rglob('test_*.py') if pattern.fullmatch(file.name)]


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_every_module_has_tests(module):
    elsewhere = TESTED_IN.get(str(module)) or next(
        (test for folder, test in FOLDERS.items() if str(module).startswith(f'{folder}/')), None
    )
    if elsewhere is None:
        assert files_of(module)
    else:
        assert (places.TESTS / elsewhere).is_file()


def test_the_list_of_other_places_is_no_longer_than_it_must_be():
    known = {str(module) for module in MODULES}
    assert [name for name in TESTED_IN if name not in known] == []
    assert [name for name in TESTED_IN if files_of(pathlib.Path(name))] == []


def test_only_what_is_for_import_looks_like_it():
    """`python -m` runs tfhooks and tfhooks.smoke; the others are imported."""
    public = {m.name for m in pkgutil.iter_modules(tfhooks.__path__) if not m.name.startswith('_')}
    assert public == {'smoke', 'testing', 'v1'}
    for package, names in (('testing', set()), ('v1', {'compat', 'train'})):
        modules = pkgutil.iter_modules([str(PACKAGE / package)])
        assert {m.name for m in modules if not m.name.startswith('_')} == names


def test_documents_import_nothing_private():
    pattern = re.compile(
        r'^\s*(?:from|import) (tfhooks\.[\w.]+)|^\s*from (tfhooks) import (\w+)', re.M
    )
    for path in [*places.ROOT.glob('*.md'), *places.ROOT.glob('docs/**/*.md')]:
        for match in pattern.finditer(path.read_text('utf-8')):
            name = match[1] or f'{match[2]}.{match[3]}'
            assert not re.search(r'\._(?!_)', name), f'{path}: {name}'


def layers():
    """The layers as import-linter holds them, from the top."""
    config = configparser.ConfigParser()
    config.read(places.ROOT / 'setup.cfg')
    lines = config['importlinter:contract:layers']['layers'].split('\n')
    return [name.strip() for line in lines for name in line.split('|') if name.strip()]


def test_the_layers_are_all_that_there_is_and_the_document_shows_them_in_their_order():
    there = {m.name for m in pkgutil.iter_modules(tfhooks.__path__)} - {'__main__'}
    assert set(layers()) == there
    document = (places.ROOT / 'docs' / 'architecture.md').read_text('utf-8')
    shown = re.findall(r'^\| `(\w+)(?:/|\.py)`', document, re.M)
    assert shown == layers()


def test_every_file_of_tests_says_what_it_tests():
    files = [*places.TESTS.rglob('*.py')]
    assert [
        str(file.relative_to(places.TESTS))
        for file in files
        if not ast.get_docstring(ast.parse(file.read_text('utf-8')))
    ] == []
