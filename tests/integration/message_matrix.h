// The same suite on every PostgreSQL that Sluice works with, one server a version. A test makes tables, lets SQL change
// them and looks at the records that our stream, assembler and encoder make of it. Three judges, none of them ours:
// what is written down, the rows that PostgreSQL holds in the end, and the words of its plugin
// test_decoding for the same WAL.
//
// Thread rule: one thread.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "sluice/codec/envelope_encoder.h"
#include "sluice/postgres/publication.h"
#include "sluice/postgres/reselect.h"
#include "sluice/testing/postgres_fixture.h"
#include "sluice/testing/stack.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::testing {

using Json = nlohmann::ordered_json;
using Lines = std::vector<std::string>;

/// What the versions differ in: a column here, never a branch in the code. A text is the SQLSTATE of the statement that
/// asks for it; an empty one: it can be had.
struct ServerVersion {
  int number = 0;
  std::string_view row_filters_and_column_lists;
  std::string_view publish_generated_columns;
  std::string_view update_with_a_generated_column_in_the_identity;
  /// Every transaction comes while it is in progress, however small (a setting for tests of PostgreSQL 16 and up).
  bool streamed = false;

  std::string name() const { return std::to_string(number) + (streamed ? "_streamed" : ""); }
  friend void PrintTo(const ServerVersion& version, std::ostream* out) { *out << "pg" << version.name(); }
};

inline const std::vector<ServerVersion> kServerVersions = {
    {14, "42601", "42601", ""}, {15, "", "42601", ""},       {16, "", "42601", ""},      {17, "", "42601", ""},
    {18, "", "", "42P10"},      {16, "", "42601", "", true}, {18, "", "", "42P10", true}};

/// ctest makes `/pg18` of it and of what is printed.
inline std::string name_of_version(const ::testing::TestParamInfo<ServerVersion>& info) { return info.param.name(); }

struct Arrived {
  std::string key;
  Json value;
};

/// A text that would fill the screen, by its length.
inline Json shortened(Json row) {
  for (auto& [name, cell] : row.items()) {
    if (cell.is_string() && cell.get_ref<const std::string&>().size() > 100) {
      cell = fmt::format("~{}", cell.get_ref<const std::string&>().size());
    }
  }
  return row;
}

/// `u public.t:1 {before} -> {after} unavailable["big"]`
inline std::string line_of(const Arrived& record) {
  const Json& value = record.value;
  std::string line = value["op"].get<std::string>() + " " + record.key;
  if (!value["before"].is_null()) line += " " + shortened(value["before"]).dump();
  if (!value["before"].is_null() && !value["after"].is_null()) line += " ->";
  if (!value["after"].is_null()) line += " " + shortened(value["after"]).dump();
  for (const char* list : {"unavailable", "reselected"}) {
    if (value.contains(list)) line += " " + (list + value[list].dump());
  }
  if (value.contains("message")) line += " " + value["message"].dump();
  return line;
}

inline Lines lines_of(const std::vector<Arrived>& records) {
  Lines lines;
  for (const Arrived& record : records) lines.push_back(line_of(record));
  return lines;
}

inline std::string table_of(const Json& value) {
  return value["source"]["schema"].get<std::string>() + "." + value["source"]["table"].get<std::string>();
}

/// Empty when they are equal; long lines by their begin.
inline std::string first_difference(const Lines& ours, const Lines& wanted) {
  const auto [our, other] = std::mismatch(ours.begin(), ours.end(), wanted.begin(), wanted.end());
  if (our == ours.end() && other == wanted.end()) return "";
  const std::string is = our == ours.end() ? "nothing" : our->substr(0, 300);
  const std::string should = other == wanted.end() ? "nothing" : other->substr(0, 300);
  return fmt::format("line {}: {}\n  where it should be {}", our - ours.begin(), is, should);
}

/// What a strict reader makes of the records: a row is made once, and changed and deleted only where it is.
class Replica {
 public:
  void apply(const Arrived& record) {
    const char op = record.value["op"].get_ref<const std::string&>().front();
    if (op == 'm') return;
    auto& rows = tables_[table_of(record.value)];
    const bool is_there = rows.contains(record.key);
    if (op != 't' && is_there != (op != 'c')) violations_.push_back(line_of(record));
    if (op == 't') rows.clear();
    if (op == 'd') rows.erase(record.key);
    if (op == 'c' || op == 'u') {
      nlohmann::json row = record.value["after"];
      // What did not come stays as it was.
      if (record.value.contains("unavailable")) {
        for (const std::string name : record.value["unavailable"]) {
          if (rows[record.key].contains(name)) row[name] = rows[record.key][name];
        }
      }
      rows[record.key] = std::move(row);
    }
  }
  /// Sorted.
  Lines rows(const std::string& table) const {
    Lines rows;
    if (const auto found = tables_.find(table); found != tables_.end()) {
      for (const auto& [key, row] : found->second) rows.push_back(row.dump());
    }
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  const Lines& violations() const { return violations_; }

 private:
  std::map<std::string, std::map<std::string, nlohmann::json>> tables_;
  Lines violations_;
};

enum class Toast { Mark, Reselect };

class MessageMatrix : public PostgresFixture, public ::testing::WithParamInterface<ServerVersion> {
 protected:
  void SetUp() override {
    use_postgres_of(GetParam().number);
    PostgresFixture::SetUp();
    ASSERT_EQ(main_session().server_version_num() / 10'000, static_cast<std::uint32_t>(GetParam().number));
    if (GetParam().streamed) {
      sql(fmt::format("alter database {} set debug_logical_replication_streaming = immediate", name()));
    }
    catalog_.emplace(options());
  }
  void TearDown() override {
    source_.reset();
    stream_.reset();
    catalog_.reset();
    PostgresFixture::TearDown();
  }

  /// Tables and the publication p. What is changed from here on arrives, and test_decoding tells of it.
  void given(const std::string& setup) {
    sql(setup);
    create_slot(name());
    sql(fmt::format("select pg_create_logical_replication_slot('{}_told', 'test_decoding')", name()));
  }
  void policy(Toast toast) { toast_ = toast; }

  /// SQLSTATE of a statement; empty: it went well.
  std::string sqlstate_of(const std::string& statement) {
    const auto result = main_session().query("test", statement);
    if (result) return "";
    const std::string& message = result.error().message;
    const std::size_t at = message.find("SQLSTATE ");
    return at == std::string::npos ? message : message.substr(at + 9, 5);
  }

  /// The SQLSTATE by which our program names that PostgreSQL refuses the application's updates; empty: it sees none.
  std::string refusal_named(const std::string& table) {
    const auto publication = must(postgres::fetch_publication(main_session(), "p"));
    for (const auto& facts : publication->tables) {
      const auto refused = facts.name == table ? postgres::refused_updates("p", facts) : std::nullopt;
      if (!refused) continue;
      EXPECT_EQ(refused->id, "pg.updates_refused");
      EXPECT_EQ(refused->recovery, base::Recovery::Stop);
      return refused->message.substr(refused->message.find("SQLSTATE ") + 9, 5);
    }
    return "";
  }

  /// The records of everything since the last call, which the replica has applied.
  std::vector<Arrived> arrived() {
    auto records = must(read());
    for (const Arrived& record : records) replica_.apply(record);
    return records;
  }
  base::Result<std::vector<Arrived>> read() {
    if (!stream_) start();
    sql("select pg_logical_emit_message(true, 'sluice.test', '')");
    std::vector<Arrived> records;
    bool at_mark = false;
    const base::Deadline deadline = base::Clock::now() + base::Milliseconds(20'000);
    while (base::Clock::now() < deadline) {
      SLUICE_ASSIGN(const auto item, source().next());
      if (!item) {
        // From 16 on a walsender can miss that WAL was flushed; a status update, as the replicator sends them, wakes
        // it.
        SLUICE_TRY(source().confirm({}));
        wait_for(source(), std::min(deadline, base::Clock::now() + base::Milliseconds(1'000)));
      } else if (const auto* event = std::get_if<const change::ChangeEvent*>(&*item)) {
        at_mark = (*event)->message.prefix == "sluice.test";
        if (!at_mark) SLUICE_TRY(encode(**event, records));
      } else if (const auto* end = std::get_if<change::TransactionEnd>(&*item)) {
        position_ = end->end;
        if (at_mark) return records;
      }
    }
    return base::fail(base::Recovery::Stop, "test.nothing_came", "the mark did not arrive in time");
  }
  /// Kafka has it, PostgreSQL may forget it; the connection ends and the next call of arrived() makes another one.
  void confirm_and_reconnect() {
    must(source().confirm(position_));
    must(stream_->finish(base::Milliseconds(5'000)));
    disconnect();
  }
  void start_from_the_beginning() { position_ = {}; }
  void disconnect() {
    source_.reset();
    stream_.reset();
    EXPECT_TRUE(eventually(
        [this] { return sql("select active from pg_replication_slots where slot_name = '" + name() + "'") == "f"; }));
  }

  const Replica& replica() const { return replica_; }
  /// What SQL says of the rows, as the replica says it.
  Lines rows_of(const std::string& query) {
    Lines rows;
    for (const std::string& row : column_of("select to_jsonb(x)::text from (" + query + ") x"))
      rows.push_back(nlohmann::json::parse(row).dump());
    std::sort(rows.begin(), rows.end());
    return rows;
  }
  /// The replica is what the query gives (nothing: the whole table), and nothing came that a strict reader refuses.
  void expect_replica(const std::string& table, const std::string& query = "") {
    EXPECT_EQ(replica_.rows(table), rows_of(query.empty() ? "select * from " + table : query));
    EXPECT_THAT(replica_.violations(), ::testing::IsEmpty());
  }

  /// What test_decoding says of the WAL since the last call, a line a change.
  Lines told() {
    return column_of(
        fmt::format("select data from pg_logical_slot_get_changes('{}_told', null, null, 'include-xids', '0')"
                    " where data not in ('BEGIN', 'COMMIT') and data not like '%prefix: sluice.test%'",
                    name()));
  }
  /// The records in the words of test_decoding. Not of TRUNCATE, whose flags no record tells.
  Lines in_its_words(const std::vector<Arrived>& records) {
    Lines lines;
    for (std::size_t at = 0; at < records.size(); ++at) {
      const bool is_key_change = at + 1 < records.size() &&
                                 records[at + 1].value["id"] == records[at].value["id"].get<std::string>() + ".0001";
      lines.push_back(is_key_change ? sentence(records[at].value, records[at + 1].value)
                                    : sentence(records[at].value, records[at].value));
      if (is_key_change) ++at;
    }
    return lines;
  }
  void expect_told(const std::vector<Arrived>& records) {
    EXPECT_EQ(first_difference(in_its_words(records), told()), "");
  }

  /// What the snapshot would say of the published tables, by name.
  std::map<std::string, change::TableSchemaPtr> schemas() {
    std::map<std::string, change::TableSchemaPtr> by_name;
    for (auto& schema : must(postgres::fetch_schemas(main_session(), "p", *catalog_)))
      by_name.emplace(change::qualified_name(*schema), schema);
    return by_name;
  }
  /// Snapshot and stream agree on what the table looks like.
  void expect_one_schema(const Arrived& record) {
    const auto schema = schemas().at(table_of(record.value));
    EXPECT_EQ(record.value["source"]["schema_id"], fmt::format("{:016x}", schema->id)) << line_of(record);
  }

  std::vector<std::string> column_of(const std::string& query) {
    const postgres::QueryResult answer = must(main_session().query("test", query));
    std::vector<std::string> values;
    for (int index = 0; index < answer.rows(); ++index) values.push_back(answer.row(index).string_or_empty());
    return values;
  }
  codec::EnvelopeEncoder& encoder() { return encoder_; }
  postgres::SqlCatalog& catalog() { return *catalog_; }

 private:
  void start() {
    postgres::StreamOptions stream_options{name(), "p"};
    stream_options.epoch = 1;
    stream_options.start = change::lsn_of(position_);
    if (GetParam().streamed) stream_options.streaming = {spool_.path(), {}};
    stream_ = must(postgres::ReplicationStream::start(session(postgres::ConnectionKind::Replication),
                                                      std::move(stream_options), *catalog_));
    if (toast_ == Toast::Reselect) source_ = must(postgres::ReselectSource::open(*stream_, session()));
  }
  pipeline::ChangeSource& source() {
    if (source_) return *source_;
    return *stream_;
  }

  base::Result<void> encode(const change::ChangeEvent& event, std::vector<Arrived>& out) {
    if (event.table && prepared_.insert(event.table).second) SLUICE_TRY(encoder_.prepare(event.table, {}));
    change::RecordBatch batch;
    SLUICE_TRY(encoder_.encode(event, 0, batch));
    for (std::size_t index = 0; index < batch.size(); ++index) {
      out.push_back({std::string(batch[index].key), Json::parse(batch[index].value)});
    }
    return {};
  }

  std::string sentence(const Json& from, const Json& to) {
    const std::string op = to["op"];
    if (op == "m") {
      const Json& message = to["message"];
      const std::string content = message["content"];
      return fmt::format("message: transactional: {:d} prefix: {}, sz: {} content:{}",
                         message["transactional"].get<bool>(), message["prefix"].get<std::string>(), content.size(),
                         content);
    }
    const std::string table = sql(
        fmt::format("select format('%I.%I', {}, {})", literal(to["source"]["schema"]), literal(to["source"]["table"])));
    const std::string lead = "table " + table + ": ";
    if (op == "d") return lead + "DELETE:" + old_tuple(table, from["before"]);
    if (op == "c" && from["op"] == "c") return lead + "INSERT:" + tuple(table, to["after"], Nulls::Told);
    const std::string old =
        from["before"].is_null() ? "" : " old-key:" + old_tuple(table, from["before"]) + " new-tuple:";
    return lead + "UPDATE:" + old + tuple(table, to["after"], Nulls::Told, to, from["before"]);
  }

  enum class Nulls { Told, Left };
  std::string old_tuple(const std::string& table, const Json& row) { return tuple(table, row, Nulls::Left); }
  /// ` id[integer]:1 name[text]:'a'`
  std::string tuple(const std::string& table, const Json& row, Nulls nulls, const Json& record = Json::object(),
                    const Json& before = nullptr) {
    std::string text;
    const auto columns = must(main_session().query(
        "test",
        "select attname, quote_ident(attname) || '[' || format_type(atttypid, null) || ']:', typcategory"
        " from pg_attribute join pg_type t on t.oid = atttypid where attrelid = " +
            literal(table) + "::regclass and attnum > 0 and not attisdropped order by attnum"));
    for (int index = 0; index < columns.rows(); ++index) {
      postgres::RowReader column = columns.row(index);
      const std::string column_name = column.string();
      const std::string label = " " + column.string();
      const bool is_bare = column.character() == 'N';
      if (is_unchanged(column_name, row, record, before)) {
        text += label + "unchanged-toast-datum";
      } else if (row.contains(column_name) && !(nulls == Nulls::Left && row[column_name].is_null())) {
        text += label + cell(row[column_name], is_bare);
      }
    }
    return text;
  }
  /// As the server sent it: of FULL the value came in the old row only.
  static bool is_unchanged(const std::string& column, const Json& row, const Json& record, const Json& before) {
    for (const char* list : {"unavailable", "reselected"}) {
      if (record.contains(list) && std::count(record[list].begin(), record[list].end(), column) > 0) return true;
    }
    return before.is_object() && before.contains(column) && row.contains(column) && before[column] == row[column] &&
           before[column].is_string() && before[column].get_ref<const std::string&>().size() > 2'000;
  }
  static std::string cell(const Json& value, bool is_bare) {
    if (!value.is_string()) return value.dump();
    return is_bare ? value.get<std::string>() : "'" + doubled(value.get<std::string>()) + "'";
  }
  static std::string doubled(const std::string& text) {
    std::string out;
    for (const char character : text) out.append(character == '\'' ? 2 : 1, character);
    return out;
  }
  static std::string literal(const std::string& text) { return "'" + doubled(text) + "'"; }

  Toast toast_ = Toast::Mark;
  std::optional<postgres::SqlCatalog> catalog_;
  std::unique_ptr<postgres::ReplicationStream> stream_;
  std::unique_ptr<postgres::ReselectSource> source_;
  change::Position position_{};
  codec::EnvelopeEncoder encoder_{codec::EncoderOptions{.version = "test", .source_name = "test", .database = "test"}};
  std::set<change::TableSchemaPtr> prepared_;
  TemporaryDirectory spool_;
  Replica replica_;
};

}  // namespace sluice::testing
