// Holds the promise of the hot path: once its buffers have grown, no value costs an allocation, whatever its type.
#include <gtest/gtest.h>

#include "sluice/codec/envelope_encoder.h"
#include "sluice/codec/value_encoder.h"
#include "sluice/testing/counted_allocations.h"

using namespace sluice;
using sluice::testing::allocations;

namespace {

change::TypeDescriptionPtr of_extension(const char* extension, const char* name) {
  auto type = std::make_shared<change::TypeDescription>();
  type->oid = 30'000;
  type->extension = extension;
  type->name = name;
  return type;
}

change::TypeDescriptionPtr composite() {
  auto type = std::make_shared<change::TypeDescription>();
  type->oid = 30'001;
  type->kind = change::TypeKind::Composite;
  type->fields = {{"no", 23, nullptr}, {"street", 25, nullptr}, {"tags", 1009, nullptr}};
  return type;
}

struct Value {
  std::uint32_t oid;
  const char* text;
  change::TypeDescriptionPtr type = nullptr;
};

/// Of each family, with escapes wherever it has them.
const std::vector<Value>& values() {
  static const std::vector<Value> all = {
      {16, "t"},
      {20, "-9223372036854775808"},
      {701, "1.5e-07"},
      {1700, "12345678901234567890.0123456789"},
      {25, "some \"text\" with\nescapes and more than sixteen bytes"},
      {17, "\\x00ff00ff00ff"},
      {2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {1082, "2026-11-21"},
      {1083, "08:00:00.123456"},
      {1266, "08:00:00+05:30"},
      {1114, "2026-11-21 08:00:00.123456"},
      {1184, "2026-11-21 08:00:00.123456+00"},
      {1186, "-1 years +2 mons -3 days -04:05:06.7"},
      {114, "{\"a\": [1,\n{\"k\": \"\\u00e4\"}]}"},
      {3802, "{\"a\": [1, {\"k\": null}]}"},
      {1007, "{{1,NULL},{3,4}}"},
      {1231, "{12.50,NULL,0.0000000001}"},
      {1185, "{\"2026-11-21 08:00:00.123456+00\",infinity}"},
      {1009, "{plain,\"with \\\"quotes\\\" and more than sixteen bytes\",NULL}"},
      {3807, "{\"{\\\"a\\\": 1}\"}"},
      {3906, "[1.50,2.50)"},
      {3910, "[\"2026-11-21 08:00:00+00\",infinity)"},
      {4533, "{[\"2026-11-21 08:00:00\",\"2026-11-22 08:00:00\")}"},
      {30'001, "(1,\"Elm \"\"Street\"\" of more than sixteen bytes\",\"{a,\"\"b c\"\"}\")", composite()},
      {30'000, "\"a\"=>\"1\", \"key \\\"q\\\" of more than sixteen bytes\"=>NULL", of_extension("hstore", "hstore")},
      {30'000, "[1,2.5,-3e-07]", of_extension("vector", "vector")},
      {30'000, "{1:2.5,4:-3e-07}/5", of_extension("vector", "sparsevec")},
      {30'000, "0101000020E6100000000000000000F03F0000000000000040", of_extension("postgis", "geometry")}};
  return all;
}

const std::vector<codec::ValueOptions> kForms = {
    {},
    {.decimal = codec::DecimalForm::Number, .time = codec::TimeForm::Micros, .bytea = codec::BytesForm::Hex},
    {.decimal = codec::DecimalForm::Double, .time = codec::TimeForm::Debezium, .json = codec::JsonForm::String},
    {.form = codec::ValueForm::Text}};

}  // namespace

TEST(Allocation, AValueOfAnyTypeAllocatesNothing) {
  for (const codec::ValueOptions& form : kForms) {
    for (const Value& value : values()) {
      const codec::ValueTypePtr type = *codec::resolve_type(value.oid, value.type.get(), form);
      codec::ValueEncoder encoder;
      base::TextBuffer out;
      ASSERT_TRUE(encoder.append(*type, value.text, out)) << value.oid;
      const std::size_t before = allocations;
      bool all = true;
      for (int count = 0; all && count < 10; ++count) {
        out.clear();
        all = encoder.append(*type, value.text, out);
      }
      EXPECT_EQ(allocations - before, 0U) << value.oid << ' ' << value.text;
      EXPECT_TRUE(all);
    }
  }
}

TEST(Allocation, ARowOfEveryTypeAllocatesNothing) {
  change::TableSchema table;
  table.schema = "public";
  table.name = "everything";
  change::ChangeEvent event;
  for (const Value& value : values()) {
    change::Column column;
    column.name = "c" + std::to_string(table.columns.size());
    column.type_oid = value.oid;
    column.type = value.type;
    column.identity = column.primary_key = table.columns.empty();
    table.columns.push_back(column);
    event.after.add({change::CellKind::Text, value.text});
  }
  event.op = change::Op::Insert;
  event.table = change::finish_schema(std::move(table));
  codec::EnvelopeEncoder encoder({});
  ASSERT_TRUE(encoder.prepare(event.table, {0, 3}));
  change::RecordBatch batch;
  ASSERT_TRUE(encoder.encode(event, 1, batch));
  const std::size_t before = allocations;
  bool all = true;
  for (int count = 0; all && count < 10; ++count) {
    batch.clear();
    all = encoder.encode(event, 1, batch).has_value();
  }
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_TRUE(all);
}
