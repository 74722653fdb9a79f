"""The numbers of the README, measured on this machine: `make bench`.

Starts a coordinator and one CPU worker of the release build, renders the same scenes with them and with
plain Blender in turns, and prints a table and JSON. Ratios are of neighbouring runs, so that a machine
whose speed drifts does not spoil them.
"""
import argparse
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent


class Farm:
    """A coordinator with one worker, and somebody who submits."""

    def __init__(self, bin_dir, python, folder):
        self.bin, self.python, self.folder = bin_dir, python, folder
        self.started = []
        data, ready = folder / 'data', folder / 'ready'
        self.start('coordinator', 'pictor-coordinator', 'serve', '--data', data, '--bind', '127.0.0.1:0',
                   '--ready-file', ready)
        wait_for('the coordinator', ready.exists, 30)
        self.url = ready.read_text()
        self.token = self.run('pictor-coordinator', 'token', 'create', '--data', data, '--scope', 'jobs',
                              '--scope', 'workers').strip()
        config = folder / 'worker-config.json'
        self.run('pictor-coordinator', 'worker', 'create', '--data', data, '--name', 'bench', '--allow-cpu',
                 '--url', self.url, '--out', config)
        settings = json.loads(config.read_text())
        settings['options']['cache_dir'] = str(folder / 'cache')
        config.write_text(json.dumps(settings))
        self.http = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc)
        self.worker = self.start('worker', 'pictor-worker', 'run', '--config', config)
        wait_for('the worker', lambda: self.api('GET', '/workers')['workers'][0]['presence'] == 'online', 60)
        wait_for('Blender', self.blenders, 60)
        # EEVEE is tried last, with one runtime after the other; its shaders may have to be compiled first.
        runtimes = len(self.api('GET', '/workers')['workers'][0]['runtimes'])
        wait_for('the probe renders', lambda: (folder / 'worker.log').read_text().count('Eevee]') +
                 (folder / 'worker.log').read_text().count('can=Eevee') >= runtimes, 600)

    def start(self, name, program, *args):
        log = open(self.folder / f'{name}.log', 'w')
        process = subprocess.Popen([self.bin / program, *args], stdout=log, stderr=log)
        self.started.append(process)
        return process

    def run(self, program, *args, **more):
        environment = {**os.environ, 'PICTOR_COORDINATOR': getattr(self, 'url', ''),
                       'PICTOR_TOKEN': getattr(self, 'token', '')}
        done = subprocess.run([self.bin / program, *args], env=environment, capture_output=True, text=True, **more)
        if done.returncode:
            sys.exit(f'{program} {args} failed:\n{done.stderr}')
        return done.stdout

    def api(self, method, path, body=None):
        headers = {'Authorization': f'Bearer {self.token}', 'Content-Type': 'application/json'}
        self.http.request(method, f'/api/v1{path}', json.dumps(body) if body is not None else None, headers)
        answer = self.http.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content) if content else None

    def follow(self, job, name, wanted):
        """Reads the job's events until one is as wanted."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc)
        connection.request('GET', f'/api/v1/jobs/{job}/events', headers={'Authorization': f'Bearer {self.token}'})
        event = None
        for line in connection.getresponse():
            line = line.decode().strip()
            if line.startswith('event:'):
                event = line[6:].strip()
            if line.startswith('data:') and event == name and wanted(json.loads(line[5:])):
                connection.close()
                return

    def blenders(self):
        pid = self.worker.pid
        tasks = pathlib.Path(f'/proc/{pid}/task').iterdir()
        return [int(child) for task in tasks for child in (task / 'children').read_text().split()]

    def stop(self):
        for process in reversed(self.started):
            process.terminate()
        for process in self.started:
            process.wait(30)


def wait_for(what, condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f'{what} is not there after {seconds} s')
        time.sleep(0.02)


def timed(command):
    began = time.monotonic()
    command()
    return time.monotonic() - began


def against_plain_blender(farm, what, frames, runs):
    """Seconds of both and the ratio, run by run; and how many pictures differ."""
    scene = farm.folder / f'{what}.blend'
    call = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([farm.python, HERE / 'scenes.py', what, str(frames), scene], **call)
    rows, different, total = [], 0, 0
    for run in range(runs):
        ours_dir, plain_dir = farm.folder / f'{what}-{run}', farm.folder / f'{what}-{run}-plain'
        # Warms the disk cache and the worker's scene cache; its settings differ, so that the timed job has
        # to open the scene itself.
        farm.run('pictor', 'submit', scene, '--frames', '1', '--samples', '1', '--percentage', '10', '--wait')
        ours = timed(lambda: farm.run('pictor', 'submit', scene, '--wait', '--download', ours_dir))
        plain = timed(lambda: subprocess.run([farm.python, HERE / 'plain.py', scene, plain_dir], **call))
        print(f'  {what} {run + 1}/{runs}: {ours:.2f} s, plain Blender {plain:.2f} s, ratio {ours / plain:.3f}', flush=True)
        compared = subprocess.run([farm.python, HERE / 'compare.py', ours_dir, plain_dir], check=True,
                                  capture_output=True, text=True).stdout.split()
        different, total = different + int(compared[-2]), total + int(compared[-1])
        rows.append((ours, plain))
    return {
        'seconds': statistics.median(ours for ours, _ in rows),
        'plain_seconds': statistics.median(plain for _, plain in rows),
        'ratio': statistics.median(ours / plain for ours, plain in rows),
        'different_frames': different,
        'compared_frames': total,
        'frames': frames,
    }


def scene_of(farm, what):
    jobs = farm.api('GET', '/jobs?limit=50')['jobs']
    return next(job['scene'] for job in jobs if job['name'].startswith(what))


def start_latency(farm, runs):
    """Milliseconds from submit to done less Blender's render time: an upper bound, for it holds the way
    back of the picture too."""
    scene, overheads = scene_of(farm, 'light'), []
    settings = {'width': 64, 'height': 36, 'samples': 1}
    for run in range(runs + 1):
        began = time.monotonic()
        job = farm.api('POST', '/jobs', {'scene': scene, 'frames': str(run % 100 + 1), 'settings': settings})['id']
        farm.follow(job, 'job', lambda data: data['state'] == 'done')
        taken = (time.monotonic() - began) * 1000
        overheads.append(taken - farm.api('GET', f'/jobs/{job}/frames')['frames'][0]['render_ms'])
    return percentiles(overheads[1:])


def cancel_latency(farm, runs):
    """Milliseconds from the request to cancel until Blender is gone."""
    scene, times = scene_of(farm, 'light'), []
    for _ in range(runs):
        wait_for('Blender', farm.blenders, 60)
        settings = {'samples': 60000, 'percentage': 1000}
        job = farm.api('POST', '/jobs', {'scene': scene, 'frames': '1', 'settings': settings})['id']
        farm.follow(job, 'progress', lambda data: data['elapsed_ms'] > 0)
        rendering = farm.blenders()
        began = time.monotonic()
        farm.api('POST', f'/jobs/{job}/cancel', {})
        while any(os.path.exists(f'/proc/{pid}') for pid in rendering):
            time.sleep(0.001)
        times.append((time.monotonic() - began) * 1000)
    return percentiles(times)


def percentiles(values):
    values = sorted(values)
    return {'p50': statistics.median(values), 'p99': values[min(len(values) - 1, int(len(values) * 0.99))],
            'runs': len(values)}


def idle(farm, seconds):
    def ticks():
        fields = pathlib.Path(f'/proc/{farm.worker.pid}/stat').read_text().rsplit(')', 1)[1].split()
        return int(fields[11]) + int(fields[12])
    before = ticks()
    time.sleep(seconds)
    core = (ticks() - before) / os.sysconf('SC_CLK_TCK') / seconds * 100
    status = pathlib.Path(f'/proc/{farm.worker.pid}/status').read_text()
    rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith('VmRSS'))
    return {'rss_mb': rss / 1024, 'core_percent': core,
            'binary_mb': (farm.bin / 'pictor-worker').stat().st_size / 1e6}


def main():
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument('--runs', type=int, default=3, help='runs of each comparison')
    parse.add_argument('--heavy-frames', type=int, default=40, help='frames of the heavy scene')
    parse.add_argument('--only', help='comma-separated: light,heavy,start,cancel,idle')
    parse.add_argument('--python', required=True, help="the runtime's Python")
    parse.add_argument('--bin', type=pathlib.Path, default=ROOT / 'target/release')
    parse.add_argument('--json', type=pathlib.Path, default=ROOT / 'target/bench.json')
    args = parse.parse_args()
    wanted = (args.only or 'light,heavy,start,cancel,idle').split(',')

    folder = pathlib.Path(tempfile.mkdtemp(prefix='pictor-bench-'))
    farm = Farm(args.bin.resolve(), args.python, folder)
    result = {}
    try:
        if 'idle' in wanted:
            result['idle'] = idle(farm, 30)
        for what in ('light', 'heavy'):
            if what in wanted or (what == 'light' and {'start', 'cancel'} & set(wanted)):
                frames = 120 if what == 'light' else args.heavy_frames
                result[what] = against_plain_blender(farm, what, frames, args.runs if what in wanted else 1)
        if 'start' in wanted:
            result['start_ms'] = start_latency(farm, 100)
        if 'cancel' in wanted:
            result['cancel_ms'] = cancel_latency(farm, 20)
    finally:
        farm.stop()
        shutil.rmtree(folder)
    args.json.write_text(json.dumps(result, indent=2) + '\n')
    print_table(result)
    print(json.dumps(result))


def print_table(result):
    rows = []
    for what in ('light', 'heavy'):
        if what in result:
            one = result[what]
            reach = '1.0' if what == 'light' else '0.35'
            rows.append((f"{what}, {one['frames']} frames: submit to last download / plain Blender",
                         f"{one['ratio']:.3f} ({one['seconds']:.1f} s / {one['plain_seconds']:.1f} s)", f'<= {reach}'))
            rows.append((f'{what}: frames that differ from plain Blender',
                         f"{one['different_frames']} of {one['compared_frames']}", '0'))
    if 'start_ms' in result:
        one = result['start_ms']
        rows.append(('idle worker: submit to done, less render time', f"p50 {one['p50']:.0f} ms, p99 {one['p99']:.0f} ms",
                     'p50 <= 50, p99 <= 200'))
    if 'cancel_ms' in result:
        one = result['cancel_ms']
        rows.append(('cancel to Blender stopped', f"p50 {one['p50']:.0f} ms, p99 {one['p99']:.0f} ms", 'p99 <= 1000'))
    if 'idle' in result:
        one = result['idle']
        rows.append(('idle worker', f"{one['rss_mb']:.1f} MB RSS, {one['core_percent']:.2f} % of a core", '<= 15 MB, <= 0.2 %'))
        rows.append(('worker binary', f"{one['binary_mb']:.1f} MB", '<= 8 MB'))
    width = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in [('measure', 'measured', 'reach'), *rows]:
        print('  '.join(cell.ljust(width[column]) for column, cell in enumerate(row)))


if __name__ == '__main__':
    main()
