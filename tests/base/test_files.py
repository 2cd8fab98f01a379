"""Files on any file system: names that are names, and writes that are whole."""

from __future__ import annotations

import os
import time

import pytest
import tensorflow.compat.v1 as tf

from tfhooks._base import files

ODD = ['run[1]', 'a*b', 'what?', 'back\\slash', 'a]b', 'a[b', '[!x]', '*', '{a,b}', 'plain']


@pytest.mark.parametrize('name', ODD)
def test_a_pattern_matches_one_name(name, tmp_path):
    for each in [*ODD, 'run1', 'axb', 'whats', 'backslash', 'y', 'a', 'b']:
        (tmp_path / each).write_text('')
    assert tf.gfile.Glob(files.pattern_of(f'{tmp_path}//{name}')) == [f'{tmp_path}/{name}']


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        ('/a/b', '/a//b/'),
        ('/a/b', 'file:///a/b'),
        ('/a/b', 'file:///a//b/'),
        ('ram://a/b', 'ram://a//b/'),
        ('', '.'),
    ],
)
def test_spellings_of_one_directory(one, other):
    assert files.key(one) == files.key(other)


def test_a_link_is_the_directory(tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path)
    assert files.key(f'{tmp_path}/link/x') == files.key(f'{tmp_path}/x')


@pytest.mark.parametrize('base', ['', 'ram://files'])
@pytest.mark.parametrize('name', ODD)
def test_text_is_written_and_read(base, name, tmp_path):
    path = f'{base or tmp_path}/{name}'
    tf.gfile.MakeDirs(base or str(tmp_path))
    for value in ({'a': [1, 2.5, 'ü']}, [None]):
        files.write_json(path, value)
        assert files.read_json(path) == value
    assert not [each for each in files.names(base or str(tmp_path)) if '.tmp' in each]


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / 'state'
    files.write_text(str(path), 'old')
    with pytest.raises(UnicodeEncodeError):
        files.write_text(str(path), '\udcff')
    assert path.read_text() == 'old'
    (tmp_path / 'directory' / 'full').mkdir(parents=True)
    with pytest.raises(tf.errors.OpError):
        files.write_text(str(tmp_path / 'directory'), 'new')
    assert sorted(os.listdir(tmp_path)) == ['directory', 'state']


@pytest.mark.parametrize('in_the_way', [False, True])
def test_files_are_put_elsewhere_all_or_none(in_the_way, tmp_path):
    names = ['a', 'b', 'c']
    for name in names:
        (tmp_path / name).write_text(f'new {name}')
        (tmp_path / f'{name}2').write_text('old')
    targets = {str(tmp_path / name): str(tmp_path / f'{name}2') for name in names}
    if in_the_way:
        (tmp_path / 'b').unlink()
        with pytest.raises(tf.errors.NotFoundError):
            files.link_all(targets)
        assert [(tmp_path / f'{name}2').read_text() for name in names] == ['old'] * 3
    else:
        files.link_all(targets)
        assert [(tmp_path / f'{name}2').read_text() for name in names] == [
            'new a',
            'new b',
            'new c',
        ]
    assert not [name for name in os.listdir(tmp_path) if '.tmp' in name]


def test_only_what_is_old_by_the_clock_of_the_file_system_is_removed(tmp_path, monkeypatch):
    names = {'old': -3600, 'young': -60, 'of a clock ahead': 3600}
    for name, age in names.items():
        (tmp_path / name).write_text('')
        os.utime(tmp_path / name, (time.time() + age, time.time() + age))
    # This machine's clock is wrong.
    monkeypatch.setattr(time, 'time', lambda: 4e9)
    files.remove_old(str(tmp_path), dict.fromkeys([*names, 'gone'], False))
    assert sorted(os.listdir(tmp_path)) == ['of a clock ahead', 'young']


def test_nothing_is_removed_where_the_clock_is_not_known(tmp_path, monkeypatch):
    (tmp_path / 'old').write_text('')
    os.utime(tmp_path / 'old', (0, 0))

    def fails(*_):
        raise tf.errors.PermissionDeniedError(None, None, 'read-only')

    monkeypatch.setattr(tf.gfile, 'GFile', fails)
    files.remove_old(str(tmp_path), {'old': False})
    assert os.listdir(tmp_path) == ['old']
