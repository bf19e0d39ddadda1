// Both programs seen from outside, over HTTP, while they work on real servers.
#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>

#include "sluice/testing/plain_http.h"
#include "sluice/testing/stack.h"

using namespace sluice::testing;

namespace {

struct Answer {
  int code = 0;
  std::string body;
};

/// curl's eyes; code 0: nothing answered.
Answer get(int port, const std::string& path) {
  const Finished curl =
      run({"curl", "-s", "-m", "5", "-w", "\n%{http_code}", "http://127.0.0.1:" + std::to_string(port) + path});
  const auto cut = curl.output.rfind('\n');
  if (cut == std::string::npos) return {};
  return {std::atoi(curl.output.c_str() + cut + 1), curl.output.substr(0, cut)};
}

/// The value of a sample whose line begins like this, labels included; -1: there is none.
double sample(const std::string& metrics, const std::string& begin) {
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(begin)) return std::strtod(line.c_str() + line.rfind(' ') + 1, nullptr);
  }
  return -1;
}

bool is_installed(const std::string& program) { return run({"sh", "-c", "command -v " + program}).exit_code == 0; }

class Admin : public testing::Test {
 protected:
  explicit Admin(StackOptions options = {}) : stack(std::move(options)) {}
  void SetUp() override {
    std::istringstream ports(run_ok({std::string(SLUICE_SOURCE_DIR) + "/Docker_Files/native/stack", "ports", "2"}));
    ports >> replicator_port >> consumer_port;
    stack.sql("CREATE TABLE users (id int PRIMARY KEY, name text, age int)");
    stack.settings()["postgres.tables"] = "[public.users]";
    stack.settings()["admin.enabled"] = "on";
    stack.settings()["admin.replicator"] = "127.0.0.1:" + std::to_string(replicator_port);
    stack.settings()["admin.es_consumer"] = "127.0.0.1:" + std::to_string(consumer_port);
  }
  /// Discarded when the page did not come: nothing equals it.
  nlohmann::json status(int port) {
    return nlohmann::json::parse(get(port, "/status").body, nullptr, /*allow_exceptions=*/false);
  }
  bool is_ready(int port) {
    return eventually([&] { return get(port, "/readyz").code == 200; });
  }
  /// 503, and one of the reasons has an id that begins like this.
  bool has_reason(int port, const std::string& begin) {
    return eventually([&] {
      const Answer answer = get(port, "/status");
      if (answer.code != 503) return false;
      const auto page = nlohmann::json::parse(answer.body);
      for (const auto& reason : page["reasons"]) {
        if (reason["id"].get<std::string>().starts_with(begin)) return true;
      }
      return false;
    });
  }

  Stack stack;
  int replicator_port = 0;
  int consumer_port = 0;
};

class AdminOfAnOutage : public Admin {
 protected:
  AdminOfAnOutage() : Admin({.own_postgres = true}) {}
};

}  // namespace

TEST_F(Admin, TheCountersOfBothProgramsEqualTheRowsThatWereWritten) {
  stack.sql("INSERT INTO users SELECT g, 'user ' || g, g FROM generate_series(1, 20) g");
  stack.start_replicator();
  ASSERT_TRUE(is_ready(replicator_port)) << stack.replicator().log();
  ASSERT_TRUE(eventually([&] { return status(replicator_port)["state"] == "streaming"; }));
  stack.start_es_consumer();  // behind it, so that the topic is there and nothing has to be tried again
  ASSERT_TRUE(is_ready(consumer_port)) << stack.es_consumer().log();
  stack.sql("INSERT INTO users SELECT g, 'user ' || g, g FROM generate_series(101, 200) g");
  stack.sql("UPDATE users SET age = 1 WHERE id <= 7");
  stack.sql("DELETE FROM users WHERE id > 195");
  ASSERT_TRUE(stack.topic_has(132));
  ASSERT_TRUE(stack.journal_has("users", 132)) << stack.es_consumer().log();

  ASSERT_TRUE(eventually([&] {
    const auto page = status(replicator_port);
    return page.is_object() && page["tables"]["public.users"]["delete"] == 5 &&
           page["counters"]["records_durable"] >= 132;
  })) << get(replicator_port, "/status").body;
  const auto table = status(replicator_port)["tables"]["public.users"];
  EXPECT_EQ(table["snapshot"], 20);
  EXPECT_EQ(table["insert"], 100);
  EXPECT_EQ(table["update"], 7);

  const std::string events =
      "sluice_replicator_events_read_total{pipeline=\"" + stack.slot() + "\",table=\"public.users\",op=\"";
  const std::string metrics = get(replicator_port, "/metrics").body;
  EXPECT_EQ(sample(metrics, events + "snapshot\"}"), 20);
  EXPECT_EQ(sample(metrics, events + "insert\"}"), 100);
  EXPECT_EQ(sample(metrics, events + "update\"}"), 7);
  EXPECT_EQ(sample(metrics, events + "delete\"}"), 5);
  EXPECT_GT(sample(metrics, "sluice_replicator_commit_to_kafka_seconds_count"), 0) << metrics;
  EXPECT_GE(sample(metrics, "sluice_replicator_batch_records_sum"), 132) << metrics;
  EXPECT_EQ(sample(metrics, "sluice_replicator_reselect_queries_total"), 0) << metrics;

  // The page is a second old at most: wait until it tells of what is known to be written.
  ASSERT_TRUE(eventually([&] {
    const auto page = status(consumer_port);
    return page["counters"]["records_finished"] >= 132 && page["lag"]["records"] == 0;
  })) << get(consumer_port, "/status").body;
  const auto consumer = status(consumer_port);
  const auto ends = consumer["partitions"];
  std::int64_t finished = 0;
  for (const auto& partition : ends) finished += partition["finished"].get<std::int64_t>();
  EXPECT_EQ(consumer["counters"]["records_finished"], finished);
  EXPECT_GE(consumer["counters"]["documents_written"].get<int>(), 132);
  EXPECT_EQ(consumer["errors"]["count_by_id"], (nlohmann::json{{"es.no_replicas", 1}})) << "as the tests want it";
  const std::string indexed = get(consumer_port, "/metrics").body;
  const std::string of_users = "{pipeline=\"" + stack.slot() + "\",table=\"public.users\",op=\"";
  EXPECT_EQ(sample(indexed, "sluice_es_consumer_events_total" + of_users + "snapshot\"}"), 20);
  EXPECT_EQ(sample(indexed, "sluice_es_consumer_events_total" + of_users + "insert\"}"), 100);
  EXPECT_EQ(sample(indexed, "sluice_es_consumer_events_total" + of_users + "update\"}"), 7);
  EXPECT_EQ(sample(indexed, "sluice_es_consumer_events_total" + of_users + "delete\"}"), 5);
  EXPECT_EQ(sample(indexed, "sluice_es_consumer_documents_total" + of_users + "insert\"}"), 200)
      << "one of the journal and one of the mirror";
  EXPECT_GE(sample(indexed, "sluice_es_consumer_bulk_size_documents_sum"), 132);
  const std::string skipped = "sluice_es_consumer_records_skipped_total{pipeline=\"" + stack.slot() + "\",kind=\"";
  EXPECT_EQ(sample(indexed, skipped + "marker\"}") + sample(indexed, skipped + "tombstone\"}") +
                sample(indexed, skipped + "message\"}"),
            consumer["counters"]["records_finished"].get<int>() - 132)
      << indexed;
  EXPECT_EQ(sample(indexed, "sluice_es_consumer_commit_to_bulk_seconds_count{pipeline=\"" + stack.slot() + "\"}"), 112)
      << "one for each change; a snapshot has no time of its commits";
  EXPECT_GT(sample(indexed, "sluice_es_consumer_record_to_bulk_seconds_count"), 0);
}

TEST_F(Admin, TheSlotIsShownAsPostgresqlShowsIt) {
  stack.start_replicator();
  ASSERT_TRUE(is_ready(replicator_port)) << stack.replicator().log();
  stack.sql("INSERT INTO users SELECT g, repeat('x', 100), g FROM generate_series(1, 1000) g");
  ASSERT_TRUE(stack.topic_has(1'000));
  const auto number = [&](const std::string& lsn) { return stack.sql_number("SELECT pg_lsn " + lsn + " - '0/0'"); };
  const auto by_sql = [&] {
    return nlohmann::json::parse(stack.sql(
        "SELECT row_to_json(s) FROM (SELECT restart_lsn, confirmed_flush_lsn, wal_status, pg_current_wal_lsn() AS now "
        "FROM pg_replication_slots WHERE slot_name = '" +
        stack.slot() + "') s"));
  };
  const auto by_status = [&] { return status(replicator_port)["slot"]; };
  const auto is_the_same = [&] {
    const auto before = by_sql();
    const auto asked = by_status()["asked"];
    if (!eventually([&] { return by_status()["asked"] != asked; })) return false;
    const auto shown = by_status();
    const double metric = sample(get(replicator_port, "/metrics").body, "sluice_replicator_slot_retained_bytes");
    const auto after = by_sql();
    if (before["restart_lsn"] != after["restart_lsn"]) return false;  // it is not quiet yet
    const auto restart = number("'" + after["restart_lsn"].get<std::string>() + "'");
    EXPECT_EQ(shown["restart_lsn"], after["restart_lsn"]);
    EXPECT_EQ(shown["wal_status"], after["wal_status"]);
    EXPECT_GE(metric, number("'" + before["now"].get<std::string>() + "'") - restart);
    EXPECT_LE(metric, number("'" + after["now"].get<std::string>() + "'") - restart);
    EXPECT_GT(metric, 0) << "a slot keeps what a transaction that runs may need";
    return true;
  };
  ASSERT_TRUE(eventually(is_the_same, seconds(180))) << by_status();

  // Another connection is opened for the next question.
  stack.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
      "AND backend_type = 'client backend' AND pid <> pg_backend_pid()");
  ASSERT_TRUE(eventually([&] { return status(replicator_port)["errors"]["last"].is_object(); }));
  const auto unanswered = by_status()["asked"];
  EXPECT_TRUE(eventually([&] { return by_status()["asked"] != unanswered; })) << by_status();
  EXPECT_EQ(get(replicator_port, "/readyz").code, 200);
}

TEST_F(Admin, EveryPageAnswersAndPrometheusCanReadTheMetrics) {
  stack.start_replicator();
  stack.start_es_consumer();
  for (const int port : {replicator_port, consumer_port}) {
    ASSERT_TRUE(is_ready(port));
    EXPECT_EQ(get(port, "/healthz").code, 200);
    EXPECT_EQ(get(port, "/status").code, 200);
    EXPECT_NE(get(port, "/").body.find("<svg"), std::string::npos);
    EXPECT_EQ(http(port, "POST", "/status").status, 405);
    const Answer metrics = get(port, "/metrics");
    EXPECT_EQ(metrics.code, 200);
    EXPECT_EQ(sample(metrics.body, "sluice_alive"), 1);
    EXPECT_EQ(sample(metrics.body, "sluice_ready"), 1);
    if (is_installed("promtool")) {
      EXPECT_EQ(run({"promtool", "check", "metrics"}, metrics.body).exit_code, 0) << metrics.body;
    }
  }
}

TEST_F(Admin, TheStatusCommandAsksTheRunningProgramAndReadsTheStateWithoutIt) {
  stack.start_replicator();
  ASSERT_TRUE(is_ready(replicator_port));
  ASSERT_TRUE(eventually([&] { return status(replicator_port)["state"] == "streaming"; }));
  const Finished running = stack.replicator_command({"status"});
  EXPECT_EQ(running.exit_code, 0);
  EXPECT_NE(running.output.find("streaming"), std::string::npos) << running.output;
  EXPECT_NE(running.output.find("records_durable"), std::string::npos) << running.output;
  const Finished alive = stack.replicator_command({"status", "--probe", "live"});
  EXPECT_EQ(alive.exit_code, 0);
  EXPECT_EQ(alive.output, "alive\n");
  EXPECT_EQ(stack.replicator_command({"status", "--probe", "ready"}).output, "ready\n");
  const int port_of_another = Server::shared(Server::Kind::Elasticsearch).port();
  const Finished elsewhere = stack.replicator_command(
      {"status", "--probe", "live", "--set", "admin.replicator=127.0.0.1:" + std::to_string(port_of_another)});
  EXPECT_EQ(elsewhere.exit_code, 3);
  EXPECT_NE(elsewhere.output.find("ERROR admin.bad_answer: "), std::string::npos) << elsewhere.output;
  stack.replicator().stop();
  const Finished stopped = stack.replicator_command({"status"});
  EXPECT_EQ(stopped.exit_code, 0);
  EXPECT_NE(stopped.output.find("not running"), std::string::npos) << stopped.output;
  const Finished probed = stack.replicator_command({"status", "--probe", "live"});
  EXPECT_EQ(probed.exit_code, 4);
  EXPECT_NE(probed.output.find("ERROR admin.no_answer: "), std::string::npos) << probed.output;
}

TEST_F(Admin, ATakenPortStopsTheProgramAndSaysSo) {
  stack.settings()["admin.es_consumer"] = "127.0.0.1:" + std::to_string(replicator_port);
  stack.settings()["admin.replicator"] = "127.0.0.1:" + std::to_string(consumer_port);
  stack.start_es_consumer();
  ASSERT_TRUE(eventually([&] { return get(replicator_port, "/healthz").code == 200; }));
  stack.settings()["admin.es_consumer"] = "127.0.0.1:" + std::to_string(consumer_port);
  stack.settings()["admin.replicator"] = "127.0.0.1:" + std::to_string(replicator_port);
  stack.start_replicator();
  EXPECT_EQ(stack.replicator().wait(), 3);
  EXPECT_NE(stack.replicator().log().find("admin.port_taken"), std::string::npos) << stack.replicator().log();
}

TEST_F(AdminOfAnOutage, WhilePostgresqlIsAwayTheStatusIs503WithTheReasonAndTheProgramIsAlive) {
  stack.start_replicator();
  ASSERT_TRUE(is_ready(replicator_port)) << stack.replicator().log();
  stack.postgres().kill_now();
  EXPECT_TRUE(has_reason(replicator_port, "pg.")) << get(replicator_port, "/status").body;
  EXPECT_EQ(get(replicator_port, "/readyz").code, 503);
  EXPECT_EQ(get(replicator_port, "/healthz").code, 200);
  EXPECT_FALSE(status(replicator_port)["errors"]["last"].is_null());
  EXPECT_EQ(stack.replicator_command({"status", "--probe", "live"}).exit_code, 0) << "a restart would not help";
  const Finished not_ready = stack.replicator_command({"status", "--probe", "ready"});
  EXPECT_EQ(not_ready.exit_code, 4);
  EXPECT_NE(not_ready.output.find("ERROR admin.not_ready: "), std::string::npos) << not_ready.output;
  EXPECT_NE(not_ready.output.find("pg."), std::string::npos) << not_ready.output;
  stack.postgres().start();
  EXPECT_TRUE(is_ready(replicator_port)) << stack.replicator().log();
}
