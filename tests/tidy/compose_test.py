#!/usr/bin/python3
"""The compose files: they parse, what they name exists, who waits waits for something that can become ready."""
import unittest
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "Docker_Files"


def load(name):
    return yaml.safe_load((FOLDER / name).read_text())


def resolved(name):
    """The services of a file with `extends` carried out."""
    services = {}
    for service, text in load(name)["services"].items():
        extends = text.get("extends")
        base = load(extends["file"])["services"][extends["service"]] if extends else {}
        services[service] = {**base, **text}
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
            for service, text in load(name)["services"].items():
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

    def test_postgres_is_ready_for_logical_replication(self):
        self.assertIn("wal_level=logical", resolved("compose.yaml")["postgres"]["command"])


if __name__ == "__main__":
    unittest.main(argv=["compose_test"], verbosity=2)
