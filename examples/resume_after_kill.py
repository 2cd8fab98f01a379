"""Kills a training program with SIGKILL and starts it again: it goes on from its newest checkpoint.

python resume_after_kill.py --train_dir=/tmp/digits_killed
"""

from __future__ import annotations

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM = pathlib.Path(__file__).with_name('train_digits.py')


def start(train_dir: str, steps: int, save_steps: int) -> subprocess.Popen[str]:
    """Starts the training as a process of its own; stdout and stderr arrive line by line."""
    flags = {'train_dir': train_dir, 'steps': steps, 'save_steps': save_steps, 'log_steps': 10}
    return subprocess.Popen(
        [
            sys.executable,
            '-u',
            str(PROGRAM),
            *(f'--{name}={value}' for name, value in flags.items()),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--train_dir', help='an empty or new directory; default: a temporary one')
    parser.add_argument('--kill_at', type=int, default=130, help='kill at this step')
    parser.add_argument('--save_steps', type=int, default=50, help='steps between two checkpoints')
    args = parser.parse_args()
    train_dir = args.train_dir or tempfile.mkdtemp(prefix='digits_')

    step = 0
    first = start(train_dir, steps=args.kill_at + 1000, save_steps=args.save_steps)
    for line in first.stdout:
        logged = re.search(r'step = (\d+)', line)
        step = int(logged[1]) if logged else step
        if step >= args.kill_at:
            first.kill()
            break
    if first.wait() == 0 or step < args.kill_at:
        sys.exit(f'the first run ended by itself at step {step}, before it could be killed')
    print(f'killed the first run (SIGKILL) after it logged step {step}')

    second = start(train_dir, steps=args.save_steps, save_steps=args.save_steps)
    output, _ = second.communicate()
    resumed = re.search(r'resuming from step (\d+)', output)
    if second.returncode != 0 or resumed is None:
        sys.exit(f'the second run did not resume:\n{output}')
    print(f'the second run said: {resumed[0]}')
    print(output.strip().splitlines()[-1])


if __name__ == '__main__':
    main()
