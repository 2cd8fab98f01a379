"""The links of the documents lead to files and headings, the files that they name are there, and
their programs import what they use.
"""

from __future__ import annotations

import ast
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PLACES = ('*.md', 'docs/**/*.md', 'examples/**/*.md', 'benchmarks/*.md')
DOCUMENTS = sorted(path for place in PLACES for path in ROOT.glob(place))
CODE = re.compile(r'^```.*?^```', re.DOTALL | re.MULTILINE)


def prose(path: pathlib.Path) -> str:
    """A document without its blocks of code."""
    return CODE.sub('', path.read_text(encoding='utf-8'))


def anchors(path: pathlib.Path) -> set[str]:
    """What GitHub makes of the headings: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r'^#+ (.*?)\s*$', prose(path), re.MULTILINE)
    plain = [re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', heading) for heading in headings]
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in plain}


def broken(path: pathlib.Path) -> list[str]:
    """The links of a document that lead nowhere."""
    found = []
    for link in re.findall(r'\]\(([^)\s]+)\)', prose(path)):
        file, _, anchor = link.partition('#')
        target = path.parent / file if file else path
        if re.match(r'https?:', link):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.skipif(not DOCUMENTS, reason='the documents are not here')
def test_links_lead_somewhere() -> None:
    wrong = {str(path.relative_to(ROOT)): broken(path) for path in DOCUMENTS}
    assert {name: links for name, links in wrong.items() if links} == {}


@pytest.mark.skipif(not DOCUMENTS, reason='the documents are not here')
def test_the_files_that_are_named_are_there() -> None:
    named = {
        (str(path.relative_to(ROOT)), file)
        for path in DOCUMENTS
        for file in re.findall(r'`((?:tests|examples|benchmarks|docs)/[\w./]*)`', prose(path))
    }
    assert {(name, file) for name, file in named if not (ROOT / file).exists()} == set()


def not_imported(path: pathlib.Path) -> set[str]:
    """The modules that the programs of a document use without having imported them."""
    blocks = re.findall(r'^```python\n(.*?)^```', path.read_text('utf-8'), re.DOTALL | re.MULTILINE)
    nodes = [node for block in blocks for node in ast.walk(ast.parse(block))]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    bound = {alias.asname or alias.name.partition('.')[0] for one in imports for alias in one.names}
    bound |= {
        one.id for one in nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }
    objects = [node.value for node in nodes if isinstance(node, ast.Attribute)]
    used = {one.id for one in objects if isinstance(one, ast.Name)}
    return (used & {'tf', 'tfhooks', 'np', 'hvd', *sys.stdlib_module_names}) - bound


@pytest.mark.skipif(not DOCUMENTS, reason='the documents are not here')
def test_programs_import_what_they_use() -> None:
    lacking = {str(path.relative_to(ROOT)): not_imported(path) for path in DOCUMENTS}
    assert {name: modules for name, modules in lacking.items() if modules} == {}


def test_an_import_that_lacks_is_found(tmp_path: pathlib.Path) -> None:
    page = tmp_path / 'a.md'
    page.write_text('```python\nimport os.path\ntf.Session(os.sep)\njson.loads("")\n```\n')
    assert not_imported(page) == {'tf', 'json'}


def test_a_broken_link_is_found(tmp_path: pathlib.Path) -> None:
    (tmp_path / 'b.md').write_text('## What `run()` does: a\n')
    page = tmp_path / 'a.md'
    page.write_text(
        '# One\n[](#one) [](b.md) [](b.md#what-run-does-a) [](https://example.com/no)\n'
        '```\n[](none.md)\n```\n[](no.md) [](#two) [](b.md#what)\n'
    )
    assert broken(page) == ['no.md', '#two', 'b.md#what']
