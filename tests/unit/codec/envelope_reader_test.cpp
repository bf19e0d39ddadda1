#include "sluice/codec/envelope_reader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "changes.h"
#include "golden.h"
#include "sluice/codec/stream_header.h"

using namespace sluice;
using namespace sluice::codec;
using namespace sluice::codec::testing;
using change::Op;

namespace {

class Reader {
 public:
  const Envelope& operator()(std::string_view key, std::string value) {
    value_ = std::move(value);
    const base::Result<const Envelope*> envelope = reader_.read(key, value_);
    if (!envelope) throw std::runtime_error(envelope.error().message);
    return **envelope;
  }
  bool refuses(std::string_view key, std::string_view value) {
    const base::Result<const Envelope*> envelope = reader_.read(key, value);
    if (envelope) return false;
    EXPECT_EQ(envelope.error().id, "codec.bad_envelope");
    EXPECT_EQ(envelope.error().recovery, base::Recovery::Reject);
    return true;
  }

 private:
  EnvelopeReader reader_;
  std::string value_;  ///< what the last Envelope points into
};

constexpr std::string_view kKey = "public.users:1";

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  if (at == std::string::npos) throw std::runtime_error("nothing to replace");
  return text.replace(at, what.size(), by);
}

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields fields(std::string_view object) {
  Fields found;
  for (FieldCursor field(object); field.next();) found.emplace_back(field.name(), field.raw_value());
  return found;
}

std::vector<std::string> changed(std::string_view before, std::string_view after) {
  std::vector<std::string_view> names;
  append_changed_names(before, after, names);
  return {names.begin(), names.end()};
}

}  // namespace

TEST(EnvelopeReader, ReadsEveryMemberOfARow) {
  Reader read;
  const Envelope& envelope = read(kKey, golden("contract_example"));
  EXPECT_EQ(envelope.kind, EnvelopeKind::Row);
  EXPECT_EQ(envelope.origin, EnvelopeOrigin::Stream);
  EXPECT_EQ(envelope.op, Op::Insert);
  EXPECT_EQ(envelope.id_text, "0001-0000000001693e28-00000001");
  EXPECT_EQ(envelope.id, (change::EventId{1, change::Lsn(0x1693E28), 1, 0}));
  EXPECT_EQ(envelope.schema, "public");
  EXPECT_EQ(envelope.table, "users");
  EXPECT_EQ(envelope.database, "mydb");
  EXPECT_EQ(envelope.schema_id, 0x5f1c09aa7be20143u);
  EXPECT_EQ(envelope.tx_id, 771u);
  EXPECT_EQ(envelope.lsn, change::Lsn(23'674'136));
  EXPECT_EQ(envelope.commit_lsn, change::Lsn(0x1693E28));
  EXPECT_EQ(envelope.ts_ms, 1'700'000'000'123);
  EXPECT_EQ(envelope.source_ts_us, 1'700'000'000'000'456);
  EXPECT_EQ(envelope.row_key, "1");
  EXPECT_EQ(envelope.before, "");
  EXPECT_EQ(
      envelope.after,
      R"({"id":1,"name":"Ada","balance":"12.50","tags":["a","b"],"doc":{"k":1},"at":"2026-11-21T08:00:00.123456Z"})");
  EXPECT_EQ(envelope.unavailable, std::vector<std::string_view>{"big"});
  EXPECT_TRUE(envelope.reselected.empty());
}

TEST(EnvelopeReader, NothingOfOneRecordIsLeftInTheNext) {
  Reader read;
  (void)read(kKey, golden("contract_example"));
  const Envelope& deleted = read(kKey, golden("delete"));
  EXPECT_EQ(deleted.op, Op::Delete);
  EXPECT_EQ(deleted.before, R"({"id":1})");
  EXPECT_EQ(deleted.after, "");
  EXPECT_TRUE(deleted.unavailable.empty());
  EXPECT_EQ(read(kKey, golden("update_reselected")).reselected, std::vector<std::string_view>{"big"});
}

TEST(EnvelopeReader, TellsTheKindsOfRecordsApart) {
  Reader read;
  EXPECT_EQ(read("sluice:truncate:public.users", golden("truncate")).kind, EnvelopeKind::Truncate);
  const Envelope& message = read("sluice:message:orders", golden("message"));
  EXPECT_EQ(message.kind, EnvelopeKind::Message);
  EXPECT_EQ(message.message_prefix, "orders");
  EXPECT_EQ(message.message_content, "paid: \"42\"");
  EXPECT_TRUE(message.message_is_transactional);
  EXPECT_FALSE(message.message_is_base64);
  EXPECT_EQ(message.id.part, 0x8001u);
  EXPECT_TRUE(read("sluice:message:orders", golden("message_binary")).message_is_base64);
  const Envelope& marker = read("sluice:marker", golden("marker"));
  EXPECT_EQ(marker.kind, EnvelopeKind::Marker);
  EXPECT_EQ(marker.id_text, "");
}

TEST(EnvelopeReader, ReadsTheMarkerThatIsWritten) {
  const MarkerOrigin origin{"orders", 7, "5f1c09aa7be20143"};
  const std::string header = encode_marker_header(origin);
  change::RecordBatch batch;
  append_marker(origin, {"0.1.0", "sluice", "mydb"}, header, kNowMs, 0, 0, batch);
  EXPECT_EQ(batch[0].value, golden("marker"));
}

TEST(EnvelopeReader, ASnapshotRowSaysWhereItsSnapshotBegan) {
  Reader read;
  const Envelope& envelope = read(kKey, golden("snapshot_row"));
  EXPECT_EQ(envelope.origin, EnvelopeOrigin::Snapshot);
  EXPECT_EQ(envelope.op, Op::Snapshot);
  EXPECT_EQ(envelope.id, (change::EventId{1, change::Lsn(0x1693E28), 0, 0}));
  EXPECT_EQ(envelope.commit_lsn, change::Lsn(0x1693E28));
  EXPECT_EQ(envelope.tx_id, 0u);
}

TEST(EnvelopeReader, PassesOverMembersThatItDoesNotKnow) {
  Reader read;
  std::string value = replaced(golden("insert"), R"("op")", R"("new":{"a":[1,{"b":"]"}]},"op")");
  value = replaced(value, R"("xmin":null)", R"("xmin":null,"gtid":[1,2])");
  EXPECT_EQ(read(kKey, value).op, Op::Insert);
}

TEST(EnvelopeReader, RefusesWhatIsNoEnvelope) {
  Reader read;
  for (const std::string_view value :
       {"", " ", "null", "[]", "{}", "1", "\"x\"", "{\"id\":1", "{\"op\":\"c\"}", "{]", "\xFF", "{\"\\u12\":1}"}) {
    EXPECT_TRUE(read.refuses(kKey, value)) << value;
  }
  EXPECT_TRUE(read.refuses(kKey, std::string(100'000, '[')));
  EXPECT_TRUE(read.refuses(kKey, std::string("\0\0\0\0", 4)));
}

TEST(EnvelopeReader, RefusesAnEnvelopeThatIsCutOffAnywhere) {
  Reader read;
  const std::string whole = golden("contract_example");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_TRUE(read.refuses(kKey, whole.substr(0, size))) << size;
  EXPECT_TRUE(read.refuses(kKey, whole + "x"));
  EXPECT_TRUE(read.refuses(kKey, whole + "{}"));
  EXPECT_TRUE(read.refuses(kKey, whole + "\n"));
}

TEST(EnvelopeReader, RefusesMembersThatAreMissingOrOfAnotherType) {
  Reader read;
  auto whole = nlohmann::ordered_json::parse(golden("insert"));
  for (const char* name : {"id", "op", "ts_ms", "source", "before", "after"}) {
    auto json = whole;
    json.erase(name);
    EXPECT_TRUE(read.refuses(kKey, json.dump())) << name;
    json = whole;
    json[name] = nlohmann::ordered_json::array({1});
    EXPECT_TRUE(read.refuses(kKey, json.dump())) << name;
  }
  for (const char* name :
       {"ts_us", "snapshot", "db", "schema", "table", "txId", "lsn", "commit_lsn", "seq", "epoch", "schema_id"}) {
    auto json = whole;
    json["source"].erase(name);
    EXPECT_TRUE(read.refuses(kKey, json.dump())) << name;
    json = whole;
    json["source"][name] = nlohmann::ordered_json::array({1});
    EXPECT_TRUE(read.refuses(kKey, json.dump())) << name;
  }
}

TEST(EnvelopeReader, RefusesMessagesThatLackAMember) {
  Reader read;
  const std::string whole = golden("message");
  EXPECT_TRUE(read.refuses("sluice:message:orders", replaced(whole, R"("prefix":"orders",)", "")));
  EXPECT_TRUE(read.refuses("sluice:message:orders", replaced(whole, R"("content":)", R"("text":)")));
  EXPECT_TRUE(
      read.refuses("sluice:message:orders", replaced(whole, R"("transactional":true)", R"("transactional":1)")));
  EXPECT_TRUE(read.refuses("sluice:message:orders", replaced(whole, R"(true})", R"(true,"encoding":"hex"})")));
}

TEST(EnvelopeReader, UnescapesNamesOfTables) {
  Reader read;
  const std::string value =
      replaced(replaced(golden("insert"), "\"users\"", R"("us\"\u00e9r\ud83d\ude00s")"), "\"public\"", R"("p\\ub")");
  const Envelope& envelope = read(kKey, value);
  EXPECT_EQ(envelope.table, "us\"ér😀s");
  EXPECT_EQ(envelope.schema, "p\\ub");
}

TEST(EnvelopeReader, ReadsMembersInAnyOrderAndWithBlanks) {
  Reader read;
  auto json = nlohmann::json::parse(golden("insert"));  // sorts by name
  EXPECT_EQ(read(kKey, json.dump()).tx_id, 771u);
  std::string spaced = golden("insert");
  for (std::size_t at = 0; (at = spaced.find(",\"", at)) != std::string::npos; at += 4) spaced.replace(at, 1, " ,\t ");
  EXPECT_EQ(read(kKey, spaced).table, "users");
}

TEST(EnvelopeReader, RefusesNumbersThatJsonDoesNotHave) {
  Reader read;
  const std::string whole = golden("insert");
  for (const std::string_view bad :
       {"01", "00", "-1", "1.0", "1e0", "+1", "0x1", "", "18446744073709551616", "\"1\""}) {
    EXPECT_TRUE(read.refuses(kKey, replaced(whole, "\"seq\":1", "\"seq\":" + std::string(bad)))) << bad;
  }
}

TEST(EnvelopeReader, RefusesMembersThatContradictEachOther) {
  Reader read;
  const std::string whole = golden("insert");
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "\"seq\":1", "\"seq\":2")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "\"epoch\":1", "\"epoch\":2")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "\"commit_lsn\":23674408", "\"commit_lsn\":23674400")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "\"snapshot\":\"false\"", "\"snapshot\":\"true\"")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "\"op\":\"c\"", "\"op\":\"r\"")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "\"op\":\"c\"", "\"op\":\"d\"")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "\"op\":\"c\"", "\"op\":\"x\"")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "\"txId\":771", "\"txId\":4294967296")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "5f1c09aa7be20143", "5f1c09aa7be2014")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "0001-", "0001_")));
  EXPECT_TRUE(read.refuses("sluice:marker", whole));
  EXPECT_TRUE(read.refuses("users", whole));
  EXPECT_TRUE(read.refuses(kKey, golden("truncate")));
  EXPECT_TRUE(read.refuses(kKey, golden("message")));
  EXPECT_TRUE(read.refuses(kKey, golden("marker")));
}

TEST(EnvelopeReader, RefusesRowsThatCouldNotStandInABulkRequest) {
  Reader read;
  const std::string whole = golden("insert");
  for (const std::string_view bad :
       {"nul", "tru", "1x", "{\"a\"}", "[1 2]", "\"\\x\"", "\"\\ud800\"", "01", "{\n}", "[}", "NaN"}) {
    EXPECT_TRUE(read.refuses(kKey, replaced(whole, R"("name":"Ada")", R"("name":)" + std::string(bad)))) << bad;
  }
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "Ada", "A\nda")));
  EXPECT_TRUE(read.refuses(kKey, replaced(whole, "Ada",
                                          "A\xFF"
                                          "da")));
}

TEST(EnvelopeReader, ReadsWhatTheEncoderWritesOfRandomRows) {
  std::mt19937 random(7);
  Encoded encoded(Table("public", "t\"é").key("id", kText).column("n\\\n", kText).column("doc", kJsonb).done());
  Reader read;
  for (int round = 0; round < 500; ++round) {
    std::string id(random() % 30, '\0');
    std::string text(random() % 3000, '\0');
    for (char& byte : id) byte = static_cast<char>(random() % 128);
    for (char& byte : text) byte = static_cast<char>(random() % 256);
    const change::ChangeEvent made =
        inserted(encoded.table(), row({std::string_view(id), std::string_view(text), "{\"a\": [1,\n2]}"}));
    const change::Record record = encoded.records(made)[0];
    const Envelope& envelope = read(record.key, std::string(record.value));
    const auto json = nlohmann::json::parse(record.value);
    ASSERT_EQ(envelope.row_key, id);
    ASSERT_EQ(envelope.table, "t\"é");
    ASSERT_EQ(nlohmann::json::parse(envelope.after), json["after"]);
    ASSERT_EQ(json["after"]["id"], id);
    const Fields found = fields(envelope.after);
    ASSERT_EQ(found.size(), 3u);
    ASSERT_EQ(found[1].first, "n\\\n");
    ASSERT_EQ(nlohmann::json::parse(found[1].second), json["after"]["n\\\n"]);
    ASSERT_EQ(found[2].second, "{\"a\": [1,2]}");
  }
}

TEST(FieldCursor, GivesNamesAndValuesAsTheyStand) {
  EXPECT_EQ(fields(R"({"a":1,"b":"x,}\"","c":{"d":[1,{"e":"}"}]}, "f" : null ,"g":[]})"),
            (Fields{{"a", "1"}, {"b", R"("x,}\"")"}, {"c", R"({"d":[1,{"e":"}"}]})"}, {"f", "null"}, {"g", "[]"}}));
  EXPECT_EQ(fields("{}"), Fields{});
  EXPECT_EQ(fields(""), Fields{});
  EXPECT_EQ(fields(R"({"a\"\u00e9\ud83d\ude00\n":true})"), (Fields{{"a\"é😀\n", "true"}}));
}

TEST(FieldCursor, EndsEarlyOnWhatIsNoObject) {
  for (const std::string_view text : {"{", "{\"", "{\"a\"", "{\"a\":", "{\"a\":}", "{\"a\":{", "{\"a\":\"", "{\"a\":]}",
                                      "[1]", "x", "{a:1}", "{\"a\":[\"]"}) {
    EXPECT_EQ(fields(text), Fields{}) << text;
  }
  EXPECT_EQ(fields("{\"a\":1").size(), 1u);
}

TEST(ChangedNames, AreThoseWhoseValuesDifferInBytes) {
  EXPECT_EQ(changed(R"({"a":1,"b":"x","c":null})", R"({"a":1,"b":"y","c":1})"),
            (std::vector<std::string>{"\"b\"", "\"c\""}));
  EXPECT_EQ(changed(R"({"a":1})", R"({"a":1})"), std::vector<std::string>{});
}

TEST(ChangedNames, AreNotGuessedWhereTheOldRowSaysNothing) {
  EXPECT_EQ(changed("", R"({"a":1})"), std::vector<std::string>{});
  EXPECT_EQ(changed(R"({"b":1})", R"({"a":9,"b":2,"c":3})"), (std::vector<std::string>{"\"b\""}));
  EXPECT_EQ(changed(R"({"a":1,"b":2,"c":3})", R"({"a":1,"c":4})"), (std::vector<std::string>{"\"c\""}));
}
