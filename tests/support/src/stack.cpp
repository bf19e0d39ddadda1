#include "sluice/testing/stack.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::testing {
namespace {

const std::string kNative = SLUICE_SOURCE_DIR "/Docker_Files/native/";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  // Thrown: what would be made below an empty path stands where nobody looks.
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set: run this through tests/run");
  return value;
}

const char* name_of(Server::Kind kind) {
  switch (kind) {
    case Server::Kind::Postgres: return "postgres";
    case Server::Kind::Kafka: return "kafka";
    case Server::Kind::Elasticsearch: return "elasticsearch";
  }
  return "";
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

Server postgres_for_all(int version) {
  const char* named = std::getenv("SLUICE_TEST_PG_VERSION");
  if (version == 0 && named != nullptr) version = std::atoi(named);
  return version == 0 ? Server::shared(Server::Kind::Postgres) : Server::postgres_of(version);
}

std::vector<std::string> version_for_all(Server::Kind kind) {
  const char* named = std::getenv("SLUICE_TEST_ES_VERSION");
  if (kind != Server::Kind::Elasticsearch || named == nullptr) return {};
  return {"--version", named};
}

constexpr const char* kPassword = "local-only";

}  // namespace

int free_port() { return std::stoi(run_ok({kNative + "stack", "ports", "1"})); }

Server::Server(Kind kind, int port, std::string data, bool is_own, std::vector<std::string> options)
    : kind_(kind), port_(port), data_(std::move(data)), is_own_(is_own), options_(std::move(options)) {}

Server::Server(Server&& other) noexcept
    : kind_(other.kind_),
      port_(other.port_),
      data_(std::move(other.data_)),
      is_own_(std::exchange(other.is_own_, false)),
      options_(std::move(other.options_)) {}

Server Server::shared(Kind kind) {
  const char* variable = kind == Kind::Postgres ? "SLUICE_TEST_PG_PORT"
                         : kind == Kind::Kafka  ? "SLUICE_TEST_KAFKA_PORT"
                                                : "SLUICE_TEST_ES_PORT";
  return {kind, std::atoi(environment(variable).c_str()), "", false, {}};
}

Server Server::own(Kind kind, const std::vector<std::string>& options) {
  Server server(kind, free_port(), environment("SLUICE_TEST_ROOT") + "/" + name_of(kind) + "_" + unique_name(), true,
                options);
  std::ranges::copy(version_for_all(kind), std::back_inserter(server.options_));
  server.start();
  return server;
}

Server Server::postgres_of(int version) {
  const std::string number = std::to_string(version);
  Server server(Kind::Postgres, free_port(), environment("SLUICE_TEST_ROOT") + "/postgres_" + number, false,
                {"--version", number});
  server.start();  // does nothing to one that runs
  std::ifstream instance(server.data_ + "/instance");
  for (std::string line; std::getline(instance, line);) {
    if (line.starts_with("port=")) server.port_ = std::stoi(line.substr(5));
  }
  return server;
}

void use_postgres_of(int version) {
  setenv("SLUICE_TEST_PG_PORT", std::to_string(Server::postgres_of(version).port()).c_str(), 1);
  setenv("SLUICE_TEST_PG_PASSWORD", "local-only", 1);
}

Server::~Server() {
  if (is_own_) script("wipe");
}

std::string Server::script(const std::string& command, const std::vector<std::string>& options) const {
  std::vector<std::string> line = {kNative + name_of(kind_), command, "--data", data_};
  line.insert(line.end(), options.begin(), options.end());
  return run_ok(line);
}

void Server::kill_now() { script("stop", {"--now"}); }
void Server::stop() { script("stop"); }

void Server::start() {
  std::vector<std::string> options = {"--port", std::to_string(port_)};
  options.insert(options.end(), options_.begin(), options_.end());
  script("start", options);
}

Stack::Stack(StackOptions options)
    : postgres_(options.own_postgres ? Server::own(Server::Kind::Postgres, options.postgres_options)
                                     : postgres_for_all(options.postgres_version)),
      kafka_(options.own_kafka ? Server::own(Server::Kind::Kafka, options.kafka_options)
                               : Server::shared(Server::Kind::Kafka)),
      elasticsearch_(options.own_elasticsearch ? Server::own(Server::Kind::Elasticsearch)
                                               : Server::shared(Server::Kind::Elasticsearch)),
      name_(unique_name()),
      folder_(environment("SLUICE_TEST_ROOT") + "/" + name_),
      database_("db_" + name_),
      slot_("slot_" + name_),
      topic_("cdc-" + name_),
      control_topic_("control-" + name_),
      prefix_(name_ + "_") {
  std::filesystem::create_directories(folder_);
  sql_in("postgres", "CREATE DATABASE " + database_);
  settings_ = {{"pipeline", slot_},
               {"state_dir", folder_ + "/state"},
               {"postgres.host", "127.0.0.1"},
               {"postgres.port", std::to_string(postgres_.port())},
               {"postgres.user", "postgres"},
               {"postgres.password", kPassword},
               {"postgres.dbname", database_},
               {"postgres.slot_name", slot_},
               {"postgres.publication_name", "pub_" + name_},
               {"postgres.idle_checkpoint_interval", "1s"},  // or each caught_up() takes up to the default's 10 s
               {"kafka.brokers", "['127.0.0.1:" + std::to_string(kafka_.port()) + "']"},
               {"kafka.topic", topic_},
               {"kafka.control_topic", control_topic_},
               {"kafka.groupID", "group-" + name_},
               {"elasticsearch.addresses", "['http://127.0.0.1:" + std::to_string(elasticsearch_.port()) + "']"},
               {"elasticsearch.indexPrefix", prefix_ + "journal_"},
               {"elasticsearch.mirrorPrefix", prefix_ + "mirror_"},
               {"elasticsearch.mirror", "on"},
               {"elasticsearch.number_of_replicas", "0"},
               {"retry.max_backoff", "1s"},
               {"admin.enabled", "off"}};
}

Stack::~Stack() {
  replicator_.reset();
  es_consumer_.reset();
  if (::testing::Test::HasFailure()) return;  // the evidence stays
  sql_in("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database_ + "'");
  eventually([&] {
    return trimmed(sql_in("postgres", "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + slot_ +
                                          "' AND active")) == "0";
  });
  sql_in("postgres",
         "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '" + slot_ + "'");
  sql_in("postgres", "DROP DATABASE IF EXISTS " + database_ + " WITH (FORCE)");
  std::filesystem::remove_all(folder_);
}

std::string Stack::dsn() const {
  return "host=127.0.0.1 port=" + std::to_string(postgres_.port()) + " user=postgres password=" + kPassword +
         " dbname=" + database_;
}

std::string Stack::sql_in(const std::string& database, const std::string& statement) {
  const std::string connection = "host=127.0.0.1 port=" + std::to_string(postgres_.port()) +
                                 " user=postgres password=" + kPassword + " dbname=" + database;
  return trimmed(run_ok({"psql", connection, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"}, statement));
}

std::int64_t Stack::sql_number(const std::string& statement) { return std::atoll(sql(statement).c_str()); }

std::vector<KafkaRecord> Stack::records(const std::string& topic) {
  const std::string broker = "127.0.0.1:" + std::to_string(kafka_.port());
  const bool exists =
      run_ok({"kcat", "-L", "-m", "60", "-b", broker}).find("topic \"" + topic + "\" with") != std::string::npos;
  if (!exists) return {};
  // Lengths first, so that no byte of a key or value can be taken for a separator. Length -1: null.
  const std::string text =
      run_ok({"kcat", "-C", "-q", "-e", "-m", "60", "-b", broker, "-t", topic, "-f", "%p %o %K %S\\n%k%s\\n"});
  std::vector<KafkaRecord> records;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t line_end = text.find('\n', at);
    std::istringstream line(text.substr(at, line_end - at));
    KafkaRecord record{.topic = topic};
    long key_size = 0;
    long value_size = 0;
    line >> record.partition >> record.offset >> key_size >> value_size;
    at = line_end + 1;
    if (key_size > 0) record.key = text.substr(at, static_cast<std::size_t>(key_size));
    at += key_size > 0 ? static_cast<std::size_t>(key_size) : 0;
    if (value_size >= 0) record.value = text.substr(at, static_cast<std::size_t>(value_size));
    at += (value_size > 0 ? static_cast<std::size_t>(value_size) : 0) + 1;
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<KafkaRecord> Stack::events() {
  auto all = records(topic_);
  std::erase_if(all, [](const KafkaRecord& record) { return record.key == "sluice:marker"; });
  return all;
}

std::string Stack::topic_tool(const std::vector<std::string>& arguments) {
  std::vector<std::string> line = {kNative + "kafka", "tool", "TopicCommand", "--bootstrap-server",
                                   "127.0.0.1:" + std::to_string(kafka_.port())};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return run_ok(line);
}

nlohmann::json Stack::elasticsearch(const std::string& method, const std::string& path, const nlohmann::json& body) {
  std::vector<std::string> line = {"curl",
                                   "-s",
                                   "-X",
                                   method,
                                   "http://127.0.0.1:" + std::to_string(elasticsearch_.port()) + path,
                                   "-H",
                                   "content-type: application/json"};
  if (!body.is_null()) line.insert(line.end(), {"-d", body.dump()});
  const std::string answer = run_ok(line);
  return nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
}

std::vector<nlohmann::json> Stack::documents(const std::string& index) {
  std::vector<nlohmann::json> found;
  elasticsearch("POST", "/" + index + "/_refresh");
  auto page = elasticsearch("POST", "/" + index + "/_search?scroll=1m",
                            {{"size", 5'000}, {"version", true}, {"sort", {"_doc"}}});
  while (page.is_object() && page.contains("hits") && !page["hits"]["hits"].empty()) {
    for (const auto& hit : page["hits"]["hits"]) found.push_back(hit);
    page = elasticsearch("POST", "/_search/scroll", {{"scroll", "1m"}, {"scroll_id", page["_scroll_id"]}});
  }
  // Elasticsearch gives its segments in whatever order they are in.
  std::ranges::sort(found, {}, [](const nlohmann::json& hit) { return hit["_id"].get<std::string>(); });
  return found;
}

std::int64_t Stack::document_count(const std::string& index) {
  elasticsearch("POST", "/" + index + "/_refresh");
  const auto count = elasticsearch("GET", "/" + index + "/_count");
  return count.is_object() && count.contains("count") ? count["count"].get<std::int64_t>() : -1;
}

std::map<std::string, nlohmann::json> Stack::table_rows(const std::string& table) {
  std::map<std::string, nlohmann::json> rows;
  std::istringstream lines(sql("SELECT to_jsonb(t) FROM " + table + " t"));
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    rows.emplace(row["id"].dump(), row);
  }
  return rows;
}

std::map<std::string, nlohmann::json> Stack::mirror_rows(const std::string& table) {
  std::map<std::string, nlohmann::json> rows;
  for (auto& hit : documents(mirror(table))) {
    nlohmann::json row = hit["_source"];
    row.erase("_sluice");
    rows.emplace(row["id"].dump(), row);
  }
  return rows;
}

std::string Stack::mirror_difference_now(const std::string& table) {
  const auto wanted = table_rows(table);
  const auto found = mirror_rows(table);
  for (const auto& [key, row] : wanted) {
    const auto document = found.find(key);
    if (document == found.end()) return "missing: " + row.dump();
    if (document->second != row) return "different: " + row.dump() + " is " + document->second.dump();
  }
  for (const auto& [key, row] : found) {
    if (!wanted.contains(key)) return "too much: " + row.dump();
  }
  return "";
}

std::string Stack::mirror_difference(const std::string& table, seconds patience) {
  const bool is_equal = eventually(
      [&] {
        // Reading everything again and again would take the servers' time from what is being waited for.
        return sql_number("SELECT count(*) FROM " + table) == document_count(mirror(table)) &&
               mirror_difference_now(table).empty();
      },
      patience);
  return is_equal ? "" : mirror_difference_now(table);
}

std::string Stack::write_config() {
  std::map<std::string, std::map<std::string, std::string>> sections;
  for (const auto& [key, value] : settings_) {
    const auto dot = key.find('.');
    if (dot == std::string::npos) {
      sections[""][key] = value;
    } else {
      sections[key.substr(0, dot)][key.substr(dot + 1)] = value;
    }
  }
  const std::string file = folder_ + "/config.yaml";
  std::ofstream out(file + ".new");
  for (const auto& [section, keys] : sections) {
    if (!section.empty()) out << section << ":\n";
    for (const auto& [key, value] : keys) out << (section.empty() ? "" : "  ") << key << ": " << value << "\n";
  }
  out.close();
  // In one step: a program that was started just now may still be about to read it.
  std::filesystem::rename(file + ".new", file);
  return file;
}

std::unique_ptr<Program> Stack::start(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<std::string> line = {SLUICE_BINARY_DIR "/bin/" + program, "run", "--config", write_config()};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return std::make_unique<Program>(line, folder_ + "/" + program + ".log");
}

Program& Stack::start_replicator(const std::vector<std::string>& arguments) {
  replicator_ = start("replicator", arguments);
  return *replicator_;
}

Program& Stack::start_es_consumer(const std::vector<std::string>& arguments) {
  es_consumer_ = start("es_consumer", arguments);
  return *es_consumer_;
}

Finished Stack::replicator_command(const std::vector<std::string>& arguments) {
  std::string line = SLUICE_BINARY_DIR "/bin/replicator";
  for (const std::string& argument : arguments) line += " '" + argument + "'";
  return run({"sh", "-c", line + " --config '" + write_config() + "' 2>&1"});
}

bool Stack::caught_up(seconds patience) {
  const std::string now = sql("SELECT pg_current_wal_lsn()");
  return eventually(
      [&] {
        return sql("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '" + slot_ +
                   "' AND confirmed_flush_lsn >= '" + now + "'::pg_lsn") == "1";
      },
      patience);
}

bool Stack::topic_has(std::size_t wanted, seconds patience) {
  return eventually([&] { return events().size() >= wanted; }, patience);
}

bool Stack::journal_has(const std::string& table, std::size_t wanted, seconds patience) {
  return eventually([&] { return document_count(journal(table)) >= static_cast<std::int64_t>(wanted); }, patience);
}

}  // namespace sluice::testing
