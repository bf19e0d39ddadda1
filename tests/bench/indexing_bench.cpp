// Nanoseconds per record of es_consumer's own part: an envelope into documents, and the whole of Indexing over free
// ports.
//
// link: sluice::documents
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/documents/event_documents.h"
#include "sluice/pipeline/indexing.h"

using namespace sluice;

namespace {

constexpr std::size_t kBatchRecords = 1'000;

std::string envelope(std::size_t row) {
  const std::string id = std::to_string(row);
  return R"({"id":"0001-0000000001693e28-00000001","op":"c","ts_ms":1700000000123,"source":{"version":"0.1.0",)"
         R"("connector":"postgresql","name":"sluice","ts_ms":1700000000000,"ts_us":1700000000000456,)"
         R"("snapshot":"false","db":"mydb","schema":"public","table":"users","txId":771,"lsn":23674136,)"
         R"("commit_lsn":23674408,"seq":1,"epoch":1,"schema_id":"5f1c09aa7be20143","xmin":null},"before":null,)"
         R"("after":{"id":)" +
         id +
         R"(,"name":"Ada Lovelace","balance":"12.50","active":true,"at":"2026-11-21T08:00:00.123456Z","note":"x"}})";
}

codec::SchemaRecord users() {
  codec::SchemaRecord schema;
  schema.id = 0x5f1c09aa7be20143;
  schema.schema = "public";
  schema.table = "users";
  for (const char* name : {"id", "name", "balance", "active", "at", "note"}) {
    codec::SchemaRecord::Column column;
    column.name = name;
    column.type = "text";
    column.identity = schema.columns.empty();
    schema.columns.push_back(column);
  }
  return schema;
}

class Control final : public pipeline::ControlLog {
 public:
  base::Result<std::vector<pipeline::ControlEntry>> read() override {
    codec::SnapshotRecord snapshot;
    snapshot.pipeline = "cdc";
    snapshot.epoch = 1;
    return std::vector<pipeline::ControlEntry>{{codec::control_key(users()), codec::control_value(users()), false},
                                               {codec::control_key(snapshot), codec::control_value(snapshot), false}};
  }
};

class Admin final : public pipeline::IndexAdmin {
 public:
  base::Result<void> ensure_journal(std::string_view) override { return {}; }
  base::Result<void> ensure_mirror(std::string_view, std::string_view) override { return {}; }
  base::Result<void> publish(std::string_view, std::string_view) override { return {}; }
  base::Result<std::optional<std::string>> published(std::string_view) override { return std::nullopt; }
  base::Result<void> refresh(std::string_view) override { return {}; }
  base::Result<void> store(std::string_view, std::string_view) override { return {}; }
  base::Result<std::optional<std::string>> load(std::string_view) override { return std::nullopt; }
};

/// What both benches write with.
struct Outputs {
  explicit Outputs(bool with_mirror)
      : generations({"cdc", "g", "mirror:"}, admin, control, names, [](std::string_view, const std::string&) {}),
        maker(documents::Journal::On, names, admin, with_mirror ? &generations : nullptr,
              [] { return std::int64_t{1'700'000'000'500}; }) {}
  Admin admin;
  Control control;
  documents::IndexNames names{"cdc_", "current_"};
  documents::Generations generations;
  documents::EventDocuments maker;
};

struct Records {
  Records() {
    for (std::size_t i = 0; i < kBatchRecords; ++i) {
      keys.push_back("public.users:" + std::to_string(i));
      values.push_back(envelope(i));
    }
    for (std::size_t i = 0; i < kBatchRecords; ++i) {
      records.push_back(
          {.offset = 0, .timestamp_ms = 0, .key = keys[i], .value = values[i], .tombstone = false, .header = {}});
    }
  }
  std::vector<std::string> keys, values;
  std::vector<pipeline::ConsumedRecord> records;
};

void make_documents(benchmark::State& state) {
  Outputs outputs(state.range(0) != 0);
  const Records source;
  pipeline::DocumentBatch batch;
  std::vector<pipeline::Sweep> sweeps;
  std::int64_t made = 0;
  for (auto _ : state) {
    batch.clear();
    for (const pipeline::ConsumedRecord& record : source.records) {
      auto status = outputs.maker.make({"t", 0}, record, batch, sweeps);
      if (status && *status == pipeline::MakeStatus::NotReady && !outputs.maker.prepare()) std::abort();
    }
    made += static_cast<std::int64_t>(kBatchRecords);
  }
  state.SetItemsProcessed(made);
}

class Batch final : public pipeline::ConsumedBatch {
 public:
  Batch(const Records& source, pipeline::Offset begin) : records_(source.records) {
    for (pipeline::ConsumedRecord& record : records_) record.offset = begin++;
    bytes = 500 * records_.size();
  }
  const pipeline::Partition& partition() const override { return partition_; }
  std::span<const pipeline::ConsumedRecord> records() const override { return records_; }

 private:
  pipeline::Partition partition_{"t", 0};
  std::vector<pipeline::ConsumedRecord> records_;
};

class Source final : public pipeline::RecordSource {
 public:
  base::Result<std::optional<pipeline::SourceEvent>> next() override {
    if (!assigned_) {
      assigned_ = true;
      return pipeline::SourceEvent(pipeline::Assigned{{{{"t", 0}, std::nullopt, 0, 0, ""}}});
    }
    if (!begun_ || paused_) return std::nullopt;
    end += static_cast<pipeline::Offset>(kBatchRecords);
    return pipeline::SourceEvent(std::make_unique<Batch>(records_, end - static_cast<pipeline::Offset>(kBatchRecords)));
  }
  base::Result<void> begin(const pipeline::Partition&, pipeline::Offset) override {
    begun_ = true;
    return {};
  }
  base::Result<void> finish(const pipeline::Partition&, pipeline::Offset) override { return {}; }
  base::Result<void> commit() override { return {}; }
  base::Result<void> release(const std::vector<pipeline::Partition>&) override { return {}; }
  base::Result<void> pause(const pipeline::Partition&) override {
    paused_ = true;
    return {};
  }
  base::Result<void> resume(const pipeline::Partition&) override {
    paused_ = false;
    return {};
  }
  pipeline::Wait waits_for() const override { return {}; }
  pipeline::Offset end = 0;

 private:
  Records records_;
  bool assigned_ = false, begun_ = false, paused_ = false;
};

/// Everything is written at once.
class Sink final : public pipeline::DocumentSink {
 public:
  base::Result<void> submit(pipeline::DocumentBatch batch, std::uint64_t ticket) override {
    pipeline::BatchOutcome outcome;
    outcome.ticket = ticket;
    outcome.items.resize(batch.size());
    outcome.documents = std::move(batch);
    outcomes_.push_back(std::move(outcome));
    return {};
  }
  base::Result<void> sweep(pipeline::Sweep, std::uint64_t) override { return {}; }
  bool has_room() const override { return outcomes_.size() < 2; }
  base::Result<std::span<pipeline::BatchOutcome>> outcomes() override {
    given_ = std::move(outcomes_);
    outcomes_.clear();
    return std::span(given_);
  }
  pipeline::Wait waits_for() const override { return {}; }

 private:
  std::vector<pipeline::BatchOutcome> outcomes_, given_;
};

class NoLetters final : public pipeline::DeadLetters {
 public:
  base::Result<void> put(const pipeline::DeadLetter&) override { std::abort(); }
};

class Silent final : public pipeline::IndexingObserver {
 public:
  void warned(std::string_view, const std::string&) override {}
  void bulk_written(const Bulk&) override {}
};

void index_records(benchmark::State& state) {
  Outputs outputs(state.range(0) != 0);
  Source source;
  Sink sink;
  NoLetters letters;
  Silent observer;
  pipeline::Indexing indexing({.group = "g", .outputs = {"journal:cdc_"}},
                              {source, sink, letters, outputs.admin, outputs.maker, observer});
  for (auto _ : state) {
    if (!indexing.step()) std::abort();
  }
  const auto finished = static_cast<std::int64_t>(indexing.status().counters.records_finished);
  state.SetItemsProcessed(finished);
}

}  // namespace

BENCHMARK(make_documents)->ArgName("mirror")->Arg(0)->Arg(1);
BENCHMARK(index_records)->ArgName("mirror")->Arg(0)->Arg(1);
