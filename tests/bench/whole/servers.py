"""The real servers and programs of a bench, and what the kernel says of their processes."""
import calendar
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a process with all its threads; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_memory_mb(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            found = re.search(r"VmHWM:\s*(\d+)", file.read())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def wait_until(condition, what, seconds=300, pause=0.005):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise SystemExit(f"bench: waited {seconds} s in vain until {what}")
        time.sleep(pause)


def write_config(path, settings):
    """From keys such as kafka.topic; a password is no business of a command line."""
    sections = {}
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, []).append((name, value))
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        for section, entries in sections.items():
            indent = "  " if section else ""
            file.write(f"{section}:\n" if section else "")
            file.writelines(f"{indent}{name}: {value}\n" for name, value in entries)


class Watched:
    """CPU of processes between two moments; of one that ends meanwhile, up to the last look."""

    def __init__(self, pids):
        self.pids = pids
        self.begin = {pid: cpu_seconds(pid) or 0.0 for pid in pids}
        self.last = dict(self.begin)
        self.peak = {pid: peak_memory_mb(pid) for pid in pids}
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        while not self.stopping.wait(0.02):
            for pid in self.pids:
                self.last[pid] = cpu_seconds(pid) or self.last[pid]
                self.peak[pid] = peak_memory_mb(pid) or self.peak[pid]

    def stop(self):
        self.stopping.set()
        self.thread.join()
        for pid in self.pids:
            self.last[pid] = cpu_seconds(pid) or self.last[pid]
        return self

    def cpu(self, pid):
        return self.last[pid] - self.begin[pid]


class Program:
    """replicator or es_consumer with a configuration of its own."""

    def __init__(self, servers, name, settings):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix=name + ".", dir=servers.folder)
        self.log = os.path.join(self.folder, "log")
        settings = {"state_dir": self.folder, "admin.enabled": "off", "kafka.brokers": f"[{servers.kafka}]",
                    "elasticsearch.addresses": f'["{servers.elasticsearch}"]', "elasticsearch.number_of_replicas": "0",
                    **settings}
        config = os.path.join(self.folder, "config.yaml")
        write_config(config, settings)
        arguments = [os.path.join(servers.bin, name), "run", "--config", config]
        for setting in servers.extra:
            arguments += ["--set", setting]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def said_at(self, words):
        """Time (s since 1970) of the log line with these words; waits for it."""

        def look():
            if self.process.poll() is not None:
                raise SystemExit(f"bench: {self.name} ended:\n{self.text()}")
            for line in self.text().splitlines():
                if words in line:
                    return line
            return None

        stamp = wait_until(look, f"{self.name} says '{words}'").split()[0]
        seconds, fraction = re.fullmatch(r"(.*)\.(\d+)Z", stamp).groups()
        return calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        if code != 0:
            raise SystemExit(f"bench: {self.name} ended with {code}:\n{self.text()}")


class Servers:
    def __init__(self, extra):
        env = os.environ
        self.extra = extra
        self.bin = os.path.join(env["SLUICE_BUILD_DIR"], "bin")
        self.pg_port = env["SLUICE_TEST_PG_PORT"]
        self.pg_socket = env["SLUICE_TEST_PG_SOCKET_DIR"]
        self.pg_password = env["SLUICE_TEST_PG_PASSWORD"]
        self.kafka = "127.0.0.1:" + env["SLUICE_TEST_KAFKA_PORT"]
        self.elasticsearch = "http://127.0.0.1:" + env["SLUICE_TEST_ES_PORT"]
        self.broker_pid = self.listener(env["SLUICE_TEST_KAFKA_PORT"])
        self.search_pid = self.listener(env["SLUICE_TEST_ES_PORT"])
        self.number = 0

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-bench.")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def listener(port):
        out = subprocess.run(["ss", "-Hltnp", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
        return int(re.search(r"pid=(\d+)", out)[1])

    def name(self, stem):
        """A name that nothing had before, for slots, topics and databases."""
        self.number += 1
        return f"{stem}_{os.getpid()}_{self.number}"

    # PostgreSQL

    def host(self, transport):
        return "127.0.0.1" if transport == "tcp" else self.pg_socket

    def dsn(self, database, transport="tcp"):
        return (f"host={self.host(transport)} port={self.pg_port} user=postgres password={self.pg_password} "
                f"dbname={database}")

    def sql(self, database, text):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.dsn(database)],
                              input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"bench: psql: {done.stderr}")
        return done.stdout.strip()

    def walsender(self):
        return wait_until(lambda: self.sql("postgres", "SELECT pid FROM pg_stat_replication LIMIT 1"), "a walsender runs")

    def postgres_settings(self, database, transport, slot):
        return {"postgres.host": self.host(transport), "postgres.port": self.pg_port, "postgres.user": "postgres",
                "postgres.password": self.pg_password, "postgres.dbname": database, "postgres.sslmode": "prefer",
                "postgres.slot_name": slot}

    def drop_slot(self, slot):
        def gone():
            self.sql("postgres", f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
                                 f"WHERE slot_name = '{slot}' AND NOT active")
            return self.sql("postgres", f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}'") == "0"

        wait_until(gone, f"slot {slot} is free", 60, 0.1)

    # Kafka

    def make_topic(self, topic, partitions):
        """With the broker's own clock in every record: what is measured is when it was appended."""
        self.kafka_tool("--create", "--topic", topic, "--partitions", str(partitions),
                        "--config", "message.timestamp.type=LogAppendTime")

    def kafka_tool(self, *arguments):
        tool = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../../Docker_Files/native/kafka")
        subprocess.run([tool, "tool", "TopicCommand", "--bootstrap-server", self.kafka, *arguments], check=True,
                       stdout=subprocess.DEVNULL)

    def drop_topic(self, topic):
        self.kafka_tool("--delete", "--topic", topic)

    def end_offsets(self, topic, partitions):
        out = subprocess.run(["kcat", "-b", self.kafka, "-Q"] +
                             [part for p in range(partitions) for part in ("-t", f"{topic}:{p}:-1")],
                             capture_output=True, text=True, check=True).stdout
        return [int(offset) for offset in re.findall(r"offset (\d+)", out)]

    def last_append(self, topic, ends):
        """Seconds since 1970 at which the newest record of the topic was appended."""
        stamps = []
        for partition, end in enumerate(ends):
            if end == 0:
                continue
            out = subprocess.run(["kcat", "-b", self.kafka, "-C", "-t", topic, "-p", str(partition), "-o",
                                  str(end - 1), "-c", "1", "-e", "-q", "-f", "%T\n"],
                                 capture_output=True, text=True, check=True).stdout
            stamps.append(int(out) / 1000)
        return max(stamps)

    # Elasticsearch

    def search(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.elasticsearch + path, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
