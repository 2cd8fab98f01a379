"""`python -m tfhooks`: runs, checks and compares programs. See docs/running.md."""

import os
import sys

from tfhooks._migration import main


def console() -> int:
    """Runs the command `tfhooks`, as `python -m tfhooks`.

    Returns:
      The exit code.
    """
    # With -m Python puts the working directory there, and for a script that of the script.
    if not (getattr(sys.flags, 'safe_path', False) or sys.flags.isolated):
        sys.path[0] = os.getcwd()
    return main(sys.argv[1:])


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
