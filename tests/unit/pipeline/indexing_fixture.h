// Indexing over the fakes of the ports, with a clock that the test turns.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sluice/pipeline/group_checkpoint.h"
#include "sluice/pipeline/indexing.h"
#include "sluice/testing/memory_document_sink.h"
#include "sluice/testing/memory_index_admin.h"
#include "sluice/testing/memory_record_source.h"

namespace sluice::pipeline {

using base::Milliseconds;
using base::Recovery;
using sluice::testing::Fate;
using sluice::testing::MemoryDocumentSink;
using sluice::testing::MemoryIndexAdmin;
using sluice::testing::MemoryRecordSource;
using sluice::testing::MemorySearchEngine;
using sluice::testing::MemoryTopic;

inline const Partition kPartition{"t", 0};
inline const Partition kOther{"t", 1};

/// A record's value is its id; it becomes one document in `a` and one in `b`. "bad" cannot be made, "sweep" is one.
class PairMaker final : public DocumentMaker {
 public:
  base::Result<MakeStatus> make(const Partition&, const ConsumedRecord& record, DocumentBatch& documents,
                                std::vector<Sweep>& sweeps) override {
    if (record.value == "sweep") {
      sweeps.emplace_back().index = "a";
      return MakeStatus::Made;
    }
    if (misses) return MakeStatus::NotReady;
    if (record.value == "bad") return base::fail(Recovery::Reject, "codec.bad_envelope", "It cannot be read");
    for (const char* index : {"a", "b"}) {
      Document document;
      document.index = index;
      document.id = record.value;
      document.body = "{}";
      document.commit_time_us = commit_time_us;
      documents.append(document);
    }
    return MakeStatus::Made;
  }
  void taken() override { ++records_taken; }
  base::Result<void> prepare() override {
    ++preparations;
    if (takes_time) takes_time();
    if (misses) return base::fail(Recovery::Retry, "es.timeout", "Not now");
    return {};
  }
  std::string event_id(const ConsumedRecord& record) const override { return std::string(record.value); }
  base::Result<void> after_checkpoint() override {
    ++checkpoints;
    if (looks_in_vain) return base::fail(Recovery::Retry, "kafka.unreachable", "Not now");
    return {};
  }
  std::function<void()> takes_time;
  bool misses = false;  ///< something that prepare() cannot get
  int preparations = 0;
  int checkpoints = 0;
  int records_taken = 0;
  std::int64_t commit_time_us = 0;  ///< of every document
  bool looks_in_vain = false;
};

class KeptLetters final : public DeadLetters {
 public:
  base::Result<void> put(const DeadLetter& letter) override {
    ++attempts;
    if (takes_time) takes_time();
    if (fails) return base::fail(Recovery::Retry, "kafka.dlq_failed", "Not now");
    if (refuses) return base::fail(Recovery::Stop, "kafka.dead_letter_too_large", "Never");
    letters.push_back(letter);
    return {};
  }
  std::vector<DeadLetter> letters;
  std::function<void()> takes_time;
  int attempts = 0;
  bool fails = false;
  bool refuses = false;
};

class KeptWarnings final : public IndexingObserver {
 public:
  void warned(std::string_view id, const std::string&) override { ids.emplace_back(id); }
  void bulk_written(const Bulk& bulk) override { bulks.push_back(bulk); }
  std::vector<std::string> ids;
  std::vector<Bulk> bulks;
};

class IndexingTest : public ::testing::Test {
 protected:
  IndexingTest() {
    engine.create_index("a");
    engine.create_index("b");
    options.group = "g";
    options.outputs = {"journal:a"};
    options.max_bulk_age = Milliseconds(10);
    options.checkpoint_interval = Milliseconds(100);
    options.backoff = {.initial = Milliseconds(200), .max = Milliseconds(1000)};
    options.backoff_seed = 1;
    topic.logs[kPartition];
  }

  void append(const std::string& value, const Partition& partition = kPartition) {
    topic.logs[partition].messages.push_back({"k", value, "", 1'000});
  }

  /// Everything from here on happens to this instance.
  void start() {
    source.emplace(topic);
    sink.emplace(engine);
    sink->refuses = [this](const Document& document) { return judge(document); };
    indexing.emplace(options, IndexingPorts{*source, *sink, letters, admin, maker, warnings, [this] { return now; },
                                            [this] { return wall_now; }});
  }

  std::optional<ItemResult> judge(const Document& document) {
    sent.push_back(std::string(document.index) + "/" + std::string(document.id));
    const auto found = answers.find(sent.back());
    if (found == answers.end()) return std::nullopt;
    return ItemResult{found->second, error_type, "reason"};
  }

  /// Steps until there is nothing to do at this time.
  StepOutcome settle() {
    for (int i = 0; i < 1'000; ++i) {
      const auto outcome = indexing->step();
      EXPECT_TRUE(outcome.has_value()) << outcome.error().id;
      if (!outcome || *outcome != StepOutcome::Busy) return outcome ? *outcome : StepOutcome::Idle;
    }
    ADD_FAILURE() << "busy for ever";
    return StepOutcome::Idle;
  }
  StepOutcome settle_after(Milliseconds time) {
    now += time;
    return settle();
  }

  std::optional<Offset> committed() const { return topic.logs.at(kPartition).committed; }
  bool is_written(const std::string& id) const { return engine.find("a", id) && engine.find("b", id); }
  PartitionStatus partition_status() const { return indexing->status().partitions.at(0); }

  base::Clock::time_point now{};
  base::WallClock::time_point wall_now{};
  MemorySearchEngine engine;
  MemoryTopic topic;
  MemoryIndexAdmin admin{engine};
  PairMaker maker;
  KeptLetters letters;
  KeptWarnings warnings;
  IndexingOptions options;
  std::vector<std::string> sent;
  std::map<std::string, ItemOutcome> answers;
  std::string error_type = "es_type";  ///< of what is not written
  std::optional<MemoryRecordSource> source;
  std::optional<MemoryDocumentSink> sink;
  std::optional<Indexing> indexing;
};

}  // namespace sluice::pipeline
