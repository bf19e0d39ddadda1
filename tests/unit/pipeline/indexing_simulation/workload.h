// What the source database does in the simulation, as records of the topic, and what the mirror must be in the end.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "unit/pipeline/indexing_simulation/world.h"

namespace sluice::pipeline::simulation {

class Workload {
 public:
  explicit Workload(World& world) : world_(world) {}

  void append_some() {
    switch (world_.random.below(16)) {
      case 0: return append_truncate(false);
      case 1: return append_replay();
      case 2: return append_odd(Kind::Poison);
      case 3: return append_odd(Kind::Unreadable);
      case 4: return append_odd(Kind::Marker);
      case 5:
      case 6: return append_saturated();
      default: return append_transaction();
    }
  }

  /// The rows that are there when everything has arrived: key → value.
  std::map<std::string, int> rows() const {
    std::map<std::string, int> rows;
    for (const SimRecord& record : world_.stream) {
      if (record.kind == Kind::Write) rows[record.key] = record.value;
      if (record.kind == Kind::Delete) rows.erase(record.key);
      if (record.kind == Kind::Truncate) rows.clear();
    }
    return rows;
  }

 private:
  void append_transaction() {
    const int changes = 1 + world_.random.below(4);
    ++lsn_;
    for (int i = 1; i <= changes; ++i) append_change(version(i), false);
  }

  /// The end of a huge transaction: all its changes have one version, and the order of arrival decides (rule P-5).
  void append_saturated() {
    ++lsn_;
    const int changes = 2 + world_.random.below(8);
    const int hot = world_.random.below(kKeys);  // most of it changes one row again and again
    for (int i = 0; i < changes; ++i) {
      if (world_.random.one_in(12)) {
        append_truncate_record(version(kMaxSeq), true);
      } else {
        append_change(version(kMaxSeq), true, hot);
      }
    }
  }

  void append_change(std::uint64_t version, bool saturated, std::optional<int> hot = std::nullopt) {
    SimRecord record;
    const bool is_hot = hot && !world_.random.one_in(3);
    record.kind = world_.random.one_in(4) ? Kind::Delete : Kind::Write;
    record.key = "k" + std::to_string(is_hot ? *hot : world_.random.below(kKeys));
    record.version = version;
    record.saturated = saturated;
    record.value = ++value_;
    first(world_.partition_of(record.key), record);
  }

  void append_truncate(bool saturated) {
    ++lsn_;
    append_truncate_record(version(1), saturated);
  }

  void append_truncate_record(std::uint64_t version, bool saturated) {
    SimRecord record;
    record.kind = Kind::Truncate;
    record.key = "t";
    record.version = version;
    record.saturated = saturated;
    render(record);
    world_.stream.push_back(record);
    for (std::size_t p = 0; p < world_.logs.size(); ++p) world_.append(static_cast<int>(p), record);
  }

  void append_odd(Kind kind) {
    SimRecord record;
    record.kind = kind;
    record.key = "o";
    first(world_.random.below(static_cast<int>(world_.logs.size())), record);
  }

  /// A producer that crashed begins again somewhere before the end, and repeats everything from there, in order.
  void append_replay() {
    const int partition = world_.random.below(static_cast<int>(world_.logs.size()));
    const std::deque<SimRecord>& records = world_.logs[static_cast<std::size_t>(partition)].records;
    const int count = std::min(static_cast<int>(records.size()), world_.random.below(6));
    const std::vector<SimRecord> tail(records.end() - count, records.end());
    for (const SimRecord& record : tail) world_.append(partition, record);
  }

  void first(int partition, SimRecord record) {
    render(record);
    world_.stream.push_back(record);
    world_.append(partition, record);
  }

  void render(SimRecord& record) {
    record.id = "e" + std::to_string(++id_);
    record.text = std::string(1, static_cast<char>(record.kind)) + " " + record.id + " " + record.key + " " +
                  std::to_string(record.version) + (record.saturated ? " 1 " : " 0 ") + std::to_string(record.value);
  }

  static constexpr int kMaxSeq = 100;
  static constexpr int kKeys = 14;
  std::uint64_t version(int seq) const { return lsn_ * 1000 + static_cast<std::uint64_t>(seq); }

  World& world_;
  std::uint64_t lsn_ = 0;
  int id_ = 0;
  int value_ = 0;
};

}  // namespace sluice::pipeline::simulation
