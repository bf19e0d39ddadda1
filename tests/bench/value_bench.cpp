// Nanoseconds per value of each family of types: its text into JSON, and that JSON read out of an envelope. Beside them
// in the same run what nlohmann_json takes for the same bytes (the text into a string of JSON; the envelope parsed), so
// that `ratio` says the same on any machine: below 1 is faster.
// link: sluice::codec
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sluice/codec/envelope_encoder.h"
#include "sluice/codec/envelope_reader.h"
#include "sluice/codec/value_encoder.h"

using namespace sluice;

namespace {

struct Family {
  std::string name;
  std::uint32_t oid;
  std::string text;
  change::TypeDescriptionPtr type = nullptr;
};

std::shared_ptr<change::TypeDescription> described(change::TypeKind kind, const char* extension = "",
                                                   const char* name = "") {
  auto type = std::make_shared<change::TypeDescription>();
  type->oid = 30'000;
  type->kind = kind;
  type->extension = extension;
  type->name = name;
  return type;
}

change::TypeDescriptionPtr composite() {
  auto type = described(change::TypeKind::Composite);
  type->fields = {{"no", 23, nullptr}, {"street", 25, nullptr}, {"since", 1082, nullptr}};
  return type;
}

std::string vector_of(int dimensions) {
  std::string text = "[0.5";
  for (int at = 1; at < dimensions; ++at) text += ",0.0123" + std::to_string(at);
  return text + ']';
}

std::vector<Family> families() {
  const auto base = change::TypeKind::Base;
  return {{"int", 20, "1000042"},
          {"float", 701, "12.345678901234567"},
          {"numeric", 1700, "1234567890.123456789"},
          {"text", 25, "user-1000042 with some text and \"quotes\""},
          {"timestamp", 1184, "2026-11-21 08:00:00.123456+00"},
          {"interval", 1186, "1 year 2 mons 3 days 04:05:06.7"},
          {"bytea", 17, "\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
          {"uuid", 2950, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
          {"json", 3802, R"({"k": [1, 2, {"deep": "value"}], "name": "some text", "n": 12.5})"},
          {"array_int", 1007, "{1,22,333,4444,55555,NULL,7777777,88888888}"},
          {"array_text", 1009, R"({red,"light blue",NULL,"a \"quoted\" word"})"},
          {"range", 3910, "[\"2026-11-21 08:00:00+00\",\"2026-11-22 08:00:00+00\")"},
          {"composite", 30'000, "(1,\"Elm Street\",2026-11-21)", composite()},
          {"hstore", 30'000, R"("color"=>"red", "size"=>"10", "note"=>NULL)", described(base, "hstore", "hstore")},
          {"vector_256", 30'000, vector_of(256), described(base, "vector", "vector")},
          {"geometry", 30'000, "0101000020E6100000000000000000F03F0000000000000440",
           described(base, "postgis", "geometry")}};
}

/// Of this thread: other programs of the machine do not count.
double cpu_ns() {
  std::timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/// Runs `ours` as the benchmark, and afterwards `theirs` as often, `values` at a time.
void compare(benchmark::State& state, double values, const std::function<void()>& ours,
             const std::function<void()>& theirs) {
  const auto measured = [&](const std::function<void()>& work, auto&& repeat) {
    const double begin = cpu_ns();
    repeat(work);
    return cpu_ns() - begin;
  };
  const double our_ns = measured(ours, [&](const auto& work) {
    for (auto _ : state) work();
  });
  const auto times = static_cast<double>(state.iterations());
  const double their_ns = measured(theirs, [&](const auto& work) {
    for (benchmark::IterationCount at = 0; at < state.iterations(); ++at) work();
  });
  state.counters["ns_a_value"] = our_ns / times / values;
  state.counters["yardstick_ns"] = their_ns / times / values;
  state.counters["ratio"] = our_ns / their_ns;
}

void encode(benchmark::State& state, const Family& family) {
  const auto type = *codec::resolve_type(family.oid, family.type.get());
  codec::ValueEncoder encoder;
  base::TextBuffer out;
  compare(
      state, 1,
      [&] {
        out.clear();
        if (!encoder.append(*type, family.text, out)) std::abort();
        benchmark::DoNotOptimize(out.view().data());
      },
      [&] { benchmark::DoNotOptimize(nlohmann::json(family.text).dump()); });
}

constexpr int kColumns = 16;

void read(benchmark::State& state, const Family& family) {
  change::TableSchema table;
  table.schema = "public";
  table.name = "values";
  change::ChangeEvent event;
  for (int at = 0; at < kColumns; ++at) {
    change::Column column;
    column.name = "c" + std::to_string(at);
    column.type_oid = family.oid;
    column.type = family.type;
    table.columns.push_back(column);
    event.after.add({change::CellKind::Text, family.text});
  }
  event.op = change::Op::Insert;
  event.id = {1, change::Lsn(1000), 1, 0};
  event.table = change::finish_schema(std::move(table));
  codec::EnvelopeEncoder encoder({});
  change::RecordBatch batch;
  if (!encoder.prepare(event.table, {0, 3}) || !encoder.encode(event, 1, batch)) std::abort();
  const change::Record record = batch[0];
  codec::EnvelopeReader reader;
  compare(
      state, kColumns,
      [&] {
        const auto envelope = reader.read(record.key, record.value);
        if (!envelope) std::abort();
        benchmark::DoNotOptimize((*envelope)->after.data());
      },
      [&] { benchmark::DoNotOptimize(nlohmann::json::parse(record.value)); });
}

const bool kRegistered = [] {
  for (const Family& family : families()) {
    benchmark::RegisterBenchmark(("encode/" + family.name).c_str(), [family](auto& state) { encode(state, family); });
    benchmark::RegisterBenchmark(("read/" + family.name).c_str(), [family](auto& state) { read(state, family); });
  }
  return true;
}();

}  // namespace
