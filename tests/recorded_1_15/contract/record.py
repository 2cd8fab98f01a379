"""Records what every program does on TensorFlow 1.15: one JSON file a program.

Usage: python record.py --out traces/

Runs every program twice, in one process and another, and writes nothing unless both gave the same.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def run_once(module):
    folder = tempfile.mkdtemp()
    out = os.path.join(folder, 'traces.json')
    command = [
        sys.executable,
        os.path.join(HERE, 'runner.py'),
        '--tensorflow',
        module,
        '--out',
        out,
    ]
    subprocess.check_call(command)
    with open(out) as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--out', required=True, help='the folder to write to')
    parser.add_argument('--tensorflow', default='tensorflow', help='the module to record')
    flags = parser.parse_args()

    first, second = run_once(flags.tensorflow), run_once(flags.tensorflow)
    changing = [name for name in first['traces'] if first['traces'][name] != second['traces'][name]]
    if changing:
        for name in changing:
            for section, lines in first['traces'][name].items():
                if lines != second['traces'][name][section]:
                    print(
                        name,
                        section,
                        lines,
                        second['traces'][name][section],
                        sep='\n',
                        file=sys.stderr,
                    )
        sys.exit('Not the same twice: ' + ', '.join(changing))
    if first['failures']:
        sys.exit('\n'.join(first['failures'].values()))
    if not os.path.isdir(flags.out):
        os.makedirs(flags.out)
    for name, trace in first['traces'].items():
        made_by = {'tensorflow': first['tensorflow'], 'python': platform.python_version()}
        with open(os.path.join(flags.out, name + '.json'), 'w') as out:
            json.dump(
                {'program': name, 'made_by': made_by, 'trace': trace}, out, indent=1, sort_keys=True
            )
            out.write('\n')
    print(len(first['traces']), 'traces')


if __name__ == '__main__':
    main()
