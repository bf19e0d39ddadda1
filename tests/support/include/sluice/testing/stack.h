// A little language for tests against the real servers: a database, topics and indices of one's own, both programs, and
// the independent eyes (psql, kcat, curl) that judge them. Nothing here uses the project's own decoders.
//
// The servers are shared and were started by tests/run (SLUICE_TEST_*), unless a test starts its own to kill them.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sluice/testing/program.h"

namespace sluice::testing {

/// Of 127.0.0.1, where nobody listens now.
int free_port();

/// One server, started and stopped by the project's own scripts.
class Server {
 public:
  enum class Kind { Postgres, Kafka, Elasticsearch };
  /// The shared one of tests/run.
  static Server shared(Kind kind);
  /// One of this test's own on a free port: it may be killed. Stopped and wiped at the end.
  /// Elasticsearch of the version that SLUICE_TEST_ES_VERSION names, if it does.
  static Server own(Kind kind, const std::vector<std::string>& options = {});
  /// The PostgreSQL of this number, 14 to 18: one for the whole run, started by the first test that asks for it, ended
  /// with the run.
  static Server postgres_of(int version);

  Server(Server&& other) noexcept;
  Server& operator=(Server&&) = delete;
  ~Server();

  void kill_now();
  void stop();
  void start();
  int port() const { return port_; }
  const std::string& data() const { return data_; }

 private:
  Server(Kind kind, int port, std::string data, bool is_own, std::vector<std::string> options);
  std::string script(const std::string& command, const std::vector<std::string>& options = {}) const;

  Kind kind_;
  int port_;
  std::string data_;
  bool is_own_;
  std::vector<std::string> options_;
};

/// From now on a PostgresFixture of this process works on Server::postgres_of(version).
void use_postgres_of(int version);

struct KafkaRecord {
  std::string topic;
  int partition = 0;
  std::int64_t offset = 0;
  std::string key;
  std::optional<std::string> value;
  nlohmann::json json() const { return nlohmann::json::parse(*value); }
};

struct StackOptions {
  /// Servers of this test's own instead of the shared ones.
  bool own_postgres = false;
  bool own_kafka = false;
  bool own_elasticsearch = false;
  std::vector<std::string> postgres_options;
  /// 0: what SLUICE_TEST_PG_VERSION names; without it that of tests/run. Else Server::postgres_of().
  int postgres_version = 0;
  std::vector<std::string> kafka_options;
};

class Stack {
 public:
  explicit Stack(StackOptions options = {});
  ~Stack();

  // The source.
  std::string sql(const std::string& statement) { return sql_in(database_, statement); }
  std::string sql_in(const std::string& database, const std::string& statement);
  std::int64_t sql_number(const std::string& statement);
  const std::string& database() const { return database_; }
  const std::string& slot() const { return slot_; }
  std::string dsn() const;

  // Kafka, through kcat.
  std::vector<KafkaRecord> records(const std::string& topic);
  /// Of the events' topic, without markers.
  std::vector<KafkaRecord> events();
  const std::string& topic() const { return topic_; }
  const std::string& control_topic() const { return control_topic_; }
  /// Runs a Kafka tool: topic_tool({"--delete", "--topic", …}).
  std::string topic_tool(const std::vector<std::string>& arguments);

  // Elasticsearch, through curl.
  nlohmann::json elasticsearch(const std::string& method, const std::string& path,
                               const nlohmann::json& body = nullptr);
  /// Every document of an index or alias, after a refresh.
  std::vector<nlohmann::json> documents(const std::string& index);
  /// How many there are, after a refresh; -1: no such index or alias.
  std::int64_t document_count(const std::string& index);
  std::string journal(const std::string& table) const { return prefix_ + "journal_public_" + table; }
  std::string mirror(const std::string& table) const { return prefix_ + "mirror_public_" + table; }

  /// Rows of a table by key column `id`, as PostgreSQL itself makes JSON of them.
  std::map<std::string, nlohmann::json> table_rows(const std::string& table);
  /// Rows of its mirror that are not deleted, without the bookkeeping.
  std::map<std::string, nlohmann::json> mirror_rows(const std::string& table);
  /// Waits until both are equal; the first difference in words, empty when there is none.
  std::string mirror_difference(const std::string& table, seconds patience = seconds(90));

  // The programs.
  /// The configuration both run with; change it before they start.
  std::map<std::string, std::string>& settings() { return settings_; }
  Program& start_replicator(const std::vector<std::string>& arguments = {});
  Program& start_es_consumer(const std::vector<std::string>& arguments = {});
  Program& replicator() { return *replicator_; }
  Program& es_consumer() { return *es_consumer_; }
  bool has_replicator() const { return replicator_ != nullptr; }
  /// Another subcommand, run to its end; its output with stderr.
  Finished replicator_command(const std::vector<std::string>& arguments);
  std::string write_config();
  const std::string& folder() const { return folder_; }

  // Conditions to wait for.
  /// The slot is confirmed up to where the WAL is now.
  bool caught_up(seconds patience = seconds(60));
  bool topic_has(std::size_t events, seconds patience = seconds(60));
  bool journal_has(const std::string& table, std::size_t documents, seconds patience = seconds(90));

  Server& postgres() { return postgres_; }
  Server& kafka() { return kafka_; }
  Server& elasticsearch_server() { return elasticsearch_; }

 private:
  std::string mirror_difference_now(const std::string& table);
  std::unique_ptr<Program> start(const std::string& program, const std::vector<std::string>& arguments);

  Server postgres_;
  Server kafka_;
  Server elasticsearch_;
  std::string name_;
  std::string folder_;
  std::string database_;
  std::string slot_;
  std::string topic_;
  std::string control_topic_;
  std::string prefix_;
  std::map<std::string, std::string> settings_;
  std::unique_ptr<Program> replicator_;
  std::unique_ptr<Program> es_consumer_;
};

}  // namespace sluice::testing
