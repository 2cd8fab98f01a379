"""`python -m tfhooks`: runs, checks and compares programs. See docs/running.md."""

import sys

from tfhooks.cli import main

if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
