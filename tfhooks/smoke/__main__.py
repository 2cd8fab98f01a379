"""Checks whether this machine trains with tfhooks: a line a check, and an exit status for CI.

    python -m tfhooks.smoke                  on a GPU
    python -m tfhooks.smoke --device cpu     the same checks without one

The exit status is 0 if all checks passed, 1 if one failed, 2 if there is no such device, and then
one line says why as far as it can be told.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from typing import Any

OK, FAILED, NO_DEVICE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the checks, and returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m tfhooks.smoke', description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument('--device', choices=['gpu', 'cpu'], default='gpu')
    parser.add_argument('--json', action='store_true', help='one JSON object instead of lines')
    options = parser.parse_args(arguments)
    # TensorFlow's log lines during its import would be between those of the checks.
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    # Leaves memory to a training on the same GPU.
    os.environ.setdefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true')
    report: dict[str, Any] = {'device': options.device, 'checks': [], 'reasons': []}
    status = _run(options.device, report, quiet=options.json)
    if options.json:
        print(json.dumps({**report, 'status': status}, indent=2))
    return status


def _run(device: str, report: dict[str, Any], quiet: bool) -> int:
    try:
        import tensorflow
    except ImportError as error:
        report['reasons'] = [f'TensorFlow cannot be imported: {error}']
        print(f'smoke: {report["reasons"][0]}', file=sys.stderr)
        return FAILED
    from tfhooks.smoke import checks, reasons

    logging = tensorflow.compat.v1.logging
    logging.set_verbosity(logging.FATAL)  # One check loses a session, which would be logged.
    report['tensorflow'] = tensorflow.__version__
    if not tensorflow.config.list_physical_devices(device.upper()):
        report['reasons'] = reasons.why_no_gpu()
        print(f'smoke: no GPU: {"; ".join(report["reasons"])}', file=sys.stderr)
        return NO_DEVICE
    status = OK
    for name, check in checks.CHECKS:
        began, passed = time.monotonic(), True
        try:
            with tempfile.TemporaryDirectory(prefix='tfhooks-smoke.') as directory:
                seen = check(f'/{device.upper()}:0', directory)
        except Exception as error:
            seen, passed, status = f'{type(error).__name__}: {error}', False, FAILED
            traceback.print_exc()
        seen, seconds = ' '.join(seen.split()), round(time.monotonic() - began, 2)
        report['checks'].append({'name': name, 'ok': passed, 'seen': seen, 'seconds': seconds})
        if not quiet:
            line = f'{name:<12} {"ok" if passed else "FAILED":<7} {seen} ({seconds:.1f} s)'
            print(line, flush=True)
    return status


if __name__ == '__main__':
    sys.exit(main())
