"""What the site has beside docs/: README, CHANGELOG, a reference, and links that leave docs/.

Hooks of MkDocs, which mkdocs.yml names.
"""

from __future__ import annotations

import ast
import pathlib
import posixpath
import re
import sys
from typing import Any

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import setup  # noqa: E402  # The file beside setup.cfg.

# Files that are pages of the site, though not below docs/.
_PAGES = {'README.md': 'index.md', 'CHANGELOG.md': 'changelog.md'}
# The tables of differences have five columns.
_STYLE = '.md-grid { max-width: 90rem; }'
# The pages of the reference: a title, and which names are there; each name goes by the first.
_REFERENCE = {
    'hooks': ('Hooks', r'\w+(Hook|Timer)'),
    'sessions': ('Sessions', r'\w+(Session|Creator|Scaffold|Policy|Reason)|Scaffold|role|Role'),
    'errors': ('Errors', r'\w+Error'),
    'others': ('Everything else', r'.*'),
}


def on_config(config: Any) -> Any:
    """Sets the addresses of the project."""
    settings = (ROOT / 'setup.cfg').read_text(encoding='utf-8')
    config.repo_url = setup.repository()
    config.repo_name = config.repo_url.partition('//')[2].partition('/')[2]
    config.site_url = re.search(r'^\s*Documentation = (.+)$', settings, re.MULTILINE)[1]
    config.extra_css.append('wide.css')
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages that are not below docs/."""
    for path, page in _PAGES.items():
        text = (ROOT / path).read_text(encoding='utf-8')
        files.append(File.generated(config, page, content=text))
    for page, text in _reference().items():
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, 'wide.css', content=_STYLE))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Has links lead to pages of the site, or else to the files in the repository."""
    sources = {page: path for path, page in _PAGES.items()}
    uri = page.file.src_uri
    document = sources.get(uri, f'docs/{uri}')

    def target(path: str) -> str:
        if path in _PAGES:
            path = f'docs/{_PAGES[path]}'
        if path.startswith('docs/'):
            return posixpath.relpath(path, posixpath.dirname(f'docs/{uri}'))
        return f'{setup.repository()}/blob/main/{path}'

    return setup.with_links(markdown, document, target)


def _reference() -> dict[str, str]:
    """The pages with a section for each public name, made of its docstring."""
    left, pages = _public_names(), {}
    for page, (title, pattern) in _REFERENCE.items():
        names = [name for name in left if re.fullmatch(pattern, name)]
        left = [name for name in left if name not in names]
        sections = [f'::: tfhooks.{name}\n' for name in names]
        pages[f'reference/{page}.md'] = '\n'.join([f'# {title}\n', *sections])
    testing = '::: tfhooks.testing\n    options:\n      heading_level: 1\n'
    return {**pages, 'reference/testing.md': testing}


def _public_names() -> list[str]:
    """What type checkers see in the package: the names that it imports from its modules."""
    package = ROOT / 'tfhooks'
    files = [path for path in (package / '__init__.py', package / '__init__.pyi') if path.exists()]
    found = [node for path in files for node in ast.walk(ast.parse(path.read_text('utf-8')))]
    imports = [node for node in found if isinstance(node, ast.ImportFrom)]
    return sorted({alias.asname for node in imports for alias in node.names if alias.asname})
