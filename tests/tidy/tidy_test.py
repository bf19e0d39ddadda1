#!/usr/bin/env python3
"""Every rule of tidy.py notices what it forbids."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import tidy  # noqa: E402

HEADER = "// What it is.\n//\n// Thread rule: one thread.\n#pragma once\n"


class TidyNotices(unittest.TestCase):
    def violations(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return "\n".join(tidy.check(Path(folder)))

    def expect(self, rule, name, text):
        self.assertIn(f": {rule}: ", self.violations({name: text}))

    def test_a_clean_tree_has_no_violation(self):
        self.assertEqual(self.violations({"libs/change/include/sluice/change/row.h": HEADER + '#include "sluice/base/error.h"\n'}), "")

    def test_an_adapter_that_knows_another(self):
        self.expect("dependency", "libs/kafka/src/a.cpp", '#include "sluice/elastic/client.h"\n')

    def test_a_pipeline_that_knows_an_adapter(self):
        self.expect("dependency", "libs/pipeline/src/a.cpp", '#include "sluice/kafka/producer.h"\n')

    def test_a_pure_library_with_a_thread(self):
        for header in ("thread", "mutex", "condition_variable"):
            self.expect("pure", "libs/codec/src/a.cpp", f"#include <{header}>\n")

    def test_a_pure_library_with_a_file(self):
        for header in ("filesystem", "fstream", "fcntl.h"):
            self.expect("pure", "libs/documents/src/a.cpp", f"#include <{header}>\n")

    def test_a_pure_library_that_asks_for_the_time(self):
        for lib in ("change", "pgoutput", "codec", "documents"):
            for line in ("auto t = base::Clock::now();", "base::WallClock clock;", "std::chrono::system_clock::time_point t;",
                         "auto t = std::chrono::steady_clock::now();", "auto t = time(nullptr);", "auto t = std::time(&x);",
                         "clock_gettime(CLOCK_REALTIME, &t);"):
                self.expect("time", f"libs/{lib}/src/a.cpp", line + "\n")

    def test_that_a_time_of_a_value_and_a_clock_elsewhere_are_fine(self):
        self.assertEqual(self.violations({
            "libs/codec/src/a.cpp": "bool time() { return pieces.time() && commit_time(0); }  // as time(nullptr) has it\n",
            "libs/pipeline/src/a.cpp": "auto t = std::chrono::steady_clock::now();\n"}), "")

    def test_a_third_party_library_out_of_its_room(self):
        for header in ("librdkafka/rdkafka.h", "curl/curl.h", "libpq-fe.h", "lmdb.h", "sqlite3.h", "spdlog/spdlog.h", "httplib.h",
                       "yaml-cpp/yaml.h", "simdjson.h"):
            for name in ("libs/connector/src/a.cpp", "libs/pipeline/src/a.h", "apps/replicator/main.cpp"):
                self.expect("room", name, f"#pragma once\n#include <{header}>\n")
                self.expect("room", name, f'#pragma once\n#include "{header}"\n')

    def test_that_a_third_party_library_has_a_room(self):
        self.assertEqual(self.violations({"libs/kafka/src/a.cpp": "#include <librdkafka/rdkafka.h>\n",
                                          "libs/elastic/src/a.cpp": "#include <curl/curl.h>\n#include <simdjson.h>\n",
                                          "tests/bench/a_bench.cpp": "#include <curl/curl.h>\n"}), "")

    def test_a_third_party_header_in_public(self):
        self.expect("third-party-header", "libs/kafka/include/sluice/kafka/a.h", HEADER + "#include <librdkafka/rdkafka.h>\n")

    def test_a_header_without_its_thread_rule(self):
        self.expect("thread-rule", "libs/base/include/sluice/base/a.h", "// A.\n#pragma once\nclass A {\n};\n")

    def test_a_long_function(self):
        self.expect("function-length", "libs/base/src/a.cpp", "void f() {\n" + "  g();\n" * 70 + "}\n")

    def test_a_long_file(self):
        self.expect("file-length", "libs/base/src/a.cpp", "int a;\n" * 601)

    def test_a_long_line(self):
        self.expect("line-length", "libs/base/src/a.cpp", "// " + "x" * 118 + "\n")

    def test_a_name_that_says_nothing(self):
        self.expect("name", "libs/base/src/string_utils.cpp", "int a;\n")
        self.expect("name", "libs/base/src/a.cpp", "class SlotManager {\n};\n")

    def test_a_promise_instead_of_behaviour(self):
        self.expect("todo", "libs/base/src/a.cpp", "// TO" + "DO: later\n")

    def test_a_rule_that_nobody_can_look_up(self):
        self.expect("rule-id", "libs/base/src/a.cpp", "// Rule P-99.\n")
        known = {"libs/base/src/a.cpp": "// Rule P-99.\n", "libs/RULES.md": "| P-99 | What it says. |\n"}
        self.assertEqual(self.violations(known), "")

    def test_a_sleep_in_a_test(self):
        self.expect("sleep-in-test", "tests/unit/base/a_test.cpp", "std::this_thread::sleep_for(1s);\n")

    def test_a_path_of_one_machine(self):
        self.expect("machine-path", "Docker_Files/a.sh", "cd /ro" + "ot/x\n")

    def test_an_error_id_that_operators_cannot_look_up(self):
        self.expect("error-id", "libs/kafka/src/a.cpp", 'fail(Recovery::Stop, "kafka.lost", "");\n')

    def test_the_error_id_of_a_bug_that_operators_cannot_look_up(self):
        self.expect("error-id", "libs/base/src/a.cpp", 'fputs("ERROR internal.broken: report it", stderr);\n')

    def test_a_mistake_in_the_configuration_that_operators_cannot_look_up(self):
        self.expect("error-id", "libs/config/src/a.cpp", 'add(place, "config.broken", "");\n')

    def test_that_headers_files_and_settings_are_no_error_ids(self):
        self.assertEqual(self.violations({
            "libs/kafka/src/a.cpp": '#include "admin.h"\nset("log.queue", "config.yaml");\n',
            "libs/config/src/a.cpp": 'when(x, {"kafka.topic", "admin.token"}, "");\n'}), "")

    def test_a_documented_error_twice(self):
        row = "| `kafka.lost` | a | b | c |\n"
        self.assertIn("more than once", self.violations(
            {"README.md": row * 2, "libs/kafka/src/a.cpp": 'fail("kafka.lost");\n'}))

    def test_a_documented_error_that_nothing_makes(self):
        self.expect("error-id", "README.md", "| `kafka.lost` | a | b | c |\n")

    def test_a_unit_test_of_nothing(self):
        self.expect("test-name", "tests/unit/base/ghost_test.cpp", "int a;\n")

    def test_an_exception_that_is_no_longer_needed(self):
        self.expect("exception", "tests/tidy/exceptions.txt", "todo libs/base/src/a.cpp\n")


if __name__ == "__main__":
    unittest.main(argv=["tidy_test"])
