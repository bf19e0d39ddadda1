// Words for tests of documents: the golden envelopes of the codec, the golden documents made of them, and the schema of
// the table that they are of.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/codec/control_record.h"
#include "sluice/codec/envelope_reader.h"
#include "sluice/pipeline/control_log.h"

namespace sluice::documents::testing {

/// A file of tests/data without its line end.
inline std::string golden(const std::string& name) {
  const std::string path = std::string(SLUICE_SOURCE_DIR) + "/tests/data/" + name + ".json";
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no golden file " + path);
  std::stringstream text;
  text << file.rdbuf();
  std::string json = text.str();
  if (json.empty() || json.back() != '\n') throw std::runtime_error(path + " does not end with a line end");
  json.pop_back();
  return json;
}

inline std::string replaced(std::string text, std::string_view what, std::string_view by) {
  bool found = false;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
    found = true;
  }
  if (!found) throw std::runtime_error("nothing to replace: " + std::string(what));
  return text;
}

/// Reads an envelope and keeps what it points into.
class Reader {
 public:
  const codec::Envelope& operator()(std::string key, std::string value) {
    key_ = std::move(key);
    value_ = std::move(value);
    const auto envelope = reader_.read(key_, value_);
    if (!envelope) throw std::runtime_error(envelope.error().message);
    return **envelope;
  }

 private:
  codec::EnvelopeReader reader_;
  std::string key_, value_;
};

constexpr std::uint64_t kUsersSchema = 0x5f1c09aa7be20143;

inline codec::SchemaRecord::Column column(std::string name, std::string type, std::string category = "base",
                                          std::string base_type = "") {
  codec::SchemaRecord::Column made;
  made.name = std::move(name);
  made.type = std::move(type);
  made.category = std::move(category);
  made.base_type = std::move(base_type);
  if (made.category != "array" && made.category != "domain") made.base_category = made.category;
  return made;
}

inline codec::SchemaRecord::Column key_column(std::string name, std::string type) {
  codec::SchemaRecord::Column made = column(std::move(name), std::move(type));
  made.identity = true;
  made.primary_key = true;
  return made;
}

inline codec::SchemaRecord table(std::string schema, std::string name, std::uint64_t id,
                                 std::vector<codec::SchemaRecord::Column> columns) {
  codec::SchemaRecord made;
  made.schema = std::move(schema);
  made.table = std::move(name);
  made.id = id;
  made.columns = std::move(columns);
  return made;
}

inline codec::SchemaRecord users() {
  return table("public", "users", kUsersSchema,
               {key_column("id", "int4"), column("name", "text"), column("balance", "numeric"),
                column("tags", "_text", "array", "text"), column("doc", "jsonb"), column("at", "timestamptz"),
                column("big", "text")});
}

/// A control topic in memory; a read gives what was added since the last one.
class MemoryControlLog final : public pipeline::ControlLog {
 public:
  void add(const codec::ControlRecord& record) {
    entries_.push_back({codec::control_key(record), codec::control_value(record), false});
  }
  base::Result<std::vector<pipeline::ControlEntry>> read() override {
    ++reads;
    if (fails) return base::fail(base::Recovery::Retry, "kafka.unreachable", "Not now");
    return std::exchange(entries_, {});
  }
  int reads = 0;
  bool fails = false;

 private:
  std::vector<pipeline::ControlEntry> entries_;
};

}  // namespace sluice::documents::testing
