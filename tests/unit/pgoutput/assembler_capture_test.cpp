// What a real PostgreSQL sent (tests/data/pgoutput/capture), replayed: <scenario>.hex must give <scenario>.expected.
// With SLUICE_UPDATE_EXPECTED=1 in the environment the expectations are written anew; read them before they are
// committed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "fake_catalog.h"
#include "item_text.h"
#include "sluice/change/schema_change.h"
#include "sluice/pgoutput/assembler.h"

using namespace sluice;
using namespace sluice::testing;
namespace fs = std::filesystem;

namespace {

const fs::path kFolder = fs::path(SLUICE_SOURCE_DIR) / "tests/data/pgoutput";

std::vector<std::string> scenarios() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".hex") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> split_names(const std::string& joined) {
  std::vector<std::string> names;
  std::istringstream in(joined);
  for (std::string name; std::getline(in, name, ',');) {
    const bool is_quoted = name.size() > 1 && name.front() == '"';
    names.push_back(is_quoted ? name.substr(1, name.size() - 2) : name);
  }
  return names;
}

change::TypeKind kind_of_typtype(char typtype) {
  switch (typtype) {
    case 'e': return change::TypeKind::Enum;
    case 'd': return change::TypeKind::Domain;
    case 'c': return change::TypeKind::Composite;
    case 'r': return change::TypeKind::Range;
    default: return change::TypeKind::Base;
  }
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16)));
  return bytes;
}

/// Replays one capture line by line and checks on the way what must hold of every stream.
class Replay {
 public:
  explicit Replay(const fs::path& file) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("table ")) {
        add_table(line);
      } else if (line.starts_with("type ")) {
        add_type(line);
      } else {
        add_message(line);
      }
    }
    EXPECT_FALSE(assembler_.in_transaction()) << "a capture has whole transactions";
  }

  std::string text() const { return text_; }

 private:
  // table 16463 primary_key=id not_null=id,at   (without quoted names that hold a newline: none of the captures needs
  // them)
  void add_table(const std::string& line) {
    const std::size_t key = line.find(" primary_key=") + 1;
    const std::size_t not_null = line.find(" not_null=") + 1;
    const auto oid = static_cast<std::uint32_t>(std::stoul(line.substr(6)));
    pgoutput::TableDetails& details = catalog_.tables[oid];
    details.primary_key = split_names(line.substr(key + 12, not_null - key - 13));
    for (const std::string& name : split_names(line.substr(not_null + 9))) details.nullable[name] = false;
  }

  void add_type(const std::string& line) {
    std::istringstream in(line.substr(5));
    std::uint32_t oid = 0;
    std::string schema;
    std::string name;
    char typtype = 'b';
    in >> oid >> schema >> name >> typtype;
    catalog_.add_type(oid, schema, name, kind_of_typtype(typtype));
  }

  void add_message(const std::string& line) {
    const std::size_t space = line.find(' ');
    const change::Lsn lsn = change::Lsn::parse(line.substr(0, space)).value();
    const std::string bytes = from_hex(line.substr(space + 1));
    auto item = assembler_.apply(bytes, lsn);
    ASSERT_TRUE(item) << item.error().id << ": " << item.error().message;
    for (std::optional<change::SourceItem> next = *item; next; next = assembler_.next_pending()) show(*next);
  }

  void show_table(const change::TableSchema& table) {
    const std::string name = qualified_name(table);
    const auto [known, is_new] = forms_.try_emplace(name, form_of(table));
    std::vector<change::SchemaChange> changes;
    append_schema_changes(known->second, form_of(table), name, changes);
    for (const auto& schema_change : changes) text_ += name + ": " + describe(schema_change) + '\n';
    known->second = form_of(table);
    text_ += table_text(table) + '\n';
  }

  void show(const change::SourceItem& item) {
    if (const auto* event = std::get_if<const change::ChangeEvent*>(&item)) {
      EXPECT_GT((*event)->id, last_) << "ids are strictly increasing";
      last_ = (*event)->id;
      if ((*event)->table != nullptr && (*event)->table != table_) show_table(*(*event)->table);
      if ((*event)->table != nullptr) table_ = (*event)->table;
      const bool has_time = (*event)->op != change::Op::Message || (*event)->message.transactional;
      EXPECT_EQ((*event)->commit_time_us > 1'700'000'000'000'000, has_time);
      EXPECT_EQ((*event)->xid != 0, has_time);
    } else if (const auto* end = std::get_if<change::TransactionEnd>(&item)) {
      EXPECT_GT(end->end, end_) << "positions increase";
      EXPECT_GE(end->end, change::position_of(end->commit_lsn));
      EXPECT_LE(last_.commit_lsn, end->commit_lsn);
      end_ = end->end;
    }
    text_ += item_text(item) + '\n';
  }

  FakeCatalog catalog_;
  std::map<std::string, change::TableForm> forms_;
  pgoutput::Assembler assembler_{1, catalog_};
  change::TableSchemaPtr table_;
  change::EventId last_;
  change::Position end_;
  std::string text_;
};

std::string contents_of(const fs::path& file) {
  std::ifstream in(file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

class Capture : public ::testing::TestWithParam<std::string> {};

TEST_P(Capture, GivesTheExpectedEvents) {
  const fs::path expected = kFolder / (GetParam() + ".expected");
  const std::string text = Replay(kFolder / (GetParam() + ".hex")).text();
  if (std::getenv("SLUICE_UPDATE_EXPECTED") != nullptr) std::ofstream(expected) << text;
  EXPECT_EQ(text, contents_of(expected));
}

INSTANTIATE_TEST_SUITE_P(OfPostgres, Capture, ::testing::ValuesIn(scenarios()),
                         [](const auto& tested) { return tested.param; });

TEST(Captures, CoverEveryKindOfMessage) {
  std::string kinds;
  for (const std::string& name : scenarios()) {
    std::ifstream in(kFolder / (name + ".hex"));
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("t")) continue;
      const char kind = from_hex(line.substr(line.find(' ') + 1, 2)).front();
      if (kinds.find(kind) == std::string::npos) kinds.push_back(kind);
    }
  }
  std::sort(kinds.begin(), kinds.end());
  EXPECT_EQ(kinds, "BCDIMORTUY");
}

}  // namespace
