"""What setup.cfg cannot say: README as a package index shows it, with whole addresses as links."""

import pathlib
import posixpath
import re

ROOT = pathlib.Path(__file__).resolve().parent
# Code, which is left as it is; else the target of a relative link: a path, an anchor, or both.
_LINK = re.compile(r'^```.*?^```|`[^`\n]*`|\]\((?!\w+:)([^)\s#]*)(#[^)\s]*)?\)', re.DOTALL | re.M)


def repository() -> str:
    """The address of the repository, from setup.cfg."""
    settings = (ROOT / 'setup.cfg').read_text(encoding='utf-8')
    return re.search(r'^\s*Source = (.+)$', settings, re.MULTILINE)[1]


def with_links(text: str, document: str, target) -> str:
    """A document of the repository, with other targets of its relative links.

    Args:
      text: The document, in Markdown.
      document: Its path from the root of the repository.
      target: A function from the path of a file, from the root, to what a link to it is to name.
    """

    def changed(match: re.Match[str]) -> str:
        if not match[0].startswith(']'):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(document), match[1]))
        return f']({target(path if match[1] else document)}{match[2] or ""})'

    return _LINK.sub(changed, text)


def description() -> str:
    """README, with links to the files of this version."""
    text = (ROOT / 'tfhooks' / '__init__.py').read_text(encoding='utf-8')
    version = re.search(r"^__version__ = '(.+)'$", text, re.MULTILINE)[1]
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    base = f'{repository()}/blob/v{version}'
    return with_links(readme, 'README.md', lambda path: f'{base}/{path}')


if __name__ == '__main__':
    from setuptools import setup  # Not for those who import the rest: tests, and the site.

    setup(long_description=description())
