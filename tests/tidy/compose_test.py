#!/usr/bin/python3
"""The compose files: they parse, what they name exists, who waits waits for something that can become ready."""
import unittest
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "Docker_Files"


def load(name):
    return yaml.safe_load((FOLDER / name).read_text())


def resolved(name):
    """The services of a file with `extends` carried out: mappings and scalars replaced, lists joined."""
    services = {}
    for service, text in load(name)["services"].items():
        extends = text.get("extends")
        base = load(Path(name).parent / extends["file"])["services"][extends["service"]] if extends else {}
        joined = {key: base[key] + text[key] for key in base.keys() & text.keys() if isinstance(base[key], list)}
        services[service] = {**base, **text, **joined}
    return services


class ComposeFiles(unittest.TestCase):
    FILES = ("compose.yaml", "postgres-kafka/docker-compose.yml", "es-kibana/docker-compose.yml")

    def test_images_are_pinned_or_built_here(self):
        for name in self.FILES:
            for service, text in resolved(name).items():
                image = text.get("image", "")
                self.assertTrue("build" in text or (":" in image and not image.endswith(":latest")), f"{name}: {service}")

    def test_who_waits_waits_for_something_that_can_become_ready(self):
        for name in self.FILES:
            services = resolved(name)
            for service, text in services.items():
                for other, how in text.get("depends_on", {}).items():
                    self.assertIn(other, services, f"{name}: {service}")
                    if how["condition"] == "service_healthy":
                        self.assertIn("healthcheck", services[other], f"{name}: {service} waits for {other}")

    def test_volumes_are_named_and_files_exist(self):
        for name in self.FILES:
            folder = (FOLDER / name).parent
            named = load(name).get("volumes", {})
            for service, text in resolved(name).items():
                for volume in text.get("volumes", []):
                    source = volume.split(":")[0]
                    if source.startswith("."):
                        self.assertTrue((folder / source).exists(), f"{name}: {service} mounts {source}")
                    else:
                        self.assertIn(source, named, f"{name}: {service}")

    def test_ports_are_published_on_this_host_only(self):
        for name in self.FILES:
            for service, text in resolved(name).items():
                for port in text.get("ports", []):
                    self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {service} {port}")

    def test_our_own_images_run_without_rights(self):
        for service in ("replicator", "es_consumer"):
            text = resolved("compose.yaml")[service]
            self.assertTrue(text["read_only"])
            self.assertEqual(text["cap_drop"], ["ALL"])
        dockerfile = (FOLDER / "Dockerfile").read_text()
        self.assertEqual(dockerfile.count("\nUSER 10001:10001\n"), dockerfile.count("\nENTRYPOINT "))

    def test_every_service_that_stays_says_how_it_is(self):
        for name in self.FILES:
            for service, text in resolved(name).items():
                if text.get("restart") != "no":
                    self.assertIn("healthcheck", text, f"{name}: {service}")

    def test_our_own_programs_are_asked_themselves(self):
        for service in ("replicator", "es_consumer"):
            test = resolved("compose.yaml")[service]["healthcheck"]["test"]
            self.assertEqual(test[:4], ["CMD", f"/usr/local/bin/{service}", "status", "--probe"])

    def test_our_own_programs_are_given_the_time_to_settle(self):
        default = yaml.safe_load((FOLDER.parent / "config.yaml").read_text())["stop_grace"]
        for service in ("replicator", "es_consumer"):
            grace = resolved("compose.yaml")[service]["stop_grace_period"]
            self.assertGreater(int(grace.rstrip("s")), int(default.rstrip("s")), service)

    def test_what_is_extended_can_be_by_every_compose(self):
        for service, text in load("services.yaml")["services"].items():
            self.assertNotIn("depends_on", text, service)
            self.assertFalse([v for v in text.get("volumes", []) if v.startswith((".", "/"))], service)

    def test_the_folders_hold_what_the_whole_holds(self):
        whole = resolved("compose.yaml")
        for name in self.FILES[1:]:
            for service, text in resolved(name).items():
                for key, value in text.items():
                    if key not in ("extends", "volumes"):  # paths are relative to the file
                        self.assertEqual(value, whole[service][key], f"{name}: {service}: {key}")

    def test_postgres_is_ready_for_logical_replication(self):
        postgres = resolved("compose.yaml")["postgres"]
        self.assertIn("wal_level=logical", postgres["command"])
        # Without -h it would be said to be ready while the image still makes the database.
        self.assertIn("pg_isready -h ", postgres["healthcheck"]["test"][1])

    def test_what_kafka_stores_is_in_its_volume(self):
        kafka = resolved("compose.yaml")["kafka"]
        self.assertIn(f"kafka-data:{kafka['environment']['KAFKA_LOG_DIRS']}", kafka["volumes"])


if __name__ == "__main__":
    unittest.main(argv=["compose_test"], verbosity=2)
