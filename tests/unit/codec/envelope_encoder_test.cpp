#include "sluice/codec/envelope_encoder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "changes.h"
#include "golden.h"
#include "sluice/codec/partitioner.h"

using namespace sluice;
using namespace sluice::codec;
using namespace sluice::codec::testing;
using change::Op;

namespace {

Table users_columns() {
  return Table("public", "users")
      .key("id", kInt4)
      .column("name", kText)
      .column("balance", kNumeric)
      .column("tags", kTextArray)
      .column("doc", kJsonb)
      .column("at", kTimestamptz)
      .column("big", kText);
}

constexpr std::uint64_t kSchemaId = 0x5f1c09aa7be20143;

change::TableSchemaPtr users() { return users_columns().done(kSchemaId); }

change::Row ada(CellText id, CellText big) {
  return row({id, "Ada", "12.50", "{a,b}", "{\"k\":1}", "2026-11-21 08:00:00.123456+00", big});
}

/// Only the key columns of `users` have values.
change::Row key_of_users(CellText id) { return row({id, kNull, kNull, kNull, kNull, kNull, kNull}); }

/// One record with this value, byte by byte, which an independent parser can read.
void expect_golden(const change::Record& record, const std::string& name) {
  EXPECT_EQ(record.value, golden(name));
  EXPECT_TRUE(nlohmann::json::accept(record.value));
  EXPECT_EQ(record.value.find_first_of("\r\n"), std::string_view::npos);
}

change::ChangeEvent message(std::string_view content) {
  change::ChangeEvent made = event(Op::Message, nullptr);
  made.id.part = 0x8001;
  made.message.prefix = "orders";
  made.message.content = content;
  return made;
}

}  // namespace

TEST(EnvelopeEncoder, WritesTheExampleOfTheContractByteByByte) {
  Encoded encoded(users());
  change::RecordBatch& records = encoded.records(inserted(encoded.table(), ada("1", kUnchanged)));
  ASSERT_EQ(records.size(), 1u);
  expect_golden(records[0], "contract_example");
  EXPECT_EQ(records[0].key, "public.users:1");
  EXPECT_EQ(records[0].partition, partition_of("public.users:1", 3));
  EXPECT_EQ(records[0].kind, change::RecordKind::Stream);
  EXPECT_EQ(records[0].id, (change::EventId{1, change::Lsn(0x1693E28), 1, 0}));
  EXPECT_FALSE(records[0].tombstone);
}

TEST(EnvelopeEncoder, WritesInsertsAndUpdatesAndDeletes) {
  Encoded encoded(users());
  expect_golden(encoded.records(inserted(encoded.table(), ada("1", "x\"y\n")))[0], "insert");
  expect_golden(encoded.records(updated(encoded.table(), ada("1", kUnchanged)))[0], "update_unchanged_toast");
  change::ChangeEvent deleted = with_old_key(event(Op::Delete, encoded.table()), key_of_users("1"));
  ASSERT_EQ(encoded.records(deleted).size(), 1u);
  expect_golden(encoded.batch()[0], "delete");
  EXPECT_EQ(encoded.batch()[0].key, "public.users:1");
}

TEST(EnvelopeEncoder, NamesColumnsThatWereFetchedAfterwards) {
  Encoded encoded(users());
  change::ChangeEvent made = updated(encoded.table(), ada("1", "fetched"));
  made.reselected = {6};
  expect_golden(encoded.records(made)[0], "update_reselected");
}

TEST(EnvelopeEncoder, WithFullIdentityBeforeIsTheWholeOldRow) {
  auto full = std::make_shared<change::TableSchema>(*users_columns().full_identity().done());
  full->id = kSchemaId;
  Encoded encoded(full);
  const change::ChangeEvent made =
      with_old_row(updated(encoded.table(), ada("1", "long")), row({"1", "Grace", kNull, "{}", kNull, kNull, "long"}));
  ASSERT_EQ(encoded.records(made).size(), 1u);
  expect_golden(encoded.batch()[0], "update_full_identity");
}

TEST(EnvelopeEncoder, AKeyChangeIsTheDeleteOfTheOldKeyAndANewRow) {
  Encoded encoded(users());
  change::RecordBatch& records =
      encoded.records(with_old_key(updated(encoded.table(), ada("2", kNull)), key_of_users("1")));
  ASSERT_EQ(records.size(), 2u);
  expect_golden(records[0], "delete");
  expect_golden(records[1], "key_change_create");
  EXPECT_EQ(records[0].key, "public.users:1");
  EXPECT_EQ(records[1].key, "public.users:2");
  EXPECT_EQ(records[0].partition, partition_of("public.users:1", 3));
  EXPECT_EQ(records[1].partition, partition_of("public.users:2", 3));
  EXPECT_EQ(records[0].id.part, 0u);
  EXPECT_EQ(records[1].id.part, 1u);
}

TEST(EnvelopeEncoder, WithFullIdentityOnlyTheKeyDecidesWhetherTheKeyChanged) {
  Encoded encoded(Table("public", "t").key("id", kInt4).column("name", kText).full_identity().done());
  const change::TableSchemaPtr& t = encoded.table();
  EXPECT_EQ(encoded.records(with_old_row(updated(t, row({"1", "b"})), row({"1", "a"}))).size(), 1u);
  ASSERT_EQ(encoded.records(with_old_row(updated(t, row({"2", "b"})), row({"1", "a"}))).size(), 2u);
  const auto deleted = nlohmann::json::parse(encoded.batch()[0].value);
  EXPECT_EQ(deleted["before"], nlohmann::json({{"id", 1}, {"name", "a"}}));
  EXPECT_TRUE(deleted["after"].is_null());
}

TEST(EnvelopeEncoder, AnOldKeyThatIsTheSameMakesAnUpdate) {
  Encoded encoded(users());
  change::RecordBatch& records =
      encoded.records(with_old_key(updated(encoded.table(), ada("1", kNull)), key_of_users("1")));
  ASSERT_EQ(records.size(), 1u);
  const auto json = nlohmann::json::parse(records[0].value);
  EXPECT_EQ(json["op"], "u");
  EXPECT_EQ(json["before"], nlohmann::json({{"id", 1}}));
}

TEST(EnvelopeEncoder, SnapshotRowsAreNamedByTheirKey) {
  Encoded encoded(users());
  change::RecordBatch& records = encoded.records(snapshot_row(encoded.table(), ada("1", kNull)));
  ASSERT_EQ(records.size(), 1u);
  expect_golden(records[0], "snapshot_row");
  EXPECT_EQ(records[0].kind, change::RecordKind::Snapshot);
}

TEST(EnvelopeEncoder, EqualRowsWithoutAKeyHaveIdsOfTheirOwnInASnapshot) {
  Encoded encoded(Table("public", "logs").column("line", kText).done());
  std::set<std::string> ids;
  for (const std::string_view identity : {"16384:(0,1)", "16384:(0,2)", "16384:(0,1)"}) {
    change::ChangeEvent made = snapshot_row(encoded.table(), row({"same"}));
    made.row_identity = identity;
    change::RecordBatch& records = encoded.records(made);
    EXPECT_EQ(records[0].key, "public.logs:");
    ids.insert(nlohmann::json::parse(records[0].value)["id"].get<std::string>());
  }
  EXPECT_EQ(ids.size(), 2u);
}

TEST(EnvelopeEncoder, ATruncateGoesToEveryPartitionUnderOneId) {
  Encoded encoded(users());
  change::RecordBatch& records = encoded.records(event(Op::Truncate, encoded.table()));
  ASSERT_EQ(records.size(), 3u);
  for (std::size_t index = 0; index < 3; ++index) {
    expect_golden(records[index], "truncate");
    EXPECT_EQ(records[index].partition, static_cast<std::int32_t>(index));
    EXPECT_EQ(records[index].key, "sluice:truncate:public.users");
    EXPECT_EQ(records[index].id, records[0].id);
  }
}

TEST(EnvelopeEncoder, LogicalMessagesKeepTheirContent) {
  Encoded encoded(users());
  expect_golden(encoded.records(message("paid: \"42\""))[0], "message");
  EXPECT_EQ(encoded.batch()[0].key, "sluice:message:orders");
  EXPECT_EQ(encoded.batch()[0].id.part, 0x8001u);
  change::ChangeEvent binary = message(std::string_view("\xFF\0", 2));
  binary.message.transactional = false;
  expect_golden(encoded.records(binary)[0], "message_binary");
}

TEST(EnvelopeEncoder, TombstonesAreTheLastPartOnTheKeyThatWasDeleted) {
  EncoderOptions options = example_options();
  options.tombstones = Tombstones::On;
  Encoded encoded(users(), options);
  const change::TableSchemaPtr& t = encoded.table();
  ASSERT_EQ(encoded.records(with_old_key(event(Op::Delete, t), key_of_users("1"))).size(), 2u);
  EXPECT_TRUE(encoded.batch()[1].tombstone);
  EXPECT_EQ(encoded.batch()[1].key, "public.users:1");
  EXPECT_EQ(encoded.batch()[1].value, "");
  EXPECT_EQ(encoded.batch()[1].id.part, 1u);

  ASSERT_EQ(encoded.records(with_old_key(updated(t, ada("2", kNull)), key_of_users("1"))).size(), 3u);
  EXPECT_TRUE(encoded.batch()[2].tombstone);
  EXPECT_EQ(encoded.batch()[2].key, "public.users:1");
  EXPECT_EQ(encoded.batch()[2].partition, encoded.batch()[0].partition);
  EXPECT_EQ(encoded.batch()[2].id.part, 2u);
}

TEST(EnvelopeEncoder, ATableWithoutAKeyHasNoTombstones) {
  EncoderOptions options = example_options();
  options.tombstones = Tombstones::On;
  Encoded encoded(Table("public", "logs").column("line", kText).done(), options);
  const change::ChangeEvent made = with_old_row(event(Op::Delete, encoded.table()), row({"x"}));
  ASSERT_EQ(encoded.records(made).size(), 1u);
  EXPECT_FALSE(encoded.batch()[0].tombstone);
}

TEST(EnvelopeEncoder, SeveralKeyColumnsMakeAListOfTexts) {
  Encoded encoded(Table("s.1", "t:2").key("a", kInt4).column("x", kText).key("b", kText).done());
  EXPECT_EQ(encoded.records(inserted(encoded.table(), row({"1", "y", "z\""})))[0].key, "s%2E1.t%3A2:[\"1\",\"z\\\"\"]");
}

TEST(EnvelopeEncoder, AValueThatIsNoneOfItsTypeIsRejectedWithoutBeingShown) {
  Encoded encoded(users());
  change::ChangeEvent made =
      inserted(encoded.table(), row({"1", "Ada", "12.50", "{a,b}", "{\"k\":1}", "21.11.2026 secret", kNull}));
  const base::Result<void> done = encoded.encode(made);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().id, "codec.unrepresentable");
  EXPECT_EQ(done.error().recovery, base::Recovery::Reject);
  EXPECT_NE(done.error().message.find("Column at of public.users"), std::string::npos) << done.error().message;
  EXPECT_NE(done.error().message.find("timestamptz"), std::string::npos) << done.error().message;
  EXPECT_EQ(done.error().message.find("secret"), std::string::npos);
  EXPECT_TRUE(encoded.batch().empty());
}

TEST(EnvelopeEncoder, WhatIsRejectedInTheSecondPartLeavesNoFirstPartBehind) {
  Encoded encoded(users());
  const change::ChangeEvent made = with_old_key(
      updated(encoded.table(), row({"2", "Ada", "not a number", "{}", kNull, kNull, kNull})), key_of_users("1"));
  ASSERT_FALSE(encoded.encode(made));
  EXPECT_TRUE(encoded.batch().empty());
  EXPECT_EQ(encoded.records(inserted(encoded.table(), ada("1", kUnchanged))).size(), 1u);
  expect_golden(encoded.batch()[0], "contract_example");
}

TEST(EnvelopeEncoder, ABinaryCellIsRejected) {
  Encoded encoded(Table("public", "t").key("id", kInt4).column("x", kInt4).done());
  change::Row after = row({"1"});
  after.add({change::CellKind::Binary, "\1\2\3\4"});
  ASSERT_FALSE(encoded.encode(inserted(encoded.table(), std::move(after))));
}

TEST(EnvelopeEncoder, ARowWithoutItsKeyIsRejected) {
  Encoded encoded(users());
  for (const change::CellKind missing : {kNull, kUnchanged}) {
    const base::Result<void> done = encoded.encode(inserted(encoded.table(), ada(missing, kNull)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().id, "codec.no_key_value");
    EXPECT_EQ(done.error().recovery, base::Recovery::Reject);
  }
}

TEST(EnvelopeEncoder, FollowsFromOneTransactionToTheNext) {
  Encoded encoded(users());
  change::ChangeEvent made = inserted(encoded.table(), ada("1", kUnchanged));
  made.id = {0xABCD, change::Lsn(0xFFFF'FFFF'FFFF'FFF8), 0xFFFF'FFFF, 0};
  made.xid = 4'294'967'295;
  made.commit_time_us = -1;
  const auto json = nlohmann::json::parse(encoded.records(made)[0].value);
  EXPECT_EQ(json["id"], "abcd-fffffffffffffff8-ffffffff");
  EXPECT_EQ(json["source"]["commit_lsn"], 0xFFFF'FFFF'FFFF'FFF8);
  EXPECT_EQ(json["source"]["seq"], 4'294'967'295);
  EXPECT_EQ(json["source"]["txId"], 4'294'967'295);
  EXPECT_EQ(json["source"]["ts_us"], -1);
  EXPECT_EQ(json["source"]["ts_ms"], -1);
  expect_golden(encoded.records(inserted(encoded.table(), ada("1", kUnchanged)))[0], "contract_example");
}

TEST(EnvelopeEncoder, RecordsOfSeveralEventsStandTogetherInOneBatch) {
  Encoded encoded(users());
  change::RecordBatch batch;
  ASSERT_TRUE(encoded.encoder().encode(inserted(encoded.table(), ada("1", kUnchanged)), kNowMs, batch));
  ASSERT_TRUE(encoded.encoder().encode(updated(encoded.table(), ada("1", kUnchanged)), kNowMs, batch));
  ASSERT_EQ(batch.size(), 2u);
  expect_golden(batch[0], "contract_example");
  expect_golden(batch[1], "update_unchanged_toast");
}

TEST(EnvelopeEncoder, EachVersionOfATableIsEncodedByItsOwnSchema) {
  const change::TableSchemaPtr old_version = Table("public", "t").key("id", kInt4).done();
  const change::TableSchemaPtr new_version = Table("public", "t").key("id", kInt4).column("x", kText).done();
  Encoded encoded(old_version);
  ASSERT_TRUE(encoded.encoder().prepare(new_version, {0, 1}));
  EXPECT_EQ(nlohmann::json::parse(encoded.records(inserted(old_version, row({"1"})))[0].value)["after"].size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(encoded.records(inserted(new_version, row({"1", "y"})))[0].value)["after"].size(),
            2u);
}

TEST(EnvelopeEncoder, LetsGoOfSchemasThatNobodyElseHolds) {
  change::TableSchemaPtr old_version = Table("public", "t").key("id", kInt4).done();
  const std::weak_ptr<const change::TableSchema> watched = old_version;
  EnvelopeEncoder encoder(example_options());
  ASSERT_TRUE(encoder.prepare(old_version, {0, 3}));
  const change::TableSchemaPtr new_version = Table("public", "t").key("id", kInt4).column("x", kText).done();
  ASSERT_TRUE(encoder.prepare(new_version, {0, 3}));
  EXPECT_FALSE(watched.expired());
  old_version.reset();
  ASSERT_TRUE(encoder.prepare(new_version, {0, 3}));
  EXPECT_TRUE(watched.expired());
}

TEST(EnvelopeEncoder, NamesOfColumnsAreEscaped) {
  Encoded encoded(Table("pub\"lic", "t\n").key("i\"d", kInt4).column("é\\", kText).done());
  const auto json = nlohmann::json::parse(encoded.records(inserted(encoded.table(), row({"1", kUnchanged})))[0].value);
  EXPECT_EQ(json["source"]["schema"], "pub\"lic");
  EXPECT_EQ(json["source"]["table"], "t\n");
  EXPECT_EQ(json["after"]["i\"d"], 1);
  EXPECT_EQ(json["unavailable"], nlohmann::json::array({"é\\"}));
}

TEST(EnvelopeEncoder, ATableWithoutColumnsHasAnEmptyRow) {
  Encoded encoded(Table("public", "t").done());
  EXPECT_EQ(nlohmann::json::parse(encoded.records(inserted(encoded.table(), row({})))[0].value)["after"],
            nlohmann::json::object());
}

TEST(EnvelopeEncoder, CountsTextThatIsNoUtf8) {
  Encoded encoded(users());
  change::ChangeEvent made = inserted(encoded.table(), ada("1",
                                                           "a\xFF"
                                                           "b\xFE"));
  EXPECT_TRUE(nlohmann::json::accept(encoded.records(made)[0].value));
  EXPECT_EQ(encoded.encoder().replacements(), 2u);
}

TEST(EnvelopeEncoder, RefusesTextThatIsNoUtf8WhenItShallHalt) {
  EncoderOptions options = example_options();
  options.values.invalid_text = InvalidText::Halt;
  Encoded encoded(users(), options);
  change::RecordBatch batch;
  EXPECT_TRUE(encoded.encoder().encode(inserted(encoded.table(), ada("1", "fine")), 0, batch));
  const auto refused = encoded.encoder().encode(inserted(encoded.table(), ada("1", "a\xFF")), 0, batch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "codec.invalid_text");
  EXPECT_EQ(refused.error().recovery, base::Recovery::Reject);
  EXPECT_EQ(batch.size(), 1u) << "nothing of it was written";
}

TEST(EnvelopeEncoder, RefusesNamesThatAreNoUtf8) {
  const auto refusal = [](std::string_view schema, std::string_view table, std::string_view column,
                          std::string_view attribute) {
    change::TableSchema wanted;
    wanted.schema = schema;
    wanted.name = table;
    wanted.columns.emplace_back();
    wanted.columns[0].name = column;
    wanted.columns[0].type_oid = 20'000;
    auto type = std::make_shared<change::TypeDescription>();
    type->oid = 20'000;
    type->kind = change::TypeKind::Composite;
    type->fields = {{std::string(attribute), 25, nullptr}};
    wanted.columns[0].type = type;
    const auto done = EnvelopeEncoder(example_options()).prepare(change::finish_schema(wanted), {0, 3});
    return done ? std::string() : std::string(done.error().id);
  };
  EXPECT_EQ(refusal("s", "t", "c", "a"), "");
  EXPECT_EQ(refusal("s\xff", "t", "c", "a"), "codec.invalid_name");
  EXPECT_EQ(refusal("s", "\xfft", "c", "a"), "codec.invalid_name");
  EXPECT_EQ(refusal("s", "t", "\xc3", "a"), "codec.invalid_name");
  EXPECT_EQ(refusal("s", "t", "c", "a\xed\xa0\x80"), "codec.unusable_schema");
}

TEST(EnvelopeEncoder, AnUnusableSchemaIsNamed) {
  auto type = std::make_shared<change::TypeDescription>();
  type->oid = kInt4;
  for (std::uint32_t depth = 0; depth < 20; ++depth) {
    auto outer = std::make_shared<change::TypeDescription>();
    outer->oid = 30'000 + depth;
    outer->kind = change::TypeKind::Array;
    outer->element = type;
    type = outer;
  }
  change::TableSchema table;
  table.schema = "public";
  table.name = "t";
  table.columns.emplace_back();
  table.columns[0].name = "deep";
  table.columns[0].type_oid = type->oid;
  table.columns[0].type = type;
  EnvelopeEncoder encoder(example_options());
  const base::Result<void> done = encoder.prepare(change::finish_schema(table), {0, 3});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().id, "codec.unusable_schema");
  EXPECT_EQ(done.error().recovery, base::Recovery::Stop);
}
